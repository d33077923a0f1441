"""Which snapshots of a repository count as backups, and which of them are kept.

A snapshot counts when its manifest is signed by a host of the recovery key, and when it holds every file that the
manifest promises. What does not count is never used, never counted for keeping, and never deleted: it may be all that
is left of something.
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
from folkmoot.portability.repository import Repository, RepositoryProblem, Snapshot


class Backup(msgspec.Struct, frozen=True):
    """A snapshot as operators see it. `problem`: why it does not count; "" when it does."""

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
    """Of how many days, weeks and months the newest backup stays. Everything of the last day stays anyway."""

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
            raise Problem("--keep takes three numbers, of days, weeks and months, such as 7,5,12, or the word all.")
        return cls(*(int(part) for part in parts))


def examine(repository: Repository, authority: bytes, snapshot: str) -> tuple[Backup, About | None]:
    """Looks into a snapshot; its small files come back when it counts."""
    found, files = repository.listing(snapshot)
    try:
        if f"/{manifest.ABOUT}/manifest.json" not in files:
            raise NotSigned("it has no manifest")
        about = manifest.read(repository.read_folder(found.id, manifest.ABOUT), authority)
    except NotSigned as error:
        return Backup(found.id, found.time, error.message), None
    problem = manifest.incomplete(about, files)
    return described(found.id, about, problem), None if problem else about


def described(snapshot: str, about: About, problem: str = "") -> Backup:
    made = about.manifest
    return Backup(snapshot, made.made_at, problem, made.network, made.posts, made.media_count, made.bytes)


def newest_that_counts(
    repository: Repository, authority: bytes, there: list[Snapshot], wanted: str = ""
) -> tuple[Backup, About]:
    """Of what is `there`: the newest backup, or the one whose id begins with `wanted`. Raises RepositoryProblem when there is none."""
    said = ""
    for snapshot in there:
        if not snapshot.id.startswith(wanted):
            continue
        backup, about = examine(repository, authority, snapshot.id)
        if about:
            return backup, about
        said = said or f" The newest, {backup.name}, does not count, because {backup.problem}."
    raise RepositoryProblem(
        "There is no backup%(which)s in %(place)s that counts.%(said)s", which=f" {wanted}" if wanted else "", place=repository.folder,
        said=said,
    )


def list_backups(
    repository: Repository, authority: bytes, data: DataDirectory | None, there: list[Snapshot], made: Backup | None = None
) -> list[Backup]:
    """What is `there`, and what was just `made`. `data`: where to remember what was found, for a snapshot never changes."""
    memory = data.path / "backups.json" if data and data.host_file.exists() else None
    known = _remembered(memory.read_bytes()) if memory and memory.exists() else {}
    backups = [made] if made else []
    backups += [known.get(snapshot.id) or examine(repository, authority, snapshot.id)[0] for snapshot in there]
    if data and memory:
        data.write(memory, msgspec.json.encode([backup for backup in backups if not backup.problem]))
    return backups


def _remembered(content: bytes) -> dict[str, Backup]:
    return {backup.id: backup for backup in msgspec.json.decode(content, type=list[Backup])}


def faults(repository: Repository, authority: bytes, data: DataDirectory, progress: Progress) -> Iterator[str]:
    """Everything that is wrong with a repository, in words; reads all of it."""
    damaged = find_damage(repository.folder, progress)
    for file in damaged:
        yield f"{file} is damaged"
    if damaged:
        return  # restic would only say the same in other words, or stop at the first
    progress.step("checking with restic")
    complaints = repository.check(reads_data=True)
    yield from complaints
    if not complaints:
        for backup in list_backups(repository, authority, data, repository.snapshots()):
            if backup.problem:
                yield f"snapshot {backup.name} does not count as a backup, because {backup.problem}"


def surplus(backups: list[Backup], keep: Keep) -> list[Backup]:
    """Those that need not be kept any longer; never the newest, and never one that does not count."""
    counting = sorted((backup for backup in backups if not backup.problem), key=lambda backup: backup.made_at, reverse=True)
    kept = {backup.id for backup in counting if clock.now() - backup.made_at < timedelta(days=1)} | {backup.id for backup in counting[:1]}
    for number, period in ((keep.days, "%Y-%m-%d"), (keep.weeks, "%G-%V"), (keep.months, "%Y-%m")):
        newest = {}
        for backup in reversed(counting):
            newest[backup.made_at.strftime(period)] = backup.id
        kept |= set(list(reversed(newest.values()))[:number])
    return [backup for backup in counting if backup.id not in kept]
