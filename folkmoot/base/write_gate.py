"""The write gate: every write transaction passes it, so that a move or a fence can stop all of them.

Web, worker and command line are separate processes, so the gate is in the database. Each write transaction starts with
`enter_write_gate()`: a shared advisory lock (normally free) and a check that the epoch of this process is the current one.
A hold is the same lock, exclusive and with a time limit; a fence raises the epoch inside a hold. Only an error of the gate
itself becomes WritesPaused: a timeout for a row lock later in the transaction does not.

`attempt` records what happened to the writes of one request: only a request that was refused here, and that has
committed nothing, may be sent to another host.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from folkmoot.base import clock
from folkmoot.base.errors import Problem, WritesPaused

Epoch: TypeAlias = Callable[[], int | None]  # the epoch in which this host may write; None: it may not write
FENCED = "FM001"
_HELD = asyncpg.LockNotAvailableError.sqlstate
_STANDBY = asyncpg.ReadOnlySQLTransactionError.sqlstate
_LOCK = "(7020, 1)"
_LOST = OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError  # at the end of a hold
_READ_ONLY_RETRY_SECONDS = 30  # after which clients of a standby or a fenced host retry
_SHORT_WAIT = "20ms"
# Settings of sessions that serve moves, pairings and migrations: they must not wait for a standby that is away.
WITHOUT_STANDBY = {"synchronous_commit": "local"}


@dataclass(slots=True)
class Attempt:
    """The writes of one request. `may_have_committed` is set before a COMMIT is sent, because its outcome may stay unknown."""

    is_refused: bool = False
    may_have_committed: bool = False


attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def begin(epoch: int, *, waits: bool = True, is_durable: bool = True) -> str:
    """Begins a transaction and passes the gate, in one round trip. Without `waits`, neither that nor its commit takes long; without
    `is_durable`, its commit does not."""
    enter = "SELECT enter_write_gate()"
    if not waits:
        enter = f"SET LOCAL lock_timeout = '{_SHORT_WAIT}'; {enter}; SET LOCAL lock_timeout TO DEFAULT"
    if not (waits and is_durable):
        enter = f"SET LOCAL synchronous_commit = off; {enter}"
    return f"BEGIN; SET LOCAL folkmoot.epoch = '{epoch}'; {enter}"


def note_refusal() -> None:
    """Records that the gate refused a write of the current request."""
    if current := attempt.get():
        current.is_refused = True


def note_commit() -> None:
    """Records that the current request is about to commit a transaction that must not run twice."""
    if current := attempt.get():
        current.may_have_committed = True


def refusal(error: asyncpg.PostgresError, *, at_gate: bool) -> WritesPaused | None:
    """The refusal, if the gate caused `error`. `at_gate`: the failed statement was that of `begin`."""
    if error.sqlstate == _HELD and at_gate:
        return WritesPaused(log_text=f"writes are held: {error}")
    if error.sqlstate in (FENCED, _STANDBY):  # also later: triggers check the gate too, and only a standby is read-only
        return read_only(str(error))
    return None


def read_only(why: str) -> WritesPaused:
    """The refusal of a standby or a fenced host, which lasts longer than a hold."""
    return WritesPaused("You are reading a copy of the network. You can write again in a little while.",
                        retry_after=_READ_ONLY_RETRY_SECONDS, log_text=why)


class HoldEnded(Problem):
    """The hold reached its time limit, or its session was lost."""

    code = "hold_ended"
    message = "The hold of writes ended too early."


class StillWriting(Problem):
    """Transactions ran on for as long as a hold may wait for them."""

    code = "still_writing"
    message = "A transaction was still writing, so writes could not be held. Try again."


class Hold:
    """A hold in force. The database itself ends it at the deadline, whatever happens to this process."""

    def __init__(self, holder: "asyncpg.Connection", deadline: float) -> None:
        self._holder = holder
        self._deadline = deadline

    async def limit(self) -> None:
        """Tells the database how long the session may stay idle from now on: each statement starts that time again."""
        await self._execute("")

    async def raise_epoch(self, epoch: int) -> str:
        """Shuts out all processes with a lower epoch, for good. Returns the position in the log after everything that they wrote.

        It happens in the session of the hold, so it cannot succeed after the hold has ended. Raises HoldEnded.
        """
        await self._execute(f"UPDATE host_state SET epoch = {epoch:d} WHERE epoch < {epoch:d};")
        try:
            return str(await self._holder.fetchval("SELECT pg_current_wal_flush_lsn()::text"))
        except _LOST as error:
            raise HoldEnded(log_text=f"{error}") from error

    async def _execute(self, sql: str) -> None:
        left = round((self._deadline - clock.monotonic()) * 1000)
        if left <= 0:
            raise HoldEnded(log_text="its time is over")
        try:
            await self._holder.execute(f"{sql} SET idle_session_timeout = {left}")
        except _LOST as error:
            raise HoldEnded(log_text=f"{error}") from error


@asynccontextmanager
async def hold(dsn: str, seconds: float, *, drain: float | None = None) -> AsyncIterator[Hold]:
    """Holds all writes while the block runs; `seconds` after its start the database itself ends the hold.

    Waits for running transactions, at most `drain` seconds, meanwhile new ones wait for the hold. Raises StillWriting.
    """
    deadline = clock.monotonic() + seconds
    limit = f"{max(1, round(min(seconds, drain or seconds) * 1000))}ms"
    holder = await asyncpg.connect(dsn, server_settings={
        "lock_timeout": limit, "idle_session_timeout": limit, "application_name": "folkmoot hold", **WITHOUT_STANDBY,
    })
    try:
        try:
            await holder.execute(f"SELECT pg_advisory_lock{_LOCK}")
        except asyncpg.LockNotAvailableError as error:
            raise StillWriting(log_text=f"{error}") from error
        held = Hold(holder, deadline)
        await held.limit()
        yield held
    finally:
        holder.terminate()
