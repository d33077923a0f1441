"""Timed jobs run once per period in the whole network, despite clock jumps, and `/readyz` reports when they do not."""

import asyncio
from datetime import timedelta

import pytest

from folkmoot.app import timed_jobs
from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.base.queue import queries, timed_queries
from folkmoot.base.queue import worker as worker_module
from folkmoot.base.queue.model import State, Timed
from folkmoot.base.queue.timekeeper import Timekeeper
from folkmoot.base.queue.worker import Worker
from folkmoot.base.subscriptions import Subscriptions
from tests.village import Village
from tests.waiting import SECONDS

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Counted:
    """A timed job that counts its runs and fails if `error` is set."""

    def __init__(self, every: timedelta = HOUR, *, is_cleaning: bool = False) -> None:
        self.runs = 0
        self.error: Exception | None = None
        self.timed = Timed("test.counted", every, self._run, is_cleaning=is_cleaning)

    async def _run(self, _database: Database) -> None:
        self.runs += 1
        if self.error:
            raise self.error


async def _tick(keeper: Timekeeper) -> None:
    """One tick, and the runs that it starts."""
    await keeper.tick()
    await asyncio.gather(*keeper._running.values())


async def _move_last_runs(db: Database, by: timedelta) -> None:
    """Simulates a clock that moved the other way since the last run."""
    async with db.write() as tx:
        await tx.execute("UPDATE timed_jobs SET last_run_at = last_run_at + $1", by)


async def test_a_timed_job_runs_once_however_many_workers_there_are(db: Database) -> None:
    counted = Counted()
    workers = [Worker(db, [], [counted.timed], Subscriptions()) for _ in range(3)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    async with asyncio.timeout(SECONDS):
        while not all(worker._timekeeper._is_initialised for worker in workers):
            await asyncio.sleep(0.01)
    for worker in workers:
        worker.stop()
    await asyncio.wait_for(asyncio.gather(*running), SECONDS)
    assert counted.runs == 1


async def test_many_claims_at_once_take_a_timed_job_once(db: Database) -> None:
    """Each claim waits for the previous one, so it sees a last run that is later than its own start."""
    counted = Counted(timedelta(seconds=1))
    keepers = [Timekeeper(db, [counted.timed]) for _ in range(5)]
    await _tick(keepers[0])
    await _move_last_runs(db, -HOUR)
    await asyncio.gather(*(_tick(keeper) for keeper in keepers))
    assert counted.runs == 2


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["a day ahead, then set right", "a day behind, then set right"])
async def test_a_timed_job_is_due_after_the_clock_jumped(db: Database, jump: timedelta) -> None:
    counted = Counted()
    keeper = Timekeeper(db, [counted.timed])
    await _tick(keeper)
    await _tick(keeper)
    assert counted.runs == 1
    await _move_last_runs(db, jump)
    await _tick(keeper)
    await _tick(keeper)
    assert counted.runs == 2


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["ahead", "back"])
async def test_nothing_is_cleaned_within_an_hour_after_the_clock_jumped(
    db: Database, monkeypatch: pytest.MonkeyPatch, jump: timedelta,
) -> None:
    """New uploads would look a day old."""
    counted = Counted(is_cleaning=True)
    keeper = Timekeeper(db, [counted.timed])
    async with db.write() as tx:
        await timed_queries.insert_timed(tx, [counted.timed])
        await tx.execute("UPDATE timed_jobs SET last_run_at = now() - interval '59 minutes'")
    await _tick(keeper)
    assert counted.runs == 1
    started = clock.monotonic()
    with clock.stopped_at(clock.now() + jump):
        await _move_last_runs(db, -DAY)
        await _tick(keeper)
        assert counted.runs == 1
    monkeypatch.setattr(clock, "monotonic", lambda: started + 3700)
    keeper._clock = None
    await _tick(keeper)
    assert counted.runs == 2


@pytest.mark.parametrize("age", [timedelta(hours=25), timedelta(hours=-25)], ids=["long ago", "in the future"])
async def test_a_worker_that_starts_after_a_jump_cleans_nothing_for_an_hour(db: Database, age: timedelta) -> None:
    cleaning, other = Counted(is_cleaning=True), Counted()
    async with db.write() as tx:
        await timed_queries.insert_timed(tx, [cleaning.timed])
        await tx.execute("UPDATE timed_jobs SET last_run_at = now() - $1::interval", age)
    await _tick(Timekeeper(db, [cleaning.timed]))
    await _tick(Timekeeper(db, [other.timed]))
    assert (cleaning.runs, other.runs) == (0, 1)


async def test_a_failure_of_a_timed_job_is_stored_until_it_succeeds_within_a_minute(db: Database) -> None:
    counted = Counted(DAY)
    counted.error = ValueError("no")
    keeper = Timekeeper(db, [counted.timed])
    await _tick(keeper)
    async with db.read() as conn:
        state = (await timed_queries.list_timed(conn))["test.counted"]
    assert (state.failures, state.last_error) == (1, "ValueError: no")
    await _tick(keeper)
    assert counted.runs == 1
    counted.error = None
    await _move_last_runs(db, -timedelta(minutes=1))
    await _tick(keeper)
    assert counted.runs == 2
    async with db.read() as conn:
        assert (await timed_queries.list_timed(conn))["test.counted"].failures == 0


