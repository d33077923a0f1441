"""Every write passes the gate: a hold delays all writes, and a fence refuses those of a process permanently."""

import asyncio
from contextlib import suppress

import asyncpg
import msgspec
import pytest

from folkmoot.base import clock, write_gate
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable, WritesPaused
from folkmoot.base.queue.model import Job
from folkmoot.base.queue.worker import Worker
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.base.write_gate import HoldEnded, StillWriting
from tests.waiting import SECONDS, until


class Order(msgspec.Struct):
    number: int


async def _insert(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute("INSERT INTO hashtags (key, name) VALUES (gen_random_uuid()::text, 'x')")


async def _shorten(held: write_gate.Hold) -> None:
    """Leaves a hold a tenth of a second. One that is short from its start can be over before a busy machine has begun it."""
    held._deadline = clock.monotonic() + 0.1
    await held.limit()


async def test_writes_wait_while_the_gate_is_held(db: Database, dsn: str) -> None:
    async with write_gate.hold(dsn, SECONDS):
        writer = asyncio.create_task(_insert(db))
        await asyncio.sleep(0.1)
        assert not writer.done()
    await asyncio.wait_for(writer, SECONDS)


async def test_a_hold_waits_for_running_writes(db: Database, dsn: str) -> None:
    held = asyncio.Event()

    async def hold() -> None:
        async with write_gate.hold(dsn, SECONDS):
            held.set()

    async with db.write():
        holder = asyncio.create_task(hold())
        await asyncio.sleep(0.1)
        assert not held.is_set()
    await asyncio.wait_for(holder, SECONDS)


async def test_a_hold_ends_after_its_time_limit(db: Database, dsn: str) -> None:
    holder = write_gate.hold(dsn, SECONDS)
    await _shorten(await holder.__aenter__())
    await _insert(db)
    await holder.__aexit__(None, None, None)


async def test_the_time_limit_of_a_hold_includes_the_wait_for_running_writes(db: Database, dsn: str) -> None:
    async with db.write():
        holder = write_gate.hold(dsn, SECONDS)
        entering = asyncio.create_task(holder.__aenter__())
        await asyncio.sleep(0.3)
        assert not entering.done()
    await asyncio.wait_for(entering, SECONDS)
    async with db.read() as conn:
        held = await conn.fetchval("SELECT pid FROM pg_stat_activity WHERE application_name = 'folkmoot hold'")
        assert held
    left = await entering.result()._holder.fetchval("SELECT setting::int FROM pg_settings WHERE name = 'idle_session_timeout'")
    assert left <= (SECONDS - 0.2) * 1000, "0.3 s had passed"
    await holder.__aexit__(None, None, None)


async def test_a_hold_that_waits_too_long_for_running_writes_gives_up(db: Database, dsn: str) -> None:
    async with db.write():
        with pytest.raises(StillWriting):
            async with write_gate.hold(dsn, SECONDS, drain=0.1):
                pass
    await asyncio.wait_for(_insert(db), SECONDS)


async def test_the_epoch_rises_within_the_hold_only(db: Database, dsn: str) -> None:
    async with write_gate.hold(dsn, SECONDS) as held:
        position = await held.raise_epoch(2)
        async with db.read() as conn:
            assert await conn.fetchval("SELECT epoch FROM host_state") == 2
            assert await conn.fetchval("SELECT $1::text::pg_lsn <= pg_current_wal_flush_lsn()", position)
    with pytest.raises(WritesPaused):
        await _insert(db)
    late = write_gate.hold(dsn, SECONDS)
    held = await late.__aenter__()
    held._deadline -= SECONDS  # its time is over
    with pytest.raises(HoldEnded):
        await held.raise_epoch(3)
    await late.__aexit__(None, None, None)
    async with db.read() as conn:
        assert await conn.fetchval("SELECT epoch FROM host_state") == 2


async def test_the_database_ends_a_hold_whose_process_hangs(db: Database, dsn: str) -> None:
    late = write_gate.hold(dsn, SECONDS)
    held = await late.__aenter__()
    await _shorten(held)
    held._deadline += SECONDS  # as if this process had a wrong idea of the time
    await _insert(db)  # when the database has ended it
    with pytest.raises(HoldEnded):
        await held.raise_epoch(2)
    await late.__aexit__(None, None, None)


async def test_a_fenced_process_cannot_write_but_reads(db: Database, dsn: str) -> None:
    await _insert(db)
    async with db.write() as tx:
        await tx.execute("UPDATE host_state SET epoch = epoch + 1")
    with pytest.raises(WritesPaused):
        await _insert(db)
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM hashtags") == 1


async def test_a_writer_that_waited_through_a_fence_is_refused(db: Database, dsn: str) -> None:
    fencer = await asyncpg.connect(dsn)
    async with write_gate.hold(dsn, SECONDS):
        writer = asyncio.create_task(_insert(db))
        await asyncio.sleep(0.1)
        await fencer.execute("UPDATE host_state SET epoch = epoch + 1")
    with pytest.raises(WritesPaused):
        await asyncio.wait_for(writer, SECONDS)
    await fencer.close()


async def test_the_queue_cannot_bypass_the_gate(db: Database, dsn: str) -> None:
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    async with db.write() as tx:
        tx.enqueue("some.order", Order(1))
    fencer = await asyncpg.connect(dsn)
    await fencer.execute("UPDATE host_state SET epoch = epoch + 1")
    worker = Worker(db, [Job("some.order", Order, run)], [], Subscriptions())
    with pytest.raises(WritesPaused):
        await worker.run(until_empty=True)
    await fencer.execute("UPDATE host_state SET epoch = epoch - 1")
    await worker.run(until_empty=True)
    assert done == [1]
    await fencer.close()


async def test_reading_connections_cannot_write(db: Database) -> None:
    async with db.read() as conn:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await conn.fetch("INSERT INTO hashtags (key, name) VALUES ('a', 'a')")


async def test_a_failed_transaction_leaves_neither_rows_nor_events_nor_jobs(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.write() as tx:
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('gone', 'gone')")
            tx.enqueue("some.order", Order(1))
            await tx.flush()
            raise RuntimeError("a failure")
    async with db.read() as conn:
        for table in ("hashtags", "events", "jobs"):
            assert await conn.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_commit_that_became_a_rollback_is_reported(db: Database) -> None:
    """PostgreSQL answers COMMIT without an error after a statement failed, and rolls back."""
    with pytest.raises(RuntimeError, match="is rolled back"):
        async with db.write() as tx:
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('gone', 'gone')")
            with suppress(asyncpg.UniqueViolationError):
                await tx.execute("INSERT INTO hashtags (key, name) VALUES ('gone', 'gone')")
            tx.publish("weather", "sun")
    async with db.write() as tx:
        assert await tx.fetchval("SELECT count(*) FROM hashtags") == 0


async def test_a_full_disk_refuses_a_write_and_names_the_cause_in_the_log_text(db: Database) -> None:
    with pytest.raises(Unavailable) as refused:
        async with db.write() as tx:
            await tx.execute("DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$")
    assert "the disk is full" in refused.value.log_text


async def test_a_write_by_the_way_does_not_wait_for_a_hold(db: Database, dsn: str) -> None:
    """Neither at the gate, nor for a session behind writes that wait there. Its transaction keeps the usual time limit for locks."""
    async with db.write(waits=False) as tx:
        assert await tx.fetchval("SELECT current_setting('lock_timeout')") == "15s"
    assert not db.is_held
    async with write_gate.hold(dsn, SECONDS):
        for is_crowded in (False, True):
            writers = [asyncio.create_task(_insert(db)) for _ in range(20 if is_crowded else 0)]
            await until(lambda: db.is_held == is_crowded)  # noqa: B023 - it is awaited here
            with pytest.raises(WritesPaused):
                async with asyncio.timeout(14), db.write(waits=False):
                    pass
    await asyncio.gather(*writers)
    assert not db.is_held


async def test_an_attempt_records_refusals_and_commits(db: Database) -> None:
    seen = write_gate.Attempt()
    write_gate.attempt.set(seen)
    async with db.write(is_repeatable=True) as tx:
        await tx.execute("UPDATE host_state SET epoch = epoch + 1")
    assert (seen.is_refused, seen.may_have_committed) == (False, False)
    with pytest.raises(WritesPaused):
        await _insert(db)
    assert (seen.is_refused, seen.may_have_committed) == (True, False)
    fencer = await asyncpg.connect(db.dsn)
    await fencer.execute("UPDATE host_state SET epoch = epoch - 1")
    await fencer.close()
    await _insert(db)
    assert seen.may_have_committed
