"""COMMIT whose success can be trusted, also while a standby must confirm it.

If a synchronous standby is set, PostgreSQL waits in COMMIT until the standby has the transaction. A cancelled wait ends with
a warning and with success, although only this host has the transaction. So nothing here cancels a COMMIT: neither a time
limit nor a request that was given up. Its session stays in use until PostgreSQL answers, and a warning in the answer is a
failure. What waits is in nobody's view, so it may still be confirmed later.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg

from folkmoot.base import clock
from folkmoot.base.errors import Unconfirmed

_SECONDS = 20.0  # then the caller is told that the outcome is unknown
_STUCK_SECONDS = 2.0
# A transaction that logged nothing does not wait, but may answer with what an earlier one has stored here and the standby may not have,
# as after a crash of the server. A transaction id does not tell: one that changed only UNLOGGED tables has one. So each transaction
# that is to wait writes a record that says nothing, and waits for everything before it. One that is known to have logged something
# needs no such record.
_COMMIT = """
    SELECT CASE WHEN current_setting('synchronous_commit') = 'on' AND current_setting('synchronous_standby_names') <> ''
        THEN pg_logical_emit_message(true, '', '') END;
    COMMIT
"""
_WARNING = "01"  # the class of these codes


class Commits:
    """The commits of one process that have not ended, oldest first."""

    def __init__(self) -> None:
        self._running: dict[asyncpg.Connection, tuple[float, asyncio.Task[None]]] = {}

    @property
    def are_stuck(self) -> bool:
        """Whether a commit waits for longer than a busy disk explains."""
        began, _ = next(iter(self._running.values()), (None, None))
        return began is not None and clock.monotonic() - began > _STUCK_SECONDS

    async def run(self, session: asyncpg.Connection, *, is_logged: bool = False) -> None:
        """Commits. `is_logged`: the transaction has written to a logged table. Raises Unconfirmed if it is not known in time whether
        the transaction is safe."""
        commit = asyncio.create_task(_commit(session, "COMMIT" if is_logged else _COMMIT))
        self._running[session] = clock.monotonic(), commit
        commit.add_done_callback(lambda ended: self._end(session, ended))
        ended, _ = await asyncio.wait([commit], timeout=_SECONDS)  # a cancellation ends this wait and not the commit
        if not ended:
            raise Unconfirmed(log_text=f"no answer to COMMIT within {_SECONDS:.0f} s, as from a standby that is away")
        commit.result()

    def is_running(self, session: asyncpg.Connection) -> bool:
        return session in self._running

    def when_ended(self, session: asyncpg.Connection, then: Callable[[], None]) -> bool:
        """Calls `then` when the commit of this session has ended. Returns False, and does nothing, if none is running."""
        if session not in self._running:
            return False
        self._running[session][1].add_done_callback(lambda _: then())
        return True

    async def close(self) -> None:
        """Lets go of the commits that still wait. PostgreSQL ends them as it can."""
        running = list(self._running.items())
        for session, _ in running:
            session.terminate()  # first, because a cancelled task would cancel the COMMIT
        await asyncio.gather(*(commit for _, (_, commit) in running), return_exceptions=True)

    def _end(self, session: asyncpg.Connection, ended: asyncio.Task[None]) -> None:
        self._running.pop(session)
        if not ended.cancelled():
            ended.exception()  # nobody may wait for it any more


async def _commit(session: asyncpg.Connection, statement: str) -> None:
    warnings: list[str] = []

    def note(_session: Any, message: Any) -> None:
        if message.sqlstate.startswith(_WARNING):
            warnings.append(str(message))

    session.add_log_listener(note)
    try:
        await session.execute(statement)
    except asyncpg.InFailedSQLTransactionError as error:
        raise RuntimeError("the transaction is rolled back: an error of the database was caught inside of it") from error
    finally:
        session.remove_log_listener(note)
    if warnings:
        raise Unconfirmed(log_text=f"the server answered COMMIT with a warning: {warnings[0]}")
