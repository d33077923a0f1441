"""The database of a process: its sessions, and the blocks in which they read and write (`connections.py`).

PostgreSQL itself makes the reading sessions read-only, so a write in the wrong place fails at once. The SQL of nouns is in
their `queries.py`, not here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import cached_property
from typing import Any

import asyncpg

from folkmoot.base import clock, write_gate
from folkmoot.base.commits import Commits
from folkmoot.base.connections import CacheTx, ReadConn, Row, WriteTx
from folkmoot.base.driver_errors import problem_of, unavailable_of
from folkmoot.base.errors import StorageFull, Unavailable, WritesPaused
from folkmoot.base.live import Live
from folkmoot.base.pools import Sessions, is_in_recovery, session_settings
from folkmoot.base.restarts import Restarts
from folkmoot.base.shortage import find_shortage
from folkmoot.base.write_gate import Epoch

__all__ = ["CacheTx", "Database", "ReadConn", "Row", "WriteTx"]
# The server notices within half a minute that a session was lost because its host or its network failed.
_KEEPALIVE = {"tcp_keepalives_idle": "15", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
_CACHE_SESSIONS = 3  # few, because their statements are short
_RECENT_SECONDS = 30.0
_PROMOTION_SECONDS = 0.5  # between checks whether a standby was promoted
_HELD_SECONDS = 0.05  # after which a write that still waits at the gate means a hold
_SHORT_WAIT_SECONDS = 0.2  # for a session, of a write that does not wait
_STUCK_WAIT_SECONDS = 10.0  # for a session, while commits wait for an absent standby: as long as for a hold


class _ReadBlock:
    """`async with database.read() as conn`. A class, because a generator takes twice as long, on every page."""

    __slots__ = ("_database", "_readers", "_session")

    def __init__(self, database: "Database", readers: Sessions) -> None:
        self._database = database
        self._readers = readers

    async def __aenter__(self) -> ReadConn:
        self._session = await self._readers.acquire()
        return ReadConn(self._session, self._database)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            self._readers.release(self._session, is_usable=True)
            return
        unavailable = unavailable_of(error, is_closed=self._session.is_closed())
        self._readers.release(self._session, is_usable=unavailable is None and not isinstance(error, asyncio.CancelledError))
        if unavailable:
            raise unavailable from error


class Database:
    """The sessions of one process, its `Live`, and the kinds of events that have subscribers."""

    def __init__(self, dsn: str, epoch: Epoch, readers: int, writers: int, restarts: Restarts | None = None) -> None:
        self.dsn = dsn
        self._restarts = restarts or Restarts()
        self.live = Live(dsn, self._restarts)
        self.find_subscribed_kinds: Callable[[], frozenset[str]] = frozenset
        self.statements = 0
        self.is_standby = False  # whether the server is a standby, as last reported
        self._epoch = epoch
        self._readers = Sessions(dsn, "folkmoot reads", readers, self._note_recovery, read_only=True, restarts=self._restarts)
        self._writers = Sessions(dsn, "folkmoot writes", writers, self._note_recovery, restarts=self._restarts)
        self._caches = Sessions(dsn, "folkmoot caches", _CACHE_SESSIONS, _become_cache_writer, restarts=self._restarts, is_durable=False)
        self._commits = Commits()
        self._promotion: asyncio.Task[None] | None = None
        self._shortage: tuple[float, str] | None = None  # when a write last failed because of it
        self._at_gate: dict[object, float] = {}  # the writes that are at the gate, and since when; oldest first

    @classmethod
    async def open(
        cls, dsn: str, *, epoch: Epoch = lambda: 1, readers: int = 6, writers: int = 10, listen: bool = True, must_answer: bool = True,
        restarts: Restarts | None = None,
    ) -> "Database":
        """Connects. `epoch` is called for each write, so that a promotion or a fence takes effect without a restart.

        Without `must_answer` the server may answer later; until then everything raises Unavailable.
        """
        database = cls(dsn, epoch, readers, writers, restarts)
        try:
            async with database.read() as conn:
                database.is_standby = await conn.fetchval("SELECT pg_is_in_recovery()")
        except Unavailable:
            if must_answer:
                raise
        await database.live.start(listen=listen, must_answer=must_answer)
        return database

    async def close(self) -> None:
        if self._promotion:
            self._promotion.cancel()
            await asyncio.gather(self._promotion, return_exceptions=True)
        await self.live.stop()
        await self._commits.close()
        await self._readers.close()
        await self._writers.close()
        await self._caches.close()

    @cached_property
    def subscribed_kinds(self) -> frozenset[str]:
        """The kinds of events that have subscribers. Found before the first write, because to find them a command must import the
        whole application, and most commands only read."""
        return self.find_subscribed_kinds()

    async def connect(self, name: str) -> asyncpg.Connection:
        """A session outside the pools, for a worker's presence. The caller closes it."""
        settings = {**session_settings(name, read_only=False), **_KEEPALIVE}
        return await asyncpg.connect(self.dsn, server_settings=settings, timeout=10)

    def read(self) -> AbstractAsyncContextManager[ReadConn, None]:
        """A connection for reading; each statement sees what was committed before it started. Raises Unavailable."""
        return _ReadBlock(self, self._readers)

    @property
    def is_held(self) -> bool:
        """Whether writes of this process wait at the gate for longer than a busy moment explains."""
        began = next(iter(self._at_gate.values()), None)
        return began is not None and clock.monotonic() - began > _HELD_SECONDS

    @property
    def is_interrupted(self) -> bool:
        """Whether what asks now waits for the end of a hold or of an announced restart, and not because there is much to do."""
        return self.is_held or self._restarts.is_announced

    @asynccontextmanager
    async def write(self, *, waits: bool = True, is_durable: bool = True, is_repeatable: bool = False) -> AsyncIterator[WriteTx]:
        """A write transaction: commits when the block ends, rolls back when it raises.

        Raises WritesPaused while the host is moving, fenced, or a standby; NotFound and Conflict when a concurrent change
        came after our checks; Unavailable when the database does not answer, or not in time. If the connection is lost
        during COMMIT, or its answer does not come, the outcome is unknown. This is Unavailable too: a caller that retries
        must make a second run harmless, for example with an idempotency key.

        Without `waits`, a hold refuses the write almost at once, and its commit waits neither for the disk nor for a standby:
        for what a page that is read writes by the way. Without `is_durable` only the commit does not wait: for the work of a job,
        whose end is committed later, so that a crash which loses this loses the end too, and the job runs again.
        `is_repeatable`: a second run is harmless, so that a request with this write may still be sent to another host.
        """
        _ = self.subscribed_kinds  # now, while nothing is locked
        try:
            async with AsyncExitStack() as admitted:
                connection = await self._admit(admitted, waits=waits, is_durable=is_durable)
                tx = WriteTx(connection, self)
                yield tx
                is_logged = await tx.flush()
                if not is_repeatable:
                    write_gate.note_commit()
                await self._commits.run(connection, is_logged=is_logged)
        except WritesPaused:
            write_gate.note_refusal()
            raise
        self._shortage = None
        tx.send_messages()

    def recent_shortage(self) -> str:
        """Why PostgreSQL could not store the last write, if that was within half a minute; else ""."""
        return self._shortage[1] if self._shortage and clock.monotonic() - self._shortage[0] < _RECENT_SECONDS else ""

    @asynccontextmanager
    async def cache(self) -> AsyncIterator[CacheTx]:
        """A connection for the UNLOGGED caches. Raises WritesPaused on a standby, which cannot have them."""
        async with self._borrowed(self._caches) as connection:
            if is_in_recovery(connection) and await connection.fetchval("SELECT pg_is_in_recovery()"):
                write_gate.note_refusal()
                raise write_gate.read_only("caches cannot be written on a standby")
            yield CacheTx(connection, self)

    async def can_write(self) -> bool:
        """Whether a write would be admitted now. Background work polls this and waits; a request simply tries to write."""
        epoch = self._epoch()
        if epoch is None:
            return False
        try:
            async with self.read() as conn:
                return bool(await conn.fetchval("SELECT NOT pg_is_in_recovery() AND epoch = $1 FROM host_state", epoch))
        except (Unavailable, asyncpg.UndefinedTableError):
            return False

    async def _admit(self, admitted: AsyncExitStack, *, waits: bool, is_durable: bool) -> Any:
        """A session whose transaction has passed the gate. A write that meets a restart there has changed nothing, and is repeated."""
        for is_last in (False, False, True):
            try:
                async with AsyncExitStack() as borrowed:
                    one = self._borrowed(self._writers, self._longest_wait(waits=waits))
                    connection = await borrowed.enter_async_context(one)
                    await self._pass_gate(connection, waits=waits, is_durable=is_durable)
                    admitted.push_async_exit(borrowed.pop_all())
                    return connection
            except (Unavailable, WritesPaused):
                if is_last or not waits or not self._restarts.is_recent:
                    raise

    async def _pass_gate(self, connection: Any, *, waits: bool, is_durable: bool) -> None:
        epoch = self._epoch()
        if epoch is None:
            raise write_gate.read_only("this host is not the primary")
        if waits:
            self._at_gate[connection] = clock.monotonic()
        try:
            await connection.execute(write_gate.begin(epoch, waits=waits, is_durable=is_durable))
        except asyncpg.PostgresError as error:
            if paused := write_gate.refusal(error, at_gate=True):
                raise paused from error
            raise
        finally:
            self._at_gate.pop(connection, None)

    def _longest_wait(self, *, waits: bool) -> float | None:
        """For a session; None: the usual time. While commits do not end, sessions come back only when they do."""
        if waits:
            return _STUCK_WAIT_SECONDS if self._commits.are_stuck else None
        if self.is_held or self._restarts.is_announced or self._commits.are_stuck:
            raise WritesPaused(log_text="writes are held, or their commits do not end")
        return _SHORT_WAIT_SECONDS

    @asynccontextmanager
    async def _borrowed(self, sessions: Sessions, wait: float | None = None) -> AsyncIterator[Any]:
        try:
            session = await sessions.acquire(wait)
        except Unavailable as error:
            if wait is not None:
                raise WritesPaused(log_text=f"no session without waiting: {error}") from error
            raise
        is_usable = False
        try:
            yield session
            is_usable = True
        except BaseException as error:
            if not self._commits.is_running(session):
                await sessions.roll_back(session)
            problem = problem_of(error, is_closed=session.is_closed())
            if isinstance(problem, StorageFull):
                self._shortage = clock.monotonic(), find_shortage(error)
            is_usable = not isinstance(error, asyncio.CancelledError) and not isinstance(problem, Unavailable)
            if problem:
                raise problem from error
            raise
        finally:
            if not self._commits.when_ended(session, lambda: sessions.release(session, is_usable=False)):
                sessions.release(session, is_usable=is_usable)

    async def _note_recovery(self, session: asyncpg.Connection) -> None:
        """A new session reports whether the server is a standby. If so, a task waits for the promotion."""
        self.is_standby = is_in_recovery(session)
        if self.is_standby and self._promotion is None:
            self._promotion = asyncio.create_task(self._await_promotion(), name="promotion")

    async def _await_promotion(self) -> None:
        while self.is_standby:
            await asyncio.sleep(_PROMOTION_SECONDS)
            with suppress(Unavailable):
                async with self.read() as conn:
                    self.is_standby = bool(await conn.fetchval("SELECT pg_is_in_recovery()"))
        self._promotion = None


async def _become_cache_writer(connection: Any) -> None:
    """Restricts the session to UNLOGGED tables, by the rights of its role or by triggers (decision 0044)."""
    await connection.execute("SELECT become_cache_writer()")
