"""Connections to PostgreSQL; their type determines what they may do.

`ReadConn` reads: a function that takes one also works on a standby. `WriteTx` writes: only `Database.write()` creates
one, and it passes the write gate. `CacheTx` writes the rebuildable UNLOGGED caches, outside the gate, and is refused on
a standby.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeAlias

import asyncpg
import msgspec

from folkmoot.base.events import Envelope, Event
from folkmoot.base.live import JOBS_TOPIC, Live
from folkmoot.base.pools import is_in_recovery
from folkmoot.base.queue.enqueue import DELIVER, INSERT_EVENTS_AND_JOBS

Row: TypeAlias = Any  # an asyncpg.Record: its columns by name or by position


class Owner(Protocol):
    """What connections need of their `Database`."""

    live: Live
    statements: int

    @property
    def subscribed_kinds(self) -> frozenset[str]: ...


class ReadConn:
    """May only read. Counts its statements, so that a test can limit them for each page."""

    __slots__ = ("_connection", "_database")

    def __init__(self, connection: "asyncpg.Connection", database: Owner) -> None:
        self._connection = connection
        self._database = database

    @property
    def is_standby(self) -> bool:
        """Whether the server is a standby. A standby has no UNLOGGED tables to read."""
        return is_in_recovery(self._connection)

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


class _Writer(ReadConn):
    """Common to the connections that may change rows."""

    __slots__ = ()

    async def execute(self, sql: str, *args: Any) -> int:
        """Runs a statement; returns the number of affected rows."""
        self._database.statements += 1
        return _affected_rows(await self._connection.execute(sql, *args))

    async def executemany(self, sql: str, args: Iterable[Sequence[Any]]) -> None:
        self._database.statements += 1
        await self._connection.executemany(sql, args)


class CacheTx(_Writer):
    """May write rebuildable UNLOGGED tables and has no rights on others. Each statement commits by itself."""

    __slots__ = ()


class WriteTx(_Writer):
    """A write transaction that has passed the gate. Its events, jobs and messages are sent only if it commits."""

    __slots__ = ("_events", "_jobs", "_messages")

    def __init__(self, connection: "asyncpg.Connection", database: Owner) -> None:
        super().__init__(connection, database)
        self._events: list[tuple[str, bytes]] = []
        self._jobs: list[tuple[str, bytes, timedelta]] = []
        self._messages: list[tuple[str, object]] = []

    def tell(self, *events: Event) -> None:
        """Writes events to the outbox; the worker delivers them to their subscribers."""
        for event in events:
            self._events.append((event.kind, msgspec.json.encode(event)))

    def enqueue(self, job: str, payload: msgspec.Struct, delay: timedelta = timedelta(0)) -> None:
        """Enqueues a job, to run after `delay`."""
        self._jobs.append((job, msgspec.json.encode(payload), delay))

    def publish(self, topic: str, body: object) -> None:
        """Sends a live message to all processes after the commit."""
        self._messages.append((topic, body))

    @property
    def told(self) -> list[str]:
        """The kinds of the events written so far. For tests."""
        return [kind for kind, _ in self._events]

    async def flush(self) -> bool:
        """Writes events and jobs; `Database.write` calls it before each commit. Returns whether there were any."""
        wanted = [
            Envelope(kind, msgspec.Raw(payload)) for kind, payload in self._events if kind in self._database.subscribed_kinds
        ]
        if wanted:
            self._jobs.append((DELIVER, msgspec.json.encode(wanted), timedelta(0)))
        has_any = bool(self._events or self._jobs)
        if has_any:
            await self.execute(
                INSERT_EVENTS_AND_JOBS,
                [kind for kind, _ in self._events],
                [payload.decode() for _, payload in self._events],
                [job for job, _, _ in self._jobs],
                [payload for _, payload, _ in self._jobs],
                [delay for _, _, delay in self._jobs],
            )
        if self._jobs:
            self._messages.append((JOBS_TOPIC, None))
        self._events, self._jobs = [], []
        return has_any

    def send_messages(self) -> None:
        for topic, body in self._messages:
            self._database.live.publish(topic, body)
        self._messages = []


def _affected_rows(tag: str) -> int:
    """The number of rows in a command tag such as `UPDATE 3`."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
