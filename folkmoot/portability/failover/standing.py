"""Read-only until proven current: what a host that was the primary asks before it writes, and how it answers the other one.

A primary that is started asks its peer. If the peer knows of a higher epoch, this host fences itself. If the peer does not
answer, the host is `returning`: it serves reads, passes writes on to a peer that takes them, and asks again each second.
A primary that is fenced because the other one was promoted also ends the transactions that still run.
"""

import asyncio
import logging
from collections.abc import Callable

import asyncpg

from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover import queries
from folkmoot.portability.failover.model import Standing
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, Host, Role
from folkmoot.portability.hosts.client import open_client
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import UNKNOWN_MESSAGE, Ask, Handler, PeerRefused
from folkmoot.portability.hosts.peers import FILE as PEERS_FILE
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.moving.this_host import ThisHost

_log = logging.getLogger(__name__)
STAND = "failover.stand"
_FIRST_SECONDS = 3.0  # for the answer before the network starts
_SECONDS, _EVERY = 2.0, 1.0


def standing_of(directory: DataDirectory) -> Standing:
    state = Host(directory.path).state
    return Standing(state.role, state.epoch, state.highest)


def stand_handler(directory: DataDirectory) -> Handler:
    async def answer(_: Standing) -> Standing:
        return standing_of(directory)

    return Handler(STAND, Standing, answer)


async def confirm_at_start(directory: DataDirectory, dsn: str) -> Role:
    """Before anything of a primary with a peer runs. Returns the role that it starts with."""
    host = Host(directory.path)
    if host.role not in (PRIMARY, RETURNING) or not (directory.path / PEERS_FILE).exists():
        return host.role
    this = ThisHost(directory, dsn, get_identity(directory).id)
    try:
        peer = Peers(directory).one()
        if peer is None:
            return host.role
        async with open_client(directory, epoch=lambda: host.epoch) as client:
            await confirm(this, client, peer.id, seconds=_FIRST_SECONDS)
    except Problem as problem:
        _log.warning("the other host does not confirm that this one is the primary: %s", problem)
        with this.journal.deciding():
            if this.state.role == PRIMARY:
                this.change_state(role=RETURNING)
    return this.state.role


async def confirm(this: ThisHost, ask: Ask, peer: str, *, seconds: float = _SECONDS) -> bool:
    """Asks the peer once, and becomes the primary again, or fenced. Raises Problem if the peer does not answer."""
    there = await _ask(ask, standing_of(this.directory), seconds)
    with this.journal.deciding():
        state = this.state
        if state.role not in (PRIMARY, RETURNING):
            return False
        is_over = there.highest > state.epoch or (there.role, there.epoch) == (PRIMARY, state.epoch)
        if is_over:
            this.change_state(role=FENCED, to=peer, move="", seen=max(there.highest, state.seen))
        elif state.role == RETURNING:
            this.change_state(role=PRIMARY)
        this.journal.append("", RETURNING, "decision", "fenced" if is_over else "confirmed", epoch=there.highest, by=peer)
        return not is_over


async def _ask(ask: Ask, own: Standing, seconds: float) -> Standing:
    try:
        return await ask(STAND, own, Standing, seconds=seconds)
    except PeerRefused as refused:
        if refused.code != UNKNOWN_MESSAGE:
            raise
        return Standing(STANDBY, 0, 0)  # a release without failovers


class Returning:
    """In the agent: asks the peer again while this host is `returning`, and completes the fence of one that was replaced."""

    def __init__(self, this: ThisHost, ask: Ask, peer: Callable[[], str]) -> None:
        self._this = this
        self._ask = ask
        self._peer = peer
        self._ended = 0  # the epoch against which running transactions were ended

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            state = self._this.state
            try:
                if state.role == RETURNING:
                    await confirm(self._this, self._ask, self._peer())
                elif state.role == FENCED and state.seen > max(state.epoch, self._ended):
                    await self._end_writers()
                    self._ended = state.seen
            except (Problem, *UNREACHABLE, asyncpg.PostgresError, OSError) as error:
                _log.debug("not settled yet: %r", error)
            await asyncio.sleep(_EVERY)

    async def _end_writers(self) -> None:
        """No writer can pass the gate any more; those that passed it before the fence are ended."""
        async with self._this.session() as session:
            if ended := await queries.end_writers(session):
                _log.warning("%d sessions were still writing when another host was promoted, and were ended", ended)
