"""SQL of backups, drills and the host: when they ran, what there is to back up, and what the database says of this host.

The checksums of whole tables stand in `tables.py`. Numbers that belong to other nouns (visibilities, effects) are given
by the caller: this package moves bytes and does not know what a post is.
"""

from typing import Any, Protocol

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.portability.runs import BACKUP, DRILL, KEPT_DAYS, Last, Run


class _Executes(Protocol):
    async def execute(self, sql: str, *args: Any) -> Any: ...


class Size(msgspec.Struct, frozen=True):
    """What a backup would hold."""

    database_bytes: int
    media: int
    media_bytes: int


class DatabaseHost(msgspec.Struct, frozen=True):
    """What the database says of the host and of how the sessions of the caches are guarded."""

    is_standby: bool
    epoch: int
    has_cache_role: bool  # else triggers guard them


async def insert_run(tx: _Executes, run: Run) -> None:
    """In a write transaction of a network, or in the session that completes a restore."""
    await tx.execute(
        "INSERT INTO backup_runs (kind, started_at, seconds, is_good, said, repository, snapshot, bytes, posts)"
        " VALUES ($1, $2, $3, $4, left($5, 2000), $6, $7, $8, $9)",
        run.kind, run.started_at, run.seconds, run.is_good, run.said, run.repository, run.snapshot, run.bytes, run.posts,
    )
    await tx.execute("DELETE FROM backup_runs WHERE started_at < now() - make_interval(days => $1)", KEPT_DAYS)


async def last_runs(conn: ReadConn) -> dict[str, Last]:
    """Of backups and drills. A backup is as old as the moment it shows, so its age counts from its start."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (kind, is_good) kind, is_good, started_at, seconds, said, posts FROM backup_runs
        WHERE kind = ANY ($1::text[]) ORDER BY kind, is_good, started_at DESC
        """,
        [BACKUP, DRILL],
    )
    found = {(row["kind"], row["is_good"]): row for row in rows}
    last = {}
    for kind in (BACKUP, DRILL):
        good, bad = found.get((kind, True)), found.get((kind, False))
        failed = bad["said"] if bad and (good is None or bad["started_at"] > good["started_at"]) else ""
        if good is None:
            last[kind] = Last(kind, failed=failed)
        else:
            last[kind] = Last(kind, (clock.now() - good["started_at"]).total_seconds(), good["seconds"], good["posts"], failed)
    return last


async def get_size(conn: ReadConn) -> Size:
    row = await conn.fetchrow(
        "SELECT pg_database_size(current_database()) AS database_bytes, (SELECT count(*) FROM media_files) AS media,"
        " (SELECT coalesce(sum(bytes), 0)::bigint FROM media_files) AS media_bytes"
    )
    return Size(**dict(row or {}))


async def get_host(conn: ReadConn) -> DatabaseHost:
    row = await conn.fetchrow(
        "SELECT pg_is_in_recovery() AS is_standby, epoch, can_be_cache_writer() AS has_cache_role FROM host_state"
    )
    return DatabaseHost(**dict(row or {}))


async def count_public_posts_unscoped(conn: ReadConn, *, public: int, hidden: int, limited: int) -> int:
    """How many posts the public timeline must be able to show: what a drill compares it with."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM posts AS p JOIN accounts AS a ON a.id = p.account_id WHERE p.visibility = $1 AND p.boost_of_id IS NULL"
        " AND p.reply_to_id IS NULL AND p.effect < $2 AND a.effect < $3 AND a.domain = ''",
        public, hidden, limited,
    ))


async def find_follower_unscoped(conn: ReadConn, *, suspended: int) -> int | None:
    """Whoever can log in and follows most: a drill asks for this home."""
    found: int | None = await conn.fetchval(
        "SELECT l.account_id FROM logins AS l JOIN accounts AS a ON a.id = l.account_id"
        " LEFT JOIN follows AS f ON f.account_id = l.account_id WHERE a.effect < $1 AND l.disabled_at IS NULL"
        " AND l.confirmed_at IS NOT NULL AND l.approved_at IS NOT NULL GROUP BY 1 ORDER BY count(f.target_id) DESC, 1 LIMIT 1",
        suspended,
    )
    return found
