"""Empty jobs per second of one worker, and its processor time per job."""

import time

import msgspec

from benchmarks.harness import Row, database_of, network, report, run
from folkmoot.base.db import Database
from folkmoot.base.queue.model import Job
from folkmoot.base.queue.worker import Worker
from folkmoot.base.subscriptions import Subscriptions
from tests.network_up import NetworkUp

JOBS = 10_000
_BATCH = 100  # enqueued in one transaction


class Payload(msgspec.Struct):
    number: int


async def _measure(up: NetworkUp) -> tuple[float, float]:
    """Seconds, and seconds of processor time. The worker of the network does not take jobs of this name."""
    async def nothing(_database: Database, _payload: Payload) -> None:
        return

    async with database_of(up) as database:
        for start in range(0, JOBS, _BATCH):
            async with database.write() as tx:
                for number in range(start, start + _BATCH):
                    tx.enqueue("bench.nothing", Payload(number))
        started, spent = time.perf_counter(), time.process_time()
        await Worker(database, [Job("bench.nothing", Payload, nothing)], [], Subscriptions()).run(until_empty=True)
        return time.perf_counter() - started, time.process_time() - spent


def main() -> None:
    with network() as up:
        seconds, processor = run(_measure(up))
    report("queue", [
        Row("jobs per second", JOBS / seconds, "1/s", "2000", seconds <= JOBS / 2000),
        Row("processor time of the worker per job", 1e6 * processor / JOBS, "us"),
    ])


if __name__ == "__main__":
    main()
