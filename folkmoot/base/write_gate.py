"""The write gate: every change passes it, so that a move or a fence can stop them all.

Web, worker and command line are many processes, so the gate lives in the database. Each write transaction starts
with `enter_write_gate()`: a shared advisory lock (nothing to wait for in normal times) and a check that this process
belongs to the epoch in force. A hold is the same lock, exclusive and with a time limit; a fence raises the epoch.
Only what the gate itself answers means "we are moving": a row lock that is not had later in the transaction does not.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from folkmoot.base.errors import WritesPaused

Epoch: TypeAlias = Callable[[], int | None]  # the epoch in which this host may write now; None: it may not
FENCED = "FM001"
_HELD = asyncpg.LockNotAvailableError.sqlstate
_STANDBY = asyncpg.ReadOnlySQLTransactionError.sqlstate
_LOCK = "(7020, 1)"
_COPY_SECONDS = 30  # after which a standby or a fenced host is asked again


def begin(epoch: int) -> str:
    """Begins a transaction and passes the gate, in one round trip."""
    return f"BEGIN; SET LOCAL folkmoot.epoch = '{epoch}'; SELECT enter_write_gate()"


def refusal(error: asyncpg.PostgresError, *, at_gate: bool) -> WritesPaused | None:
    """What the gate answered, if `error` is an answer of the gate. `at_gate`: the statement was that of `begin`."""
    if error.sqlstate == _HELD and at_gate:
        return WritesPaused(log_text=f"writes are held: {error}")
    if error.sqlstate in (FENCED, _STANDBY):  # also later: triggers ask the gate, and only a standby is read-only
        return read_only(str(error))
    return None


def read_only(why: str) -> WritesPaused:
    """This host is a standby, or fenced: for longer than a moment."""
    return WritesPaused("You are reading a copy of the network. Writing is possible again in a little while.",
                        retry_after=_COPY_SECONDS, log_text=why)


@asynccontextmanager
async def hold(dsn: str, seconds: float) -> AsyncIterator[None]:
    """Holds all writes while the block runs, `seconds` at most: then the database itself ends the hold.

    Waits for the transactions under way; raises asyncpg.LockNotAvailableError if they last longer than `seconds`.
    """
    limit = f"{max(1, round(seconds * 1000))}ms"
    holder = await asyncpg.connect(dsn, server_settings={"lock_timeout": limit, "idle_session_timeout": limit})
    try:
        await holder.execute(f"SELECT pg_advisory_lock{_LOCK}")
        yield
    finally:
        holder.terminate()
