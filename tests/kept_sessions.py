"""Sessions of a lent database that stay open for its next test.

A new session costs some 25 ms of processor time: PostgreSQL starts a process, which reads the catalogs, and the driver prepares
each statement again. So some sessions of each pool stay open, and are as new for the next test: settings, role, locks,
listeners, plans and sequences are reset. A session belongs to its event loop, so the loop stays too: it ends all else that a test
has left in it.
"""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.pools import Sessions

LOST = asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
_MOST = 3  # sessions of each pool
# What makes a kept session one of its pool. Sessions of the caches have a role, which is reset with the rest.
_PREPARING = {"_readers": "SELECT", "_writers": "SELECT", "_caches": "SELECT become_cache_writer()"}
_SECONDS = 10.0  # for an answer; a session that does not give one is closed
_kept: dict[str, dict[str, list[asyncpg.Connection]]] = {}  # by database and pool


class KeptLoop(asyncio.SelectorEventLoop):
    """The event loop of asynchronous tests. Only the sessions in `_kept` outlive `close`; before it, the runner has cancelled the
    tasks, closed the generators and ended the threads."""

    def close(self) -> None:
        kept = {session._transport.get_extra_info("socket").fileno() for session in _all_kept()}
        for descriptor in set(self._selector.get_map()) - kept - {self._ssock.fileno()}:
            self._remove_reader(descriptor)
            self._remove_writer(descriptor)
        for signal in list(self._signal_handlers):
            self.remove_signal_handler(signal)
        self._ready.clear()
        self._scheduled.clear()
        self._timer_cancelled_count = 0
        self._default_executor = None
        self._executor_shutdown_called = self._asyncgens_shutdown_called = False
        self.set_exception_handler(None)
        self.set_task_factory(None)

    def end(self) -> None:
        """Closes it, and all sessions."""
        for dsn in list(_kept):
            forget(dsn)
        self.run_until_complete(asyncio.sleep(0))  # closes what was terminated
        super().close()


class KeptDatabase(Database):
    """A database that starts with the sessions that the previous test on it left, if it is in the loop of those."""

    @classmethod
    async def open(cls, dsn: str, **options: Any) -> "Database":
        if kept := _taken(dsn):
            _kept[dsn] = {pool: [one for one in sessions if await _answers(one, _PREPARING[pool])] for pool, sessions in kept.items()}
        return await super().open(dsn, **options)

    def __init__(self, dsn: str, *rest: Any) -> None:
        super().__init__(dsn, *rest)
        now = clock.monotonic()
        for pool, sessions in _taken(dsn).items():
            getattr(self, pool)._free.extend((now, session) for session in sessions)

    async def close(self) -> None:
        free = {pool: await _as_new(getattr(self, pool)) for pool in _PREPARING} if _is_in_kept_loop() else {}
        await super().close()
        for pool, sessions in free.items():
            _kept.setdefault(self.dsn, {}).setdefault(pool, []).extend(sessions)


def pids(dsn: str) -> list[int]:
    """The processes of the server that are kept for the next test on this database."""
    return [session.get_server_pid() for sessions in _kept.get(dsn, {}).values() for session in sessions]


def forget(dsn: str) -> None:
    """Closes the sessions of a database that will not be lent again."""
    for sessions in _kept.pop(dsn, {}).values():
        for session in sessions:
            session.terminate()


def _all_kept() -> list[asyncpg.Connection]:
    return [session for pools in _kept.values() for sessions in pools.values() for session in sessions if not session.is_closed()]


def _is_in_kept_loop() -> bool:
    return isinstance(asyncio.get_running_loop(), KeptLoop)


def _taken(dsn: str) -> dict[str, list[asyncpg.Connection]]:
    return _kept.pop(dsn, {}) if _is_in_kept_loop() else {}


async def _answers(session: asyncpg.Connection, statement: str) -> bool:
    """A test may have ended all sessions of the server."""
    with suppress(*LOST):
        await session.execute(statement, timeout=_SECONDS)
        return not session.is_closed()
    session.terminate()
    return False


async def _as_new(pool: Sessions) -> list[asyncpg.Connection]:
    """Takes some free sessions out of a pool and resets them."""
    free = [session for _, session in pool._free if not session.is_closed() and not session.is_in_transaction()][-_MOST:]
    pool._free[:] = [(since, session) for since, session in pool._free if session not in free]
    done = []
    for session in free:
        try:
            await session.reset(timeout=_SECONDS)  # locks, cursors, listeners, settings
            await session.execute("RESET ROLE; DISCARD PLANS; DISCARD SEQUENCES; DISCARD TEMP", timeout=_SECONDS)
            done.append(session)
        except LOST:
            session.terminate()
    return done


LOOP = KeptLoop()
