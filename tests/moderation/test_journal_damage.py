"""Entries removed before they are sealed are found; a damaged end of the chain stops sealing, is reported everywhere, and is
accepted only by an operator."""

import asyncio
import hashlib
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.moderation.journal.actions import accept_damage, journal_signer, record_step, seal
from folkmoot.moderation.journal.end_file import EndFileDamaged, read_end, write_end
from folkmoot.moderation.journal.model import Head, SealState, Step, chain_hash, signed_text
from folkmoot.moderation.journal.queries import find_state, list_gaps, list_sealed, list_unsealed
from folkmoot.moderation.journal.verification import Verification, verify
from tests.village import Village

SECRET = b"a secret of the tests"


async def _write(db: Database, count: int = 1) -> None:
    async with db.write() as tx:
        for number in range(count):
            await record_step(tx, Step.CASE_OPENED, case_id=number)


async def _check(db: Database, end: Path) -> Verification:
    async with db.read() as conn:
        return await verify(conn, SECRET, end)


async def _state(db: Database) -> SealState:
    async with db.read() as conn:
        return await find_state(conn)


async def _as_owner(dsn: str, *statements: str) -> None:
    """Runs statements as the owner of the database, with the triggers disabled."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("ALTER TABLE journal DISABLE TRIGGER ALL")
    for statement in statements:
        await connection.execute(statement)
    await connection.execute("ALTER TABLE journal ENABLE TRIGGER ALL")
    await connection.close()


@pytest.fixture
async def end(db: Database, tmp_path: Path) -> Path:
    """Six sealed entries, and the file with the end of the chain; the sealer has run once more since."""
    file = tmp_path / "journal.end"
    await _write(db, 6)
    assert await seal(db, SECRET, file) == 6
    assert await seal(db, SECRET, file) == 0
    return file


# Removed before sealing


@pytest.mark.parametrize("removed", [
    "id = (SELECT min(id) FROM journal WHERE position IS NULL)", "id = (SELECT max(id) FROM journal)",
    "case_id = 1 AND position IS NULL", "case_id IN (1, 2) AND position IS NULL", "position IS NULL",
])
async def test_entries_removed_before_they_are_sealed_are_found(db: Database, dsn: str, end: Path, removed: str) -> None:
    await _write(db, 4)
    await _as_owner(dsn, f"DELETE FROM journal WHERE {removed}")
    found = await _check(db, end)
    assert len(found.faults) == 1
    assert "removed before" in found.faults[0]
    await seal(db, SECRET, end)
    assert await _state(db) is SealState.ENTRIES_MISSING
    await _write(db)
    assert await seal(db, SECRET, end) == 1  # new entries are still sealed
    assert await _state(db) is SealState.ENTRIES_MISSING
    assert [fault for fault in (await _check(db, end)).faults if "removed before" in fault] == found.faults


async def test_the_removal_of_any_entry_is_found(db: Database, dsn: str, end: Path) -> None:
    for number in range(5):
        await _write(db, 5)
        await _as_owner(dsn, f"DELETE FROM journal WHERE position IS NULL AND case_id = {number}")
        await seal(db, SECRET, end)
        assert len((await _check(db, end)).faults) == number + 1


async def test_removed_entries_cannot_be_hidden_by_new_numbers_once_the_next_is_sealed(db: Database, dsn: str, end: Path) -> None:
    await _write(db, 2)
    await _as_owner(dsn, "DELETE FROM journal WHERE position IS NULL AND case_id = 0")
    await seal(db, SECRET, end)
    await _as_owner(dsn, "UPDATE journal SET number = 7 WHERE number = 8", "UPDATE journal_lanes SET last = 7")
    assert "was altered" in (await _check(db, end)).faults[0]


async def test_rolled_back_and_terminated_transactions_leave_no_gap(db: Database, dsn: str, end: Path) -> None:
    for _ in range(5):
        with pytest.raises(RuntimeError):
            async with db.write() as tx:
                await record_step(tx, Step.CASE_OPENED, case_id=1)
                raise RuntimeError
        with pytest.raises(Unavailable):
            async with db.write() as tx:
                await record_step(tx, Step.CASE_OPENED, case_id=1)
                backend = await tx.fetchval("SELECT pg_backend_pid()")
                admin = await asyncpg.connect(dsn)
                await admin.execute("SELECT pg_terminate_backend($1, 5000)", backend)
                await admin.close()
                await tx.fetchval("SELECT 1")
        await _write(db)
    await seal(db, SECRET, end)
    found = await _check(db, end)
    assert (found.faults, found.entries) == ([], 11)


async def test_concurrent_writers_leave_no_gap_and_do_not_wait_for_each_other(db: Database, end: Path) -> None:
    async def write(number: int) -> None:
        for turn in range(10):
            try:
                async with db.write() as tx:
                    await record_step(tx, Step.CASE_OPENED, case_id=number)
                    await asyncio.sleep(0)
                    await record_step(tx, Step.CASE_CLAIMED, case_id=number)
                    if (number + turn) % 3 == 0:
                        raise RuntimeError
            except RuntimeError:
                pass

    async with db.write() as tx:
        await record_step(tx, Step.CASE_OPENED, case_id=99)  # stays open while the others commit
        await asyncio.gather(*(write(number) for number in range(8)))
    async with db.read() as conn:
        assert await list_gaps(conn) == []
        assert await conn.fetchval("SELECT count(*) FROM journal_lanes") > 1
    await seal(db, SECRET, end)
    assert (await _check(db, end)).faults == []


async def test_an_entry_that_the_previous_release_sealed_is_whole(db: Database, dsn: str, end: Path) -> None:
    await _write(db)
    async with db.write() as tx:
        before = (await list_sealed(tx, 5, 1))[0]
        entry, = await list_unsealed(tx, 1)
        await tx.execute("UPDATE journal SET position = 7, hash = $2 WHERE id = $1", entry.id,
                         chain_hash(before.hash or b"", 7, entry, with_lane=False))
    assert (await _check(db, end)).faults == []
    await _as_owner(dsn, "UPDATE journal SET facts = '{}' || ' ' WHERE position = 7")
    assert not (await _check(db, end)).is_whole


# The end of the chain in its file


def _damaged(content: bytes) -> list[bytes]:
    flipped = [
        content[:place] + bytes([content[place] ^ bit]) + content[place + 1:] for place in range(len(content)) for bit in (1, 32, 128)
    ]
    cut = [content[:length] for length in range(len(content))]
    nested = b'{"position":' + b"[" * 900
    return [*flipped, *cut, content + b" ", content + content, b"null", b"[]", b"\x00" * 40, nested, b'{"position":1e999}']


def test_every_damaged_end_is_found(tmp_path: Path) -> None:
    end, digest = tmp_path / "journal.end", hashlib.sha256(b"six entries").digest()
    signer = journal_signer(SECRET)
    write_end(end, Head(position=6, hash=digest, signature=signer.sign(signed_text(6, digest))))
    content = end.read_bytes()
    assert read_end(end, signer)
    for damaged in _damaged(content):
        end.write_bytes(damaged)
        with pytest.raises(EndFileDamaged):
            read_end(end, signer)
    end.write_bytes(content)
    assert read_end(end, signer)
    with pytest.raises(EndFileDamaged):
        read_end(end, journal_signer(b"the secret of another network"))


def _damage(end: Path, how: str) -> bytes:
    """Damages the file; returns its previous content."""
    content = end.read_bytes()
    end.unlink()
    if how == "unreadable":
        end.mkdir()
    elif how != "missing":
        end.write_bytes({"empty": b"", "cut": content[:40], "flipped": bytes([content[0] ^ 1]) + content[1:], "foreign": content.replace(
            content[-20:], b"0" * 18 + content[-2:])}[how])
    return content


def _put_back(end: Path, content: bytes) -> None:
    if end.is_dir():
        end.rmdir()
    end.write_bytes(content)


@pytest.mark.parametrize(("how", "state"), [
    ("empty", SealState.END_DAMAGED), ("cut", SealState.END_DAMAGED), ("flipped", SealState.END_DAMAGED),
    ("foreign", SealState.END_DAMAGED), ("unreadable", SealState.END_UNREADABLE), ("missing", SealState.END_MISSING),
])
async def test_a_damaged_end_stops_the_sealer_and_is_reported_everywhere(
    db: Database, village: Village, end: Path, how: str, state: SealState
) -> None:
    content = _damage(end, how)
    await _write(db)
    assert await seal(db, SECRET, end) == 0
    assert await _state(db) is state
    found = await _check(db, end)  # does not crash, and still verifies the chain
    assert (found.entries, found.unsealed, len(found.faults)) == (6, 1, 1)
    assert str(end) in found.faults[0]
    answer = await village.nobody().get("/readyz")
    assert answer.status == 503
    assert state.reason in answer.json["reasons"]
    _put_back(end, content)  # then sealing continues without an operator
    assert await seal(db, SECRET, end) == 1
    assert await _state(db) is SealState.SEALING
    assert state.reason not in (await village.nobody().get("/readyz")).json["reasons"]
    assert (await _check(db, end)).faults == []


@pytest.mark.parametrize("how", ["empty", "foreign", "missing"])
async def test_damage_is_accepted_by_an_operator_and_recorded_in_the_journal(db: Database, end: Path, how: str) -> None:
    _damage(end, how)
    await _write(db)
    assert await seal(db, SECRET, end) == 0
    state, gaps = await accept_damage(db, SECRET, end)
    assert (state.is_stopped, gaps) == (True, [])
    assert await _state(db) is SealState.SEALING
    found = await _check(db, end)
    assert (found.faults, found.entries) == ([], 8)
    assert "an operator accepted damage: entry 8" in found.remarks[0]
    await _write(db)
    assert await seal(db, SECRET, end) == 1
    assert (await accept_damage(db, SECRET, end))[0] is SealState.SEALING  # there is nothing to accept
    assert (await _check(db, end)).entries == 9


async def test_removed_entries_are_accepted_and_only_those(db: Database, dsn: str, end: Path) -> None:
    await _write(db, 3)
    await _as_owner(dsn, "DELETE FROM journal WHERE position IS NULL AND case_id < 2")
    await seal(db, SECRET, end)
    _, gaps = await accept_damage(db, SECRET, end)
    assert [(gap.first, gap.last) for gap in gaps] == [(7, 8)]
    assert (await _check(db, end)).faults == []
    await seal(db, SECRET, end)
    assert await _state(db) is SealState.SEALING
    await _write(db, 3)
    await _as_owner(dsn, "DELETE FROM journal WHERE position IS NULL AND case_id = 1")
    await seal(db, SECRET, end)
    assert await _state(db) is SealState.ENTRIES_MISSING
    assert len((await _check(db, end)).faults) == 1


async def test_the_owner_of_the_database_cannot_forge_an_acceptance(db: Database, dsn: str, end: Path) -> None:
    await _write(db, 2)
    await _as_owner(dsn, "DELETE FROM journal WHERE position IS NULL AND case_id = 0")
    await seal(db, SECRET, end)
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO journal (at, kind, facts) VALUES (now(), 'journal.damage_accepted', $1)",
                             '{"gaps":[[0,7,7]],"signature":"x"}')
    await connection.close()
    await seal(db, SECRET, end)
    assert "removed before" in (await _check(db, end)).faults[0]


async def test_a_restored_host_starts_to_keep_the_end_and_records_it(db: Database, end: Path, tmp_path: Path) -> None:
    other = tmp_path / "restored" / "journal.end"
    other.parent.mkdir()
    assert await seal(db, SECRET, other) == 1
    found = await _check(db, other)
    assert (found.faults, found.entries) == ([], 7)
    assert "started to keep the end" in found.remarks[0]
    await seal(db, SECRET, other)
    other.unlink()
    await _write(db)
    assert await seal(db, SECRET, other) == 0  # from now on a missing file is found there too
    assert await _state(db) is SealState.END_MISSING


async def test_a_restored_host_does_not_accept_a_truncated_chain(db: Database, dsn: str, end: Path, tmp_path: Path) -> None:
    await _as_owner(dsn, "DELETE FROM journal WHERE position = 6")
    other = tmp_path / "restored" / "journal.end"
    other.parent.mkdir()
    assert await seal(db, SECRET, other) == 0
    assert await _state(db) is SealState.CHAIN_CHANGED


async def test_two_hosts_keep_the_end_at_once(db: Database, end: Path, tmp_path: Path) -> None:
    other = tmp_path / "second" / "journal.end"
    other.parent.mkdir()
    for _ in range(3):
        await _write(db)
        await seal(db, SECRET, other)
        await _write(db)
        await seal(db, SECRET, end)
    assert (await _check(db, end)).faults == (await _check(db, other)).faults == []


async def test_missing_entries_are_a_readiness_warning(db: Database, dsn: str, village: Village, end: Path) -> None:
    await _write(db)
    await _as_owner(dsn, "DELETE FROM journal WHERE position IS NULL")
    assert SealState.ENTRIES_MISSING.reason not in (await village.nobody().get("/readyz")).json["warnings"]
    await seal(db, SECRET, end)
    answer = (await village.nobody().get("/readyz")).json
    assert SealState.ENTRIES_MISSING.reason in answer["warnings"]
    assert SealState.ENTRIES_MISSING.reason not in answer["reasons"]
