"""SQL of replication: the role and the slot of the standby, the state of both ends, and the files that pictures need.

Positions in the WAL are numbers of bytes, so that they can be subtracted.
"""

from typing import Any, NamedTuple

import asyncpg

from folkmoot.base.file_store import FileName
from folkmoot.portability.postgres_settings import REPLICATION_ROLE, SUBSCRIPTION


class Sizes(NamedTuple):
    """What a copy of the server contains."""

    database_bytes: int  # of all databases
    media: int
    media_bytes: int
    schema: int


class Sending(NamedTuple):
    """The primary's end. `state`: of the connection of the standby, "" if there is none."""

    position: int
    has_slot: bool
    wal_status: str
    state: str
    confirmed: int
    is_logical: bool = False


class Receiving(NamedTuple):
    """The standby's end. `silence`: seconds since the last message of the primary; None without a connection."""

    replayed: int
    known: int  # the end of the primary's WAL, as it last said
    silence: float | None
    is_logical: bool = False


class NewFiles(NamedTuple):
    """Files in the order of the uploads, and the id of the last upload."""

    last_id: int
    files: list[tuple[FileName, int]]


async def is_standby(connection: asyncpg.Connection) -> bool:
    """Whether the server follows a primary, physically or logically."""
    return bool(await connection.fetchval(
        "SELECT pg_is_in_recovery() OR EXISTS (SELECT FROM pg_subscription WHERE subname = $1)", SUBSCRIPTION
    ))


async def get_sizes(connection: asyncpg.Connection) -> Sizes:
    row = await connection.fetchrow(
        "SELECT (SELECT sum(pg_database_size(oid))::bigint FROM pg_database), (SELECT count(*) FROM media_files),"
        " (SELECT coalesce(sum(bytes), 0)::bigint FROM media_files), (SELECT max(number) FROM migrations)"
    )
    return Sizes(*row)


async def make_replication_role(connection: asyncpg.Connection, password: str) -> None:
    """Creates the role of the standby, or sets its password. A copy has the same role with the same password."""
    verb = "ALTER" if await connection.fetchval("SELECT to_regrole($1) IS NOT NULL", REPLICATION_ROLE) else "CREATE"
    # A statement for roles takes no parameters.
    quoted = await connection.fetchval("SELECT quote_literal($1)", password)
    await connection.execute(f"{verb} ROLE {REPLICATION_ROLE} LOGIN REPLICATION CONNECTION LIMIT 6 PASSWORD {quoted}")


async def renew_slot(connection: asyncpg.Connection, name: str) -> None:
    """A new slot that keeps the WAL from now on."""
    await drop_slot(connection, name)
    await connection.execute("SELECT pg_create_physical_replication_slot($1, immediately_reserve => true)", name)


async def drop_slot(connection: asyncpg.Connection, name: str) -> None:
    """Ends the connection of the standby and drops its slot, if there is one."""
    await connection.execute(
        "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL", name
    )
    await connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", name)


async def get_sending(connection: asyncpg.Connection, slot: str) -> Sending:
    """Of one standby. A slot that is not in use remembers the last confirmed position. A base backup uses no slot."""
    row = await connection.fetchrow(
        f"""
        SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint, s.slot_name IS NOT NULL, coalesce(s.wal_status, ''),
            coalesce(r.state, ''),
            coalesce(pg_wal_lsn_diff(coalesce(r.flush_lsn, s.confirmed_flush_lsn, s.restart_lsn), '0/0'), 0)::bigint,
            coalesce(s.slot_type = 'logical', false)
        FROM (SELECT) AS one LEFT JOIN pg_replication_slots AS s ON s.slot_name = $1
            LEFT JOIN pg_stat_replication AS r
                ON r.pid = s.active_pid OR (s.active_pid IS NULL AND r.state = 'backup' AND r.usename = '{REPLICATION_ROLE}')
        LIMIT 1
        """,
        slot,
    )
    return Sending(*row)


