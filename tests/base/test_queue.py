"""Jobs are committed with their transaction and run at least once; a failing job is retried and then parked, never lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar

import asyncpg
import msgspec
import pytest

from folkmoot.base import clock, write_gate
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Conflict, NotFound, Unavailable, WritesPaused
from folkmoot.base.events import Event
from folkmoot.base.migrate import _MIGRATIONS_TABLE, known
from folkmoot.base.queue import delivery, queries
from folkmoot.base.queue import worker as worker_module
from folkmoot.base.queue.model import Claimed, Job, State, StoredJob
from folkmoot.base.queue.worker import Worker
from folkmoot.base.subscriptions import Subscriptions
from tests.waiting import SECONDS

AT_ONCE = (timedelta(0), timedelta(0))


class Order(msgspec.Struct):
    number: int


class Happened(Event):
    kind: ClassVar[str] = "something.happened"
    number: int


async def _work(db: Database, jobs: list[Job], subscriptions: Subscriptions | None = None) -> None:
    await Worker(db, jobs, [], subscriptions or Subscriptions()).run(until_empty=True)


async def _order(db: Database, *numbers: int) -> None:
    async with db.write() as tx:
        for number in numbers:
            tx.enqueue("test.order", Order(number))


async def _stored(db: Database) -> list[StoredJob]:
    async with db.read() as conn:
        return await queries.list_jobs(conn)


async def _until(condition: object, seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):  # type: ignore[operator]
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _running(db: Database, jobs: list[Job], subscriptions: Subscriptions | None = None) -> AsyncIterator[Worker]:
    """A worker that runs while the block runs."""
    worker = Worker(db, jobs, [], subscriptions or Subscriptions())
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(task, SECONDS)


def _job(handler: object, **declared: object) -> Job:
    return Job("test.order", Order, handler, **declared)  # type: ignore[arg-type]


async def test_a_job_runs_with_its_payload_and_is_deleted(db: Database) -> None:
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    await _order(db, 1, 2)
    await _work(db, [_job(run)])
    assert sorted(done) == [1, 2]
    assert await _stored(db) == []


async def test_a_failing_job_is_retried_then_parked_and_runs_again_on_request(db: Database) -> None:
    tries, is_repaired = 0, False

    async def fail(_database: Database, _order: Order) -> None:
        nonlocal tries
        tries += 1
        if not is_repaired:
            raise ValueError("no\0 \x1b[31mcolours")

    await _order(db, 1)
    await _work(db, [_job(fail, retries=AT_ONCE)])
    [job] = await _stored(db)
    assert (tries, job.state, job.tries, job.last_error) == (3, State.PARKED, 3, "ValueError: no   [31mcolours")
    async with db.read() as conn:
        assert await queries.count_parked(conn) == {"test.order": 1}
        state = await queries.measure_queue(conn)
    assert (state.waiting, state.running, state.parked) == (0, 0, 1)

    is_repaired = True
    async with db.write() as tx:
        assert await queries.retry_jobs(tx) == 1
    await _work(db, [_job(fail, retries=AT_ONCE)])
    assert (tries, await _stored(db)) == (4, [])


async def test_a_failed_job_waits_for_its_declared_delay(db: Database) -> None:
    async def fail(_database: Database, _order: Order) -> None:
        raise ValueError("no")

    await _order(db, 1)
    await _work(db, [_job(fail, retries=(timedelta(minutes=5),))])
    [job] = await _stored(db)
    assert (job.state, job.tries) == (State.LATER, 1)
    assert 240 < job.due_in <= 300
    async with db.write() as tx:
        await queries.retry_jobs(tx, [job.id], later_too=True)
    [job] = await _stored(db)
    assert (job.state, job.tries) == (State.WAITING, 0)


async def test_a_job_that_never_ends_is_a_failure(db: Database) -> None:
    async def hang(_database: Database, _order: Order) -> None:
        await asyncio.sleep(60)

    await _order(db, 1)
    await _work(db, [_job(hang, limit=timedelta(seconds=0.05), retries=())])
    [job] = await _stored(db)
    assert (job.state, job.last_error) == (State.PARKED, "TimeoutError: ")


async def test_a_job_can_be_dropped_but_not_while_it_runs(db: Database) -> None:
    ends = asyncio.Event()

    async def wait(_database: Database, _order: Order) -> None:
        await ends.wait()

    await _order(db, 1)
    [job] = await _stored(db)
    async with _running(db, [_job(wait)]):
        async def is_running() -> bool:
            return (await _stored(db))[0].state is State.RUNNING

        await _until(is_running)
        with pytest.raises(Conflict):
            async with db.write() as tx:
                await queries.delete_job(tx, job.id)
        ends.set()

        async def is_deleted() -> bool:
            return not await _stored(db)

        await _until(is_deleted)
    with pytest.raises(NotFound):
        async with db.write() as tx:
            await queries.delete_job(tx, job.id)


@pytest.mark.parametrize("error", [
    WritesPaused(), Unavailable(log_text="x"), asyncpg.AdminShutdownError("x"), asyncpg.ConnectionDoesNotExistError("x"),
    asyncpg.InterfaceError("connection is closed"), asyncpg.CannotConnectNowError("x"),
    asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
], ids=lambda error: type(error).__name__)
async def test_a_failure_of_the_database_does_not_count_as_a_try(db: Database, error: Exception) -> None:
    tries = 0

    async def interrupt(_database: Database, _order: Order) -> None:
        nonlocal tries
        tries += 1
        if isinstance(error, Unavailable):
            raise error from ConnectionRefusedError()
        raise error

    await _order(db, 1)
    await _work(db, [_job(interrupt, retries=())])
    [job] = await _stored(db)
    assert (tries, job.state, job.tries, job.last_error) == (1, State.LATER, 0, None)


@pytest.mark.parametrize("fault", [
    asyncpg.QueryCanceledError("statement timeout"), asyncpg.DataError("a text where a number belongs"), Unavailable(log_text="smtp"),
    ConnectionRefusedError("the mail server"), asyncpg.InterfaceError("the server expects 2 arguments for this query"),
], ids=lambda fault: type(fault).__name__)
async def test_a_fault_of_the_job_counts_as_a_try_even_if_it_resembles_one_of_the_database(db: Database, fault: Exception) -> None:
    async def fail(database: Database, _order: Order) -> None:
        if isinstance(fault, asyncpg.QueryCanceledError):  # as db.write() passes it on
            raise Unavailable(log_text="database") from fault
        raise fault

    await _order(db, 1)
    await _work(db, [_job(fail, retries=())])
    [job] = await _stored(db)
    assert (job.state, job.tries) == (State.PARKED, 1)


async def test_an_event_reaches_each_subscriber_even_if_one_fails_and_one_hangs(db: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(delivery, "_SUBSCRIBER_SECONDS", 0.1)
    heard: list[str] = []

    async def fail_once(_database: Database, event: Happened) -> None:
        heard.append(f"first {event.number}")
        if heard.count("first 7") == 1:
            raise ValueError("no")

    async def hang_once(_database: Database, event: Happened) -> None:
        heard.append(f"second {event.number}")
        if heard.count("second 7") == 1:
            await asyncio.sleep(SECONDS)

    async def listen(_database: Database, event: Happened) -> None:
        heard.append(f"third {event.number}")

    subscriptions = Subscriptions()
    for subscriber in (fail_once, hang_once, listen):
        subscriptions.on(Happened, subscriber)
    db.subscribed_kinds = subscriptions.kinds()
    async with db.write() as tx:
        tx.tell(Happened(number=7))
    await _work(db, [], subscriptions)
    assert sorted(heard) == ["first 7", "first 7", "second 7", "second 7", "third 7"]
    assert await _stored(db) == []


async def test_subscribers_are_looked_up_once_and_before_the_first_write(db: Database) -> None:
    """A command that only reads does not import the application for it; one that writes holds no lock meanwhile."""
    looked: list[bool] = []

    def find() -> frozenset[str]:
        looked.append(any(db._at_gate))
        return frozenset([Happened.kind])

    db.find_subscribed_kinds = find
    async with db.read() as conn:
        before = await conn.fetchval("SELECT count(*) FROM jobs")
    assert not looked
    for number in range(2):
        async with db.write() as tx:
            assert looked == [False]
            tx.tell(Happened(number=number))
    assert looked == [False]
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM jobs") == before + 2


async def test_an_event_without_subscribers_is_stored_without_a_job(db: Database) -> None:
    async with db.write() as tx:
        tx.tell(Happened(number=1))
    async with db.read() as conn:
        assert await conn.fetchval("SELECT payload ->> 'number' FROM events WHERE kind = 'something.happened'") == "1"
    assert await _stored(db) == []


async def test_many_events_of_one_moment_are_all_written(db: Database) -> None:
    """Ids from time and random bits collide if thousands are made in one millisecond; events use a sequence instead."""
    with clock.stopped_at(clock.now()):
        async with db.write() as tx:
            tx.tell(*(Happened(number=number) for number in range(3000)))
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events") == 3000


async def test_two_workers_share_the_jobs_and_run_each_once(db: Database) -> None:
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        await asyncio.sleep(0)
        done.append(order.number)

    await _order(db, *range(1000))
    await asyncio.gather(*(_work(db, [_job(run)]) for _ in range(2)))
    assert sorted(done) == list(range(1000))
    assert await _stored(db) == []


async def test_a_job_with_an_unknown_name_is_left_to_other_workers(db: Database) -> None:
    await _order(db, 1)
    await _work(db, [])
    assert [job.state for job in await _stored(db)] == [State.WAITING]


async def test_a_worker_survives_every_kind_of_lost_session(db: Database, dsn: str) -> None:
    """All sessions of the process are terminated repeatedly while jobs run; each job runs, and no try is counted."""
    done: set[int] = set()

    async def run(database: Database, order: Order) -> None:
        async with database.write() as tx:
            await tx.fetchval("SELECT pg_sleep(0.005)")
        done.add(order.number)

    admin = await asyncpg.connect(dsn)
    async with _running(db, [_job(run, retries=())]):
        for round_ in range(4):
            while True:
                try:
                    await _order(db, *range(round_ * 20, round_ * 20 + 20))
                    break
                except Unavailable:  # caused by the previous round
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                " WHERE datname = current_database() AND pid <> pg_backend_pid()")
        await _until(lambda: len(done) == 80)

        async def is_empty() -> bool:
            return not await _stored(db)

        await _until(is_empty)
    await admin.close()


async def test_a_claim_whose_answer_was_lost_is_released(db: Database) -> None:
    """The claim was committed but its answer was lost: no other worker may take the job, because its worker still runs."""
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    async with _running(db, [_job(run)]) as worker:
        await _until(lambda: worker._presence._session)
        number = await worker._presence.number()
        async with db.write() as tx:
            tx.enqueue("test.order", Order(1))
            await tx.flush()
            await tx.execute("UPDATE jobs SET worker = $1", number)

        def is_released() -> bool:
            worker._may_have_lost_claims = True  # a running cycle may have reset it
            worker._wake.set()
            return done == [1]

        await _until(is_released)


async def test_a_fenced_worker_waits_and_continues_by_itself(db: Database, dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    admin = await asyncpg.connect(dsn)
    async with _running(db, [_job(run)]):
        await _order(db, 1)
        await _until(lambda: done == [1])
        await admin.execute("UPDATE host_state SET epoch = 2")
        await _until(lambda: "writes are paused" in caplog.text)
        await admin.execute("INSERT INTO jobs (name, payload) VALUES ('test.order', '{\"number\": 2}')")
        await asyncio.sleep(0.3)
        assert done == [1]
        await admin.execute("UPDATE host_state SET epoch = 1")
        await _until(lambda: done == [1, 2])
    assert caplog.text.count("writes are paused") == 1
    assert "Traceback" not in caplog.text
    await admin.close()


async def test_the_queue_is_not_written_while_writes_are_held(db: Database, dsn: str) -> None:
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    await _order(db, 1)
    async with write_gate.hold(dsn, SECONDS):
        working = asyncio.create_task(_work(db, [_job(run)]))
        await asyncio.sleep(0.2)
        assert done == []
    await asyncio.wait_for(working, SECONDS)
    assert done == [1]


@asynccontextmanager
async def _dead_worker(db: Database, monkeypatch: pytest.MonkeyPatch, **crashes: int) -> AsyncIterator[None]:
    """Lets a worker that no longer runs claim all jobs."""
    monkeypatch.setattr(worker_module, "_DEAD_SECONDS", 0.0)
    async with db.write() as tx:
        number = await queries.take_number(tx)
        await tx.execute("UPDATE jobs SET worker = $1, crashes = $2", number, crashes.get("before", 0))
    yield


@pytest.mark.parametrize(("before", "at_once"), [(0, 3), (1, 1)], ids=["in groups", "then one at a time"])
async def test_jobs_of_a_dead_worker_run_apart_from_others(
    db: Database, monkeypatch: pytest.MonkeyPatch, before: int, at_once: int,
) -> None:
    monkeypatch.setattr(worker_module, "_SUSPECTS_AT_ONCE", 3)
    running: set[int] = set()
    most, done = 0, 0

    async def run(_database: Database, order: Order) -> None:
        nonlocal most, done
        running.add(order.number)
        if order.number < 10:
            most = max(most, len(running))
        await asyncio.sleep(0.01)
        running.discard(order.number)
        done += 1

    await _order(db, *range(10))
    async with _dead_worker(db, monkeypatch, before=before):
        await _order(db, *range(10, 200))
        async with _running(db, [_job(run)]):
            await _until(lambda: done == 200)
    assert most == at_once


async def test_the_third_end_of_its_worker_does_not_park_a_job_yet(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are killed from outside may run a harmless job three times."""
    await _order(db, 1)
    async with _dead_worker(db, monkeypatch, before=2), _running(db, []):
        async def is_counted() -> bool:
            return (await _stored(db))[0].crashes == 3

        await _until(is_counted)
    [job] = await _stored(db)
    assert job.parked_at is None


