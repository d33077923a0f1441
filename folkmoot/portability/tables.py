"""Which tables a backup contains, and how two states of a database are compared.

Rows that are useless or dangerous later are left out, and so are UNLOGGED tables: caches and rate limits, which a crash
empties too. All other tables are compared by number of rows and by the SHA-256 of their rows in the order of the primary
key, so that the result of a restore can be verified without trusting the dump.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec

from folkmoot.base.file_store import FileName
from folkmoot.portability.progress import Progress

# The tables are restored without rows.
LEFT_OUT = {
    "one_time_codes": "a code that was sent by mail and used after the backup would work again",
    "exports": "their files are not in backups; an archive can be asked for again",
    "authorization_codes": "they expire within minutes, and an app can request a new one",
}

# Settings that change the text of a value: the same for both states, whatever the settings of the servers.
_SESSION_SETTINGS = {
    "application_name": "folkmoot backup", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres", "TimeZone": "UTC",
    "extra_float_digits": "1", "bytea_output": "hex", "lock_timeout": "15s",
}
_TABLES = """
    SELECT c.relname AS name, pg_table_size(c.oid) AS bytes, coalesce((
        SELECT string_agg(quote_ident(a.attname) || CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END, ', '
                          ORDER BY array_position(i.indkey::int2[], a.attnum))
        FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary
    ), 't::text COLLATE "C"') AS ordered_by
    FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
    AND c.relname <> ALL ($1::text[]) ORDER BY c.relname
"""


class Table(msgspec.Struct, frozen=True):
    """The number of rows and the hash of a table, by which two states are compared."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Facts:
    """Facts about a database for the manifest, from the snapshot that is dumped."""

    snapshot: str
    epoch: int
    schema: int
    version: str
    bytes: int
    journal_position: int  # the last sealed entry of the moderation journal, 0 without one
    journal_hash: str
    media: dict[str, int]  # name of each file below media/, and its size


async def connect(dsn: str) -> asyncpg.Connection:
    """A session that sees the data of one moment until it is closed."""
    connection = await asyncpg.connect(dsn, server_settings=_SESSION_SETTINGS)
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return connection


async def facts(connection: asyncpg.Connection) -> Facts:
    """Exports the session's snapshot and reads what belongs in the manifest."""
    row = await connection.fetchrow(
        """
        SELECT pg_export_snapshot() AS snapshot, (SELECT epoch FROM host_state) AS epoch,
            (SELECT max(number) FROM migrations) AS schema, current_setting('server_version') AS version,
            pg_database_size(current_database()) AS bytes,
            coalesce(head.position, 0) AS journal_position, coalesce(encode(head.hash, 'hex'), '') AS journal_hash
        FROM (SELECT) AS one LEFT JOIN (
            SELECT position, hash FROM journal WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1) AS head ON true
        """
    )
    return Facts(**dict(row), media=await _media(connection))


async def foreign_objects(connection: asyncpg.Connection) -> list[str]:
    """Descriptions of extensions and schemas that are not of Folkmoot; a host that restores may lack the extensions."""
    rows = await connection.fetch(
        """
        SELECT 'the extension ' || extname AS part FROM pg_extension WHERE extname <> 'plpgsql'
        UNION ALL SELECT 'the schema ' || nspname FROM pg_namespace
        WHERE nspname NOT IN ('public', 'information_schema') AND NOT starts_with(nspname, 'pg_') ORDER BY part
        """
    )
    return [row["part"] for row in rows]


async def current_media(dsn: str) -> dict[str, int]:
    """The names of all pictures in the database now, with their sizes."""
    connection = await connect(dsn)
    try:
        return await _media(connection)
    finally:
        connection.terminate()


async def _media(connection: asyncpg.Connection) -> dict[str, int]:
    files = await connection.fetch("SELECT sha256, extension, bytes FROM media_files")
    return {FileName(file["sha256"], file["extension"]).path: file["bytes"] for file in files}


async def fingerprint(connection: asyncpg.Connection, progress: Progress, left_out: Iterable[str] = LEFT_OUT) -> dict[str, Table]:
    """Number of rows and hash of each table in this session."""
    found = await connection.fetch(_TABLES, list(left_out))
    progress.step("hashing tables", sum(table["bytes"] for table in found))
    done, tables = 0, {}
    for table in found:
        digest = hashlib.sha256()

        async def take(rows: bytes, digest: "hashlib._Hash" = digest) -> None:
            digest.update(rows)

        tag = await connection.copy_from_query(f'SELECT * FROM "{table["name"]}" AS t ORDER BY {table["ordered_by"]}', output=take)
        tables[table["name"]] = Table(int(tag.rpartition(" ")[2]), digest.hexdigest())
        done += table["bytes"]
        progress.at(done)
    return tables


def difference(expected: dict[str, Table], found: dict[str, Table]) -> list[str]:
    """Descriptions of the differences."""
    differences = []
    for name in sorted(expected.keys() | found.keys()):
        before, after = expected.get(name), found.get(name)
        if before is None or after is None:
            differences.append(f"table {name} is {'missing' if after is None else 'not in the manifest'}")
        elif before.rows != after.rows:
            differences.append(f"table {name} has {after.rows} rows instead of {before.rows}")
        elif before != after:
            differences.append(f"table {name} has different content")
    return differences


def without_password(dsn: str) -> tuple[str, str]:
    """The address without password, which may appear in a process list, and the password."""
    parts = urlsplit(dsn)
    if not parts.password:
        return dsn, ""
    return dsn.replace(f":{parts.password}@", "@", 1), unquote(parts.password)
