"""Anchors of the journal: a chain that was rewritten with the network's own secret, or cut off, does not match a kept copy."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.journal import queries
from folkmoot.moderation.journal.actions import anchor, record_step, seal
from folkmoot.moderation.journal.anchors import (
    AnchorKey,
    NotPublished,
    merkle_path,
    merkle_root,
    published,
    read_published,
    root_of_path,
)
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.journal.verification import Kept, verify

_SECRET = b"a secret of the tests"


async def _write(db: Database, end_file: Path, count: int = 3) -> None:
    for number in range(count):
        async with db.write() as tx:
            await record_step(tx, Step.CASE_OPENED, case_id=number)
    await seal(db, _SECRET, end_file)


async def _faults(db: Database, end_file: Path, kept: list[Kept]) -> list[str]:
    async with db.read() as conn:
        return (await verify(conn, _SECRET, end_file, kept)).faults


async def _published(db: Database) -> str:
    async with db.read() as conn:
        return published(AnchorKey(_SECRET), await queries.list_anchors(conn), "http://localhost:8420")


def _kept(text: str) -> list[Kept]:
    return [Kept(position=one.position, hash=one.hash, where="a copy") for one in read_published(text)[1]]


async def _rewrite(db: Database, end_file: Path, count: int) -> None:
    """What an operator with all rights does: removes the journal, and writes another one with the same secret."""
    async with db.write() as tx:
        for table in ("journal", "journal_anchors"):
            await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            await tx.execute(f"DELETE FROM {table}")
            await tx.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
        for table in ("journal_heads", "journal_sealer", "journal_lanes", "journal_keepers"):
            await tx.execute(f"DELETE FROM {table}")
    await asyncio.to_thread(end_file.unlink)
    await _write(db, end_file, count)


@pytest.mark.parametrize(("count", "said"), [(5, "was rewritten"), (2, "its end is missing")])
async def test_a_rewritten_or_shortened_journal_is_found_by_a_kept_copy(db: Database, tmp_path: Path, count: int, said: str) -> None:
    end_file = tmp_path / "journal.end"
    await _write(db, end_file)
    await anchor(db)
    kept = _kept(await _published(db))
    assert not await _faults(db, end_file, kept)
    await _rewrite(db, end_file, count)
    assert not await _faults(db, end_file, []), "without a copy, nobody can know"
    [fault] = await _faults(db, end_file, kept)
    assert said in fault
    assert "a copy" in fault


async def test_anchors_follow_each_other_and_cannot_be_changed(db: Database, tmp_path: Path) -> None:
    end_file = tmp_path / "journal.end"
    assert await anchor(db) is None
    await _write(db, end_file)
    first = await anchor(db)
    assert first == await anchor(db), "nothing new"
    await _write(db, end_file)
    second = await anchor(db)
    assert first
    assert second
    assert (first.since, first.position, second.since, second.position) == (0, 3, 3, 6)
    for statement in ("DELETE FROM journal_anchors", "UPDATE journal_anchors SET at = now()", "TRUNCATE journal_anchors"):
        with pytest.raises(Exception, match="only added to"):
            async with db.write() as tx:
                await tx.execute(statement)
    async with db.write() as tx:
        await tx.execute("ALTER TABLE journal_anchors DISABLE TRIGGER ALL")
        await tx.execute("UPDATE journal_anchors SET root = hash WHERE position = 6")
        await tx.execute("ALTER TABLE journal_anchors ENABLE TRIGGER ALL")
    assert await _faults(db, end_file, []) == ["the published head at entry 6 does not match the chain"]


async def test_the_daily_anchor_is_made_once_a_day(db: Database, tmp_path: Path) -> None:
    end_file = tmp_path / "journal.end"
    noon = clock.now().replace(hour=12)
    positions = []
    for hours in (0, 1, 23, 24, 25):
        with clock.stopped_at(noon + timedelta(hours=hours)):
            await _write(db, end_file, 1)
            made = await anchor(db, daily=True)
            positions.append(made.position if made else 0)
    assert positions == [1, 1, 3, 3, 3]


async def test_a_published_list_is_read_back_and_a_changed_one_is_refused(db: Database, tmp_path: Path) -> None:
    await _write(db, tmp_path / "journal.end")
    made = await anchor(db)
    text = await _published(db)
    key, anchors = read_published(text)
    assert (key, anchors) == (AnchorKey(_SECRET).public, [made])
    other = published(AnchorKey(b"another"), anchors, "x")
    for changed in (text.replace(" 0 ", " 1 "), text.replace("3 ", "4 ", 1), "", "nonsense", text.replace("key ", "# "), text + "1 2 3"):
        with pytest.raises(NotPublished):
            read_published(changed)
    with pytest.raises(NotPublished):
        read_published(other, key)


def test_every_leaf_has_a_path_to_the_root() -> None:
    """The root of three leaves by hand, as in RFC 9162; then all leaves of trees of many sizes."""

    def digest(content: bytes) -> bytes:
        return hashlib.sha256(content).digest()

    one, two, three = (digest(b"\x00" + leaf) for leaf in (b"a", b"b", b"c"))
    assert merkle_root([b"a", b"b", b"c"]) == digest(b"\x01" + digest(b"\x01" + one + two) + three)
    for count in (1, 2, 3, 4, 5, 7, 8, 9, 31, 33):
        leaves = [bytes([number]) * 32 for number in range(count)]
        root = merkle_root(leaves)
        for index, leaf in enumerate(leaves):
            path = merkle_path(leaves, index)
            assert root_of_path(leaf, index, count, path) == root
            assert root_of_path(b"x" * 32, index, count, path) != root
            assert root_of_path(leaf, index, count, [*path, root]) is None
            assert root_of_path(leaf, count, count, path) is None
            if path:
                assert root_of_path(leaf, index, count, path[:-1]) is None
