"""A database that is lost, full or slow raises the same errors for reading, writing and caches.

The tests terminate real backends in use, and kill a real PostgreSQL.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base import pools, write_gate
from folkmoot.base.db import Database
from folkmoot.base.errors import Conflict, Problem, Unavailable, WritesPaused
from folkmoot.base.migrate import migrate
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from tests.waiting import until

Use = Callable[[Database], Awaitable[None]]
_PID = "SELECT pg_backend_pid()"


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def _insert(db: Database, key: str = "x") -> None:
    async with db.write() as tx:
        await tx.execute("INSERT INTO hashtags (key, name) VALUES ($1, $1)", key)


async def _each_use(db: Database, during: Callable[[int], Awaitable[None]]) -> None:
    """Reads, writes and uses a cache; `during` is called with the backend's pid in the middle of each."""
    with pytest.raises(Unavailable):
        async with db.read() as conn:
            await during(await conn.fetchval(_PID))
            await conn.fetchval("SELECT 1")
    with pytest.raises(Unavailable):
        async with db.write() as tx:
            await during(await tx.fetchval(_PID))
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('lost', 'lost')")
    with pytest.raises(Unavailable):
        async with db.cache() as cache:
            await during(await cache.fetchval(_PID))
            await cache.execute("DELETE FROM home_entries")


async def test_a_backend_that_is_ended_in_use_is_unavailable_and_the_next_one_works(db: Database, admin: asyncpg.Connection) -> None:
    async def end(pid: int) -> None:
        assert await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)

    await _each_use(db, end)
    await _insert(db)
    async with db.read() as conn:
        assert [row[0] for row in await conn.fetch("SELECT key FROM hashtags")] == ["x"]
    async with db.cache() as cache:
        await cache.execute("DELETE FROM home_entries")


