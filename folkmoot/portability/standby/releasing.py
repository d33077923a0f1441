"""The operator lets writes go on without a standby that is away or is about to be stopped: `moot host release` (decision 0077)."""

from datetime import datetime

import asyncpg

from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.messages import Ask
from folkmoot.portability.standby import queries
from folkmoot.portability.standby.binding import BindingProblem, Promise, release
from folkmoot.portability.standby.model import ALARM_SECONDS, CONNECTED, Following
from folkmoot.portability.synchronous import Demand, Mode, end_demand, find_demand


def require_waiting(directory: DataDirectory, following: Following | None) -> Demand:
    """What is demanded of a standby that is away. Raises BindingProblem if no write waits for it."""
    demand = find_demand(directory)
    if not demand.slot:
        raise BindingProblem("No write waits for a standby, so there is nothing to release. Run: moot status")
    if following and following.stage in CONNECTED and following.lag_seconds < ALARM_SECONDS:
        raise BindingProblem(
            "The standby follows, so writes do not wait for long. Before you stop it: moot host release --for MINUTES"
        )
    return demand


def require_pausable(directory: DataDirectory, wanted: Mode) -> Demand:
    """What is demanded now of a standby that is about to be stopped. Raises BindingProblem if nothing ever is."""
    if wanted is Mode.NONE:
        raise BindingProblem("replication.synchronous is none, so no write waits for a standby: stop it at any time.")
    return find_demand(directory)


async def release_standby(
    directory: DataDirectory, dsn: str, demand: Demand, host_id: str, ask: Ask, *, is_other_off: bool, life_sign: str = "",
    until: datetime | None = None,
) -> None:
    """Until the standby follows again, no write waits for it. `until`: not before it was away, or before then. `is_other_off`: the
    operator states that. Raises BindingProblem."""
    if demand.is_bound:
        try:
            await release(ask, Promise(host_id, demand.number + 1))
        except Problem as problem:
            if not is_other_off:
                raise BindingProblem(
                    "The standby does not agree (%(why)s), and it could take over while this host writes. If you know that it is switched"
                    " off: moot host release --other-host-is-off", why=(problem.message % problem.params).rstrip("."),
                ) from problem
            if life_sign:
                raise BindingProblem(
                    "The standby is not off: %(sign)s. End its power first, then run the same command again.", sign=life_sign
                ) from problem
    end_demand(directory, until=until)
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except UNREACHABLE:
        return  # a server that does not run finds the change when it starts
    try:
        await queries.reload(connection)
    finally:
        await connection.close()
