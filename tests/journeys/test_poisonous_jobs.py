"""A job that kills its worker, or makes it hang, is parked after the fifth time; all other jobs are executed (S15, R17)."""

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import msgspec
import pytest

from folkmoot.base.db import Database
from folkmoot.base.queue import queries, watchdog
from folkmoot.base.queue.model import Job, QueueState, StoredJob
from folkmoot.base.queue.worker import Worker
from folkmoot.base.subscriptions import Subscriptions

HARMLESS_JOBS = 60


class Order(msgspec.Struct):
    number: int
    ordered_at: float


def _run_worker(dsn: str, folder: str) -> None:
    asyncio.run(_work(dsn, folder))


async def _work(dsn: str, folder: str) -> None:
    """Runs a worker in its own process, which the test restarts when it ends."""
    async def kill(_database: Database, _order: Order) -> None:
        await asyncio.sleep(0.05)  # other jobs are running now
        os.kill(os.getpid(), signal.SIGKILL)

    async def hang(_database: Database, _order: Order) -> None:
        await asyncio.sleep(0.05)
        while True:
            pass

    async def note(_database: Database, order: Order) -> None:
        await asyncio.sleep(0.1)
        (Path(folder) / str(order.number)).write_text(str(time.time() - order.ordered_at))

    database = await Database.open(dsn)
    jobs = [Job("test.kill", Order, kill), Job("test.hang", Order, hang), Job("test.note", Order, note)]
    queries.CRASH_PAUSES = (0.0, 0.0, 0.1, 0.3)
    watchdog._TIMEOUT_SECONDS = 2
    watchdog.start()
    await Worker(database, jobs, [], Subscriptions()).run()


@pytest.mark.parametrize("poison", ["test.kill", "test.hang"])
def test_a_job_that_ends_its_worker_five_times_is_parked_and_no_other_is(dsn: str, tmp_path: Path, poison: str) -> None:
    starts, worker, started = 0, None, time.monotonic()
    try:
        for number in range(10_000):
            if worker is None or not worker.is_alive():
                worker = multiprocessing.get_context("fork").Process(target=_run_worker, args=(dsn, str(tmp_path)))
                worker.start()
                starts += 1
            order = Order(number, time.time()) if number <= HARMLESS_JOBS else None
            state, stored = asyncio.run(_enqueue(dsn, poison if number == 5 else "test.note", order))
            if not (order or state.waiting or state.running):
                break
            assert time.monotonic() - started < 120, f"{state.waiting} jobs still wait"
            time.sleep(0.05)
    finally:
        if worker:
            worker.kill()
            worker.join()
    [parked] = stored
    assert (parked.name, parked.crashes, starts) == (poison, 5, 6)
    delays = [float(file.read_text()) for file in tmp_path.iterdir()]
    assert len(delays) == HARMLESS_JOBS
    sys.stdout.write(f"parked within {time.monotonic() - started:.0f} s; others were delayed by {max(delays):.1f} s at most\n")


async def _enqueue(dsn: str, name: str, order: Order | None) -> tuple[QueueState, list[StoredJob]]:
    """Enqueues a job if there is one; returns the state of the queue and the stored jobs."""
    database = await Database.open(dsn, listen=False)
    async with database.write() as tx:
        if order:
            tx.enqueue(name, order)
            await tx.flush()
        found = await queries.measure_queue(tx), await queries.list_jobs(tx)
    await database.close()
    return found
