"""Facts about the database itself for `moot status`, `moot doctor` and `/readyz`: schema, version, size, checksums."""

from typing import NamedTuple

from folkmoot.base.db import ReadConn


class DatabaseFacts(NamedTuple):
    """`schema` is the number of the last migration."""

    schema: int
    version: str
    size_bytes: int
    has_checksums: bool


async def get_schema_number(conn: ReadConn) -> int:
    """The number of the last migration that was applied."""
    return int(await conn.fetchval("SELECT max(number) FROM migrations"))


async def get_database_facts(conn: ReadConn) -> DatabaseFacts:
    row = await conn.fetchrow(
        "SELECT (SELECT max(number) FROM migrations), current_setting('server_version'), pg_database_size(current_database()),"
        " current_setting('data_checksums') = 'on'"
    )
    assert row is not None
    return DatabaseFacts(*row)
