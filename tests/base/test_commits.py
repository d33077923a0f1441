"""A write that its standby has not confirmed is never reported as stored. The standby of these tests does not exist."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from folkmoot.base import commits, write_gate
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable, Unconfirmed, WritesPaused
from tests.waiting import until

_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
_STORED = "SELECT count(*) FROM hashtags"


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Its own commits do not wait. The standby is away until the end of the test, or until `_forget_standby`."""
    connection = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "local"})
    await connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await connection.execute("SELECT pg_reload_conf()")
    other = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "on"})
    async with asyncio.timeout(60):
        while not await _waits(other):
            pass
    await other.close()
    yield connection
    await _forget_standby(connection)
    await connection.close()


async def _waits(connection: asyncpg.Connection) -> bool:
    try:
        await connection.execute("SELECT pg_logical_emit_message(true, '', '')", timeout=0.2)
    except TimeoutError:
        return True
    return False


async def _forget_standby(connection: asyncpg.Connection) -> None:
    await connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
    await connection.execute("SELECT pg_reload_conf()")


async def _write(database: Database, key: str, settings: str = "") -> None:
    async with database.write() as tx:
        await tx.execute(f"SET LOCAL synchronous_commit = on; {settings}")
        await tx.execute("INSERT INTO hashtags (key, name) VALUES ($1, $1)", key)


async def _begin(database: Database, admin: asyncpg.Connection, key: str, settings: str = "") -> tuple["asyncio.Task[None]", int]:
    """A write that waits for the standby, and its backend."""
    before = {row["pid"] for row in await admin.fetch(_WAITING)}
    task = asyncio.create_task(_write(database, key, settings))
    return task, (await until(lambda: _pids(admin, before))).pop()


async def _pids(admin: asyncpg.Connection, before: set[int]) -> set[int]:
    return {row["pid"] for row in await admin.fetch(_WAITING)} - before


async def test_a_cancelled_wait_is_not_reported_as_stored(db: Database, admin: asyncpg.Connection) -> None:
    task, pid = await _begin(db, admin, "cancelled")
    assert await admin.fetchval("SELECT pg_cancel_backend($1)", pid)  # PostgreSQL answers with success and a warning
    with pytest.raises(Unconfirmed):
        await task
    assert await admin.fetchval(_STORED) == 1
    task, _ = await _begin(db, admin, "next")
    await _forget_standby(admin)
    await task


async def test_a_transaction_with_nothing_but_a_job_waits_for_the_standby_too(db: Database, admin: asyncpg.Connection) -> None:
    async def enqueue() -> None:
        async with db.write() as tx:
            await tx.execute("SET LOCAL synchronous_commit = on")
            tx.enqueue("unknown", msgspec.defstruct("Nothing", [])())

    task = asyncio.create_task(enqueue())
    pid = (await until(lambda: _pids(admin, set()))).pop()
    assert await admin.fetchval("SELECT pg_cancel_backend($1)", pid)
    with pytest.raises(Unconfirmed):
        await task


async def test_a_terminated_wait_is_not_reported_as_stored(db: Database, admin: asyncpg.Connection) -> None:
    task, pid = await _begin(db, admin, "terminated")
    assert await admin.fetchval("SELECT pg_terminate_backend($1)", pid)
    with pytest.raises(Unavailable):
        await task


async def test_a_request_that_goes_away_does_not_cancel_the_wait(db: Database, admin: asyncpg.Connection) -> None:
    task, pid = await _begin(db, admin, "gone")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.2)  # a request to cancel would have arrived
    assert await _pids(admin, set()) == {pid}
    assert await admin.fetchval(_STORED) == 0, "nobody sees what the standby may not have"
    await _forget_standby(admin)
    await until(lambda: _has(admin, 1))
    await _write(db, "the session is free again")


async def _has(admin: asyncpg.Connection, number: int) -> bool:
    return bool(await admin.fetchval(_STORED) == number)


