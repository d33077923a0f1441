"""Brings the schema up to date: numbered SQL files, forward only, each in one transaction.

A lock lets one process migrate at a time, and time limits keep a migration from holding up a running network. A
database that knows a later migration than this code, or another text of one, is refused before anything is touched.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from folkmoot.base.errors import Problem

_BOOK = """
    CREATE TABLE IF NOT EXISTS migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


class SchemaMismatch(Problem):
    """The database was made by a newer or by another Folkmoot."""

    code = "schema_mismatch"


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known() -> list[Migration]:
    """The migrations of this code, in their order."""
    folder = files("folkmoot").joinpath("migrations")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, folder.joinpath(name).read_text("utf-8")) for name in names]


async def migrate(dsn: str) -> list[str]:
    """Applies what is missing; returns the names. Raises SchemaMismatch for a database that is not of this code."""
    connection = await asyncpg.connect(dsn, server_settings={"lock_timeout": "5s", "application_name": "folkmoot migrate"})
    try:
        await connection.execute("SELECT pg_advisory_lock(7020, 2)")
        await connection.execute(_BOOK)
        applied = {row["number"]: row for row in await connection.fetch("SELECT number, name, sha256 FROM migrations")}
        migrations = known()
        _refuse_mismatch(applied, migrations)
        missing = [migration for migration in migrations if migration.number not in applied]
        for migration in missing:
            async with connection.transaction():
                await connection.execute("SET LOCAL statement_timeout = '10min'")
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO migrations (number, name, sha256) VALUES ($1, $2, $3)",
                    migration.number, migration.name, migration.sha256,
                )
        return [migration.name for migration in missing]
    finally:
        await connection.close()


def _refuse_mismatch(applied: dict[int, asyncpg.Record], migrations: list[Migration]) -> None:
    ours = {migration.number: migration for migration in migrations}
    for number, row in applied.items():
        if number not in ours:
            raise SchemaMismatch(
                "This data directory was used by a newer Folkmoot (it has migration %(name)s). Start that version or a later one.",
                name=row["name"],
            )
        if row["sha256"] != ours[number].sha256:
            raise SchemaMismatch(
                "The database was made with another text of migration %(name)s. Use the release that made it.",
                name=row["name"],
            )
