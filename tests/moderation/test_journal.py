"""Altered, removed and inserted entries of the journal are found, and so is a truncated chain."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.journal import actions
from folkmoot.moderation.journal.actions import record_step, seal
from folkmoot.moderation.journal.end_file import write_end
from folkmoot.moderation.journal.model import FIRST_HASH, Head, Step, chain_hash
from folkmoot.moderation.journal.queries import list_sealed
from folkmoot.moderation.journal.verification import Verification, verify

SECRET = b"a secret of the tests"


async def _write(db: Database, count: int) -> None:
    async with db.write() as tx:
        for number in range(count):
            await record_step(tx, Step.CASE_OPENED, case_id=number, subject="post", clause="violence")


async def _check(db: Database, end: Path) -> Verification:
    async with db.read() as conn:
        return await verify(conn, SECRET, end)


async def _as_intruder(dsn: str, *statements: str) -> None:
    """An intruder who owns the database and can disable the triggers."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("ALTER TABLE journal DISABLE TRIGGER ALL")
    for statement in statements:
        await connection.execute(statement)
    await connection.execute("ALTER TABLE journal ENABLE TRIGGER ALL")
    await connection.close()


@pytest.fixture
async def sealed(db: Database, tmp_path: Path) -> Path:
    """Twelve sealed entries, and the file with the end of the chain."""
    end = tmp_path / "journal.end"
    for _ in range(3):
        await _write(db, 4)
        await seal(db, SECRET, end)
    return end


async def test_an_untouched_journal_is_whole(db: Database, sealed: Path) -> None:
    found = await _check(db, sealed)
    assert (found.is_whole, found.entries, found.unsealed) == (True, 12, 0)
    await _write(db, 1)
    assert (await _check(db, sealed)).unsealed == 1
    assert await seal(db, SECRET, sealed) == 1
    assert await seal(db, SECRET, sealed) == 0
    assert (await _check(db, sealed)).entries == 13


@pytest.mark.parametrize("statement", [
    "UPDATE journal SET facts = '{}' WHERE position = 5",
    "UPDATE journal SET actor_id = 7 WHERE position = 1",
    "UPDATE journal SET at = at + interval '1 microsecond' WHERE position = 12",
    "UPDATE journal SET case_id = NULL WHERE position = 3",
    "UPDATE journal SET kind = 'case.claimed' WHERE position = 8",
    "DELETE FROM journal WHERE position = 6",
    "DELETE FROM journal WHERE position = 1",
    "DELETE FROM journal WHERE position > 10",
    "DELETE FROM journal",
    "UPDATE journal SET hash = sha256('x') WHERE position = 4",
    "INSERT INTO journal (at, kind, facts, position, hash) VALUES (now(), 'x', '{}', 13, sha256('x'))",
])
async def test_a_change_is_found(db: Database, dsn: str, sealed: Path, statement: str) -> None:
    await _as_intruder(dsn, statement)
    assert not (await _check(db, sealed)).is_whole


async def test_a_change_of_any_entry_is_found(db: Database, dsn: str, sealed: Path) -> None:
    for position in range(1, 13):
        await _as_intruder(dsn, f"UPDATE journal SET facts = facts || ' ' WHERE position = {position}")
        found = await _check(db, sealed)
        assert [f"entry {position} " in fault for fault in found.faults] == [True]
        await _as_intruder(dsn, f"UPDATE journal SET facts = rtrim(facts) WHERE position = {position}")
    assert (await _check(db, sealed)).is_whole


async def test_a_recomputed_chain_lacks_the_signature(db: Database, dsn: str, sealed: Path) -> None:
    await _as_intruder(dsn, "UPDATE journal SET actor_id = 7 WHERE position = 2")
    async with db.read() as conn:
        entries = await list_sealed(conn, 0, 100)
    digest, statements = FIRST_HASH, []
    for entry in entries:
        digest = chain_hash(digest, entry.position or 0, entry)
        statements.append(f"UPDATE journal SET hash = '\\x{digest.hex()}' WHERE position = {entry.position}")
    await _as_intruder(dsn, *statements, f"UPDATE journal_heads SET hash = '\\x{digest.hex()}'")
    found = await _check(db, sealed)
    assert any("recomputed" in fault for fault in found.faults)


