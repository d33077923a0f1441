"""The databases for tests: each test gets an empty, migrated one, whatever the previous test did."""

import asyncio

import asyncpg
import pytest

from tests.databases import Databases
from tests.waiting import SECONDS

EVERYTHING = """
    SELECT concat((SELECT json_agg(one) FROM migrations AS one), (SELECT json_agg(one) FROM host_state AS one),
                  (SELECT count(*) FROM events), (SELECT count(*) FROM accounts), (SELECT count(*) FROM home_entries),
                  (SELECT count(*) FROM journal))
"""
USED = """
    UPDATE host_state SET epoch = 7;
    DELETE FROM migrations WHERE number = 1;
    INSERT INTO accounts (id, username, username_key, created_at) VALUES (1, 'jana', 'jana', now());
    INSERT INTO logins (account_id, email, email_key, password_hash, created_at) VALUES (1, 'j', 'j', 'x', now());
    INSERT INTO home_entries VALUES (1, 2, 3, 4);
    INSERT INTO events (kind, payload) SELECT 'a', '{}' FROM generate_series(1, 1000);
    INSERT INTO journal (at, kind, facts) VALUES (now(), 'a', '{}');
"""
CHANGES = (
    "CREATE TABLE more (id bigint)", "ALTER TABLE posts ADD COLUMN more text", "DROP INDEX posts_uri",
    "ALTER TABLE posts DISABLE TRIGGER ALL",
    "CREATE OR REPLACE FUNCTION enter_write_gate() RETURNS void LANGUAGE sql AS 'SELECT'", "ANALYZE accounts",
    "ALTER DATABASE %(name)s SET statement_timeout = 1000", "ALTER TABLE posts DROP CONSTRAINT posts_visibility_check",
    "GRANT SELECT ON accounts TO public",
)


async def _run(databases: Databases, name: str, sql: str) -> object:
    connection = await asyncpg.connect(databases.server.dsn_of(name))
    try:
        await connection.execute(sql)
        return await connection.fetchval(EVERYTHING)
    finally:
        await connection.close()


async def test_a_reused_database_equals_a_new_one(databases: Databases) -> None:
    name = await databases.lend()
    try:
        new = await _run(databases, name, "SELECT")
        assert await _run(databases, name, USED) != new
    finally:
        await databases.take_back(name)
    again = await databases.lend()
    try:
        assert again == name, "reused, not cloned"
        assert await _run(databases, name, "SELECT") == new
        assert await _run(databases, name, "INSERT INTO events (kind, payload) VALUES ('a', '{}')") != new
        connection = await asyncpg.connect(databases.server.dsn_of(name))
        assert await connection.fetchval("SELECT id FROM events") == 1, "sequences start again"
        await connection.close()
    finally:
        await databases.take_back(name)


async def test_a_changed_database_is_dropped(databases: Databases) -> None:
    name = await databases.lend()
    await _run(databases, name, "CREATE TABLE more (id bigint)")
    await databases.take_back(name)
    again = await databases.lend()
    await databases.take_back(again)
    assert again != name


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_noticed(databases: Databases, dsn: str, change: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO events (kind, payload) VALUES ('a', '{}')")
    assert await databases.is_like_the_template(connection)
    await connection.execute("BEGIN")
    await connection.execute(change % {"name": await connection.fetchval("SELECT current_database()")})
    assert not await databases.is_like_the_template(connection)
    await connection.close()


async def test_open_connections_of_a_test_are_terminated(databases: Databases) -> None:
    name = await databases.lend()
    left = await asyncpg.connect(databases.server.dsn_of(name))
    await left.execute("BEGIN; LOCK TABLE accounts")
    async with asyncio.timeout(SECONDS):
        await databases.take_back(name)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await left.execute("SELECT")
    assert await databases.lend() == name
    await databases.take_back(name)
