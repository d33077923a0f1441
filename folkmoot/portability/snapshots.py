"""Which snapshots of a repository are valid backups, and which of them are kept.

A snapshot is valid if a host certified by the recovery key signed its manifest, and if it contains each file of the
manifest. An invalid snapshot is never restored, never counted by `--keep`, and never deleted, because it may contain
the only copy of something.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability import manifest
from folkmoot.portability.backup_key import NotSigned
from folkmoot.portability.damage import find_damage
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.manifest import About
from folkmoot.portability.progress import Progress
from folkmoot.portability.repository import DUMP, NEEDS, Repository, RepositoryProblem, Snapshot


class Backup(msgspec.Struct, frozen=True):
    """A snapshot as operators see it. `problem`: why it is not valid; "" if it is."""

    id: str
    made_at: datetime
    problem: str = ""
    network: str = ""
    posts: int = 0
    media: int = 0
    bytes: int = 0

    @property
    def name(self) -> str:
        return self.id[:8]


class Keep(msgspec.Struct, frozen=True):
    """For how many days, weeks and months the newest backup of each is kept. Backups of the last day are always kept."""

    days: int = 7
    weeks: int = 5
    months: int = 12

    @classmethod
    def read(cls, text: str) -> "Keep | None":
        """`7,5,12`, or `all` for None."""
        if text == "all":
            return None
        parts = text.split(",")
        if len(parts) != 3 or not all(part.strip().isdigit() for part in parts) or int(parts[0]) < 1:
            raise Problem("--keep needs the numbers of days, weeks and months, for example --keep 7,5,12, or --keep all.")
        return cls(*(int(part) for part in parts))


def examine(repository: Repository, authority: bytes, found: Snapshot) -> tuple[Backup, About | None]:
    """Validates a snapshot; returns its small files too if it is valid."""
    files = repository.listing(found.id)
    try:
        if f"/{manifest.ABOUT}/manifest.json" not in files:
            raise NotSigned("it has no manifest")
        about = manifest.read(repository.read_folder(found.id, manifest.ABOUT), authority)
    except NotSigned as error:
        return Backup(found.id, found.time, error.message), None
    problem = manifest.incomplete(about, files)
    return summarize(found.id, about, problem), None if problem else about


def summarize(snapshot: str, about: About, problem: str = "") -> Backup:
    made = about.manifest
    return Backup(snapshot, made.made_at, problem, made.network, made.posts, made.media_count, made.bytes)


def newest_valid(
    repository: Repository, authority: bytes, snapshots: list[Snapshot], wanted: str = ""
) -> tuple[Backup, About]:
    """The newest valid backup whose id begins with `wanted`. Raises RepositoryProblem if there is none."""
    reason = ""
    for snapshot in snapshots:
        if not snapshot.id.startswith(wanted) or snapshot.kind != DUMP:
            continue
        backup, about = examine(repository, authority, snapshot)
        if about:
            return backup, about
        reason = reason or f" The newest, {backup.name}, is not valid, because {backup.problem}."
    raise RepositoryProblem(
        "There is no valid backup%(which)s in %(where)s.%(reason)s", which=f" {wanted}" if wanted else "", where=repository.target,
        reason=reason,
    )


def list_backups(
    repository: Repository, authority: bytes, data: DataDirectory | None, snapshots: list[Snapshot], made: Backup | None = None
) -> list[Backup]:
    """The backups of these snapshots, and the one just `made`. `data`: where valid ones are cached; a snapshot never changes."""
    cache = data.path / "backups.json" if data and data.host_file.exists() else None
    known = _cached(cache.read_bytes()) if cache and cache.exists() else {}
    backups = [made] if made else []
    backups += [
        known.get(snapshot.id) or examine(repository, authority, snapshot)[0] for snapshot in snapshots if snapshot.kind == DUMP
    ]
    if data and cache:
        data.write(cache, msgspec.json.encode([backup for backup in backups if not backup.problem]))
    return backups


def _cached(content: bytes) -> dict[str, Backup]:
    return {backup.id: backup for backup in msgspec.json.decode(content, type=list[Backup])}


def faults(repository: Repository, authority: bytes, data: DataDirectory, progress: Progress) -> Iterator[str]:
    """Reads the whole repository and describes each fault."""
    damaged = find_damage(repository.target.folder, progress) if repository.target.folder else []
    for file in damaged:
        yield f"{file} is damaged"
    if damaged:
        return  # restic would report the same files again, or stop at the first
    progress.step("checking with restic")
    errors = repository.check(reads_data=True)
    yield from errors
    if not errors:
        for backup in list_backups(repository, authority, data, repository.snapshots()):
            if backup.problem:
                yield f"snapshot {backup.name} is not a valid backup, because {backup.problem}"


def needed_by(snapshots: list[Snapshot]) -> set[str]:
    """The snapshots whose pictures a base of a restored network relies on, because it was made before they were fetched."""
    return {needed for snapshot in snapshots for needed in snapshot.tags_of(NEEDS)}


def surplus(backups: list[Backup], keep: Keep) -> list[Backup]:
    """The backups that need not be kept; never the newest, and never an invalid one."""
    valid = sorted((backup for backup in backups if not backup.problem), key=lambda backup: backup.made_at, reverse=True)
    kept = {backup.id for backup in valid if clock.now() - backup.made_at < timedelta(days=1)} | {backup.id for backup in valid[:1]}
    for number, period in ((keep.days, "%Y-%m-%d"), (keep.weeks, "%G-%V"), (keep.months, "%Y-%m")):
        newest = {}
        for backup in reversed(valid):
            newest[backup.made_at.strftime(period)] = backup.id
        kept |= set(list(reversed(newest.values()))[:number])
    return [backup for backup in valid if backup.id not in kept]
