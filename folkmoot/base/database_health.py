"""Whether PostgreSQL itself is well, for `moot doctor`: durability, damage, connections, old transactions, maintenance."""

from typing import NamedTuple

from folkmoot.base.db import ReadConn


class DatabaseHealth(NamedTuple):
    """`unsafe`: settings that can lose or damage data. Ages are in seconds or transactions."""

    version: int
    unsafe: list[str]
    encoding: str
    checksum_failures: int
    used_connections: int
    max_connections: int
    longest_transaction: float
    blocked: int
    oldest_row: int
    autovacuum: bool
    invalid_indexes: list[str]
    held_by_slots: int
    clock_skew: float
    newest_event_ahead: float


async def get_database_health(conn: ReadConn, now: float) -> DatabaseHealth:
    """One statement over the statistics views. `now`: this machine's time in seconds since 1970."""
    row = await conn.fetchrow(
        """
        SELECT current_setting('server_version_num')::int AS version,
            array(SELECT name FROM pg_settings WHERE setting = 'off' AND name IN ('fsync', 'full_page_writes', 'synchronous_commit')
                ORDER BY name),
            (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()),
            (SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()),
            (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')::int,
            (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
                WHERE datname = current_database() AND backend_type = 'client backend'),
            (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                AND query_start < clock_timestamp() - interval '15 seconds' AND datname = current_database()),
            (SELECT max(age(datfrozenxid)) FROM pg_database), current_setting('autovacuum') = 'on',
            array(SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1),
            (SELECT coalesce(max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                restart_lsn)), 0)::bigint FROM pg_replication_slots WHERE NOT active),
            ($1 - extract(epoch FROM clock_timestamp()))::float8,
            (SELECT coalesce(extract(epoch FROM max(queued_at) - clock_timestamp()), 0)::float8 FROM jobs)
        """,
        now,
    )
    assert row is not None
    return DatabaseHealth(*row)
