"""SQL of backups, drills and the host: recorded runs, size of the data, role and epoch in the database.

The hashes of whole tables are in `tables.py`. The caller passes numbers of other nouns (visibilities, effects), because
this package does not know what a post is.
"""

from datetime import datetime
from typing import Any, Protocol

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.portability.runs import BACKUP, DRILL, KEPT_DAYS, Last, Run


class _Executes(Protocol):
    async def execute(self, sql: str, *args: Any) -> Any: ...


class _Fetches(Protocol):
    async def fetchval(self, sql: str, *args: Any) -> Any: ...


class _Reads(Protocol):
    async def fetch(self, sql: str, *args: Any) -> Any: ...
    async def fetchrow(self, sql: str, *args: Any) -> Any: ...


class Size(msgspec.Struct, frozen=True):
    """The size of what a backup would contain."""

    database_bytes: int
    media: int
    media_bytes: int


class DatabaseHost(msgspec.Struct, frozen=True):
    """Role and epoch as the database says, and how cache sessions are restricted to their tables."""

    is_standby: bool
    epoch: int
    has_cache_role: bool  # else triggers restrict them


async def insert_run(tx: _Executes, run: Run) -> None:
    """Records a run, and deletes old records. `tx`: a write transaction, or the session that completes a restore.

    A restored database may be older than the column `form`, so it is written only if there is one.
    """
    await tx.execute(
        "INSERT INTO backup_runs (kind, started_at, seconds, is_good, said, repository, snapshot, bytes, posts)"
        " VALUES ($1, $2, $3, $4, left($5, 2000), $6, $7, $8, $9)",
        run.kind, run.started_at, run.seconds, run.is_good, run.said, run.repository, run.snapshot, run.bytes, run.posts,
    )
    if run.form:
        await tx.execute("UPDATE backup_runs SET form = $3 WHERE kind = $1 AND started_at = $2", run.kind, run.started_at, run.form)
    await tx.execute("DELETE FROM backup_runs WHERE started_at < now() - make_interval(days => $1)", KEPT_DAYS)


async def last_runs(conn: _Reads) -> dict[str, Last]:
    """The last runs of backups and drills. A backup shows the data at its start, so its age counts from there."""
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


async def list_rehearsals(conn: ReadConn) -> dict[str, float]:
    """For each form that was rehearsed with success: how many seconds ago, at last."""
    rows = await conn.fetch("SELECT form, max(started_at) AS at FROM backup_runs WHERE kind = $1 AND is_good GROUP BY form", DRILL)
    return {row["form"]: (clock.now() - row["at"]).total_seconds() for row in rows if row["form"]}


async def list_attempts(conn: ReadConn, kind: str) -> tuple[datetime | None, datetime | None]:
    """When the last good run of this kind and the last run of any outcome began."""
    row = await conn.fetchrow(
        "SELECT max(started_at) FILTER (WHERE is_good) AS good, max(started_at) AS any FROM backup_runs WHERE kind = $1", kind
    )
    return (row["good"], row["any"]) if row else (None, None)


async def find_repository(conn: ReadConn) -> str:
    """The repository of the last good backup; "" if there was none."""
    return str(await conn.fetchval(
        "SELECT repository FROM backup_runs WHERE kind = $1 AND is_good ORDER BY started_at DESC LIMIT 1", BACKUP
    ) or "")


async def count_posts_unscoped(conn: _Fetches) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM posts"))


async def get_epoch(conn: _Fetches) -> int:
    """The epoch in the database."""
    return int(await conn.fetchval("SELECT epoch FROM host_state"))


async def get_size(conn: _Reads) -> Size:
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
    """How many posts the public timeline must show; a drill compares the timeline with this number."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM posts AS p JOIN accounts AS a ON a.id = p.account_id WHERE p.visibility = $1 AND p.boost_of_id IS NULL"
        " AND p.reply_to_id IS NULL AND p.effect < $2 AND a.effect < $3 AND a.domain = ''"
        " AND NOT p.is_limited AND NOT a.is_limited",
        public, hidden, limited,
    ))


async def find_follower_unscoped(conn: ReadConn, *, suspended: int) -> int | None:
    """The member with the most follows who can log in; a drill reads their home."""
    found: int | None = await conn.fetchval(
        "SELECT l.account_id FROM logins AS l JOIN accounts AS a ON a.id = l.account_id"
        " LEFT JOIN follows AS f ON f.account_id = l.account_id WHERE a.effect < $1 AND l.disabled_at IS NULL"
        " AND l.confirmed_at IS NOT NULL AND l.approved_at IS NOT NULL GROUP BY 1 ORDER BY count(f.target_id) DESC, 1 LIMIT 1",
        suspended,
    )
    return found
