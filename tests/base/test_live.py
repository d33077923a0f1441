"""Published messages reach every process that listens; a rolled-back transaction sends none."""

import asyncio
from collections.abc import Callable

import asyncpg
import msgspec
import pytest

from folkmoot.base import live
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from tests.waiting import SECONDS


async def _until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
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


async def test_hundreds_of_messages_arrive_complete_and_in_order(db: Database) -> None:
    heard: list[int] = []
    db.live.subscribe("count", lambda body: heard.append(msgspec.json.decode(body)[0]))
    for number in range(500):
        db.live.publish("count", [number, "ě" * 100])
    async with asyncio.timeout(SECONDS):
        while len(heard) < 500:
            await asyncio.sleep(0.01)
    assert heard == list(range(500))


async def test_listening_continues_after_a_lost_connection(db: Database, dsn: str) -> None:
    heard: list[bytes] = []
    db.live.subscribe("weather", heard.append)
    async with db.write() as tx:
        await tx.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'folkmoot live'"
                       " AND datname = current_database()")
    async with asyncio.timeout(SECONDS):
        while not heard:
            db.live.publish("weather", "again")
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("error", [
    asyncpg.InterfaceError("connection is closed"), asyncpg.InternalClientError("another operation is in progress"), TimeoutError(),
    ConnectionRefusedError(), asyncpg.CannotConnectNowError("starting up"),
], ids=lambda error: type(error).__name__)
async def test_a_failed_reconnection_is_retried(
    db: Database, dsn: str, monkeypatch: pytest.MonkeyPatch, error: Exception,
) -> None:
    """Messages published meanwhile arrive, and listeners are notified that messages may have been lost."""
    other = await Database.open(dsn)
    heard: list[bytes] = []
    gaps: list[bool] = []
    other.live.subscribe("weather", heard.append)
    db.live.on_gap(lambda: gaps.append(True))
    connect, tries = asyncpg.connect, 0

    async def fail_twice(*args: object, **settings: object) -> asyncpg.Connection:
        nonlocal tries
        tries += 1
        if tries == 1:
            assert not db.live.is_connected
            db.live.publish("weather", "rain")
        if tries <= 2:
            raise error
        return await connect(*args, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg, "connect", fail_twice)
        assert db.live._connection
        db.live._connection.terminate()
        await _until(lambda: tries == 3 and db.live.is_connected)
    await _until(lambda: heard)
    assert (heard, gaps, tries) == ([b'"rain"'], [True], 3)
    await other.close()


async def test_the_queue_is_bounded_and_dropped_messages_are_reported(
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


async def test_a_failing_listener_does_not_affect_others(db: Database) -> None:
    heard: list[bytes] = []

    def fail(_body: bytes) -> None:
        raise ValueError("no")

    db.live.subscribe("weather", fail)
    db.live.subscribe("weather", heard.append)
    db.live.publish("weather", "sun")
    assert heard == [b'"sun"']


async def test_a_failing_listener_of_gaps_does_not_end_the_new_connection(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def fail() -> None:
        told.append("failed")
        raise RuntimeError("a listener that fails")

    db.live.on_gap(fail)
    db.live.on_gap(lambda: told.append("told"))
    async with db.read() as conn:
        await conn.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'folkmoot live'")
    await _until(lambda: "told" in told and "failed" in told)
    heard: list[bytes] = []
    db.live.subscribe("weather", heard.append)
    async with db.read() as conn:  # from another session: it arrives only if the connection still listens
        message = live.Message("weather", msgspec.Raw(b'"sun"'))
        await conn.fetch("SELECT pg_notify($1, $2)", live.CHANNEL, msgspec.json.encode([message]).decode())
    await _until(lambda: heard)
    assert sorted(told) == ["failed", "told"]  # one gap, not a new connection again and again
    assert "a listener of gaps failed" in caplog.text


async def test_a_process_may_start_before_its_database_answers(dsn: str) -> None:
    """As the web processes of a standby that waits for its primary."""
    nowhere = "postgresql://nobody@/nothing?host=/nowhere"
    with pytest.raises(Unavailable):
        await Database.open(nowhere)
    database = await Database.open(nowhere, must_answer=False)
    heard: list[bytes] = []
    gaps: list[None] = []
    database.live.subscribe("weather", heard.append)
    database.live.on_gap(lambda: gaps.append(None))
    assert not database.live.is_connected
    with pytest.raises(Unavailable):
        async with database.read():
            raise AssertionError
    database.live._dsn = database._readers._dsn = database._writers._dsn = dsn
    await _until(lambda: gaps)
    async with database.write() as tx:
        tx.publish("weather", "sun")
    await _until(lambda: heard)
    await database.close()


async def test_a_process_that_does_not_listen_connects_for_its_first_message(db: Database, dsn: str) -> None:
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