async def test_a_timed_job_that_failed_because_of_the_database_runs_again_at_once(db: Database) -> None:
    counted = Counted(DAY)
    counted.error = Unavailable()
    counted.error.__cause__ = ConnectionRefusedError()
    keeper = Timekeeper(db, [counted.timed])
    await _tick(keeper)
    counted.error = None
    await _tick(keeper)
    await _tick(keeper)
    assert counted.runs == 2
    async with db.read() as conn:
        assert (await timed_queries.list_timed(conn))["test.counted"].failures == 0


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["set back by a day", "set ahead by a day"])
async def test_delays_in_the_queue_survive_a_clock_jump(db: Database, jump: timedelta) -> None:
    """For example a retry, or the half minute in which a verdict can be withdrawn."""
    async with db.write() as tx:
        await tx.execute(
            "INSERT INTO jobs (name, payload, set_at, due_at)"
            " VALUES ('test.order', '1', now() + $1::interval, now() + $1 + interval '30 seconds')", jump)
    worker = Worker(db, [], [], Subscriptions())
    await worker._check_workers(0)
    async with db.read() as conn:
        [job] = await queries.list_jobs(conn)
    if jump > timedelta(0):
        assert job.state is State.LATER
        assert 0 < job.due_in <= 30
    else:
        assert job.state is State.WAITING


async def test_a_worker_keeps_its_jobs_whatever_the_clock_says(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease is a lock of a session; no times are compared."""
    monkeypatch.setattr(worker_module, "_DEAD_SECONDS", 0.0)
    one, other = (Worker(db, [], [], Subscriptions()) for _ in range(2))
    number = await one._presence.number()
    async with db.write() as tx:
        await tx.execute("INSERT INTO jobs (name, payload, worker, set_at, due_at) VALUES ('test.order', '1', $1,"
                         " now() - interval '2 days', now() - interval '2 days')", number)
    await other._check_workers(0)
    async with db.read() as conn:
        assert [job.state for job in await queries.list_jobs(conn)] == [State.RUNNING]
    await one._presence.close()
    async with asyncio.timeout(SECONDS):
        while True:
            await other._check_workers(0)
            async with db.read() as conn:
                [job] = await queries.list_jobs(conn)
            if job.state is State.WAITING:
                break
    assert job.crashes == 1


async def _mark_all_as_run(village: Village) -> None:
    timed = timed_jobs(village.settings)
    async with village.database.write() as tx:
        await timed_queries.insert_timed(tx, timed)
        await tx.execute("UPDATE timed_jobs SET last_run_at = now()")


async def _reasons(village: Village) -> list[str]:
    answer = await village.nobody().get("/readyz")
    assert (answer.status == 200) == (not answer.json["reasons"])
    reasons: list[str] = answer.json["reasons"]
    return reasons


@pytest.mark.parametrize("age", [timedelta(minutes=1), -DAY, timedelta(days=2)], ids=str)
async def test_readiness_reports_that_no_worker_runs(village: Village, age: timedelta) -> None:
    assert await _reasons(village) == ["no worker has run for half a minute: posts do not reach timelines"]
    await _mark_all_as_run(village)
    assert await _reasons(village) == []
    await _move_last_runs(village.database, -age)
    assert await _reasons(village) == ["no worker has run for half a minute: posts do not reach timelines"]


async def test_readiness_reports_overdue_timed_jobs(village: Village) -> None:
    await _mark_all_as_run(village)
    async with village.database.write() as tx:
        await tx.execute("UPDATE timed_jobs SET last_run_at = now() + interval '1 day' WHERE name = 'journal.seal'")
        await tx.execute("UPDATE timed_jobs SET last_run_at = now() - interval '1 minute' WHERE name = 'counters.fold'")
        await tx.execute("UPDATE timed_jobs SET last_run_at = now() - interval '50 minutes' WHERE name = 'timelines.trim'")
    assert await _reasons(village) == ["timed jobs are overdue: journal.seal, counters.fold"]


async def test_readiness_warns_of_a_failing_timed_job_without_its_error(village: Village) -> None:
    await _mark_all_as_run(village)
    async with village.database.write() as tx:
        await timed_queries.update_timed_failure(tx, "polls.close", "ValueError: something secret")
    answer = await village.nobody().get("/readyz")
    assert answer.json == {"ready": True, "reasons": [], "warnings": ["timed job polls.close failed 1 times in a row"]}


async def test_readiness_distinguishes_an_older_schema_from_a_lost_database(village: Village) -> None:
    await _mark_all_as_run(village)
    async with village.database.write() as tx:
        newest = await tx.fetchval("DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations) RETURNING number")
        await tx.execute("DROP TABLE jobs CASCADE")
    [reason] = await _reasons(village)
    assert reason.startswith("the schema is at ")
    assert reason.endswith(f", this code needs {newest}")


async def test_readiness_reports_a_lost_connection_for_live_messages(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    await _mark_all_as_run(village)
    live = village.database.live
    assert live._connection
    with monkeypatch.context() as patched:
        patched.setattr(live, "_connect", _refuse)
        live._connection.terminate()
        assert await _reasons(village) == ["the connection for live messages is lost; reconnecting"]
    async with asyncio.timeout(SECONDS):
        while not live.is_connected:
            await asyncio.sleep(0.05)
    assert await _reasons(village) == []


async def _refuse() -> None:
    raise ConnectionRefusedError


@pytest.mark.parametrize(("error", "has_trace"), [
    (Unavailable(log_text="the mailbox cannot be read: wrong password"), False), (RuntimeError("the mailbox cannot be read"), True),
])
async def test_what_is_not_reachable_is_logged_in_one_line(
    db: Database, caplog: pytest.LogCaptureFixture, error: Exception, has_trace: bool
) -> None:
    counted = Counted()
    counted.error = error
    await _tick(Timekeeper(db, [counted.timed]))
    record, = [one for one in caplog.records if "test.counted failed" in one.getMessage()]
    assert bool(record.exc_info) is has_trace
    if not has_trace:
        assert "wrong password" in record.getMessage()
