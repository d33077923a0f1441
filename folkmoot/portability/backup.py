"""`back_up`: one backup of a running network, without a pause.

Everything is of one moment: a session exports its snapshot, the dump and the hashes are taken in it, and pictures are
linked into the staging folder right after, so that one deleted meanwhile is still there. Then one run of restic stores
dump, pictures, sealed secrets and signed manifest together. Before it counts, its manifest is read back and the number of
files and bytes compared; `--verify` and drills read the rest.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.portability import manifest, tables
from folkmoot.portability.backup_key import BackupKey, NotSigned
from folkmoot.portability.damage import sha256_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import DumpProblem, dump, room_for
from folkmoot.portability.manifest import ABOUT, DATABASE, MEDIA, File, Manifest
from folkmoot.portability.progress import Progress, Quiet
from folkmoot.portability.repository import Repository, RepositoryProblem, Snapshot, Stored
from folkmoot.portability.secrets import NETWORK
from folkmoot.portability.snapshots import Backup, Keep, described, list_backups, surplus

SPARE = 64 * 2**20  # bytes of disk that stay free
_STAGING = "backup"
_MOSTLY_PICTURES = 4  # times the dump: what is new then is pictures, which cannot be compressed
_OWN_TO_A_HOST = {"secrets/postgres-password"}


@dataclass(frozen=True)
class Source:
    """The running network that is backed up."""

    data: DataDirectory
    store: FileStore
    dsn: str
    name: str
    address: str
    version: str
    secret: bytes  # of the network, wherever it is kept


@dataclass
class Made:
    """What a backup came to."""

    backup: Backup
    added: int
    seconds: float
    lost_media: list[str]
    forgotten: list[str] = field(default_factory=list)
    not_forgotten: str = ""  # why old ones could not be removed


def back_up(
    source: Source, repository: Repository, key: BackupKey, there: list[Snapshot], keep: Keep | None, progress: Progress
) -> Made:
    """Makes a backup that counts, then lets go of those that need not be kept. Raises Problem; then nothing was lost.

    `there`: what the repository holds already, the newest first.
    """
    began, started_at = clock.monotonic(), clock.now()
    with _staging(source.data) as stage:
        previous = _previous(repository, key, there)
        taken = asyncio.run(_take(source, stage, progress))
        facts = taken.facts
        unproven = [name for name in facts.media.keys() - taken.absent if not previous.knows(name, (stage / MEDIA / name).lstat())]
        damaged = _damaged(stage / MEDIA, unproven, progress)
        lost = damaged | taken.absent
        media = {name: (stage / MEDIA / name).stat().st_size for name in facts.media if name not in lost}
        (stage / ABOUT / "media.txt").write_bytes(manifest.media_text(media))
        (stage / ABOUT / "secrets.sealed").write_bytes(key.seal(_secrets(source)))
        made = Manifest(
            network=source.name, address=source.address, folkmoot=source.version, made_at=started_at,
            epoch=facts.epoch, schema=facts.schema, postgresql=facts.version, database_bytes=facts.bytes, tables=taken.tables,
            files=_files(stage), media_count=len(media), media_bytes=sum(media.values()), lost_media=sorted(lost),
        )
        manifest.write(stage / ABOUT, made, key)
        progress.step("storing", made.bytes)
        new_pictures = sum(media.get(name, 0) for name in unproven)
        stored = repository.store(
            stage, [ABOUT, DATABASE, MEDIA], like=previous.snapshot, progress=progress,
            compresses=new_pictures < _MOSTLY_PICTURES * (made.bytes - made.media_bytes),
        )
    backup = _proven(repository, key, stored)
    result = Made(backup, stored.added, 0, sorted(damaged | taken.missed))
    try:
        backups = list_backups(repository, key.authority, source.data, there, backup)
        if old := surplus(backups, keep) if keep else []:
            progress.step("removing old backups")
            repository.forget(backup.id for backup in old)
            result.forgotten = [backup.name for backup in old]
    except (RepositoryProblem, OSError) as error:  # what was made is good all the same
        result.not_forgotten = error.message % error.params if isinstance(error, RepositoryProblem) else str(error)
    result.seconds = clock.monotonic() - began
    return result


@contextmanager
def _staging(data: DataDirectory) -> Iterator[Path]:
    """A folder inside the data directory, for one backup at a time; what a killed one left is cleared."""
    with data.alone("backup"):
        stage = data.path / _STAGING
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o700)
        before = Path.cwd()
        # Inside, and by relative paths only: were the folder moved and a link put in its place, root would not follow it.
        descriptor = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        os.fchdir(descriptor)
        os.close(descriptor)
        for name in (ABOUT, MEDIA):
            Path(name).mkdir()
        try:
            yield Path()
        finally:
            os.chdir(before)
            shutil.rmtree(stage, ignore_errors=True)


@dataclass(frozen=True)
class _Previous:
    """The backup before this one, and its pictures: those that are as they were need not be read again."""

    snapshot: str | None = None
    media: dict[str, int] = field(default_factory=dict)
    made_at: float = 0

    def knows(self, name: str, found: os.stat_result) -> bool:
        """Whether this picture was proven then and nobody has touched it since: it may have been cut or overwritten."""
        return self.media.get(name) == found.st_size and found.st_mtime < self.made_at


def _previous(repository: Repository, key: BackupKey, there: list[Snapshot]) -> _Previous:
    """The newest snapshot, if its manifest is ours."""
    for snapshot in there[:1]:
        with suppress(NotSigned, RepositoryProblem):
            about = manifest.read(repository.read_folder(snapshot.id, ABOUT), key.authority)
            return _Previous(snapshot.id, about.media, about.manifest.made_at.timestamp())
    return _Previous()


@dataclass(frozen=True)
class _Taken:
    """What was true at the moment of the backup. Pictures that are not on disk: all, and those that still should be."""

    facts: tables.Facts
    tables: dict[str, tables.Table]
    absent: set[str]
    missed: set[str]


async def _take(source: Source, stage: Path, progress: Progress) -> _Taken:
    """Dump, hashes and pictures of one moment."""
    connection = await tables.connect(source.dsn)
    try:
        if strange := await tables.strange_parts(connection):
            raise DumpProblem(
                "The database at database.url holds what is not of Folkmoot and could not be restored elsewhere: %(parts)s. Let Folkmoot"
                " have a database of its own, or drop them.", parts=", ".join(strange),
            )
        facts = await tables.facts(connection)
        absent = await _copy(source.store, stage / MEDIA, facts.media)
        room_for(source.data.path, facts.bytes + SPARE, "The dump of the database")
        progress.step("reading the database", facts.bytes)
        dumping = asyncio.to_thread(dump, source.dsn, facts.version, facts.snapshot, stage / DATABASE, facts.bytes, progress)
        _, hashes = await asyncio.gather(dumping, tables.fingerprint(connection, Quiet()))
    finally:
        connection.terminate()
    return _Taken(facts, hashes, absent, absent & set(await tables.media_now(source.dsn)) if absent else set())


async def _copy(store: FileStore, stage: Path, names: dict[str, int]) -> set[str]:
    """Brings the pictures into the staging folder, as links if that can be; returns the names of those that are not there."""
    for folder in {name.partition("/")[0] for name in names}:
        (stage / folder).mkdir()
    return {name for name in names if not await store.copy_to(FileName.of(name), stage / name)}


def _damaged(media: Path, names: list[str], progress: Progress) -> set[str]:
    """Of pictures that no earlier backup vouches for: those whose content is not what their name says. They are left out."""
    progress.step("proving pictures", sum((media / name).stat().st_size for name in names))
    damaged, done = set(), 0
    with ThreadPoolExecutor(2) as pool:
        for name, found in zip(names, pool.map(sha256_of, (media / name for name in names)), strict=True):
            done += (media / name).stat().st_size
            progress.at(done)
            if found != Path(name).stem:
                damaged.add(name)
    for name in damaged:
        (media / name).unlink()
    return damaged


def _secrets(source: Source) -> bytes:
    """Everything that must not be lost and must not be read: as one bundle."""
    data = source.data
    names = [f"secrets/{entry.name}" for entry in os.scandir(data.path / "secrets") if entry.is_file(follow_symlinks=False)]
    bundle = {name: (data.path / name).read_bytes() for name in names if name not in _OWN_TO_A_HOST}
    bundle[f"secrets/{NETWORK}"] = source.secret
    with suppress(FileNotFoundError):
        bundle["folkmoot.toml"] = (data.path / "folkmoot.toml").read_bytes()
    return msgspec.json.encode(bundle)


def _files(stage: Path) -> dict[str, File]:
    """Every file of the snapshot that is no picture, with its hash."""
    found = [file for folder in (ABOUT, DATABASE) for file in sorted((stage / folder).iterdir())]
    return {str(file.relative_to(stage)): File(file.stat().st_size, sha256_of(file)) for file in found}


def _proven(repository: Repository, key: BackupKey, stored: Stored) -> Backup:
    """Reads the new snapshot back. Raises RepositoryProblem, and takes the snapshot away, if it does not count."""
    problem = "restic stored other files than it was given"
    try:
        files = repository.read_folder(stored.snapshot, ABOUT)
        about = manifest.read(files, key.authority)
        themselves = [len(files[name]) for name in ("manifest.json", "signature.json")]  # which a manifest cannot name
        promised = len(about.manifest.files) + len(about.media) + 2, about.manifest.bytes + sum(themselves)
        if promised == (stored.files, stored.bytes):
            return described(stored.snapshot, about)
    except NotSigned as error:
        problem = error.message
    repository.forget([stored.snapshot])
    raise RepositoryProblem("What was stored cannot be used, because %(why)s. Run this again.", why=problem)
