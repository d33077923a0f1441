"""SQL of continuous copies: positions in the write-ahead log (WAL), new pictures, and the first statements after a replay."""

from datetime import datetime, timedelta

import asyncpg

from folkmoot.base.file_store import FileName
from folkmoot.base.ids import first_id
from folkmoot.portability.tables import LEFT_OUT


async def flush_log(conn: asyncpg.Connection) -> str:
    """Flushes the write-ahead log to disk; returns its end. Everything committed is before it, also without `synchronous_commit`."""
    async with conn.transaction():
        await conn.execute("SET LOCAL synchronous_commit = on")
        await conn.execute("SELECT pg_logical_emit_message(true, 'folkmoot', '')")  # a commit that writes something is flushed
    return str(await conn.fetchval("SELECT pg_current_wal_flush_lsn()::text"))


async def has_received(conn: asyncpg.Connection, receiver: str, lsn: str) -> bool:
    """Whether the receiver with this application_name has written the log up to `lsn`."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = $1 AND write_lsn >= $2::text::pg_lsn)", receiver, lsn
    ))


async def list_media_since(conn: asyncpg.Connection, moment: datetime) -> dict[str, int]:
    """Path and size of the pictures that were added since `moment`. An id contains its time, so the primary key is the index. Video and
    audio have the time of their upload, and are added when they are encoded, up to a day later."""
    rows = await conn.fetch(
        "SELECT DISTINCT f.sha256, f.extension, f.bytes FROM media AS m"
        " JOIN media_files AS f ON f.sha256 IN (m.original_sha256, m.preview_sha256)"
        " WHERE m.id >= $1 OR m.id >= $2 AND m.seconds IS NOT NULL",
        first_id(moment), first_id(moment - timedelta(days=1)),
    )
    return _by_path(rows)


async def list_newest_media(conn: asyncpg.Connection, limit: int) -> dict[str, int]:
    """Path and size of the files of the newest pictures, the newest first. Uses the primary key of media."""
    rows = await conn.fetch(
        "SELECT f.sha256, f.extension, f.bytes FROM (SELECT * FROM media ORDER BY id DESC LIMIT $1) AS m"
        " JOIN media_files AS f ON f.sha256 IN (m.original_sha256, m.preview_sha256) ORDER BY m.id DESC", limit
    )
    return _by_path(rows)


async def list_all_media(conn: asyncpg.Connection) -> dict[str, int]:
    return _by_path(await conn.fetch("SELECT sha256, extension, bytes FROM media_files"))


async def get_replayed_bytes(conn: asyncpg.Connection) -> int | None:
    """The position of the replay in the WAL, in bytes; None when the server is a primary."""
    row = await conn.fetchrow(
        "SELECT pg_is_in_recovery() AS replays, coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint AS position"
    )
    return int(row["position"]) if row["replays"] else None


async def has_replayed(conn: asyncpg.Connection, lsn: str) -> bool:
    return bool(await conn.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", lsn))


async def set_own_password(conn: asyncpg.Connection, password: str) -> None:
    """Sets the password of the role of this connection. The server quotes it: ALTER ROLE takes no parameters."""
    await conn.execute(await conn.fetchval("SELECT format('ALTER ROLE %I PASSWORD %L', current_user, $1::text)", password))


async def delete_left_out(conn: asyncpg.Connection) -> None:
    """Deletes the rows that must not come back (see `tables.LEFT_OUT`)."""
    async with conn.transaction():
        epoch = await conn.fetchval("SELECT epoch FROM host_state")
        await conn.execute("SELECT set_config('folkmoot.epoch', $1, true)", str(epoch))  # triggers check it
        for table in LEFT_OUT:
            await conn.execute(f"DELETE FROM {table}")


async def reload_configuration(conn: asyncpg.Connection) -> None:
    await conn.execute("SELECT pg_reload_conf()")


def _by_path(rows: list[asyncpg.Record]) -> dict[str, int]:
    return {FileName(row["sha256"], row["extension"]).path: row["bytes"] for row in rows}
