"""Connections to PostgreSQL; their type says what may be done.

`ReadConn` reads: what takes one can be answered by a standby. `WriteTx` changes things: it comes only from
`Database.write()`, which passes the write gate. `CacheTx` writes the rebuildable UNLOGGED caches, outside the gate,
and is refused on a standby. Reading uses sessions that PostgreSQL itself holds to read-only, so a query in the wrong
place fails at once. No SQL of any noun stands here.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeAlias

import asyncpg
import msgspec

from folkmoot.base import clock, write_gate
from folkmoot.base.errors import Conflict, NotFound, Unavailable, WritesPaused
from folkmoot.base.events import Envelope, Event
from folkmoot.base.live import JOBS_TOPIC, Live

Row: TypeAlias = Any  # an asyncpg.Record: its columns by name or by place
_PAUSED = ("55P03", write_gate.FENCED, "25006")  # the gate is held, the host is fenced, the server is a standby
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError)
_IDLE_SECONDS = 60.0
_STATEMENTS = 400  # prepared, per session
_BEGIN = f"BEGIN; {write_gate.ENTER}"
# Events and jobs leave in one statement. The columns are pgqueuer's; its own enqueue would add a log row per job and
# bring its imports into every web process. A test runs jobs enqueued here through pgqueuer itself.
_TELL = """
    WITH told AS (
        INSERT INTO events (kind, payload) SELECT * FROM unnest($1::text[], $2::jsonb[])
    )
    INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, status)
    SELECT 0, t.entrypoint, t.payload, coalesce(t.at, now()), 'queued'
    FROM unnest($3::text[], $4::bytea[], $5::timestamptz[]) AS t (entrypoint, payload, at)
