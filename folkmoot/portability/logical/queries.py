"""SQL of a logical move, on the server that is left (source) and on the new one (target)."""

from typing import NamedTuple

import asyncpg

from folkmoot.portability.postgres_settings import SUBSCRIPTION
from folkmoot.portability.standby.queries import drop_slot

NAME = SUBSCRIPTION  # also of the publication, and of the slot on one host
FULL = "f"  # replica identity: the whole row
_QUIET_MS = 100  # between two statements of one page
_OF_A_TABLE = r"^pg_\d+_sync_\d+_\d+$"  # the name of a slot that PostgreSQL makes for the copy of one table


class Copied(NamedTuple):
    """How many tables are copied and follow, of how many."""

    ready: int
    tables: int


async def get_wal_level(source: asyncpg.Connection) -> str:
    return str(await source.fetchval("SELECT current_setting('wal_level')"))


async def publish(source: asyncpg.Connection) -> None:
    """Publishes all tables; UNLOGGED ones are no part of that. Tables without a key are replicated by their whole rows."""
    keyless = await source.fetch(
        """
        SELECT c.oid::regclass::text AS name FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p' AND c.relreplident = 'd'
        AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
        """
    )
    for table in keyless:
        await source.execute(f"ALTER TABLE {table['name']} REPLICA IDENTITY FULL")
    await source.execute(f"CREATE PUBLICATION {NAME} FOR ALL TABLES")


async def unpublish(source: asyncpg.Connection, slot: str = "") -> None:
    """Removes everything that `publish` and a subscription have made, also the slots of tables whose copy was interrupted."""
    await source.execute(f"DROP PUBLICATION IF EXISTS {NAME}")
    slots = await source.fetch(
        f"SELECT slot_name FROM pg_replication_slots WHERE slot_name = $1 OR (slot_type = 'logical' AND slot_name ~ '{_OF_A_TABLE}')", slot
    )
    for row in slots:
        await drop_slot(source, row["slot_name"])
    changed = await source.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relreplident = $1", FULL.encode()
    )
    for table in changed:
        await source.execute(f"ALTER TABLE {table['name']} REPLICA IDENTITY DEFAULT")


async def subscribe(target: asyncpg.Connection, connection: str, slot: str, system: str) -> None:
    """Copies all tables, then follows. `connection`: of the source, quoted already; `system`: see `get_system`."""
    await target.execute(f"CREATE SUBSCRIPTION {NAME} CONNECTION {connection} PUBLICATION {NAME} WITH (slot_name = '{slot}')")
    await target.execute(f"COMMENT ON SUBSCRIPTION {NAME} IS '{system}'")


async def get_system(source: asyncpg.Connection) -> str:
    """The identifier of the server, which the server that follows it remembers."""
    return str(await source.fetchval("SELECT system_identifier::text FROM pg_control_system()"))


async def unsubscribe(target: asyncpg.Connection) -> None:
    """The slot stays on the source. Can be repeated."""
    if not await is_subscribed(target):
        return
    await target.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    await target.execute(f"ALTER SUBSCRIPTION {NAME} SET (slot_name = NONE)")
    await target.execute(f"DROP SUBSCRIPTION {NAME}")


async def is_subscribed(target: asyncpg.Connection) -> bool:
    return bool(await target.fetchval("SELECT EXISTS (SELECT FROM pg_subscription WHERE subname = $1)", NAME))


async def get_copied(target: asyncpg.Connection) -> Copied:
    row = await target.fetchrow("SELECT count(*) FILTER (WHERE srsubstate = 'r') AS ready, count(*) AS tables FROM pg_subscription_rel")
    return Copied(row["ready"], row["tables"])


async def count_apply_errors(target: asyncpg.Connection) -> int:
    """How often applying or copying failed, for example because a row cannot be stored in the new server."""
    return int(await target.fetchval("SELECT coalesce(sum(apply_error_count + sync_error_count), 0) FROM pg_stat_subscription_stats"))


async def get_position(source: asyncpg.Connection) -> str:
    """The end of the log, with everything that is committed. Workers commit without a flush; this commit flushes theirs too."""
    async with source.transaction():
        await source.execute("SET LOCAL synchronous_commit = local")
        await source.execute("SELECT pg_logical_emit_message(true, $1, '')", NAME)
    return str(await source.fetchval("SELECT pg_current_wal_flush_lsn()::text"))


async def is_applied(source: asyncpg.Connection, slot: str, position: str) -> bool:
    """Whether the target has stored everything before this position of the source."""
    return bool(await source.fetchval(
        "SELECT confirmed_flush_lsn >= $2::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $1", slot, position
    ))


async def is_quiet(source: asyncpg.Connection) -> bool:
    """Whether no session of members and jobs has run a statement for a moment, except those that wait at the write gate."""
    return bool(await source.fetchval(
        f"""
        SELECT NOT EXISTS (
            SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND application_name IN ('folkmoot reads', 'folkmoot caches')
            AND (state <> 'idle' OR state_change > clock_timestamp() - interval '{_QUIET_MS} ms')
        )
        """
    ))


async def get_sequences(source: asyncpg.Connection) -> dict[str, int]:
    """The last value of each sequence that was used."""
    rows = await source.fetch(
        "SELECT format('%I.%I', schemaname, sequencename) AS name, last_value FROM pg_sequences"
        " WHERE schemaname = 'public' AND last_value IS NOT NULL"
    )
    return {row["name"]: row["last_value"] for row in rows}


async def set_sequences(target: asyncpg.Connection, values: dict[str, int]) -> None:
    await target.executemany("SELECT setval($1::text::regclass, $2)", list(values.items()))


async def get_columns(either: asyncpg.Connection) -> str:
    """A digest of the columns of all tables that are copied."""
    return str(await either.fetchval(
        """
        SELECT md5(string_agg(
            concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)), ',' ORDER BY c.relname, a.attname
        ))
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
        """
    ))


async def empty_caches(target: asyncpg.Connection) -> None:
    """Empties the UNLOGGED tables, as a promotion of a physical standby does: what they say may be old."""
    names = await target.fetchval(
        "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relpersistence = 'u'"
    )
    if names:
        await target.execute(f"TRUNCATE {names}")


async def grant_cache_rights(target: asyncpg.Connection) -> None:
    """A dump of the schema sets an empty search path."""
    await target.execute("SET search_path = public; SELECT grant_cache_rights()")


async def analyze(target: asyncpg.Connection) -> None:
    await target.execute("ANALYZE")


async def take_snapshot(either: asyncpg.Connection) -> None:
    """That of the open transaction, which its first statement takes."""
    await either.execute("SELECT 1")


async def checkpoint(target: asyncpg.Connection) -> None:
    """So that the server stops faster."""
    await target.execute("CHECKPOINT")


async def set_epoch(target: asyncpg.Connection, epoch: int) -> None:
    await target.execute("UPDATE host_state SET epoch = $1", epoch)
