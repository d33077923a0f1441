"""What is published reaches every process that listens; nothing is sent for what was rolled back."""

import asyncio
from collections.abc import Callable

import asyncpg
import msgspec
import pytest

from folkmoot.base import live
from folkmoot.base.db import Database


async def _until(condition: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_messages_reach_another_process_after_the_commit(db: Database, dsn: str) -> None:
    other = await Database.open(dsn)
    heard: list[object] = []
    other.live.subscribe("weather", lambda body: heard.append(msgspec.json.decode(body)))
    async with db.write() as tx:
        tx.publish("weather", {"sky": "modré"})
        tx.publish("elsewhere", 1)
    await _until(lambda: heard)
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
    await _until(lambda: heard)
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


@pytest.mark.parametrize("error", [
    asyncpg.InterfaceError("connection is closed"), asyncpg.InternalClientError("another operation is in progress"), TimeoutError(),
    ConnectionRefusedError(), asyncpg.CannotConnectNowError("starting up"),
], ids=lambda error: type(error).__name__)
async def test_a_connection_lost_again_while_it_is_made_again_is_made_again(
    db: Database, dsn: str, monkeypatch: pytest.MonkeyPatch, error: Exception,
) -> None:
    """What is published meanwhile arrives, and who listens is told that messages may have been missed."""
    other = await Database.open(dsn)
    heard: list[bytes] = []
    gaps: list[bool] = []
    other.live.subscribe("weather", heard.append)
    db.live.on_gap(lambda: gaps.append(True))
    connect, tries = asyncpg.connect, 0

    async def fail_twice(*args: object, **settings: object) -> asyncpg.Connection:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise error
        return await connect(*args, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg, "connect", fail_twice)
        assert db.live._connection
        db.live._connection.terminate()
        await _until(lambda: tries >= 1)
        assert not db.live.is_connected
        db.live.publish("weather", "rain")
        await _until(lambda: db.live.is_connected)
    await _until(lambda: heard)
    assert (heard, gaps, tries) == ([b'"rain"'], [True], 3)
    await other.close()


async def test_messages_that_wait_are_bounded_and_what_was_dropped_is_told(
    db: Database, dsn: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_MAX_QUEUED", 10)
    other = await Database.open(dsn)
    heard: list[object] = []
    gaps: list[bool] = []
    other.live.subscribe("count", lambda body: heard.append(msgspec.json.decode(body)))
    other.live.on_gap(lambda: gaps.append(True))
    for number in range(50):  # without a pause: nothing is sent in between
        db.live.publish("count", number)
    await _until(lambda: gaps)
    assert heard == list(range(40, 50))
    assert gaps == [True]
    await other.close()


async def test_a_listener_that_fails_holds_up_no_other(db: Database) -> None:
    heard: list[bytes] = []

    def fail(_body: bytes) -> None:
        raise ValueError("no")

    db.live.subscribe("weather", fail)
    db.live.subscribe("weather", heard.append)
    db.live.publish("weather", "sun")
    assert heard == [b'"sun"']


async def test_a_process_that_does_not_listen_connects_when_it_has_something_to_tell(db: Database, dsn: str) -> None:
    async def connections() -> int:
        async with db.read() as conn:
            return int(await conn.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'folkmoot live' AND datname = current_database()"))

    before = await connections()
    quiet = await Database.open(dsn, listen=False)
    heard: list[bytes] = []
    db.live.subscribe("weather", heard.append)
    assert quiet.live.is_connected
    assert await connections() == before
    quiet.live.publish("weather", "sun")
    await _until(lambda: heard)
    await quiet.close()
