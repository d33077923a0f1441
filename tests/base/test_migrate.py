"""Migrations run once, forward only, and refuse a database of a newer or different code."""

import asyncio
import re

import asyncpg
import pytest

from folkmoot.base import write_gate
from folkmoot.base.migrate import Migration, NotOurs, SchemaMismatch, known, migrate
from tests.waiting import until


async def test_a_second_run_has_nothing_to_do(dsn: str) -> None:
    assert await migrate(dsn) == []


async def test_a_second_process_waits_for_the_one_that_migrates(dsn: str) -> None:
    first = await asyncpg.connect(dsn)
    await first.execute("SELECT pg_advisory_lock(7020, 2)")
    second = asyncio.create_task(migrate(dsn))
    limits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'folkmoot migrate' AND wait_event = 'advisory'"
    await until(lambda: first.fetchval(limits))
    await asyncio.sleep(5.5)  # longer than it waits for the lock of a table
    assert not second.done()
    await first.close()
    assert await second == []


async def test_a_migration_passes_the_write_gate(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a change of the schema could be committed after a fence, and be missing on the new host."""
    migrations = [*known(), Migration(9999, "9999_extra.sql", "CREATE TABLE extra ()")]
    monkeypatch.setattr("folkmoot.base.migrate.known", lambda: migrations)
    watcher = await asyncpg.connect(dsn)
    async with write_gate.hold(dsn, 30) as held:
        migrating = asyncio.create_task(migrate(dsn, lambda: 1))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'folkmoot migrate' AND wait_event = 'advisory'"
        await until(lambda: watcher.fetchval(waits))
        await held.raise_epoch(2)
    with pytest.raises(NotOurs, match="belongs to epoch"):
        await migrating
    assert await watcher.fetchval("SELECT to_regclass('extra')") is None
    await watcher.close()


@pytest.mark.parametrize("change", [
    "UPDATE migrations SET sha256 = 'other' WHERE number = 1",
    "INSERT INTO migrations (number, name, sha256, needs) VALUES (9000, '9000_drop.sql', '', 9000)",
    "ALTER TABLE migrations DROP COLUMN needs; INSERT INTO migrations (number, name, sha256) VALUES (9000, '9000_x.sql', '')",
])
async def test_a_different_database_or_one_that_has_lost_something_is_refused(dsn: str, change: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(change)
    with pytest.raises(SchemaMismatch):
        await migrate(dsn)
    await connection.close()


async def test_older_code_runs_with_what_newer_code_has_added(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with what it has removed, if this code does not use it any more."""
    ours = known()
    added = Migration(9000, "9000_more.sql", "-- Kind: expand.\nCREATE TABLE more ()")
    removed = Migration(9001, "9001_drop.sql", f"-- Kind: contract since {ours[-1].number:04}.\nDROP TABLE more")
    too_soon = Migration(9002, "9002_drop.sql", "-- Kind: contract.\nSELECT 1")
    for newer, is_allowed in (([added, removed], True), ([added, removed, too_soon], False)):
        monkeypatch.setattr("folkmoot.base.migrate.known", lambda newer=newer: [*ours, *newer])
        await migrate(dsn)
        monkeypatch.setattr("folkmoot.base.migrate.known", lambda: ours)
        if is_allowed:
            assert await migrate(dsn) == []
        else:
            with pytest.raises(SchemaMismatch) as caught:
                await migrate(dsn)
            assert caught.value.params["name"] == too_soon.name


async def test_a_migration_whose_table_is_in_use_lets_others_in_and_is_tried_again(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = Migration(9000, "9000_more.sql", "-- Kind: expand.\nALTER TABLE posts ADD COLUMN extra text")
    migrations = [*known(), extra]
    monkeypatch.setattr("folkmoot.base.migrate.known", lambda: migrations)
    monkeypatch.setattr("folkmoot.base.migrate._PAUSE", 0.05)
    reader, other = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    await reader.execute("BEGIN; SELECT FROM posts")
    migrating = asyncio.create_task(migrate(dsn))
    waits = "SELECT count(*) FROM pg_locks WHERE relation = 'posts'::regclass AND NOT granted"
    await until(lambda: other.fetchval(waits))
    await other.execute("SELECT FROM posts")  # waits behind the migration, until that gives up for a moment
    assert not migrating.done()
    await reader.execute("COMMIT")
    assert await migrating == [extra.name]
    await reader.close()
    await other.close()


def test_migrations_have_unique_numbers_and_a_header() -> None:
    migrations = known()
    numbers = [migration.number for migration in migrations]
    assert numbers == sorted(set(numbers))
    for migration in migrations:
        head = "\n".join(migration.sql.splitlines()[:6])
        assert re.search(r"^-- Why: ", head, re.M), migration.name
        assert re.search(r"^-- Locks: ", head, re.M), migration.name
        assert re.search(r"^-- Kind: (expand|contract( since \d{4})?)\.", head, re.M), migration.name


async def test_keys_and_indexes_use_the_c_collation(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        """
        SELECT t.relname AS index, a.attname AS column FROM pg_index AS i
        JOIN pg_class AS t ON t.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
        JOIN pg_collation AS c ON c.oid = a.attcollation
        WHERE n.nspname = 'public' AND c.collname <> 'C' AND t.relname NOT LIKE 'pgqueuer%'
        """
    )
    await connection.close()
    assert [tuple(row) for row in rows] == []
