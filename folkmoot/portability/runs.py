"""Records of backups, drills and restores: when they ran, and how they ended.

The records are in a table of the network, so that each process can read them. They are part of a backup: a restored
network knows that it was restored, and which backups were made before.
"""

from datetime import datetime

import msgspec

BACKUP, DRILL, RESTORE = "backup", "drill", "restore"
DUMP, CONTINUOUS = "dump", "continuous"  # forms of what a drill rehearses
BACKUP_IS_OLD = 24 * 3600  # seconds
DRILL_IS_OLD = 7 * 24 * 3600
KEPT_DAYS = 400


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `said`: why it failed. `form`: what a drill rehearsed."""

    kind: str
    started_at: datetime
    seconds: float
    is_good: bool = True
    said: str = ""
    repository: str = ""
    snapshot: str = ""
    bytes: int = 0
    posts: int = 0
    form: str = ""


class Last(msgspec.Struct, frozen=True):
    """The last runs of one kind: the age of the last good run, and whether the latest run failed."""

    kind: str
    good_age: float | None = None
    seconds: float | None = None  # duration of the last good run
    posts: int = 0
    failed: str = ""  # the error of the latest run, if it failed
