"""When backups, drills and restores ran, and how they ended: a table, so that every process and every host can tell.

It is part of the network and comes back with it: a restored network knows which backup was the last before the one it
came from, and that it was restored.
"""

from datetime import datetime

import msgspec

BACKUP, DRILL, RESTORE = "backup", "drill", "restore"
BACKUP_IS_OLD = 24 * 3600  # seconds
DRILL_IS_OLD = 7 * 24 * 3600
KEPT_DAYS = 400


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
