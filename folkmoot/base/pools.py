"""Pools of PostgreSQL sessions, one per kind and process: for reading, for writing, and for the caches.

asyncpg's own pool takes a sixth of the time of a home page: it creates a proxy for each use and a task for each return.
Its other features, resetting sessions and closing idle ones by a timer, are not needed for sessions without state: each
has its settings from its start. A session that was interrupted is closed and never reused.

A session costs some 25 ms of processor time until it has read the catalogs and planned its first statements, and then 10 MB of memory. So
beyond a few, one more is opened only for somebody who has waited a moment for one that comes back, and closed half a minute later: if it
is still needed, it is opened again (decision 0131).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import asyncpg

from folkmoot.base import clock
from folkmoot.base.driver_errors import UNREACHABLE, lost
from folkmoot.base.permits import Permits
from folkmoot.base.restarts import Restarts

WAIT_SECONDS = 20.0  # for a free session: longer than a writer waits at the write gate, so that a hold is reported as WritesPaused
_CONNECT_SECONDS = 10.0
_ROLLBACK_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_IDLE_SECONDS = 60.0
_FEW = 3  # sessions that are opened without waiting for those in use
_PATIENCE_SECONDS = 0.05  # for a session that comes back, before one more is opened; and before the next one
_FURTHER_SECONDS = 30.0  # of the life of one more
_PREPARED_STATEMENTS = 400  # per session
_FIRST_OWN_TYPE = 16_384  # the number of the first type that is not the server's own (`FirstNormalObjectId`)


class _KnownTypes(NamedTuple):
    """What asyncpg reads about types, and that it was read by no statement of this session."""

    rows: list[asyncpg.Record]
    statement: SimpleNamespace


class _Session(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """Asks the server only once in this process what its own types are: their numbers are the same in every database.

    asyncpg asks anew in each session, some 10 ms for each kind of array, before the first statement with one.
    """

    __slots__ = ("opened_at",)
    _known: ClassVar[dict[frozenset[int], _KnownTypes]] = {}

    async def _introspect_types(self, typeoids: Iterable[int], *rest: Any) -> Any:
        asked = frozenset(typeoids)
        if known := self._known.get(asked):
            return known
        rows, statement = await super()._introspect_types(typeoids, *rest)
        if max(asked) < _FIRST_OWN_TYPE:
            self._known[asked] = _KnownTypes(rows, SimpleNamespace(name="none"))
        return rows, statement


class Sessions:
    """Sessions of one kind; the last one released is used first. `prepare` is called with each new one."""

    def __init__(
        self, dsn: str, name: str, most: int, prepare: Callable[[asyncpg.Connection], Awaitable[None]], *, read_only: bool = False,
        restarts: Restarts | None = None, is_durable: bool = True,
    ) -> None:
        """Without `is_durable`, commits wait neither for the disk nor for a standby."""
        self._dsn = dsn
        self._restarts = restarts or Restarts()
        self._settings = session_settings(name, read_only=read_only) | ({} if is_durable else {"synchronous_commit": "off"})
        self._prepare = prepare
        self._permits = Permits(most)
        self._free: list[tuple[float, asyncpg.Connection]] = []
        self._lent = 0  # sessions in use, being opened, or handed to who waits; while none is free, all there are
        self._awaiting: deque[tuple[float, asyncio.Future[asyncpg.Connection | None]]] = deque()  # with the moments since when
        self._opened_at = 0.0  # when one of those was last let open a session
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def acquire(self, wait: float | None = None) -> asyncpg.Connection:
        """Waits for a free session and returns it; during an announced restart of the server, for its end first.

        Raises Unavailable, after `wait` seconds too: WAIT_SECONDS if None.
        """
        if not self._permits.take():
            try:
                await self._permits.wait(WAIT_SECONDS if wait is None else wait)
            except TimeoutError as error:
                raise lost(error) from error
        try:
            if self._restarts.is_announced:
                await self._restarts.over()
            return await self._lend()
        except UNREACHABLE as error:
            self._permits.give_back()
            raise lost(error) from error
        except BaseException:
            self._permits.give_back()
            raise

    async def _lend(self) -> asyncpg.Connection:
        """A free session, one that comes back, or a new one. It is counted before it is opened, so that a burst opens few."""
        session = self._take_free()
        if session is None and self._lent >= _FEW:
            session = await self._next_released()
        else:
            self._lent += 1
        try:
            return session or await self._connect()
        except BaseException:
            self._lent -= 1
            raise

    def _take_free(self) -> asyncpg.Connection | None:
        while self._free:
            _, session = self._free.pop()
            if not session.is_closed():
                return session
        return None

    async def _next_released(self) -> asyncpg.Connection | None:
        """The next session that comes back, already counted as lent; None if another one should be opened."""
        coming: asyncio.Future[asyncpg.Connection | None] = asyncio.get_running_loop().create_future()
        self._awaiting.append((clock.monotonic(), coming))
        self._watch()
        try:
            session = await coming
        except asyncio.CancelledError:
            if not coming.cancelled():  # its turn came in the moment of the cancellation
                self._lent -= 1
                if session := coming.result():
                    self._put_back(session)
            raise
        return None if session is None or session.is_closed() else session

    def _watch(self) -> None:
        """While anybody waits, `_let_open` runs when the first of them may open a session."""
        if self._awaiting and self._timer is None:
            due = max(self._awaiting[0][0], self._opened_at) + _PATIENCE_SECONDS
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - clock.monotonic()), self._let_open)

    def _let_open(self) -> None:
        """Lets the first who waits open a session: one at a time, whatever waits."""
        self._timer = None
        now = clock.monotonic()
        if self._awaiting and now - max(self._awaiting[0][0], self._opened_at) >= _PATIENCE_SECONDS and self._hand_over(None):
            self._opened_at = now
        self._watch()

    def _hand_over(self, session: asyncpg.Connection | None) -> bool:
        """Gives a session, or the turn to open one, to the first who waits. Returns whether anybody does."""
        while self._awaiting:
            _, coming = self._awaiting.popleft()
            if not coming.done():
                self._lent += 1
                coming.set_result(session)
                break
        else:
            return False
        if not self._awaiting and self._timer:
            self._timer.cancel()
            self._timer = None
        return True

    async def _connect(self) -> asyncpg.Connection:
        session = await asyncpg.connect(
            self._dsn, timeout=_CONNECT_SECONDS, statement_cache_size=_PREPARED_STATEMENTS, server_settings=self._settings,
            connection_class=_Session,
        )
        try:
            session.opened_at = clock.monotonic()
            await self._prepare(session)
        except BaseException:
            session.terminate()
            raise
        return session

    async def roll_back(self, session: asyncpg.Connection) -> None:
        """Rolls back after a failure; if that is impossible, closes the session, which rolls back too."""
        if session.is_closed() or not session.is_in_transaction():
            return
        try:
            await session.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except UNREACHABLE:
            session.terminate()
        except BaseException:
            session.terminate()
            raise

    def release(self, session: asyncpg.Connection, *, is_usable: bool) -> None:
        """`is_usable`: false if a statement may have been interrupted; the session is then closed."""
        self._permits.give_back()
        self._lent -= 1
        if is_usable:
            self._put_back(session)
        else:
            session.terminate()

    def _put_back(self, session: asyncpg.Connection) -> None:
        """Hands a session to who waits for one, or keeps it."""
        if self._is_closed or session.is_closed():
            session.terminate()
            return
        if self._hand_over(session):
            return
        now = clock.monotonic()
        if self._lent + len(self._free) >= _FEW and now - session.opened_at > _FURTHER_SECONDS:
            session.terminate()
            return
        self._free.append((now, session))
        if now - self._free[0][0] > _IDLE_SECONDS and len(self._free) > 1:
            self._free.pop(0)[1].terminate()

    async def close(self) -> None:
        """Closes the free sessions; those in use are closed when they are released."""
        self._is_closed = True
        while self._free:
            _, session = self._free.pop()
            try:
                await session.close(timeout=_CLOSE_SECONDS)
            except UNREACHABLE:
                session.terminate()


def is_in_recovery(session: asyncpg.Connection) -> bool:
    """The last report of the server to this session: at its start, or with the first statement after a promotion."""
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
