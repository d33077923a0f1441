"""Faults outside the handlers of jobs, which must neither lose a job nor block others."""

import asyncio
from typing import Any, ClassVar

import asyncpg
import msgspec

from folkmoot.base.db import Database
from folkmoot.base.events import Envelope, Event
from folkmoot.base.queue import queries
from folkmoot.base.queue.delivery import DELIVER_ONE
from folkmoot.base.queue.enqueue import DELIVER
from folkmoot.base.queue.model import State
from folkmoot.base.queue.worker import Worker
from folkmoot.base.subscriptions import Subscriptions
from tests.base.test_queue import Order, _job, _order, _running, _stored, _until, _work


class Moved(Event):
    kind: ClassVar[str] = "something.moved"
    number: int


async def _insert(db: Database, name: str, payload: bytes, **columns: Any) -> int:
    """Inserts a job as another release, or a crash of the server, may leave it."""
    async with db.write() as tx:
        id_ = await tx.fetchval("INSERT INTO jobs (name, payload) VALUES ($1, $2) RETURNING id", name, payload)
        for column, value in columns.items():
            await tx.execute(f"UPDATE jobs SET {column} = $2 WHERE id = $1", id_, value)
    return int(id_)


async def test_a_job_whose_release_was_lost_in_a_crash_of_the_server_runs_again(db: Database, dsn: str) -> None:
    """Commits of the queue do not wait for the disk: after a crash, a job can be claimed that its worker had released."""
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    admin = await asyncpg.connect(dsn)
    async with _running(db, [_job(run)]) as worker:
        await _order(db, 1)
        await _until(lambda: done == [1])
        await asyncio.sleep(0.1)
        await _insert(db, "test.order", b'{"number": 2}', worker=await worker._presence.number())
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()")
        await _until(lambda: done == [1, 2])
    await admin.close()


async def test_an_unreadable_suspected_delivery_does_not_block_others(db: Database) -> None:
    done: list[int] = []

    async def run(_database: Database, order: Order) -> None:
        done.append(order.number)

    bad = await _insert(db, DELIVER, b"[{", crashes=2)
    await _order(db, 1)

    async def is_tried() -> bool:
        return bool((await _job_of(db, bad)).tries)

    async with _running(db, [_job(run)]):
        await _until(lambda: done == [1])
        await _until(is_tried)


async def _job_of(db: Database, id_: int) -> Any:
    async with db.read() as conn:
        return await queries.get_job(conn, id_)


async def test_suspects_that_this_worker_cannot_run_do_not_block_others(db: Database) -> None:
    """A suspect with the name of a job of a newer release."""
    await _insert(db, "newer.order", b"{}", crashes=1)
    worker = Worker(db, [], [], Subscriptions())
    await worker._check_workers(await worker._presence.number())
    assert not worker._suspects.are_waiting
    await worker._presence.close()


async def test_a_delivery_to_a_removed_subscriber_is_parked(db: Database, monkeypatch: Any) -> None:
    """For example after an upgrade that renamed it: the operator sees the parked job, and the event is kept."""
    heard: list[int] = []

    async def listen(_database: Database, event: Moved) -> None:
        heard.append(event.number)

    subscriptions = Subscriptions()
    subscriptions.on(Moved, listen)
    envelope = Envelope(Moved.kind, msgspec.Raw(b'{"number":1}'), only="folkmoot.gone.listen")
    unknown = Envelope("something.newer", msgspec.Raw(b"{}"))
    await _insert(db, DELIVER_ONE, msgspec.json.encode(envelope), tries=5)
    await _insert(db, DELIVER, msgspec.json.encode([unknown, msgspec.structs.replace(envelope, only=None)]))
    await _work(db, [], subscriptions)
    assert heard == [1]
    found = {job.payload: job for job in await _stored(db)}
    parked = found[msgspec.json.encode(envelope)]
    assert parked.state is State.PARKED
    assert "folkmoot.gone.listen" in (parked.last_error or "")
    assert found[msgspec.json.encode(unknown)].name == DELIVER_ONE


async def test_an_unreadable_event_does_not_block_others_of_its_transaction(db: Database) -> None:
    heard: list[int] = []

    async def listen(_database: Database, event: Moved) -> None:
        heard.append(event.number)

    subscriptions = Subscriptions()
    subscriptions.on(Moved, listen)
    events = [Envelope(Moved.kind, msgspec.Raw(payload)) for payload in (b'{"number":"?"}', b'{"number":2}')]
    await _insert(db, DELIVER, msgspec.json.encode(events))
    await _work(db, [], subscriptions)
    assert heard == [2]
    [left] = await _stored(db)
    assert (left.name, left.payload) == (DELIVER_ONE, msgspec.json.encode(events[0]))


async def test_the_parts_of_a_suspected_delivery_are_complete(db: Database) -> None:
    """An event of an unknown kind becomes a part too."""
    unknown = Envelope("something.newer", msgspec.Raw(b"{}"))
    await _insert(db, DELIVER, msgspec.json.encode([unknown]), crashes=2)
    worker = Worker(db, [], [], Subscriptions())
    await worker._check_workers(await worker._presence.number())
    await worker._cycle(is_timed=False)
    await worker._presence.close()
    [left] = await _stored(db)
    assert (left.name, left.crashes, left.payload) == (DELIVER_ONE, 2, msgspec.json.encode(unknown))
