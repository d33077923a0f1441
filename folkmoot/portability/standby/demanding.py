"""On the primary: decides which writes wait for the standby now, as the setting `replication.synchronous` says (decision 0077).

Writes wait only once the standby follows closely. If it goes away, chosen writes go on without it after some seconds, and
all writes do not: they wait until it is back, or until the operator says that it is off.
"""

import asyncio
import logging
from collections.abc import Callable

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.base.errors import Problem
from folkmoot.base.write_gate import WITHOUT_STANDBY
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY, Host
from folkmoot.portability.hosts.messages import Ask, PeerRefused
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.standby import queries
from folkmoot.portability.standby.binding import BIND, Promise, PromiseOver, release
from folkmoot.portability.standby.model import ALARM_SECONDS, CONNECTED, Following, Nothing, Stage
from folkmoot.portability.synchronous import Demand, Mode, changing, end_demand, find_demand, write_demand

_log = logging.getLogger(__name__)
_EVERY = 0.25
_BIND_EVERY = 2.0
LONGEST_WAIT = 10.0  # of chosen writes, for a standby that is away
_SETTLE_SECONDS = 1.0  # in which a signal reaches all processes of PostgreSQL
_RELOAD_SECONDS = 30.0


class Demanding:
    """One per agent. `host_id`: of this host, as its standby knows it. `following`: the state of the standby now."""

    def __init__(
        self, directory: DataDirectory, dsn: str, wanted: Mode, host_id: str, ask: Ask, following: Callable[[], Following | None]
    ) -> None:
        self._directory = directory
        self._dsn = dsn
        self._wanted = wanted
        self._id = host_id
        self._ask = ask
        self._following = following
        self._host = Host(directory.path)
        self._peers = Peers(directory)
        self._effective = 0  # the number of the demand that all of PostgreSQL obeys
        self._told_at = 0.0
        self._said = ""
        self._was_away = False  # the standby, since the operator released it

    async def run(self) -> None:
        """Until it is cancelled."""
        connection: asyncpg.Connection | None = None
        try:
            while True:
                try:
                    if connection is None or connection.is_closed():
                        settings = {"application_name": "folkmoot synchronous", **WITHOUT_STANDBY}
                        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=60, server_settings=settings)
                    await self.step(connection)
                except (*UNREACHABLE, Problem) as error:
                    _log.debug("what waits for the standby cannot be decided now: %r", error)
                await asyncio.sleep(_EVERY)
        finally:
            if connection:
                connection.terminate()

    async def step(self, connection: asyncpg.Connection) -> None:
        """Looks once, and changes at most one thing."""
        demand, role = find_demand(self._directory), self._host.role
        if await queries.is_standby(connection) or role == STANDBY:
            await self._demand(connection, demand, Demand())  # of an earlier time as the primary
            return
        if role != PRIMARY:
            return
        peer, state = self._peers.one(), self._following()
        if demand.slot and (peer is None or peer.slot != demand.slot):
            self._say("the pairing with the standby has ended, so no write waits for it")
            await self._demand(connection, demand, Demand())
        elif not demand.slot:
            is_close = self._is_wanted_now(demand, state) and state is not None and _follows_closely(state)
            if peer and self._wanted is not Mode.NONE and is_close and await queries.can_confirm(connection, peer.slot):
                self._say(f"from now on {_writes(self._wanted)} wait until the standby has them")
                await self._demand(connection, demand, Demand(slot=peer.slot, mode=self._wanted))
        elif demand.mode is not self._wanted:
            await self._end(connection, demand)
        elif demand.mode is Mode.CHOSEN:
            if state and _is_away(state):
                self._say("ALARM: the standby is away, so no write waits for it any more")
                await self._demand(connection, demand, Demand())
        elif state and state.stage in CONNECTED:
            await self._bind(connection, demand)

    def _is_wanted_now(self, demand: Demand, state: Following | None) -> bool:
        """False while the operator is about to stop the standby: until it was away, at most until the time that was given."""
        if demand.paused_until is None or clock.now() >= demand.paused_until:
            self._was_away = False
            return True
        self._was_away = self._was_away or state is None or state.stage not in CONNECTED
        return self._was_away

    async def _end(self, connection: asyncpg.Connection, demand: Demand) -> None:
        """The setting was changed. What the standby was promised ends with its consent."""
        if demand.is_bound:
            await release(self._ask, Promise(self._id, demand.number + 1))
        self._say("no write waits for the standby any more, because the setting was changed")
        await self._demand(connection, demand, Demand())

    async def _bind(self, connection: asyncpg.Connection, demand: Demand) -> None:
        """Promises the standby that nothing is acknowledged without it, once that is true. Repeated, for a standby that restarted."""
        if self._effective != demand.number:
            await make_effective(connection, demand)
            position = await queries.get_end_of_log(connection)
            async with asyncio.timeout(_RELOAD_SECONDS):
                while (await queries.get_sending(connection, demand.slot)).confirmed < position:
                    await asyncio.sleep(_EVERY)
            self._effective = demand.number
        if clock.monotonic() - self._told_at < _BIND_EVERY:
            return
        if not demand.is_bound:
            with changing(self._directory) as before:
                if before != demand:
                    return
                demand = write_demand(self._directory, msgspec.structs.replace(demand, is_bound=True))
            self._effective = demand.number  # the settings are the same
        self._told_at = clock.monotonic()
        try:
            await self._ask(BIND, Promise(self._id, demand.number), Nothing)
        except PeerRefused as refused:
            if refused.code == PromiseOver.code:  # a release has arrived there, but its answer was lost
                await self._demand(connection, demand, demand)
                self._effective = find_demand(self._directory).number  # the settings are the same
            raise
        self._say("the standby confirms each write before it is acknowledged")

    async def _demand(self, connection: asyncpg.Connection, before: Demand, demand: Demand) -> None:
        if before.slot or demand.slot:
            with changing(self._directory) as now:
                if now != before:
                    return
                write_demand(self._directory, demand)
            await queries.reload(connection)

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            _log.log(logging.WARNING if sentence.startswith("ALARM") else logging.INFO, "%s", sentence)


async def make_effective(connection: asyncpg.Connection, demand: Demand) -> None:
    """Returns when no commit ends any more without the standby. Raises TimeoutError.

    Only the checkpointer tells the other processes that there is a synchronous standby. It reads its settings before it
    begins a checkpoint, so one that is begun after the signal and has ended is the proof.
    """
    await queries.reload(connection)
    wanted = demand.settings["synchronous_standby_names"].strip("'")
    async with asyncio.timeout(_RELOAD_SECONDS):
        while await queries.get_synchronous_names(connection) != wanted:
            await asyncio.sleep(0.05)
    await asyncio.sleep(_SETTLE_SECONDS)
    await queries.checkpoint(connection)


async def let_go(directory: DataDirectory, connection: asyncpg.Connection) -> None:
    """No write waits for the standby any more."""
    end_demand(directory)
    await queries.reload(connection)


def _follows_closely(state: Following) -> bool:
    """Nothing waits for a standby that receives rows, because it cannot take over alone (decision 0079)."""
    return state.stage is Stage.STREAMING and state.lag_seconds < ALARM_SECONDS and not state.is_logical


def _is_away(state: Following) -> bool:
    is_gone = state.stage not in CONNECTED and clock.now().timestamp() - state.since > LONGEST_WAIT
    return is_gone or state.lag_seconds > LONGEST_WAIT


def _writes(mode: Mode) -> str:
    return "all writes" if mode is Mode.ALL else "chosen writes"