async def get_receiving(connection: asyncpg.Connection) -> Receiving:
    """A logical standby has applied what it has received, but for an instant. Its worker ends when the connection is lost."""
    if await connection.fetchval("SELECT NOT pg_is_in_recovery()"):
        row = await connection.fetchrow(
            """
            SELECT coalesce(max(pg_wal_lsn_diff(received_lsn, '0/0')), 0)::bigint AS position,
                CASE WHEN count(pid) > 0 THEN 0.0::float8 END AS silence
            FROM pg_stat_subscription WHERE subname = $1 AND relid IS NULL
            """,
            SUBSCRIPTION,
        )
        return Receiving(row["position"], row["position"], row["silence"], is_logical=True)
    row = await connection.fetchrow(
        """
        SELECT coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint,
            coalesce(pg_wal_lsn_diff(r.latest_end_lsn, '0/0'), 0)::bigint,
            extract(epoch FROM clock_timestamp() - r.last_msg_receipt_time)::float8
        FROM (SELECT) AS one LEFT JOIN pg_stat_wal_receiver AS r ON r.status = 'streaming'
        """
    )
    return Receiving(*row)


async def reload(connection: asyncpg.Connection) -> None:
    """The server reads its settings again."""
    await connection.execute("SELECT pg_reload_conf()")


async def can_confirm(connection: asyncpg.Connection, slot: str) -> bool:
    """Whether the standby with this slot streams the log, under the name by which PostgreSQL would wait for it. One that follows by
    rows does not: it cannot take over alone."""
    return bool(await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_replication_slots AS s JOIN pg_stat_replication AS r ON r.pid = s.active_pid WHERE s.slot_name = $1"
        " AND s.slot_type = 'physical' AND r.application_name = $1 AND r.state = 'streaming')", slot,
    ))


async def get_synchronous_names(connection: asyncpg.Connection) -> str:
    return str(await connection.fetchval("SELECT current_setting('synchronous_standby_names')"))


async def checkpoint(connection: asyncpg.Connection) -> None:
    await connection.execute("CHECKPOINT")


async def get_end_of_log(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"))


async def list_files(connection: asyncpg.Connection, after: bytes, limit: int) -> list[tuple[FileName, int]]:
    """The files of all pictures with their sizes, in the order of their hashes. Uses the primary key."""
    rows = await connection.fetch(
        "SELECT sha256, extension, bytes FROM media_files WHERE sha256 > $1 ORDER BY sha256 LIMIT $2", after, limit
    )
    return [_named(row) for row in rows]


async def find_newest_upload(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT coalesce(max(id), 0) FROM media"))


async def list_new_files(connection: asyncpg.Connection, after_id: int, limit: int) -> NewFiles:
    """The files of the pictures that were uploaded after this one. Uses the primary key of media."""
    rows = await connection.fetch(
        "SELECT m.id, f.sha256, f.extension, f.bytes FROM (SELECT * FROM media WHERE id > $1 ORDER BY id LIMIT $2) AS m"
        " JOIN media_files AS f ON f.sha256 IN (m.original_sha256, m.preview_sha256) ORDER BY m.id",
        after_id, limit,
    )
    return NewFiles(rows[-1]["id"] if rows else after_id, [_named(row) for row in rows])


async def list_recordings(connection: asyncpg.Connection, after_id: int) -> list[tuple[FileName, int]]:
    """The files of video and audio uploaded after this id, which are added when they are encoded, and of what still waits to be encoded.
    Nothing before the migration that knows them: a standby can be a release ahead."""
    if not await connection.fetchval("SELECT to_regclass('recordings') IS NOT NULL"):
        return []
    rows = await connection.fetch(
        "SELECT f.sha256, f.extension, f.bytes FROM media AS m"
        " JOIN media_files AS f ON f.sha256 IN (m.original_sha256, m.preview_sha256) WHERE m.id > $1 AND m.seconds IS NOT NULL"
        " UNION SELECT f.sha256, f.extension, f.bytes FROM recordings AS r"
        " JOIN media_files AS f ON f.sha256 IN (r.source_sha256, r.poster_sha256)",
        after_id,
    )
    return [_named(row) for row in rows]


async def list_known(connection: asyncpg.Connection, hashes: list[bytes]) -> set[bytes]:
    """Which of these files a picture needs."""
    return {row["sha256"] for row in await connection.fetch("SELECT sha256 FROM media_files WHERE sha256 = ANY ($1::bytea[])", hashes)}


def _named(row: Any) -> tuple[FileName, int]:
    return FileName(row["sha256"], row["extension"]), row["bytes"]
