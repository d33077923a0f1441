"""When backups, drills and restores ran, and how they ended: a table, so that every process and every host can tell.

It is part of the network and comes back with it: a restored network knows which backup was the last before the one it
came from, and that it was restored.
"""

from datetime import datetime
from typing import Any, Protocol

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn

BACKUP, DRILL, RESTORE = "backup", "drill", "restore"
BACKUP_IS_OLD = 24 * 3600  # seconds
DRILL_IS_OLD = 7 * 24 * 3600
_KEPT_DAYS = 400


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `said`: why it is not good."""

    kind: str
    started_at: datetime
    seconds: float
    is_good: bool = True
    said: str = ""
    repository: str = ""
    snapshot: str = ""
    bytes: int = 0
    posts: int = 0


class Last(msgspec.Struct, frozen=True):
    """What is to be known of one kind: the age of the last good run, and how the last run of all ended."""

    kind: str
    good_age: float | None = None
    seconds: float | None = None  # that the good one took
    posts: int = 0
    failed: str = ""  # what the last one said, if it was not good


class _Executes(Protocol):
    async def execute(self, sql: str, *args: Any) -> Any: ...


async def insert_run(tx: _Executes, run: Run) -> None:
    """In a write transaction of a network, or in the session that completes a restore."""
    await tx.execute(
        "INSERT INTO backup_runs (kind, started_at, seconds, is_good, said, repository, snapshot, bytes, posts)"
        " VALUES ($1, $2, $3, $4, left($5, 2000), $6, $7, $8, $9)",
        run.kind, run.started_at, run.seconds, run.is_good, run.said, run.repository, run.snapshot, run.bytes, run.posts,
    )
    await tx.execute("DELETE FROM backup_runs WHERE started_at < now() - make_interval(days => $1)", _KEPT_DAYS)


async def last_runs(conn: ReadConn) -> dict[str, Last]:
    """Of backups and drills. A backup is as old as the moment it shows, so its age counts from its start."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (kind, is_good) kind, is_good, started_at, seconds, said, posts FROM backup_runs
        WHERE kind IN ('backup', 'drill') ORDER BY kind, is_good, started_at DESC
        """
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
