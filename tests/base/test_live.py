"""What is published reaches every process that listens; nothing is sent for what was rolled back."""

import asyncio

import msgspec
import pytest

from folkmoot.base.db import Database


async def _until(condition: object, seconds: float = 3) -> None:
    async with asyncio.timeout(seconds):
        while not condition:
            await asyncio.sleep(0.01)


async def test_messages_reach_another_process_after_the_commit(db: Database, dsn: str) -> None:
    other = await Database.open(dsn)
    heard: list[object] = []
    other.live.subscribe("weather", lambda body: heard.append(msgspec.json.decode(body)))
    async with db.write() as tx:
        tx.publish("weather", {"sky": "modré"})
        tx.publish("elsewhere", 1)
    await _until(heard)
    assert heard == [{"sky": "modré"}]
    await other.close()


async def test_a_rolled_back_transaction_publishes_nothing(db: Database) -> None:
    heard: list[bytes] = []
    db.live.subscribe("weather", heard.append)
    with pytest.raises(RuntimeError):
        async with db.write() as tx:
            tx.publish("weather", "rain")
            raise RuntimeError
    async with db.write() as tx:
        tx.publish("weather", "sun")
    await _until(heard)
    assert heard == [b'"sun"']


async def test_hundreds_of_messages_arrive_whole_and_in_order(db: Database) -> None:
    heard: list[int] = []
    db.live.subscribe("count", lambda body: heard.append(msgspec.json.decode(body)[0]))
    for number in range(500):
        db.live.publish("count", [number, "ě" * 100])
    async with asyncio.timeout(5):
        while len(heard) < 500:
            await asyncio.sleep(0.01)
    assert heard == list(range(500))


async def test_listening_goes_on_after_the_connection_was_cut(db: Database, dsn: str) -> None:
    heard: list[bytes] = []
    db.live.subscribe("weather", heard.append)
    async with db.write() as tx:
        await tx.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'folkmoot live'"
                       " AND datname = current_database()")
    async with asyncio.timeout(10):
        while not heard:
            db.live.publish("weather", "again")
            await asyncio.sleep(0.1)
