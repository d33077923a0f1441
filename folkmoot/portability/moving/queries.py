"""SQL of moves: the condition of a database, its last writes, the record of a move, and the orders to the server."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from folkmoot.base import write_gate
from folkmoot.base.driver_errors import LOST
from folkmoot.base.queue.queries import release_jobs_of_absent_workers
from folkmoot.portability.moving.model import DatabaseCondition, Fence, Fork, LastWrites
from folkmoot.portability.postgres_settings import SUBSCRIPTION

_COMPARED = 500  # events, and posts


class Replay(NamedTuple):
    """How far a standby is whose stream is to end. `is_all`: everything that was received is replayed."""

    is_receiving: bool
    position: str
    is_all: bool
    waits: bool


class Connection(Protocol):
    """A session of the driver: while a host changes its role, no gate admits anybody else."""

    async def execute(self, query: str, *args: Any) -> str: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...
    async def fetch(self, query: str, *args: Any) -> Sequence[Any]: ...


async def read_database(conn: Connection) -> DatabaseCondition:
    row = await conn.fetchrow(
        """
        WITH logical AS MATERIALIZED (
            SELECT obj_description(s.oid, 'pg_subscription') AS system, NOT EXISTS (
                SELECT FROM pg_subscription_rel AS r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r'
            ) AS is_copied, max(w.received_lsn) AS position, count(w.pid) > 0 AS is_connected
            FROM pg_subscription AS s LEFT JOIN pg_stat_subscription AS w ON w.subid = s.oid AND w.relid IS NULL
            WHERE s.subname = $1 GROUP BY s.oid
        )
        SELECT pg_is_in_recovery() OR EXISTS (SELECT FROM logical) AS is_replaying, EXISTS (SELECT FROM logical) AS is_logical,
            EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')
                OR EXISTS (SELECT FROM logical WHERE is_copied AND is_connected) AS is_streaming,
            (SELECT epoch FROM host_state) AS epoch, (SELECT max(number) FROM migrations) AS schema,
            coalesce(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() WHEN EXISTS (SELECT FROM logical)
                THEN (SELECT position FROM logical) ELSE pg_current_wal_flush_lsn() END, '0/0')::text AS position,
            current_setting('server_version_num')::int / 10000 AS major,
            coalesce((SELECT system FROM logical), (SELECT system_identifier::text FROM pg_control_system())) AS system,
            coalesce((SELECT id FROM moves ORDER BY epoch DESC LIMIT 1), '') AS last_move
        """,
        SUBSCRIPTION,
    )
    return DatabaseCondition(**dict(row))


async def get_size(conn: Connection) -> int:
    """The size of the database in bytes."""
    return int(await conn.fetchval("SELECT pg_database_size(current_database())"))


async def has_replayed(conn: Connection, position: str, epoch: int = 0) -> bool:
    """Whether the server has replayed its log up to `position`; a primary has. A logical standby has a log of its own: it has
    everything when it has the transaction that raised the epoch, for it applies them in the order of their commits."""
    return bool(await conn.fetchval(
        """
        SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() >= $1::text::pg_lsn
            ELSE NOT EXISTS (SELECT FROM pg_subscription WHERE subname = $3) OR (SELECT epoch FROM host_state) >= $2 END
        """,
        position, epoch, SUBSCRIPTION,
    ))


async def read_last_writes(conn: Connection) -> LastWrites:
    """Digests of the last events, of which almost every write leaves one in its transaction, and of the last posts.

    Index: the primary keys.
    """
    row = await conn.fetchrow(
        f"""
        WITH last_events AS (SELECT id, kind, payload FROM events ORDER BY id DESC LIMIT {_COMPARED}),
            last_posts AS (SELECT id, account_id, visibility, version, text FROM posts ORDER BY id DESC LIMIT {_COMPARED})
        SELECT e.last_event, e.digest, p.posts, p.posts_digest
        FROM (
            SELECT coalesce(max(id), 0) AS last_event,
                md5(coalesce(string_agg(concat_ws(' ', id, kind, payload), ',' ORDER BY id), '')) AS digest
            FROM last_events
        ) AS e, (
            SELECT count(*) AS posts,
                md5(coalesce(string_agg(concat_ws(' ', id, account_id, visibility, version, text), ',' ORDER BY id), '')) AS posts_digest
            FROM last_posts
        ) AS p
        """
    )
    return LastWrites(**dict(row))


async def checkpoint(conn: Connection) -> None:
    """Writes changed pages to the disk now, so that none of that is left for the promotion."""
    await conn.execute("CHECKPOINT")


async def update_epoch(conn: Connection, epoch: int) -> None:
    """Gives the database an epoch that is higher than its own. Nobody may be able to write at that moment."""
    await conn.execute("UPDATE host_state SET epoch = $1 WHERE epoch < $1", epoch)


async def order_promotion(conn: Connection) -> None:
    """Starts the promotion and does not wait for it: PostgreSQL itself looks only every 100 ms. A primary stays one."""
    await conn.execute("SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(false) END")


async def is_replaying(conn: Connection) -> bool:
    return bool(await conn.fetchval("SELECT pg_is_in_recovery()"))


async def end_stream(conn: Connection) -> None:
    """A standby receives nothing from its primary any more, and looks often whether there is anything left to replay."""
    await conn.execute("ALTER SYSTEM SET primary_conninfo = ''")
    await conn.execute("ALTER SYSTEM SET wal_retrieve_retry_interval = '50ms'")
    await conn.execute("SELECT pg_reload_conf()")


async def read_replay(conn: Connection) -> Replay:
    """The startup process waits for this event when it finds nothing more to replay. The last record received may be incomplete."""
    row = await conn.fetchrow(
        """
        SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS is_receiving, pg_last_wal_replay_lsn()::text AS position,
            coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), true) AS is_all,
            EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = 'RecoveryRetrieveRetryInterval') AS waits
        """
    )
    return Replay(**dict(row))


async def read_fork(conn: Connection) -> Fork:
    """On a standby whose stream has ended. A snapshot there has no list of running transactions, only its two ends."""
    row = await conn.fetchrow(
        """
        SELECT pg_last_wal_replay_lsn()::text AS position, pg_snapshot_xmin(now)::text::bigint AS oldest,
            pg_snapshot_xmax(now)::text::bigint AS next
        FROM pg_current_snapshot() AS now
        """
    )
    return Fork(**dict(row))


async def keep_log_for(conn: Connection, slot: str) -> None:
    """Keeps the log since the last checkpoint. On a standby, that is one which the old host has too: `pg_rewind` starts there."""
    await conn.execute(
        "SELECT pg_create_physical_replication_slot($1, true)"
        " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)", slot,
    )


async def forget_old_primary(conn: Connection) -> None:
    """Removes what `end_stream` has set, so that this server can be a standby again."""
    await conn.execute("ALTER SYSTEM RESET primary_conninfo")
    await conn.execute("ALTER SYSTEM RESET wal_retrieve_retry_interval")


async def insert_move(conn: Connection, fence: Fence) -> None:
    """The first write of the new host, through its gate, and the release of the jobs that workers of the old host ran.

    Harmless if it is repeated.
    """
    await conn.execute(write_gate.begin(fence.epoch))
    try:
        await conn.execute(
            "INSERT INTO moves (id, epoch, old_host, new_host, position, fenced_at) VALUES ($1, $2, $3, $4, $5::text::pg_lsn, $6)"
            " ON CONFLICT (id) DO NOTHING",
            fence.move, fence.epoch, fence.by, fence.to, fence.position, fence.at,
        )
        await release_jobs_of_absent_workers(conn)
        await conn.execute("COMMIT")
    except BaseException:
        with suppress(*LOST):
            await conn.execute("ROLLBACK")
        raise


async def drop_idle_slots(conn: Connection) -> None:
    """Drops the slots that no standby uses now."""
    await conn.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND NOT temporary")
