"""Brings the schema up to date: numbered SQL files, forward only, each in one transaction.

A lock lets one process migrate at a time. A migration waits for a table for a second only, because all that use the table
wait behind it; then it is tried again a little later. A database that has lost what this code uses, or was made with
a different text of a migration, is refused before anything is changed; so is one that this host must not change: a standby gets
its schema from its primary, and a fenced host changes nothing.

Older code runs with a newer schema (decision 0071): a migration that expands takes nothing away from it, and one that
contracts says since which migration the code has not used what it removes: `-- Kind: contract since 0047.`
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

import asyncpg

from folkmoot.base.errors import Problem
from folkmoot.base.write_gate import FENCED, WITHOUT_STANDBY, Epoch

_TABLE_SECONDS = 1
_ATTEMPTS, _PAUSE = 30, 1.0
_RECORDS_NEEDS = 47  # the migration that adds the column `needs`
_CONTRACTS = re.compile(r"^-- Kind: contract(?: since (\d{4}))?\.", re.MULTILINE)
_MIGRATIONS_TABLE = """
    CREATE TABLE IF NOT EXISTS migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


class SchemaMismatch(Problem):
    """The database was created by a newer or by a different Folkmoot."""

    code = "schema_mismatch"


class NotOurs(Problem):
    """This host must not change the database."""

    code = "not_ours"


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def needs(self) -> int:
        """The number of the newest migration that code must know to run with this one; 0 for one that expands."""
        found = _CONTRACTS.search(self.sql)
        return int(found[1] or self.number) if found else 0


def known() -> list[Migration]:
    """The migrations of this code, in order."""
    folder = files("folkmoot").joinpath("migrations")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, folder.joinpath(name).read_text("utf-8")) for name in names]


def newest_number() -> int:
    """The number of the newest migration of this code."""
    return max(int(file.name[:4]) for file in files("folkmoot").joinpath("migrations").iterdir() if file.name.endswith(".sql"))


async def pending(dsn: str) -> list[str]:
    """The names of the migrations that `migrate` would apply. Changes nothing. Raises SchemaMismatch."""
    return [migration.name for migration in await list_pending(dsn)]


async def list_pending(dsn: str) -> list[Migration]:
    connection = await asyncpg.connect(dsn, server_settings={"default_transaction_read_only": "on"})
    try:
        return await _missing(connection)
    finally:
        await connection.close()


async def migrate(dsn: str, epoch: Epoch | None = None) -> list[str]:
    """Applies missing migrations and grants the caches' role its rights; returns the names of the migrations.

    `epoch`: that of this host, for the database of a network. Raises NotOurs, and SchemaMismatch for a database of a
    different code.
    """
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "folkmoot migrate", **WITHOUT_STANDBY})
    try:
        ours = await _refuse_not_ours(connection, epoch)
        # Another process may be migrating, for as long as its statements may take; only locks on tables are short.
        await connection.execute("SELECT pg_advisory_lock(7020, 2)")
        await connection.execute(f"SET lock_timeout = '{_TABLE_SECONDS}s'")
        await connection.execute(_MIGRATIONS_TABLE)
        missing = await _missing(connection)
        for migration in missing:
            await _until_free(partial(_apply, connection, migration, ours))
        # Of new or restored tables. The role is the whole cluster's: another database may be making it.
        await _until_free(partial(connection.execute, "SELECT grant_cache_rights(), choose_confirmed_tables()"))
        return [migration.name for migration in missing]
    finally:
        await connection.close()


async def _until_free(act: Callable[[], Awaitable[object]]) -> None:
    """If what it needs is in use for longer, it is tried again, and others get their turn meanwhile."""
    for attempt in range(_ATTEMPTS):
        try:
            await act()
            return
        except asyncpg.LockNotAvailableError:
            if attempt == _ATTEMPTS - 1:
                raise
        await asyncio.sleep(_PAUSE)


async def _apply(connection: asyncpg.Connection, migration: Migration, ours: int | None) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = '10min'")
        await _pass_gate(connection, ours)
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migrations (number, name, sha256) VALUES ($1, $2, $3)", migration.number, migration.name, migration.sha256
        )
        if migration.number > _RECORDS_NEEDS:
            await connection.execute("UPDATE migrations SET needs = $2 WHERE number = $1", migration.number, migration.needs)


async def _missing(connection: asyncpg.Connection) -> list[Migration]:
    applied = {}
    if await connection.fetchval("SELECT to_regclass('public.migrations')"):
        applied = {row["number"]: row for row in await connection.fetch("SELECT * FROM migrations")}
    migrations = known()
    _refuse_mismatch(applied, migrations)
    return [migration for migration in migrations if migration.number not in applied]


async def _pass_gate(connection: asyncpg.Connection, ours: int | None) -> None:
    """A migration is a write like others: it waits for a hold, and is refused after a fence. Raises NotOurs."""
    if ours is None:
        return
    try:
        await connection.execute(
            f"SET LOCAL folkmoot.epoch = '{ours:d}'; SET LOCAL lock_timeout = '15s'; SELECT enter_write_gate();"
            f" SET LOCAL lock_timeout = '{_TABLE_SECONDS}s'"
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == FENCED:
            raise NotOurs("This host belongs to epoch %(ours)d, and was fenced meanwhile: it may change nothing.", ours=ours) from error
        raise


async def _refuse_not_ours(connection: asyncpg.Connection, epoch: Epoch | None) -> int | None:
    """Returns the epoch in which an existing network is migrated; None for a new one."""
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise NotOurs("This database is a standby and gets its schema from its primary.")
    if epoch is None:
        return None
    ours = epoch()
    if ours is None:
        raise NotOurs("This host is not the primary (see host.json), so the schema is not its to change.")
    if not await connection.fetchval("SELECT to_regclass('public.host_state')"):
        return None
    theirs = await connection.fetchval("SELECT epoch FROM host_state")
    if theirs != ours:
        raise NotOurs(
            "This host belongs to epoch %(ours)d and its database to epoch %(theirs)d: it is fenced and may change nothing.",
            ours=ours, theirs=theirs,
        )
    return ours


def _refuse_mismatch(applied: dict[int, asyncpg.Record], migrations: list[Migration]) -> None:
    ours = {migration.number: migration for migration in migrations}
    newest = max(ours)
    for number, row in applied.items():
        if number not in ours:
            if row.get("needs", number) <= newest:
                continue
            raise SchemaMismatch(
                "The database was changed by a newer Folkmoot, which has removed what this one uses (%(name)s). Start that version or"
                " a later one.", name=row["name"],
            )
        if row["sha256"] != ours[number].sha256:
            raise SchemaMismatch(
                "The database was made with another text of migration %(name)s. Use the release that made it.",
                name=row["name"],
            )
