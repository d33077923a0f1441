"""The databases for tests: each test gets an empty, migrated one, whatever the previous test did."""

import asyncio

import asyncpg
import pytest

from tests.databases import Databases

EVERYTHING = """
    SELECT concat((SELECT json_agg(one ORDER BY number) FROM migrations AS one), (SELECT json_agg(one) FROM host_state AS one),
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


def _run(databases: Databases, name: str, sql: str, asked: str = EVERYTHING) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(databases.server.dsn_of(name))
        try:
            await connection.execute(sql)
            return await connection.fetchval(asked)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_a_reused_database_equals_a_new_one(databases: Databases) -> None:
    name = databases.lend()
    databases._lent[name] = 1  # as if for the first time: after its last time it is dropped
    try:
        new = _run(databases, name, "SELECT")
        assert _run(databases, name, USED) != new
    finally:
        databases.take_back(name)
    again = databases.lend()
    try:
        assert again == name, "reused, not cloned"
        assert _run(databases, name, "SELECT") == new
        assert _run(databases, name, "INSERT INTO events (kind, payload) VALUES ('a', '{}')") != new
        assert _run(databases, name, "SELECT", "SELECT id FROM events") == 1, "sequences start again"
    finally:
        databases.take_back(name)


def test_a_changed_database_is_dropped(databases: Databases) -> None:
    name = databases.lend()
    _run(databases, name, "CREATE TABLE more (id bigint)")
    databases.take_back(name)
    again = databases.lend()
    databases.take_back(again)
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


def test_open_connections_of_a_test_are_terminated(databases: Databases) -> None:
    async def leave_open() -> "asyncpg.Connection":
        connection = await asyncpg.connect(databases.server.dsn_of(name))
        await connection.execute("BEGIN; LOCK TABLE accounts")
        return connection

    async def is_ended(connection: "asyncpg.Connection") -> bool:
        try:
            await connection.execute("SELECT")
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            return True
        return False

    name = databases.lend()
    with asyncio.Runner() as runner:
        left = runner.run(leave_open())
        databases.take_back(name)
        assert runner.run(is_ended(left))
    assert databases.lend() == name
    databases.take_back(name)


def test_the_own_session_may_have_been_ended(databases: Databases) -> None:
    """By a test that ends all sessions of its server, as if it had been killed."""
    name = databases.lend()
    databases.take_back(name)
    assert databases.lend() == name
    _run(databases, name, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
         " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'", "SELECT 1")
    databases.take_back(name)
    assert databases.lend() == name, "emptied, not dropped"
    databases.take_back(name)
