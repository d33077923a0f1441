"""The write gate: every write transaction passes it, so that a move or a fence can stop all of them.

Web, worker and command line are separate processes, so the gate is in the database. Each write transaction starts with
`enter_write_gate()`: a shared advisory lock (normally free) and a check that the epoch of this process is the current one.
A hold is the same lock, exclusive and with a time limit; a fence raises the epoch. Only an error of the gate itself
becomes WritesPaused: a timeout for a row lock later in the transaction does not.

`attempt` records what happened to the writes of one request: only a request that was refused here, and that has
committed nothing, may be sent to another host.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from folkmoot.base.errors import WritesPaused

Epoch: TypeAlias = Callable[[], int | None]  # the epoch in which this host may write; None: it may not write
FENCED = "FM001"
_HELD = asyncpg.LockNotAvailableError.sqlstate
_STANDBY = asyncpg.ReadOnlySQLTransactionError.sqlstate
_LOCK = "(7020, 1)"
_READ_ONLY_RETRY_SECONDS = 30  # after which clients of a standby or a fenced host retry
_SHORT_WAIT = "20ms"


@dataclass(slots=True)
class Attempt:
    """The writes of one request. `may_have_committed` is set before a COMMIT is sent, because its outcome may stay unknown."""

    is_refused: bool = False
    may_have_committed: bool = False


attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def begin(epoch: int, *, waits: bool = True) -> str:
    """Begins a transaction and passes the gate, in one round trip. Without `waits`, a hold refuses it almost at once."""
    enter = "SELECT enter_write_gate()"
    if not waits:
        enter = f"SET LOCAL lock_timeout = '{_SHORT_WAIT}'; {enter}; SET LOCAL lock_timeout TO DEFAULT"
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


@asynccontextmanager
async def hold(dsn: str, seconds: float) -> AsyncIterator[None]:
    """Holds all writes while the block runs; after `seconds` the database itself ends the hold.

    Waits for running transactions; raises asyncpg.LockNotAvailableError if they last longer than `seconds`.
    """
    limit = f"{max(1, round(seconds * 1000))}ms"
    holder = await asyncpg.connect(dsn, server_settings={"lock_timeout": limit, "idle_session_timeout": limit})
    try:
        await holder.execute(f"SELECT pg_advisory_lock{_LOCK}")
        yield
    finally:
        holder.terminate()