"""


class ReadConn:
    """May only read. Counts its statements, so that a test can hold a page to its number."""

    __slots__ = ("_connection", "_database")

    def __init__(self, connection: "asyncpg.Connection", database: "Database") -> None:
        self._connection = connection
        self._database = database

    @property
    def is_standby(self) -> bool:
        """Whether the server only replays: then there are no UNLOGGED tables to read."""
        return bool(self._connection.get_settings().in_hot_standby == "on")

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        self._database.statements += 1
        rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> Row | None:
        self._database.statements += 1
        return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        self._database.statements += 1
        return await self._connection.fetchval(sql, *args)


class CacheTx(ReadConn):
    """May write UNLOGGED tables that can be rebuilt; each statement commits by itself."""

    __slots__ = ()

    async def execute(self, sql: str, *args: Any) -> int:
        """Runs a statement; returns how many rows it touched."""
        self._database.statements += 1
        return _touched(await self._connection.execute(sql, *args))

    async def executemany(self, sql: str, args: Iterable[Sequence[Any]]) -> None:
        self._database.statements += 1
        await self._connection.executemany(sql, args)


class WriteTx(CacheTx):
    """A write transaction that has passed the gate. What it tells leaves with its commit, or not at all."""

    __slots__ = ("_events", "_jobs", "_messages")

    def __init__(self, connection: "asyncpg.Connection", database: "Database") -> None:
        super().__init__(connection, database)
        self._events: list[tuple[str, bytes]] = []
        self._jobs: list[tuple[str, bytes, Any]] = []
        self._messages: list[tuple[str, object]] = []

    def tell(self, *events: Event) -> None:
        """Writes facts to the outbox; whoever subscribed to them hears of it from the worker."""
        for event in events:
            self._events.append((event.kind, msgspec.json.encode(event)))

    def enqueue(self, job: str, payload: msgspec.Struct, at: Any = None) -> None:
        """Orders a job, to run at once or at the moment `at`."""
        self._jobs.append((job, msgspec.json.encode(payload), at))

    def publish(self, topic: str, body: object) -> None:
        """Tells the other processes, once this transaction is committed."""
        self._messages.append((topic, body))

    @property
    def told(self) -> list[str]:
        """The kinds of the events told so far. For tests."""
        return [kind for kind, _ in self._events]

    async def flush(self) -> None:
        """Writes events and jobs; the database does so before each commit."""
        wanted = [
            Envelope(kind, msgspec.Raw(payload)) for kind, payload in self._events if kind in self._database.heard_kinds
        ]
        if wanted:
            self._jobs.append((DELIVER, msgspec.json.encode(wanted), None))
        if self._events or self._jobs:
            await self.execute(
                _TELL,
                [kind for kind, _ in self._events],
                [payload.decode() for _, payload in self._events],
                [job for job, _, _ in self._jobs],
                [payload for _, payload, _ in self._jobs],
                [at for _, _, at in self._jobs],
            )
        if self._jobs:
            self._messages.append((JOBS_TOPIC, None))
        self._events, self._jobs = [], []

    def send_messages(self) -> None:
        for topic, body in self._messages:
            self._database.live.publish(topic, body)
        self._messages = []


DELIVER = "events.deliver"


class _Readers:
    """Sessions that only read, the last one given back first.

    asyncpg's own pool costs a sixth of a home page here: a proxy per loan, and a task per return. What it does beyond
    this, resetting sessions and closing idle ones by a timer, sessions without any state do not need.
    """

    def __init__(self, dsn: str, most: int, epoch: int) -> None:
        self._dsn = dsn
        self._settings = _session("folkmoot reads", epoch, read_only=True)
        self._room = asyncio.Semaphore(most)
        self._free: list[tuple[float, asyncpg.Connection]] = []

    async def take(self) -> "asyncpg.Connection":
        """A session, as soon as one is free. Raises what connecting raises."""
        await self._room.acquire()
        while self._free:
            _, session = self._free.pop()
            if not session.is_closed():
                return session
        try:
            return await asyncpg.connect(self._dsn, statement_cache_size=_STATEMENTS, server_settings=self._settings)
        except BaseException:
            self._room.release()
            raise

    def give_back(self, session: "asyncpg.Connection", error: BaseException | None) -> None:
        """`error`: what ended the loan. A statement that was cut short leaves a session nobody can use."""
        self._room.release()
        if isinstance(error, asyncio.CancelledError | TimeoutError):
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


class _Reading:
    """`async with database.read() as conn`. A class, because a generator costs twice as much on every page."""

    __slots__ = ("_database", "_readers", "_session")

    def __init__(self, database: "Database", readers: _Readers) -> None:
        self._database = database
        self._readers = readers

    async def __aenter__(self) -> ReadConn:
        try:
            self._session = await self._readers.take()
        except LOST as error:
            raise Unavailable(log_text=f"database: {error!r}") from error
        return ReadConn(self._session, self._database)

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._readers.give_back(self._session, error)
        if isinstance(error, LOST):
            raise Unavailable(log_text=f"database: {error!r}") from error


class Database:
    """The pools of one process, its `Live`, and which events anybody hears."""

    def __init__(self, readers: _Readers, writers: "asyncpg.Pool", live: Live, dsn: str, epoch: int) -> None:
        self._readers = readers
        self._writers = writers
        self.live = live
        self.dsn = dsn
        self._epoch = epoch
        self.heard_kinds: frozenset[str] = frozenset()
        self.statements = 0

    @classmethod
    async def open(cls, dsn: str, *, epoch: int = 1, readers: int = 6, writers: int = 10, listen: bool = True) -> "Database":
        """Connects. `epoch` is that of this host's state file: the write gate admits no other."""
        live = Live(dsn)
        await live.start(listen=listen)
        return cls(_Readers(dsn, readers, epoch), await _pool(dsn, writers, epoch), live, dsn, epoch)

    async def close(self) -> None:
        await self.live.stop()
        await self._readers.close()
        await self._writers.close()

    def queue_pool(self) -> "asyncpg.Pool":
        """Sessions for pgqueuer, which manages its own transactions; a trigger takes them through the write gate."""
        return asyncpg.create_pool(
            self.dsn, min_size=1, max_size=3, server_settings=_session("folkmoot queue", self._epoch, read_only=False)
        )

    def read(self) -> AbstractAsyncContextManager[ReadConn, None]:
        """A connection to read; each statement sees what is committed when it starts."""
        return _Reading(self, self._readers)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        """A write transaction: commits when the block ends, rolls back when it raises.

        Raises WritesPaused while the host is moving, fenced, or a standby; NotFound and Conflict when somebody else was
        faster than our checks.
        """
        try:
            async with self._writers.acquire() as connection:
                try:
                    await connection.execute(_BEGIN)
                    tx = WriteTx(connection, self)
                    yield tx
                    await tx.flush()
                    await connection.execute("COMMIT")
                except BaseException:
                    with suppress(*LOST):  # a lost connection has rolled back by itself
                        if connection.is_in_transaction():
                            await connection.execute("ROLLBACK")
                    raise
        except LOST as error:
            raise Unavailable(log_text=f"database: {error!r}") from error
        except asyncpg.PostgresError as error:
            if error.sqlstate in _PAUSED:
                raise WritesPaused(log_text=str(error)) from error
            if isinstance(error, asyncpg.ForeignKeyViolationError):
                raise NotFound(log_text=f"gone in the meantime: {error.constraint_name}") from error
            if isinstance(error, asyncpg.UniqueViolationError | asyncpg.DeadlockDetectedError):
                raise Conflict(log_text=f"two at once: {type(error).__name__} {error.constraint_name or ''}") from error
            if isinstance(error, asyncpg.DiskFullError):
                raise Unavailable(log_text=f"the disk is full: {error}") from error
            raise
        tx.send_messages()

    @asynccontextmanager
    async def cache(self) -> AsyncIterator[CacheTx]:
        """A connection for the UNLOGGED caches. Raises WritesPaused on a standby, which cannot have them."""
        async with self._writers.acquire() as connection:
            cache = CacheTx(connection, self)
            if cache.is_standby:
                raise WritesPaused(log_text="caches cannot be written on a standby")
            yield cache


async def _pool(dsn: str, size: int, epoch: int) -> "asyncpg.Pool":
    async def leave_as_it_is(_connection: object) -> None:
        """Sessions carry no state of ours, so giving one back costs no round trip."""

    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        max_inactive_connection_lifetime=_IDLE_SECONDS,
        statement_cache_size=_STATEMENTS,
        reset=leave_as_it_is,
        server_settings=_session("folkmoot writes", epoch, read_only=False),
    )


def _session(name: str, epoch: int, *, read_only: bool) -> dict[str, str]:
    return {
        "application_name": name,
        "default_transaction_read_only": "on" if read_only else "off",
        "folkmoot.epoch": str(epoch),
        "lock_timeout": "15s",
        "statement_timeout": "60s",
        "idle_in_transaction_session_timeout": "60s",
        "jit": "off",
    }


def _touched(tag: str) -> int:
    """How many rows a command tag such as `UPDATE 3` speaks of."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