async def test_the_fifth_end_of_its_worker_parks_a_job(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await _order(db, 1)
    async with _dead_worker(db, monkeypatch, before=4), _running(db, []):
        async def is_parked() -> bool:
            return (await _stored(db))[0].state is State.PARKED

        await _until(is_parked)
    [job] = await _stored(db)
    assert (job.crashes, job.last_error) == (5, "its worker ended while it ran")


async def test_other_jobs_wait_for_a_slow_suspect_for_a_limited_time(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_ISOLATION_SECONDS", 0.1)
    monkeypatch.setattr(worker_module, "_POLL_SECONDS", 0.05)
    ends, done = asyncio.Event(), []

    async def run(_database: Database, order: Order) -> None:
        if order.number == 1:
            await ends.wait()
        done.append(order.number)

    await _order(db, 1)
    async with _dead_worker(db, monkeypatch), _running(db, [_job(run)]):
        async def is_running() -> bool:
            return (await _stored(db))[0].state is State.RUNNING

        await _until(is_running)
        await _order(db, 2)
        await _until(lambda: done == [2])
        ends.set()
        await _until(lambda: done == [2, 1])


async def test_suspects_run_although_the_commit_of_their_claim_failed_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    claim, fails = queries.claim_suspects, [True]

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    async def claim_then_lose(tx: WriteTx, *args: Any) -> list[Claimed]:
        found = await claim(tx, *args)
        if found and fails:
            fails.clear()
            monkeypatch.setattr(tx.__class__, "flush", _lose)
        return found

    async def _lose(_tx: WriteTx) -> None:
        monkeypatch.setattr(WriteTx, "flush", flush)
        raise Unavailable

    flush = WriteTx.flush
    monkeypatch.setattr(queries, "claim_suspects", claim_then_lose)
    await _order(db, *range(3))
    async with _dead_worker(db, monkeypatch, before=1), _running(db, [_job(run)]):
        await _until(lambda: len(done) == 3)
    assert not fails


async def test_a_suspected_delivery_is_split_by_subscriber(
    db: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []

    async def poison(_database: Database, event: Happened) -> None:
        heard.append("poison")

    async def listen(_database: Database, event: Happened) -> None:
        heard.append("listen")

    subscriptions = Subscriptions()
    subscriptions.on(Happened, poison)
    subscriptions.on(Happened, listen)
    db.subscribed_kinds = subscriptions.kinds()
    async with db.write() as tx:
        tx.tell(Happened(number=7))
    async with _dead_worker(db, monkeypatch, before=1):
        worker = Worker(db, [], [], subscriptions)
        monkeypatch.setattr(worker, "_run", lambda job: asyncio.sleep(0, heard.append(job.payload.decode())))
        task = asyncio.create_task(worker.run())
        await _until(lambda: len(heard) == 1)
        worker.stop()
        await asyncio.wait_for(task, SECONDS)
    assert "only" in heard[0]
    assert sorted(job.crashes for job in await _stored(db)) == [2, 2]


async def test_a_stopping_worker_releases_unfinished_jobs(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_STOP_SECONDS", 0.05)

    async def hang(_database: Database, _order: Order) -> None:
        await asyncio.sleep(60)

    await _order(db, 1)
    async with _running(db, [_job(hang)]):
        async def is_running() -> bool:
            return (await _stored(db))[0].state is State.RUNNING

        await _until(is_running)
    [job] = await _stored(db)
    assert (job.state, job.tries, job.crashes) == (State.LATER, 0, 0)


async def test_jobs_of_the_previous_release_are_taken_over(dsn: str) -> None:
    """Its waiting jobs are moved, its failed jobs are parked, and jobs that its processes still enqueue arrive."""
    old = "INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, status) VALUES (0, 'test.order', $1, now(), $2)"
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    connection = await asyncpg.connect(dsn, server_settings={"folkmoot.epoch": "1"})
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.execute(_MIGRATIONS_TABLE)
    for migration in known()[:5]:
        await connection.execute(migration.sql)
    for number, status in enumerate(("queued", "picked", "failed", "successful")):
        await connection.execute(old, b'{"number": %d}' % number, status)
    for migration in known()[5:]:
        await connection.execute(migration.sql)
    await connection.execute(old, b'{"number": 4}', "queued")
    assert await connection.fetchval("SELECT count(*) FROM pgqueuer") == 0
    await connection.close()

    db = await Database.open(dsn)
    await _work(db, [_job(run)])
    assert sorted(done) == [0, 1, 4]
    [job] = await _stored(db)
    assert (job.state, job.payload, job.last_error) == (State.PARKED, b'{"number": 2}', "given up by the previous release")
    await db.close()
