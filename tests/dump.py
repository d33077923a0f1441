"""The content of a whole database as text, for tests of what must not be in it any more."""

from folkmoot.base.db import Database


async def dump(database: Database) -> dict[str, list[str]]:
    """Every row of every table, by table."""
    async with database.read() as conn:
        tables = [row[0] for row in await conn.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1")]
        return {table: [row[0] for row in await conn.fetch(f"SELECT to_jsonb(t)::text FROM {table} AS t")] for table in tables}
