"""Jobs travel with their transaction, run at least once, and what fails is retried and then shown, not lost."""

import asyncio
from datetime import timedelta
from typing import ClassVar

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.events import Event, Subscriptions
from folkmoot.base.jobs import Job, Timed, Worker


class Order(msgspec.Struct):
    number: int


class Happened(Event):
    kind: ClassVar[str] = "something.happened"
    number: int


async def _work(db: Database, jobs: list[Job], subscriptions: Subscriptions | None = None) -> None:
    await Worker(db, jobs, [], subscriptions or Subscriptions()).run(until_empty=True)


async def test_a_job_runs_with_its_payload(db: Database) -> None:
    done: list[int] = []

    async def carry_out(_database: Database, order: Order) -> None:
        done.append(order.number)

    async with db.write() as tx:
        tx.enqueue("test.order", Order(1))
        tx.enqueue("test.order", Order(2))
    await _work(db, [Job("test.order", Order, carry_out)])
    assert sorted(done) == [1, 2]


async def test_a_failing_job_is_tried_again_and_then_kept_for_the_operator(db: Database) -> None:
    tries = 0

    async def fail(_database: Database, _order: Order) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("no")

    async with db.write() as tx:
        tx.enqueue("test.order", Order(1))
    await _work(db, [Job("test.order", Order, fail, retries=(timedelta(0), timedelta(0)))])
    async with db.read() as conn:
        assert await conn.fetchval("SELECT status::text FROM pgqueuer") == "failed"
    assert tries == 3


async def test_an_event_reaches_each_subscriber_and_a_failing_one_holds_up_no_other(db: Database) -> None:
    heard: list[str] = []

    async def stumble_once(_database: Database, event: Happened) -> None:
        heard.append(f"first {event.number}")
        if heard.count("first 7") == 1:
            raise ValueError("stumbled")

    async def listen(_database: Database, event: Happened) -> None:
        heard.append(f"second {event.number}")

    subscriptions = Subscriptions()
    subscriptions.on(Happened, stumble_once)
    subscriptions.on(Happened, listen)
    db.heard_kinds = subscriptions.kinds()
    async with db.write() as tx:
        tx.tell(Happened(number=7))
    await _work(db, [], subscriptions)
    assert sorted(heard) == ["first 7", "first 7", "second 7"]


async def test_an_event_that_nobody_hears_is_logged_without_a_job(db: Database) -> None:
    async with db.write() as tx:
        tx.tell(Happened(number=1))
    async with db.read() as conn:
        assert await conn.fetchval("SELECT payload ->> 'number' FROM events WHERE kind = 'something.happened'") == "1"
        assert await conn.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_a_timed_job_runs_once_however_many_workers_there_are(db: Database) -> None:
    runs = 0

    async def count(_database: Database) -> None:
        nonlocal runs
        runs += 1

    timed = [Timed("test.hourly", timedelta(hours=1), count)]
    workers = [Worker(db, [], timed, Subscriptions()) for _ in range(3)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    await asyncio.sleep(1)
    for worker in workers:
        worker.stop()
    await asyncio.wait_for(asyncio.gather(*running), 10)
    assert runs == 1


async def test_many_events_of_one_moment_are_all_written(db: Database) -> None:
    """Ids by time and chance collide when thousands are made in one millisecond; an event has a number instead."""
    with clock.stopped_at(clock.now()):
        async with db.write() as tx:
            tx.tell(*(Happened(number=number) for number in range(3000)))
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events") == 3000