async def test_a_backend_that_is_ended_before_the_commit_is_unavailable(db: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(Unavailable):
        async with db.write() as tx:
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('lost', 'lost')")
            await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", await tx.fetchval(_PID))
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM hashtags") == 0


async def test_terminated_idle_backends_fail_no_request(db: Database, admin: asyncpg.Connection) -> None:
    await _insert(db)
    await admin.fetch("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND datname = current_database()")
    await until(lambda: all(session.is_closed() for _, session in [*db._readers._free, *db._writers._free]))
    await _insert(db, "y")
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM hashtags") == 2


async def test_a_locked_row_is_not_reported_as_paused_writes(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await _insert(db)
    async with db.write() as one:
        await one.execute("UPDATE hashtags SET name = 'one'")
        with pytest.raises(Unavailable) as refused:
            async with db.write() as other:
                await other.execute("SET LOCAL lock_timeout = '50ms'")
                await other.execute("UPDATE hashtags SET name = 'other'")
    assert "a row stayed locked" in refused.value.log_text
    assert refused.value.message != Unavailable.message


async def test_a_statement_timeout_is_not_reported_as_paused_writes(db: Database) -> None:
    with pytest.raises(Unavailable) as refused:
        async with db.write() as tx:
            await tx.execute("SET LOCAL statement_timeout = '50ms'")
            await tx.execute("SELECT pg_sleep(60)")
    assert "took too long" in refused.value.log_text


async def test_a_held_gate_is_reported_as_paused_writes(db: Database, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_gate, "begin", lambda epoch, **_: f"SET lock_timeout = '50ms'; {begin(epoch)}")
    async with write_gate.hold(dsn, 60):
        with pytest.raises(WritesPaused) as refused:
            await _insert(db)
    assert refused.value.retry_after == 1


begin = write_gate.begin


async def test_a_transaction_that_sleeps_too_long_is_unavailable(db: Database) -> None:
    with pytest.raises(Unavailable):
        async with db.write() as tx:
            await tx.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            for _ in range(100):  # on a busy machine the server ends the session later
                await asyncio.sleep(0.3)
                await tx.execute("SELECT 1")


async def test_a_deadlock_is_a_conflict(db: Database) -> None:
    await _insert(db, "a")
    await _insert(db, "b")
    both = asyncio.Barrier(2)

    async def change(first: str, second: str) -> None:
        async with db.write() as tx:
            await tx.execute("SET LOCAL deadlock_timeout = '10ms'")
            await tx.execute("UPDATE hashtags SET name = 'z' WHERE key = $1", first)
            await both.wait()
            await tx.execute("UPDATE hashtags SET name = 'z' WHERE key = $1", second)

    ended = await asyncio.gather(change("a", "b"), change("b", "a"), return_exceptions=True)
    assert sorted(type(end) for end in ended if end) == [Conflict]


async def test_a_bug_is_not_reported_as_a_lost_connection(db: Database) -> None:
    for sql, argument in (("SELECT $1::int", "no number"), ("SELECT nothing FROM nowhere WHERE $1", True)):
        for use in (db.read, db.write, db.cache):
            with pytest.raises((asyncpg.PostgresError, ValueError)) as failed:
                async with use() as conn:
                    await conn.fetchval(sql, argument)
            assert not isinstance(failed.value, Problem)
    async with db.write() as tx:
        assert await tx.fetchval("SELECT 1") == 1


async def test_other_errors_pass_unchanged(db: Database) -> None:
    for error in (FileNotFoundError("a picture"), PermissionError("a picture")):
        for use in (db.read, db.write, db.cache):
            with pytest.raises(type(error)):
                async with use() as conn:
                    await conn.fetchval("SELECT 1")
                    raise error


async def test_a_cancelled_request_leaves_no_broken_session(db: Database) -> None:
    async def sleep(use: Callable[[], object]) -> None:
        async with use() as conn:  # type: ignore[attr-defined]
            await conn.fetchval("SELECT pg_sleep(30)")

    for use in (db.read, db.write, db.cache):
        for _ in range(12):  # more than any pool has sessions
            task = asyncio.create_task(sleep(use))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with use() as conn:
            assert await conn.fetchval("SELECT 1") == 1


async def test_two_statements_at_once_on_one_session_are_unavailable_and_leave_no_transaction(db: Database) -> None:
    with pytest.raises(Unavailable):
        async with db.write() as tx:
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('half', 'half')")
            task = asyncio.create_task(tx.fetchval("SELECT pg_sleep(60)"))
            await asyncio.sleep(0.05)
            await tx.fetchval("SELECT 1")  # "another operation is in progress"
    await asyncio.gather(task, return_exceptions=True)
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM hashtags") == 0


async def test_waiting_for_a_session_ends_with_unavailable(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "WAIT_SECONDS", 0.1)
    db = await Database.open(dsn, readers=1, writers=1, listen=False)
    try:
        for use in (db.read, db.write):
            async with use():
                with pytest.raises(Unavailable):
                    async with use():
                        pass
            async with use() as conn:  # was released
                assert await conn.fetchval("SELECT 1") == 1
    finally:
        await db.close()


async def test_too_many_connections_are_unavailable(db: Database, admin: asyncpg.Connection, dsn: str) -> None:
    name = dsn.split("?")[0].rpartition("/")[2]
    await admin.execute("CREATE ROLE crowd LOGIN PASSWORD 'x' CONNECTION LIMIT 1")
    await admin.execute(f"GRANT SELECT ON host_state TO crowd; GRANT CONNECT ON DATABASE {name} TO crowd")
    secret = dsn.split(":")[2].split("@")[0]
    other = dsn.replace("folkmoot:", "crowd:", 1).replace(secret, "x", 1)
    only = await asyncpg.connect(other)
    try:
        readers = pools.Sessions(other, "crowd", 2, _prepare_nothing)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await readers.acquire()
    finally:
        await only.close()
        await admin.execute("DROP OWNED BY crowd")
        await admin.execute("DROP ROLE crowd")


async def test_the_types_of_the_server_are_asked_for_once_in_a_process(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[int]] = []
    ask = asyncpg.Connection._introspect_types

    async def counted(self: asyncpg.Connection, typeoids: set[int], *rest: object) -> object:
        asked.append(set(typeoids))
        return await ask(self, typeoids, *rest)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", counted)
    monkeypatch.setattr(pools._Session, "_known", {})
    readers = pools.Sessions(dsn, "curious", 3, _prepare_nothing)
    sessions = [await readers.acquire() for _ in range(3)]
    try:
        for session in sessions:
            assert await session.fetchval("SELECT $1::bigint[] || ARRAY[3]", [1, 2]) == [1, 2, 3]
        assert len(asked) == 1
        await sessions[0].execute("CREATE TYPE fruit AS ENUM ('pear', 'plum')")
        for session in sessions:  # a type of this database, whose number may be another one's elsewhere
            assert await session.fetchval("SELECT $1::fruit[]", ["plum"]) == ["plum"]
        assert len(asked) == 4
    finally:
        for session in sessions:
            await session.close()


async def test_a_session_that_is_released_after_its_pool_was_closed_is_closed(dsn: str) -> None:
    readers = pools.Sessions(dsn, "late", 2, _prepare_nothing)
    late, early = await readers.acquire(), await readers.acquire()
    readers.release(early, is_usable=True)
    await readers.close()
    assert early.is_closed()
    assert await late.fetchval("SELECT 1") == 1
    readers.release(late, is_usable=True)
    assert late.is_closed()


async def test_a_further_session_is_opened_only_if_none_comes_back_soon(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 600)
    sessions = pools.Sessions(dsn, "patient", 6, _prepare_nothing)
    few = [await sessions.acquire() for _ in range(pools._FEW)]
    waiting = [asyncio.create_task(sessions.acquire()) for _ in range(2)]
    await until(lambda: len(sessions._awaiting) == 2)
    for session, one in zip(few, waiting, strict=False):
        sessions.release(session, is_usable=True)
        assert await one is session

    given_up = asyncio.create_task(sessions.acquire())
    await until(lambda: sessions._awaiting)
    sessions.release(few[0], is_usable=True)
    given_up.cancel()  # in the moment in which its session came
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert await sessions.acquire() is few[0]

    monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 0.01)
    further = await sessions.acquire()
    assert further not in few
    monkeypatch.setattr(pools, "_FURTHER_SECONDS", -1)  # its life is over when it comes back
    sessions.release(further, is_usable=True)
    assert further.is_closed()
    for session in few:
        sessions.release(session, is_usable=True)
        assert not session.is_closed()
    assert [await sessions.acquire() for _ in few] == few[::-1]

    monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 600)
    late = asyncio.create_task(sessions.acquire())
    await until(lambda: len([one for _, one in sessions._awaiting if not one.done()]) == 1)
    await sessions.close()
    sessions.release(few[0], is_usable=True)  # nobody gets a session of a closed pool
    assert few[0].is_closed()
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    for session in few[1:]:
        sessions.release(session, is_usable=True)
    assert all(session.is_closed() for session in few)


