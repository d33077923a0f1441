"""Comparing two states of a database."""

import asyncpg
import pytest

from folkmoot.portability import tables
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.tables import LEFT_OUT, Table, difference
from tests.village import Village


async def _fingerprint(dsn: str) -> dict[str, Table]:
    connection = await tables.connect(dsn)
    try:
        return await tables.fingerprint(connection, NoProgress())
    finally:
        await connection.close()


@pytest.mark.parametrize(("change", "said"), [
    ("UPDATE posts SET text = 'Dobrý večer' WHERE text = 'Dobrý den 1'", "table posts has different content"),
    ("DELETE FROM mentions", "table mentions has 0 rows instead of 1"),
    ("INSERT INTO counter_deltas (subject_id, counter, delta) VALUES (1, 1, 1)", "rows instead of"),
    ("CREATE TABLE more (id int)", "table more is not in the manifest"),
    ("DROP TABLE markers", "table markers is missing"),
    ("UPDATE counter_deltas SET delta = delta + 1 WHERE ctid = (SELECT max(ctid) FROM counter_deltas)", "counter_deltas has different"),
])
async def test_each_change_is_found(village: Village, dsn: str, change: str, said: str) -> None:
    await village.settle("jana", "karel")
    for number in range(3):
        await village.write("jana", f"Dobrý den {number}" + " @karel" * (number == 2))
    before = await _fingerprint(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute(change)
    await connection.close()
    differences = difference(before, await _fingerprint(dsn))
    assert len(differences) == 1
    assert said in differences[0]


async def test_the_physical_order_of_rows_does_not_matter(village: Village, dsn: str) -> None:
    await village.settle("jana")
    for number in range(20):
        await village.write("jana", f"Dobrý den {number}")
    before = await _fingerprint(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE posts SET text = text WHERE id % 2 = 0")
    await connection.execute("UPDATE counter_deltas SET delta = delta WHERE subject_id % 2 = 0")
    await connection.close()
    assert difference(before, await _fingerprint(dsn)) == []
    assert before["posts"].rows == 20


async def test_caches_limits_and_codes_are_left_out(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    unlogged = await connection.fetch("SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r'")
    everything = await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    await connection.close()
    names = {row["relname"] for row in everything}
    assert set(LEFT_OUT) < names, "each table that is left out exists"
    assert {"rate_windows", "homes", "home_entries"} <= {row["relname"] for row in unlogged}
    assert set(await _fingerprint(dsn)) == names - set(LEFT_OUT) - {row["relname"] for row in unlogged}


def test_no_password_appears_in_a_process_list() -> None:
    assert tables.without_password("postgresql://me:se%20cret@host/db?a=b") == ("postgresql://me@host/db?a=b", "se cret")
    assert tables.without_password("postgresql:///db") == ("postgresql:///db", "")


async def test_objects_that_are_not_of_folkmoot_are_named(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        assert await tables.foreign_objects(connection) == []
        await connection.execute("CREATE SCHEMA wiki; CREATE EXTENSION vector")
        assert await tables.foreign_objects(connection) == ["the extension vector", "the schema wiki"]
    finally:
        await connection.close()