async def test_a_chain_truncated_with_its_signed_heads_is_found(db: Database, dsn: str, sealed: Path) -> None:
    await _as_intruder(dsn, "DELETE FROM journal WHERE position > 9", "DELETE FROM journal_heads")
    assert "its end is missing" in (await _check(db, sealed)).faults[0]


async def test_an_entry_inserted_later_is_found_by_its_time(db: Database, dsn: str, sealed: Path) -> None:
    await _as_intruder(dsn, "INSERT INTO journal (at, kind, facts) VALUES (now() - interval '9 days', 'verdict.reached', '{}')")
    await seal(db, SECRET, sealed)
    assert "inserted later" in (await _check(db, sealed)).faults[0]


async def test_an_entry_inserted_between_later_ones_is_found_by_its_time(db: Database, dsn: str, sealed: Path) -> None:
    await _as_intruder(dsn, "INSERT INTO journal (at, kind, facts) VALUES (now() - interval '9 days', 'verdict.reached', '{}')")
    await _write(db, 3)
    await seal(db, SECRET, sealed)
    assert "inserted later" in (await _check(db, sealed)).faults[0]


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(hours=-2)])
@pytest.mark.parametrize("after", [1, 3])
async def test_a_corrected_clock_is_not_a_fault(db: Database, sealed: Path, ahead: timedelta, after: int) -> None:
    """The clock is ahead or behind for some entries, then correct again."""
    with clock.stopped_at(clock.now() + ahead):
        await _write(db, 2)
        await seal(db, SECRET, sealed)
    await _write(db, after)
    await seal(db, SECRET, sealed)
    found = await _check(db, sealed)
    assert found.faults == []
    assert len([remark for remark in found.remarks if "the clock was set back" in remark]) == 1


@pytest.mark.parametrize("statement", [
    "UPDATE journal SET facts = '{}' WHERE id = (SELECT min(id) FROM journal)", "DELETE FROM journal", "TRUNCATE journal",
])
async def test_the_database_itself_refuses_to_change_an_entry(dsn: str, sealed: Path, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    with pytest.raises(asyncpg.RaiseError, match="only added to"):
        await connection.execute(statement)
    await connection.close()


async def test_two_sealers_at_once_make_one_chain(db: Database, tmp_path: Path) -> None:
    end = tmp_path / "journal.end"

    async def write_and_seal(steps: Callable[[], Awaitable[None]]) -> None:
        for _ in range(10):
            await steps()
            await seal(db, SECRET, end)

    await asyncio.gather(*(write_and_seal(lambda: _write(db, 3)) for _ in range(4)))
    found = await _check(db, end)
    assert (found.faults, found.remarks, found.entries) == ([], [], 120)


async def test_a_second_sealer_of_a_new_journal_does_not_take_it_for_that_of_another_host(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may run after the first one has committed, and before that one has written the end of the chain."""
    end = tmp_path / "journal.end"
    late = iter([True])

    def write_late(file: Path, head: Head) -> None:
        if head.position == 0 or not next(late, False):
            write_end(file, head)

    monkeypatch.setattr(actions, "write_end", write_late)
    await _write(db, 3)
    assert await seal(db, SECRET, end) == 3
    await _write(db, 3)
    assert await seal(db, SECRET, end) == 3
    found = await _check(db, end)
    assert (found.faults, found.remarks, found.entries) == ([], [], 6)


async def test_a_journal_that_was_emptied_together_with_its_file_is_not_a_new_one(db: Database, dsn: str, sealed: Path) -> None:
    await _as_intruder(dsn, "DELETE FROM journal", "DELETE FROM journal_heads", "DELETE FROM journal_lanes")
    os.remove(sealed)
    await _write(db, 1)
    assert await seal(db, SECRET, sealed) == 0
    assert not (await _check(db, sealed)).is_whole


async def test_the_time_of_an_entry_comes_from_the_clock(db: Database, tmp_path: Path) -> None:
    moment = clock.now() - timedelta(seconds=3)
    with clock.stopped_at(moment):
        await _write(db, 1)
    await seal(db, SECRET, tmp_path / "journal.end")
    async with db.read() as conn:
        (entry,) = await list_sealed(conn, 0, 10)
    assert (entry.at, entry.facts) == (moment, '{"clause":"violence","subject":"post"}')
