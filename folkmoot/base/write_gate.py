"""The write gate: every change passes it, so that a move or a fence can stop them all.

Web, worker and command line are many processes, so the gate lives in the database. Each write transaction starts
with `enter_write_gate()`: a shared advisory lock (nothing to wait for in normal times) and a check that this process
belongs to the epoch in force. A hold is the same lock, exclusive and with a time limit; a fence raises the epoch.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

ENTER = "SELECT enter_write_gate()"
FENCED = "FM001"
_LOCK = "(7020, 1)"


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
