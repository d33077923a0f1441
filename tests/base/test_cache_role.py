"""Cache sessions can write UNLOGGED tables only, because of their type and of the rights of their role."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from folkmoot.base.db import CacheTx, Database, WriteTx
from folkmoot.base.errors import WritesPaused
from folkmoot.base.migrate import migrate
from tests.databases import Databases

_names = itertools.count()
_TABLES = "SELECT relname, relpersistence = 'u' AS is_cache FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


async def _check_tables(db: Database) -> None:
    """Every UNLOGGED table can be changed, no other table can, and all can be read."""
    async with db.read() as conn:
        tables = await conn.fetch(_TABLES)
        column = {row[0]: row[1] for row in await conn.fetch(
            "SELECT attrelid::regclass::text, min(attname) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attgenerated = ''"
            " AND attidentity = '' GROUP BY 1"
        )}
    assert {table["is_cache"] for table in tables} == {True, False}
    async with db.cache() as cache:
        for name, is_cache in tables:
            await cache.fetch(f"SELECT * FROM {name} LIMIT 0")
            for sql in (
                f"INSERT INTO {name} ({column[name]}) SELECT {column[name]} FROM {name} LIMIT 0",
                f"UPDATE {name} SET {column[name]} = {column[name]} WHERE false",
                f"DELETE FROM {name} WHERE false",
            ):
                if is_cache:
                    await cache.execute(sql)
                else:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await cache.execute(sql)
            if not is_cache:
                with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError)):  # or a trigger of another table fires first
                    await cache.execute(f"TRUNCATE {name} CASCADE")


async def test_caches_write_every_unlogged_table_and_no_logged_one(db: Database) -> None:
    async with db.read() as conn:
        assert await conn.fetchval("SELECT can_be_cache_writer()")
    await _check_tables(db)


async def test_a_fenced_host_changes_no_logged_row_through_a_cache(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute("INSERT INTO hashtags (key, name) VALUES ('a', 'a')")
        await tx.execute("UPDATE host_state SET epoch = epoch + 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.cache() as cache:
            await cache.execute("DELETE FROM hashtags")
    with pytest.raises(WritesPaused):
        async with db.write() as tx:
            await tx.execute("DELETE FROM hashtags")
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM hashtags") == 1


def test_neither_type_passes_for_the_other() -> None:
    assert not issubclass(WriteTx, CacheTx)
    assert not issubclass(CacheTx, WriteTx)


async def test_new_tables_get_their_rights_with_the_next_run(db: Database, dsn: str) -> None:
    owner = await asyncpg.connect(dsn)
    await owner.execute("CREATE UNLOGGED TABLE new_cache (key int PRIMARY KEY)")
    await owner.execute("CREATE TABLE new_truth (key int PRIMARY KEY)")
    await owner.execute("ALTER TABLE homes SET LOGGED")  # no longer a cache, so its rights must be revoked
    await migrate(dsn)
    await _check_tables(db)
    before = await owner.fetch("SELECT relname, xmin FROM pg_class ORDER BY 1")
    await migrate(dsn)
    assert await owner.fetch("SELECT relname, xmin FROM pg_class ORDER BY 1") == before  # a second run changes nothing
    await owner.close()


@pytest.fixture
async def shared_cluster(databases: Databases) -> AsyncIterator[tuple[asyncpg.Connection, str, str]]:
    """(superuser, log-in, its database): a log-in that may not create roles, in a cluster without the cache role."""
    admin = await asyncpg.connect(databases.server.dsn_of("postgres"))
    name = f"guest_{next(_names)}"
    await admin.execute("ALTER ROLE folkmoot_cache RENAME TO folkmoot_cache_of_others")
    await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        yield admin, name, databases.server.dsn_of(name).replace("folkmoot:", f"{name}:", 1).replace(
            databases.server.dsn.split(":")[2].split("@")[0], "x", 1
        )
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.execute(f"DROP ROLE {name}")
        if await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = 'folkmoot_cache'"):
            await admin.execute("DROP ROLE folkmoot_cache")
        await admin.execute("ALTER ROLE folkmoot_cache_of_others RENAME TO folkmoot_cache")
        await admin.close()


async def test_a_login_that_makes_no_roles_is_guarded_by_triggers(shared_cluster: tuple[asyncpg.Connection, str, str]) -> None:
    admin, name, dsn = shared_cluster
    await migrate(dsn)
    db = await Database.open(dsn, listen=False)
    try:
        async with db.read() as conn:
            assert not await conn.fetchval("SELECT can_be_cache_writer()")
        await _check_tables(db)
        async with db.write() as tx:  # the triggers are for caches only
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('a', 'a')")
    finally:
        await db.close()
    await admin.execute("CREATE ROLE folkmoot_cache NOLOGIN")  # as doctor advises
    await admin.execute(f"GRANT folkmoot_cache TO {name}")
    await migrate(dsn)
    db = await Database.open(dsn, listen=False)
    try:
        async with db.read() as conn:
            assert await conn.fetchval("SELECT can_be_cache_writer()")
            assert await conn.fetchval("SELECT count(*) FROM pg_trigger WHERE tgname = 'a_cache_session_is_refused'") == 0
        await _check_tables(db)
    finally:
        await db.close()
        owner = await asyncpg.connect(dsn)
        await owner.execute("DROP OWNED BY folkmoot_cache")
        await owner.close()


async def test_a_login_that_may_make_roles_makes_its_own(shared_cluster: tuple[asyncpg.Connection, str, str]) -> None:
    admin, name, dsn = shared_cluster
    await admin.execute(f"ALTER ROLE {name} CREATEROLE")
    await migrate(dsn)
    db = await Database.open(dsn, listen=False)
    try:
        async with db.read() as conn:
            assert await conn.fetchval("SELECT can_be_cache_writer()")
        await _check_tables(db)
    finally:
        await db.close()
        owner = await asyncpg.connect(dsn)
        await owner.execute("DROP OWNED BY folkmoot_cache")
        await owner.close()


@pytest.fixture
async def twins(databases: Databases) -> AsyncIterator[list[str]]:
    """The addresses of four databases of a cluster that has not got the role."""
    admin = await asyncpg.connect(databases.server.dsn_of("postgres"))
    await admin.execute("ALTER ROLE folkmoot_cache RENAME TO folkmoot_cache_of_others")
    names = [f"twin_{next(_names)}" for _ in range(4)]
    try:
        for name in names:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE folkmoot_template STRATEGY file_copy")
        yield [databases.server.dsn_of(name) for name in names]
    finally:
        for name in names:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.execute("DROP ROLE IF EXISTS folkmoot_cache")
        await admin.execute("ALTER ROLE folkmoot_cache_of_others RENAME TO folkmoot_cache")
        await admin.close()


async def _check_rights(dsn: str) -> None:
    db = await Database.open(dsn, listen=False)
    await _check_tables(db)
    await db.close()


async def test_databases_of_one_cluster_make_the_role_at_the_same_moment(twins: list[str]) -> None:
    await asyncio.gather(*(migrate(dsn) for dsn in twins))
    for dsn in twins:
        await _check_rights(dsn)


async def test_a_database_waits_until_another_one_has_made_the_role(twins: list[str]) -> None:
    """For longer than a migration waits for a table."""
    other = await asyncpg.connect(twins[0])
    async with other.transaction():
        await other.execute("CREATE ROLE folkmoot_cache NOLOGIN")
        migrating = asyncio.create_task(migrate(twins[1]))
        await asyncio.wait([migrating], timeout=1.5)
    await other.close()
    await migrating
    await _check_rights(twins[1])
