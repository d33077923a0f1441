"""Background work: orders, carried out by the worker through pgqueuer.

A job is a name, the type of its payload, a handler and its retries; all of them are listed in `app.py`. Jobs are
enqueued by `WriteTx.enqueue`, in the transaction of the change, and may run twice: a handler makes that harmless. A
job that fails for good is kept with status `failed` and shown to the operator. Timed jobs stand in one table too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from folkmoot.base.db import DELIVER, Database
from folkmoot.base.events import Envelope, Subscriptions

log = logging.getLogger(__name__)
REDELIVER = "events.redeliver"
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (1, 10, 60, 600, 3600))
BATCH = 50


@dataclass(frozen=True)
class Job:
    """`handler(database, payload)` carries it out; the delays of `retries` are waited between the tries."""

    name: str
    payload: type[Any]
    handler: Callable[[Database, Any], Awaitable[None]]
    retries: Sequence[timedelta] = RETRIES


@dataclass(frozen=True)
class Timed:
    """Runs at most once per `every` in the whole network, whatever the number of workers."""

    name: str
    every: timedelta
    handler: Callable[[Database], Awaitable[None]]


class Worker:
    """Runs jobs until `stop`."""

    def __init__(self, database: Database, jobs: Sequence[Job], timed: Sequence[Timed], subscriptions: Subscriptions) -> None:
        self._database = database
        self._subscriptions = subscriptions
        deliver = Job(DELIVER, list[Envelope], self._deliver)
        redeliver = Job(REDELIVER, Envelope, self._redeliver)
        self._jobs = [*jobs, deliver, redeliver]
        self._timed = timed
        self._manager: Any = None
        self._stopping = asyncio.Event()

    async def run(self, *, until_empty: bool = False) -> None:
        """Works until stopped; with `until_empty` until no job is due, for tests and for the command line."""
        from pgqueuer import QueueManager  # only the worker pays for this import
        from pgqueuer.db import AsyncpgPoolDriver
        from pgqueuer.queries import Queries
        from pgqueuer.types import QueueExecutionMode

        async with self._database.queue_pool() as pool:
            self._manager = manager = QueueManager(Queries(AsyncpgPoolDriver(pool)))
            for job in self._jobs:
                manager.entrypoint(job.name, on_failure="hold", accepts_context=False)(_runner(self._database, job))
            if self._stopping.is_set():  # told so before there was a manager to tell
                manager.shutdown.set()
            timers = [asyncio.create_task(self._keep_time(timed)) for timed in self._timed if not until_empty]
            try:
                await manager.run(
                    dequeue_timeout=timedelta(seconds=1),
                    batch_size=BATCH,
                    mode=QueueExecutionMode.drain if until_empty else QueueExecutionMode.continuous,
                    max_concurrent_tasks=2 * BATCH,
                )
            finally:
                for timer in timers:
                    timer.cancel()
                await asyncio.gather(*timers, return_exceptions=True)

    def stop(self) -> None:
        self._stopping.set()
        if self._manager:
            self._manager.shutdown.set()

    async def _deliver(self, database: Database, envelopes: list[Envelope]) -> None:
        """Each event to each subscriber. Who fails gets a redelivery of its own, so that it holds up no other."""
        for envelope in envelopes:
            for name, subscriber, event in self._subscriptions.subscribers(envelope):
                try:
                    await subscriber(database, event)
                except Exception:
                    log.exception("subscriber %s failed on %s; it will be tried again", name, envelope.kind)
                    async with database.write() as tx:
                        tx.enqueue(REDELIVER, msgspec.structs.replace(envelope, only=name))

    async def _redeliver(self, database: Database, envelope: Envelope) -> None:
        for _, subscriber, event in self._subscriptions.subscribers(envelope):
            await subscriber(database, event)

    async def _keep_time(self, timed: Timed) -> None:
        """Runs a timed job whenever it is due and no other worker has just run it."""
        while not self._stopping.is_set():
            try:
                if await _claim(self._database, timed):
                    await timed.handler(self._database)
            except Exception:
                log.exception("timed job %s failed; it will run again", timed.name)
            await asyncio.sleep(timed.every.total_seconds())


async def forget_events(database: Database) -> None:
    """Drops events of more than 30 days ago. By the clock."""
    async with database.write() as tx:
        await tx.execute("DELETE FROM events WHERE created_at < now() - interval '30 days'")


def _runner(database: Database, job: Job) -> Callable[[Any], Awaitable[None]]:
    from pgqueuer.errors import RetryRequested

    async def run(order: Any) -> None:
        payload = msgspec.json.decode(order.payload, type=job.payload)
        try:
            await job.handler(database, payload)
        except Exception as error:
            if order.attempts >= len(job.retries):
                raise
            log.warning("job %s failed, try %d: %r", job.name, order.attempts + 1, error)
            raise RetryRequested(delay=job.retries[order.attempts], reason=repr(error)) from error

    return run


async def _claim(database: Database, timed: Timed) -> bool:
    async with database.write() as tx:
        claimed = await tx.fetchval(
            """
            INSERT INTO timed_jobs (name, last_run_at) VALUES ($1, now())
            ON CONFLICT (name) DO UPDATE SET last_run_at = now()
            WHERE timed_jobs.last_run_at <= now() - $2::interval
            RETURNING true
            """,
            timed.name, timed.every * 0.9,
        )
    return bool(claimed)
