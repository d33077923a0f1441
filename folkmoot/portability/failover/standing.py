"""Read-only until proven current: what a host that was the primary asks before it writes, and how it answers the other one.

A primary that is started asks its peer and the public names. If one of them knows of a higher epoch, this host fences itself. If
the peer does not answer, the host is `returning`: it serves reads, passes writes on to a peer that takes them, and asks again each second.
A primary that is fenced because the other one was promoted also ends the transactions that still run.
"""

import asyncio
import logging
from collections.abc import Callable

import asyncpg

from folkmoot.base.driver_errors import UNREACHABLE
from folkmoot.base.errors import Problem
from folkmoot.base.http_client import Connect, Resolve
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.failover import queries
from folkmoot.portability.failover.model import Standing
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, Host, Role
from folkmoot.portability.hosts.client import open_client
from folkmoot.portability.hosts.messages import UNKNOWN_MESSAGE, Ask, Handler, PeerRefused
from folkmoot.portability.hosts.peers import Peers, PeersProblem
from folkmoot.portability.hosts.roster import own_id
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.names.witness import PublicWitness, Seen

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


async def confirm_at_start(settings: Settings, resolve: Resolve | None = None, connect: Connect | None = None) -> Role:
    """Before anything of a primary runs: asks its peer and the public names. Returns the role that it starts with.

    A name that does not answer proves nothing, so a primary without a peer then writes (decision 0076). `resolve` and `connect`
    are for tests.
    """
    directory = DataDirectory(settings.data)
    host = Host(directory.path)
    if host.role not in (PRIMARY, RETURNING):
        return host.role
    this = ThisHost(directory, settings.dsn, own_id(directory))
    seen, there = await asyncio.gather(
        _look_at_names(PublicWitness(settings, this, resolve, connect)), _ask_peer(directory, host)
    )
    if seen.successor:
        this.fence_against(seen.successor.epoch, seen.successor.host)
    peer = _peer_of(directory)  # a newer roster may have ended the pairing
    if peer and there:
        _settle(this, peer, there)
    elif peer != "":
        with this.journal.deciding():
            if this.state.role == PRIMARY:
                this.change_state(role=RETURNING)
    return this.state.role


def _peer_of(directory: DataDirectory) -> str | None:
    """The id of the peer, "" without one; None if `hosts.json` is damaged, so that nobody knows."""
    try:
        peer = Peers(directory).one()
    except PeersProblem:
        return None
    return peer.id if peer else ""


async def _look_at_names(witness: PublicWitness) -> Seen:
    try:
        async with asyncio.timeout(_FIRST_SECONDS):
            return await witness.look()
    except (Problem, OSError) as error:  # OSError: also TimeoutError
        _log.warning("the public name could not be asked: %r", error)
        return Seen()


async def _ask_peer(directory: DataDirectory, host: Host) -> Standing | None:
    """Where the peer stands; None if it does not answer, or if there is none."""
    try:
        if Peers(directory).one() is None:
            return None
        async with open_client(directory, epoch=lambda: host.epoch) as client:
            return await _ask(client, standing_of(directory), _FIRST_SECONDS)
    except Problem as problem:
        _log.warning("the other host does not confirm that this one is the primary: %s", problem)
        return None


async def confirm(this: ThisHost, ask: Ask, peer: str, *, seconds: float = _SECONDS) -> bool:
    """Asks the peer once, and becomes the primary again, or fenced. Raises Problem if the peer does not answer."""
    return _settle(this, peer, await _ask(ask, standing_of(this.directory), seconds))


def _settle(this: ThisHost, peer: str, there: Standing) -> bool:
    """Whether this host is the primary, by what its peer has answered."""
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
