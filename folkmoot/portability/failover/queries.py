"""SQL of a failover: what a standby knows about the end of its primary, what it lacks, and the rows that the old host alone has."""

from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg

from folkmoot.portability.failover.model import LossFacts
from folkmoot.portability.moving.model import Fork
from folkmoot.portability.moving.queries import Connection
from folkmoot.portability.tables import LEFT_OUT

_XIDS = 2**32  # a row names its transaction by 32 bits
# Of the host or of its machinery, or secrets that a review does not need.
_NOT_EXPORTED = frozenset([
    *LEFT_OUT, "host_state", "migrations", "moves", "timed_jobs", "jobs", "pgqueuer", "pgqueuer_schedules", "sessions", "tokens",
    "journal_lanes", "journal_sealer", "journal_heads", "journal_keepers", "counter_deltas", "account_counts", "post_counts",
    "idempotency_keys", "backup_runs", "weekly_activity",
])
SECRET_COLUMNS = ("password_hash", "client_secret_hash", "code", "sealed_token")


async def read_loss_facts(conn: Connection, known: int, silent_seconds: float | None) -> LossFacts:
    """`known`: how many bytes of the log, as the primary last said, have not arrived. Index: the block ranges of events.created_at.

    The rate of posts is that of the last ten seconds or of the last hour, whichever is higher; the rate of the log is that since
    the last checkpoint.
    """
    row = await conn.fetchrow(
        """
        WITH last AS (
            SELECT pg_last_xact_replay_timestamp() AS at,
                coalesce(greatest(pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn()), '0/0') AS received
        )
        SELECT pg_wal_lsn_diff(received, '0/0')::bigint AS received, at AS last_write_at,
            coalesce(extract(epoch FROM clock_timestamp() - at), 0)::float8 AS write_age,
            coalesce(greatest(0, pg_wal_lsn_diff(received, checkpoint_lsn))
                / greatest(60, extract(epoch FROM at - checkpoint_time)), 0)::float8 AS bytes_per_second,
            (SELECT greatest(count(*) / 3600.0, count(*) FILTER (WHERE created_at > at - interval '10 seconds') / 10.0)::float8
                FROM events WHERE kind = 'post.created' AND created_at > at - interval '1 hour') AS posts_per_second
        FROM last, pg_control_checkpoint()
        """
    )
    return LossFacts(
        received=row["received"], known=row["received"] + known if known else 0, last_write_at=row["last_write_at"],
        silent_seconds=max(0.0, row["write_age"] if silent_seconds is None else silent_seconds),
        posts_per_second=row["posts_per_second"], bytes_per_second=row["bytes_per_second"],
    )


async def list_unfinished(conn: Connection, fork: Fork) -> list[int]:
    """The transactions before `fork.next` that had not committed when this host was promoted: they never will here."""
    rows = await conn.fetch(
        "SELECT x FROM generate_series($1::bigint, $2::bigint - 1) AS x WHERE pg_xact_status(x::text::xid8) IS DISTINCT FROM 'committed'",
        fork.oldest, fork.next,
    )
    return [row["x"] for row in rows]


async def has_log_since(conn: Connection, slot: str, position: str) -> bool:
    """Whether the slot still keeps everything from `position` on."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND restart_lsn <= $2::text::pg_lsn"
        " AND wal_status IN ('reserved', 'extended'))", slot, position,
    ))


async def end_writers(conn: Connection) -> int:
    """Ends the sessions that are in a write transaction; returns how many there were."""
    return int(await conn.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND (classid, objid) = (7020, 1)"
        " AND mode = 'ShareLock' AND granted AND pid <> pg_backend_pid()"
    ))


async def get_end_of_log(conn: Connection) -> str:
    return str(await conn.fetchval("SELECT pg_current_wal_flush_lsn()::text"))


async def count_bytes(conn: Connection, start: str, end: str) -> int:
    """The length of the log between two positions."""
    return max(0, int(await conn.fetchval("SELECT pg_wal_lsn_diff($2::text::pg_lsn, $1::text::pg_lsn)::bigint", start, end)))


async def list_exported(conn: Connection) -> list[str]:
    """The tables whose rows are worth a review. UNLOGGED ones were never copied."""
    rows = await conn.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relpersistence = 'p'"
        " AND relname <> ALL ($1::text[]) ORDER BY relname", list(_NOT_EXPORTED),
    )
    return [row["relname"] for row in rows]


async def read_lost(conn: asyncpg.Connection, table: str, fork: Fork, unfinished: list[int]) -> AsyncIterator[str]:
    """The rows, as JSON, that were written by transactions that the new primary does not have. Reads the whole table.

    Transactions are compared as PostgreSQL does: modulo 2^32, half of them before and half after each other.
    """
    async with conn.transaction(readonly=True):
        cursor = conn.cursor(
            f"""
            SELECT (to_jsonb(t) - '{{{','.join(SECRET_COLUMNS)}}}'::text[])::text AS row
            FROM (SELECT xmin::text::bigint AS x, ctid AS place FROM "{table}") AS old JOIN "{table}" AS t ON t.ctid = old.place
            WHERE old.x > 2 AND ((old.x - $1::bigint % {_XIDS} + {_XIDS}) % {_XIDS} < {_XIDS // 2} OR old.x = ANY ($2::bigint[]))
            ORDER BY old.place
            """,
            fork.next, [xid % _XIDS for xid in unfinished],
        )
        async for row in cursor:
            yield row["row"]


async def find_last_event(conn: Connection) -> datetime | None:
    """When this database was last written."""
    at: datetime | None = await conn.fetchval("SELECT max(created_at) FROM events")
    return at
