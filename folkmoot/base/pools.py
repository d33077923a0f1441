"""Sessions of PostgreSQL, so many of each kind per process: readers, writers, and those of the caches.

asyncpg's own pool costs a sixth of a home page here: a proxy per loan, and a task per return. What it does beyond this,
resetting sessions and closing idle ones by a timer, sessions without any state do not need: each carries its settings
from its start. A session that was cut short is ended, never given to the next.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from folkmoot.base import clock
from folkmoot.base.driver_errors import UNREACHABLE, lost

WAIT_SECONDS = 20.0  # for a free session: longer than a writer waits at the write gate, so that a hold is told as one
_CONNECT_SECONDS = 10.0
_ROLLBACK_SECONDS = 5.0
_IDLE_SECONDS = 60.0
_STATEMENTS = 400  # prepared, per session


class Sessions:
    """Sessions of one kind, the last one given back first. `prepare` is called with each new one."""

    def __init__(
        self, dsn: str, name: str, most: int, prepare: Callable[[asyncpg.Connection], Awaitable[None]], *, read_only: bool = False
    ) -> None:
        self._dsn = dsn
        self._settings = session_settings(name, read_only=read_only)
        self._prepare = prepare
        self._room = asyncio.Semaphore(most)
        self._free: list[tuple[float, asyncpg.Connection]] = []

    async def take(self) -> asyncpg.Connection:
        """A session, as soon as one is free. Raises Unavailable."""
        if self._room.locked():
            await self._wait()
        else:
            await self._room.acquire()
        while self._free:
            _, session = self._free.pop()
            if not session.is_closed():
                return session
        try:
            return await self._connect()
        except UNREACHABLE as error:
            self._room.release()
            raise lost(error) from error
        except BaseException:
            self._room.release()
            raise

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError as error:
            raise lost(error) from error

    async def _connect(self) -> asyncpg.Connection:
        session = await asyncpg.connect(
            self._dsn, timeout=_CONNECT_SECONDS, statement_cache_size=_STATEMENTS, server_settings=self._settings
        )
        try:
            await self._prepare(session)
        except BaseException:
            session.terminate()
            raise
        return session

    async def roll_back(self, session: asyncpg.Connection) -> None:
        """Ends the transaction of a session that failed, or the session, which ends the transaction as well."""
        if session.is_closed() or not session.is_in_transaction():
            return
        try:
            await session.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except UNREACHABLE:
            session.terminate()
        except BaseException:
            session.terminate()
            raise

    def give_back(self, session: asyncpg.Connection, *, is_usable: bool) -> None:
        """`is_usable`: no statement was cut short, which leaves a session that nobody can use."""
        self._room.release()
        if not is_usable or session.is_closed():
            session.terminate()
            return
        now = clock.monotonic()
        self._free.append((now, session))
        if now - self._free[0][0] > _IDLE_SECONDS and len(self._free) > 1:
            self._free.pop(0)[1].terminate()

    async def close(self) -> None:
        for _, session in self._free:
            await session.close()
        self._free = []


def is_in_recovery(session: asyncpg.Connection) -> bool:
    """What the server reported last to this session: at its start, and after the first statement since a promotion."""
    return bool(session.get_settings().in_hot_standby == "on")


def session_settings(name: str, *, read_only: bool) -> dict[str, str]:
    return {
        "application_name": name,
        "default_transaction_read_only": "on" if read_only else "off",
        "lock_timeout": "15s",
        "statement_timeout": "60s",
        "idle_in_transaction_session_timeout": "60s",
        "jit": "off",
        "enable_memoize": "off",  # statements look up ids that differ: a cache in the plan costs and never hits
    }
