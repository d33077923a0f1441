"""While the server restarts on purpose, reads and writes wait for it instead of failing, and no longer than they should."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base import clock, restarts, write_gate
from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable, WritesPaused
from folkmoot.base.restarts import LONGEST, Restarts
from tests.waiting import SECONDS, until


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "restart"


@pytest.fixture
async def warned(dsn: str, mark: Path) -> AsyncIterator[Database]:
    """A database whose restarts are announced by the mark."""
    database = await Database.open(dsn, restarts=Restarts(mark))
    yield database
    await database.close()


@asynccontextmanager
async def _announced(mark: Path) -> AsyncIterator[None]:
    restarts.announce(mark)
    await asyncio.sleep(restarts.SEEN_SECONDS)
    try:
        yield
    finally:
        restarts.end(mark)


async def _insert(database: Database, name: str) -> None:
    async with database.write() as tx:
        await tx.execute("INSERT INTO hashtags (key, name) VALUES ($1, $1)", name)


async def _count(database: Database, name: str) -> int:
    async with database.read() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM hashtags WHERE key = $1", name))


async def _end_sessions(dsn: str, kinds: list[str]) -> None:
    """As a server that stops."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY ($1)", kinds
    )
    await connection.close()


async def test_reads_and_writes_wait_for_the_end(warned: Database, mark: Path) -> None:
    async with _announced(mark):
        waiting = [asyncio.create_task(_insert(warned, "one")), asyncio.create_task(_count(warned, "two"))]
        with pytest.raises(WritesPaused):
            async with warned.write(waits=False):
                pass
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in waiting)
    await asyncio.wait_for(asyncio.gather(*waiting), SECONDS)
    assert await _count(warned, "one") == 1


async def test_a_write_at_the_gate_of_a_server_that_stops_runs_once(warned: Database, mark: Path, dsn: str) -> None:
    async with write_gate.hold(dsn, SECONDS):
        writes = [asyncio.create_task(_insert(warned, f"at the gate {number}")) for number in range(30)]  # more than there are sessions
        await until(lambda: warned.is_held)
        restarts.announce(mark)
        await _end_sessions(dsn, ["folkmoot writes"])
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in writes)
    restarts.end(mark)
    await asyncio.wait_for(asyncio.gather(*writes), SECONDS)
    assert [await _count(warned, f"at the gate {number}") for number in range(30)] == [1] * 30


async def test_without_an_announcement_it_fails(warned: Database, dsn: str) -> None:
    async with write_gate.hold(dsn, SECONDS):
        write = asyncio.create_task(_insert(warned, "lost"))
        await until(lambda: warned.is_held)
        await _end_sessions(dsn, ["folkmoot writes"])
        with pytest.raises(Unavailable):
            await asyncio.wait_for(write, SECONDS)


async def test_a_write_that_has_begun_is_not_repeated(warned: Database, mark: Path, dsn: str) -> None:
    ran = 0
    with pytest.raises(Unavailable):
        async with warned.write() as tx:
            ran += 1
            restarts.announce(mark)
            await _end_sessions(dsn, ["folkmoot writes"])
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('begun', 'begun')")
    restarts.end(mark)
    assert (ran, await _count(warned, "begun")) == (1, 0)


def test_a_mark_counts_for_its_time_only(mark: Path) -> None:
    seen = Restarts(mark)
    restarts.end(mark)
    assert not mark.exists(), "nothing was announced"
    assert not seen.is_announced
    assert not seen.is_recent
    restarts.announce(mark)
    assert seen.is_recent
    assert seen.is_announced
    mark.write_text(str(clock.monotonic() + 3 * LONGEST))  # of the time before a reboot
    assert not Restarts(mark).is_announced
    mark.write_text(str(clock.monotonic() - 3 * LONGEST))
    assert not Restarts(mark).is_recent
    mark.write_text("")
    assert not Restarts(mark).is_announced
    assert not Restarts().is_announced