async def test_a_limit_for_statements_does_not_end_the_wait(db: Database, admin: asyncpg.Connection) -> None:
    task, pid = await _begin(db, admin, "slow", "SET LOCAL statement_timeout = '50ms'")
    await asyncio.sleep(0.3)
    assert await _pids(admin, set()) == {pid}
    assert not task.done()
    await _forget_standby(admin)
    await task


@pytest.mark.parametrize("change", [
    "SELECT 1",
    "SELECT pg_current_xact_id()",
    "INSERT INTO rate_windows (key, ends_at, count) VALUES ('x', now(), 1)",  # UNLOGGED: it has a transaction id and no log
])
async def test_an_answer_that_logs_nothing_waits_for_what_it_has_read(db: Database, admin: asyncpg.Connection, change: str) -> None:
    task, pid = await _begin(db, admin, "visible here")
    await admin.fetchval("SELECT pg_terminate_backend($1)", pid)  # as a crash of the server: stored here, and nowhere else
    with pytest.raises(Unavailable):
        await task

    async def repeat() -> int:
        async with db.write() as tx:
            await tx.execute(f"SET LOCAL synchronous_commit = on; {change}")
            return int(await tx.fetchval(_STORED))

    again = asyncio.create_task(repeat())
    await until(lambda: _pids(admin, set()))
    assert not again.done()
    await _forget_standby(admin)
    assert await again == 1


async def test_a_write_whose_commit_is_not_answered_in_time_has_an_unknown_outcome(
    db: Database, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "_SECONDS", 0.1)
    with pytest.raises(Unconfirmed):
        await _write(db, "late")
    assert len(await _pids(admin, set())) == 1, "the session is not reused, and PostgreSQL goes on waiting"
    await _forget_standby(admin)
    await until(lambda: _has(admin, 1))


async def test_waiting_commits_use_no_more_sessions_than_the_pool_has(
    db: Database, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "_SECONDS", 0.05)
    monkeypatch.setattr(commits, "_STUCK_SECONDS", 0.01)
    monkeypatch.setattr("folkmoot.base.db._STUCK_WAIT_SECONDS", 0.05)
    refused = 0
    for number in range(14):
        try:
            await _write(db, f"one of many {number}")
        except Unconfirmed:
            pass
        except WritesPaused:
            refused += 1  # before anything was written
    assert refused == 4
    assert len(await _pids(admin, set())) == 10
    with pytest.raises(WritesPaused):
        async with db.write(waits=False):
            pass
    async with db.read() as conn:
        assert await conn.fetchval(_STORED) == 0
    await _forget_standby(admin)
    await until(lambda: _has(admin, 10))
    await _write(db, "afterwards")


async def test_what_must_not_wait_for_the_standby_does_not(db: Database, dsn: str, admin: asyncpg.Connection) -> None:
    await admin.execute("ALTER SYSTEM SET synchronous_commit = on")
    await admin.execute("SELECT pg_reload_conf()")
    try:
        async with asyncio.timeout(30):
            async with db.write(waits=False) as tx:
                assert await tx.fetchval("SHOW synchronous_commit") == "off"
                await tx.execute("INSERT INTO hashtags (key, name) VALUES ('by the way', 'x')")
            async with db.cache() as cache:
                assert await cache.fetchval("SHOW synchronous_commit") == "off"
            async with write_gate.hold(dsn, 20) as hold:
                assert await hold.raise_epoch(5)
            db.live.publish("topic", 1)
            await until(lambda: _has_notified(db))
    finally:
        await admin.execute("ALTER SYSTEM RESET synchronous_commit")


async def _has_notified(database: Database) -> bool:
    return not database.live._outgoing


async def test_a_database_that_closes_does_not_cancel_a_wait(dsn: str, admin: asyncpg.Connection) -> None:
    database = await Database.open(dsn)
    task, pid = await _begin(database, admin, "closing")
    await database.close()
    with pytest.raises(Unavailable):
        await task
    assert await _pids(admin, set()) == {pid}
    await _forget_standby(admin)
    await until(lambda: _has(admin, 1))
