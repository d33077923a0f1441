"""The part of the old host, if it still answers: it stops writing for good and says where its log ends.

First `host.json`, durably: from then on no writer passes. Then the transactions that still run: they end within the hold,
or their sessions are ended. If the database does not answer, its server is stopped. Only then the answer is given.
"""

import asyncio
import logging
import os
import signal
from contextlib import suppress

import asyncpg

from folkmoot.base import clock, write_gate
from folkmoot.base.errors import Problem
from folkmoot.portability.failover import queries
from folkmoot.portability.failover.model import FailoverProblem, StopOrder, Stopped
from folkmoot.portability.host import FENCED, PRIMARY, RETURNING, STANDBY, HostState
from folkmoot.portability.moving.this_host import ThisHost

_log = logging.getLogger(__name__)
_DRAIN = 1.0  # seconds for running transactions; the operator waits
_LIMIT = 5.0
_POLL_SECONDS = 0.02


async def stop_writing(this: ThisHost, order: StopOrder) -> Stopped:
    """Can be repeated. Raises FailoverProblem if this host is a standby, or cannot make sure that nothing is written any more."""
    state = _become_fenced(this, order)
    try:
        async with asyncio.timeout(_LIMIT):
            position = await _shut_out(this, state.epoch + 1)
    except (Problem, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:  # OSError: also TimeoutError
        _log.warning("the database does not answer the fence (%s), so its server is stopped", error)
        await _stop_server(this)
        position = ""
    return Stopped(order.id, this.id, position)


def _become_fenced(this: ThisHost, order: StopOrder) -> HostState:
    with this.journal.deciding():
        state = this.state
        if this.journal.has_refused(order.id):
            raise FailoverProblem("This failover was given up. Start a new one: moot failover")
        if state.role == STANDBY:
            raise FailoverProblem("The other host is a standby itself, so it has nothing to hand over. Run: moot status")
        if state.role in (PRIMARY, RETURNING):
            return this.change_state(role=FENCED, to=order.to, move=order.id)
        if (state.to, state.move) != (order.to, order.id):  # fenced by a move, whose late refusal must not let this host write again
            state = this.change_state(to=order.to, move=order.id)
        return state


async def _shut_out(this: ThisHost, epoch: int) -> str:
    """Returns the end of the log."""
    try:
        async with write_gate.hold(this.dsn, _LIMIT, drain=_DRAIN) as hold:
            return await hold.raise_epoch(epoch)
    except write_gate.StillWriting:
        async with this.session() as session:
            _log.warning("%d sessions were still writing and are ended", await queries.end_writers(session))
    async with write_gate.hold(this.dsn, _LIMIT, drain=_DRAIN) as hold:
        return await hold.raise_epoch(epoch)


async def _stop_server(this: ThisHost) -> None:
    """At once, without waiting for anything. The next start of the server finds a fenced host."""
    file = this.directory.path / "postgres" / "postmaster.pid"
    deadline = clock.monotonic() + _LIMIT
    with suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        pid = int(file.read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while clock.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
            os.kill(pid, 0)  # raises when it has ended
        raise FailoverProblem("The database of the other host neither answers nor ends. End PostgreSQL there, then try again.")