async def test_a_burst_opens_few_sessions_and_more_only_when_none_comes_back(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 600)
    opened: list[asyncpg.Connection] = []
    failures = [asyncpg.TooManyConnectionsError("for a moment")] * pools._FEW

    async def note(session: asyncpg.Connection) -> None:
        if failures:
            raise failures.pop()
        opened.append(session)

    async def use() -> None:
        session = await sessions.acquire()
        await session.fetchval("SELECT 1")
        sessions.release(session, is_usable=True)

    sessions = pools.Sessions(dsn, "burst", 6, note)
    for _ in range(pools._FEW):  # what could not be opened does not count
        with pytest.raises(Unavailable):
            await sessions.acquire()
    await asyncio.gather(*(use() for _ in range(40)))
    assert len(opened) == pools._FEW

    monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 0.01)
    held = await asyncio.gather(*(sessions.acquire() for _ in range(6)))
    assert len(opened) == 6
    assert set(held) == set(opened)
    for session in held:
        sessions.release(session, is_usable=True)
    await sessions.close()


async def _prepare_nothing(_session: asyncpg.Connection) -> None:
    return


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-") as folder:
        Path(folder).chmod(0o755)
        data = DataDirectory(Path(folder) / "data")
        data.prepare()
        server = Postgres(data, configuration={"fsync": "off"})
        server.start()
        yield server
        server.stop()


@pytest.mark.slow
async def test_a_killed_postgresql_is_unavailable_until_it_is_back(own_postgres: Postgres) -> None:
    await own_postgres.create_database()
    await migrate(own_postgres.dsn)
    db = await Database.open(own_postgres.dsn)

    async def kill(_pid: int) -> None:
        assert own_postgres.pid
        if own_postgres.is_running:
            os.kill(own_postgres.pid, signal.SIGQUIT)
        await asyncio.to_thread(own_postgres.wait)

    try:
        for number in range(3):  # killed once during each kind of use
            await (_read_only, _write_only, _cache_only)[number](db, kill)
            for use in (db.read, db.write, db.cache):  # while it is down
                with pytest.raises(Unavailable):
                    async with use() as conn:
                        await conn.fetchval("SELECT 1")
            assert not await db.can_write()
            own_postgres.start()
            await _insert(db, f"after {number}")
            assert await db.can_write()
        async with db.read() as conn:
            assert await conn.fetchval("SELECT count(*) FROM hashtags") == 3
    finally:
        await db.close()


async def _read_only(db: Database, during: Callable[[int], Awaitable[None]]) -> None:
    with pytest.raises(Unavailable):
        async with db.read() as conn:
            await during(0)
            await conn.fetchval("SELECT 1")


async def _write_only(db: Database, during: Callable[[int], Awaitable[None]]) -> None:
    with pytest.raises(Unavailable):
        async with db.write() as tx:
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('lost', 'lost')")
            await during(0)  # the commit fails


async def _cache_only(db: Database, during: Callable[[int], Awaitable[None]]) -> None:
    with pytest.raises(Unavailable):
        async with db.cache() as cache:
            await during(0)
            await cache.execute("DELETE FROM home_entries")
