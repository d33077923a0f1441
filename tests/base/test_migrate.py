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


@pytest.mark.parametrize(
    "change", ["UPDATE migrations SET sha256 = 'other' WHERE number = 1", "UPDATE migrations SET number = 9000 WHERE number = 1"]
)
async def test_a_newer_or_different_database_is_refused(dsn: str, change: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(change)
    with pytest.raises(SchemaMismatch):
        await migrate(dsn)
    await connection.close()


def test_migrations_have_unique_numbers_and_a_header() -> None:
    migrations = known()
    numbers = [migration.number for migration in migrations]
    assert numbers == sorted(set(numbers))
    for migration in migrations:
        head = "\n".join(migration.sql.splitlines()[:6])
        assert re.search(r"^-- Why: ", head, re.M), migration.name
        assert re.search(r"^-- Locks: ", head, re.M), migration.name
        assert re.search(r"^-- Kind: (expand|contract)\.", head, re.M), migration.name


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
