"""SQL of a logical move, on the server that is left (source) and on the new one (target)."""

from typing import NamedTuple

import asyncpg

NAME = "folkmoot_logical"  # of the publication, the subscription and the slot
FULL = "f"  # replica identity: the whole row
_QUIET_MS = 50  # between two statements of one page


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


async def unpublish(source: asyncpg.Connection) -> None:
    """Removes everything that `publish` and a subscription have made."""
    await source.execute(f"DROP PUBLICATION IF EXISTS {NAME}")
    await source.execute(
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE starts_with(slot_name, $1) AND active", NAME
    )
    await source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", NAME)
    changed = await source.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relreplident = $1", FULL.encode()
    )
    for table in changed:
        await source.execute(f"ALTER TABLE {table['name']} REPLICA IDENTITY DEFAULT")


async def subscribe(target: asyncpg.Connection, connection: str) -> None:
    """Copies all tables, then follows. `connection`: of the source, quoted already."""
    await target.execute(f"CREATE SUBSCRIPTION {NAME} CONNECTION {connection} PUBLICATION {NAME}")


async def unsubscribe(target: asyncpg.Connection) -> None:
    """The slot stays on the source."""
    await target.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    await target.execute(f"ALTER SUBSCRIPTION {NAME} SET (slot_name = NONE)")
    await target.execute(f"DROP SUBSCRIPTION {NAME}")


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


async def is_applied(source: asyncpg.Connection, position: str) -> bool:
    """Whether the target has stored everything before this position of the source."""
    return bool(await source.fetchval(
        "SELECT confirmed_flush_lsn >= $2::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $1", NAME, position
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
