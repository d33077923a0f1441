"""The process for off-site copies, a child of `moot up`: it runs on the primary when there is a repository.

It keeps the continuous copy of the private PostgreSQL close behind, and each night makes a backup, a new base and a drill,
one after the other, in child processes of the lowest priority.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.backup import make_backup, source_of
from folkmoot.commands.drill import rehearse
from folkmoot.commands.options import open_database, run
from folkmoot.commands.recovery import record_failure, target_of
from folkmoot.config import Settings
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.offsite.child import Child
from folkmoot.portability.offsite.coming import is_coming
from folkmoot.portability.offsite.copying import Copying
from folkmoot.portability.offsite.remembered import remembered
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.postgres_binaries import binaries_for, runnable_by
from folkmoot.portability.progress import NoProgress
from folkmoot.portability.queries import list_attempts, list_rehearsals
from folkmoot.portability.repository import Repository
from folkmoot.portability.runs import BACKUP, CONTINUOUS, DRILL, DUMP
from folkmoot.portability.snapshots import Keep

_ASK_SECONDS = 60.0  # between looks whether the time of the nightly backup has come
_AGAIN = timedelta(hours=1)  # after a nightly run that failed
_log = logging.getLogger(__name__)


def run_offsite(settings: Settings) -> None:
    """Runs until this host is no longer the primary of this epoch, or has another repository or another key for it. In another epoch
    the database may be another one, as after moot upgrade --postgres: then this process starts anew."""
    directory, host = DataDirectory(settings.data), Host(settings.data)
    location, epoch = remembered(directory), host.epoch
    target = target_of(None, settings, directory)
    key = BackupKey.find(directory)
    if key is None:
        raise Problem("there is no backup key; moot backup --to REPO creates it")
    copying = None
    if settings.offsite.is_continuous and not settings.database.url:
        binaries = runnable_by(directory.owner, binaries_for(directory))
        copying = Copying(
            source_of(settings), target, key, binaries, epoch=epoch, spool_bytes=settings.offsite.spool_megabytes * 10**6,
            push_seconds=settings.offsite.push_seconds,
        )
    nightly = Nightly(settings, target, key, copying)
    try:
        while (host.role, host.epoch) == (PRIMARY, epoch) and (remembered(directory), BackupKey.find(directory)) == (location, key):
            if copying:
                copying.tick()
            nightly.tick()
            time.sleep(1)
    finally:
        nightly.stop()
        if copying:
            copying.stop()


class Nightly:
    """Backup, base and drill of each night."""

    def __init__(self, settings: Settings, target: Target, key: BackupKey, copying: Copying | None) -> None:
        self._settings = settings
        self._target = target
        self._key = key
        self._copying = copying
        self._ask_at = 0.0
        self._child: Child | None = None
        self._steps: list[Callable[[], None]] = []

    def tick(self) -> None:
        """Begins the next step when the previous one has ended. Looks once a minute whether the time has come."""
        is_busy = (self._child and not self._child.is_over()) or (self._copying and self._copying.is_making_base)
        if is_busy or not self._settings.offsite.nightly or is_coming(self._settings.data):  # a backup would be without these pictures
            return
        if self._steps:
            self._steps.pop(0)()
        elif clock.monotonic() >= self._ask_at:
            self._ask_at = clock.monotonic() + _ASK_SECONDS
            with suppress(Problem):  # the database does not answer
                good, latest = run(self._attempts())
                if is_due(clock.now().astimezone(ZoneInfo(self._settings.network.time_zone)), self._settings.offsite.hour, good, latest):
                    self._steps = [self._begin_backup, self._begin_base, self._begin_drill]

    def stop(self) -> None:
        if self._child:
            self._child.stop()

    def _begin_backup(self) -> None:
        self._child = Child("the nightly backup", self._back_up)

    def _begin_base(self) -> None:
        if self._copying:
            try:
                self._copying.begin_base()
            except Problem as problem:
                _log.warning("the nightly base was not made: %s", problem.message % problem.params)

    def _begin_drill(self) -> None:
        self._child = Child("the nightly drill", self._rehearse)

    def _back_up(self) -> None:
        repository = Repository(self._target, self._key.repository, is_host=True)
        with suppress(Problem), record_failure(self._settings, BACKUP, self._target.shown):
            kept = Keep.read(self._settings.offsite.keep)
            make_backup(self._settings, self._target, self._key, repository.snapshots(), kept, NoProgress())

    def _rehearse(self) -> None:
        with suppress(Problem), record_failure(self._settings, DRILL, self._target.shown):
            form = next_form(run(self._rehearsals())) if self._copying else DUMP
            rehearse(self._settings, self._target, NoProgress(), form)

    async def _rehearsals(self) -> dict[str, float]:
        async with open_database(self._settings) as database, database.read() as conn:
            return await list_rehearsals(conn)

    async def _attempts(self) -> tuple[datetime | None, datetime | None]:
        async with open_database(self._settings) as database, database.read() as conn:
            return await list_attempts(conn, BACKUP)


def next_form(ages: Mapping[str, float]) -> str:
    """What the next drill rehearses: what was not rehearsed for longer. `ages`: by form, of the last good drill."""
    return max((CONTINUOUS, DUMP), key=lambda form: ages.get(form, float("inf")))


def is_due(now: datetime, hour: int, good: datetime | None, latest: datetime | None) -> bool:
    """Whether the nightly run must begin: there was no good one since the last time that it was `hour`, in the zone of `now`."""
    night = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if night > now:
        night -= timedelta(days=1)
    has_failed_recently = latest is not None and now - latest < _AGAIN
    return (good is None or good < night) and not has_failed_recently
