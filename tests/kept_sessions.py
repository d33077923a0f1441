"""Sessions of a lent database that stay open for its next test.

A new session costs some 25 ms of processor time: PostgreSQL starts a process, which reads the catalogs, and the driver prepares
each statement again. So some sessions of each pool stay open, and are as new for the next test: settings, role, locks,
listeners, plans, sequences and statistics are reset. One that was opened with other settings is not used. A session belongs to
its event loop, so the loop stays too: it ends all else that a test has left in it.
"""

import asyncio
from contextlib import suppress
from typing import Any, NamedTuple

import asyncpg

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.pools import Sessions

LOST = asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
_RESET = "RESET ROLE; DISCARD PLANS; DISCARD SEQUENCES; DISCARD TEMP; SELECT pg_stat_force_next_flush()"
_MOST = 3  # sessions of each pool
# What makes a kept session one of its pool. Sessions of the caches have a role, which is reset with the rest.
_PREPARING = {"_readers": "SELECT", "_writers": "SELECT", "_caches": "SELECT become_cache_writer()"}
_SECONDS = 10.0  # for an answer; a session that does not give one is closed


class _Kept(NamedTuple):
    """A session, the pool that it belongs to, and the settings that it was opened with."""

    pool: str
    settings: dict[str, str]
    session: asyncpg.Connection


_kept: dict[str, list[_Kept]] = {}  # by database


class KeptLoop(asyncio.SelectorEventLoop):
    """The event loop of asynchronous tests. Only the sessions in `_kept` outlive `close`; before it, the runner has cancelled the
    tasks, closed the generators and ended the threads."""

    def close(self) -> None:
        open_sessions = [one.session for kept in _kept.values() for one in kept if not one.session.is_closed()]
        kept = {session._transport.get_extra_info("socket").fileno() for session in open_sessions}
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
            _kept[dsn] = [one for one in kept if await _answers(one)]
        return await super().open(dsn, **options)

    def __init__(self, dsn: str, *rest: Any) -> None:
        super().__init__(dsn, *rest)
        for one in _taken(dsn):
            pool = getattr(self, one.pool)
            if pool._settings == one.settings:
                pool._free.append((clock.monotonic(), one.session))
            else:
                one.session.terminate()

    async def close(self) -> None:
        kept = []
        if _is_in_kept_loop():
            kept = [one for name in _PREPARING for one in await _as_new(name, getattr(self, name))]
        await super().close()
        _kept.setdefault(self.dsn, []).extend(kept)


def pids(dsn: str) -> list[int]:
    """The processes of the server that are kept for the next test on this database."""
    return [one.session.get_server_pid() for one in _kept.get(dsn, [])]


def forget(dsn: str) -> None:
    """Closes the sessions of a database that will not be lent again."""
    for one in _kept.pop(dsn, []):
        one.session.terminate()


def _is_in_kept_loop() -> bool:
    return isinstance(asyncio.get_running_loop(), KeptLoop)


def _taken(dsn: str) -> list[_Kept]:
    return _kept.pop(dsn, []) if _is_in_kept_loop() else []


async def _answers(kept: _Kept) -> bool:
    """A test may have ended all sessions of the server."""
    with suppress(*LOST):
        await kept.session.execute(_PREPARING[kept.pool], timeout=_SECONDS)
        return not kept.session.is_closed()
    kept.session.terminate()
    return False


async def _as_new(name: str, pool: Sessions) -> list[_Kept]:
    """Takes some free sessions out of a pool and resets them."""
    free = [session for _, session in pool._free if not session.is_closed() and not session.is_in_transaction()][-_MOST:]
    pool._free[:] = [(since, session) for since, session in pool._free if session not in free]
    done = []
    for session in free:
        try:
            await session.reset(timeout=_SECONDS)  # locks, cursors, listeners, settings
            await session.execute(_RESET, timeout=_SECONDS)
            done.append(_Kept(name, pool._settings, session))
        except LOST:
            session.terminate()
    return done


LOOP = KeptLoop()
