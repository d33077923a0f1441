"""`back_up`: one backup of a running network, without a pause.

All parts show the same moment: a session exports its snapshot, the dump and the table hashes use that snapshot, and
pictures are linked into the staging folder immediately, so that a picture deleted later is still included. Then one run
of restic stores dump, pictures, sealed secrets and signed manifest. The manifest is read back and the number of files and
bytes is compared; `--verify` and drills read the rest.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
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
from folkmoot.portability.dump import DumpProblem, dump, require_space
from folkmoot.portability.hosts.identity import CERTIFICATE, KEY
from folkmoot.portability.manifest import ABOUT, DATABASE, MEDIA, File, Manifest
from folkmoot.portability.offsite.coming import require_pictures
from folkmoot.portability.progress import NoProgress, Progress
from folkmoot.portability.repository import Refused, Repository, RepositoryProblem, Snapshot, Stored
from folkmoot.portability.secrets import NETWORK
from folkmoot.portability.snapshots import Backup, Keep, list_backups, needed_by, summarize, surplus

SPARE = 64 * 2**20  # bytes of disk space that must stay free
_STAGING = "backup"
_MOSTLY_PICTURES = 4  # new pictures of more than 4 times the size of the dump: compression would save little
_STAYS_ON_HOST = {"secrets/postgres-password", f"secrets/{KEY}", f"secrets/{CERTIFICATE}"}


@dataclass(frozen=True)
class Source:
    """The running network that is backed up."""

    data: DataDirectory
    store: FileStore
    dsn: str
    name: str
    address: str
    version: str
    secret: bytes  # of the network, wherever it is stored
    settings: bytes = b""  # content of folkmoot.toml
    collect: Callable[[], object] = lambda: None  # brings what other programs hold, such as certificates, among the secrets


@dataclass
class BackupResult:
    """The result of a backup."""

    backup: Backup
    added: int
    seconds: float
    lost_media: list[str]
    forgotten: list[str] = field(default_factory=list)
    not_forgotten: str = ""  # why old ones could not be removed
    keeps_all: bool = False  # the server of the repository does not let this host delete


def back_up(
    source: Source, repository: Repository, key: BackupKey, snapshots: list[Snapshot], keep: Keep | None, progress: Progress
) -> BackupResult:
    """Makes a valid backup, then removes old ones as `keep` says. Raises Problem; existing backups are intact then.

    `snapshots`: the snapshots in the repository, the newest first.
    """
    began, started_at = clock.monotonic(), clock.now()
    require_pictures(source.data.path)
    with _staging(source.data) as stage:
        previous = _previous(repository, key, snapshots)
        captured = asyncio.run(_capture(source, stage, progress))
        facts = captured.facts
        unverified = [name for name in facts.media.keys() - captured.absent if not previous.knows(name, (stage / MEDIA / name).lstat())]
        damaged = _remove_damaged(stage / MEDIA, unverified, progress)
        lost = damaged | captured.absent
        media = {name: (stage / MEDIA / name).stat().st_size for name in facts.media if name not in lost}
        (stage / ABOUT / "media.txt").write_bytes(manifest.media_text(media))
        (stage / ABOUT / "secrets.sealed").write_bytes(sealed_secrets(source, key))
        made = Manifest(
            network=source.name, address=source.address, folkmoot=source.version, made_at=started_at,
            epoch=facts.epoch, schema=facts.schema, postgresql=facts.version, database_bytes=facts.bytes, tables=captured.tables,
            files=_files(stage), media_count=len(media), media_bytes=sum(media.values()), lost_media=sorted(lost),
            journal_position=facts.journal_position, journal_hash=facts.journal_hash,
        )
        manifest.write(stage / ABOUT, made, key)
        progress.step("storing", made.bytes)
        new_pictures = sum(media.get(name, 0) for name in unverified)
        stored = repository.store(
            stage, [ABOUT, DATABASE, MEDIA], parent=previous.snapshot, progress=progress,
            compresses=new_pictures < _MOSTLY_PICTURES * (made.bytes - made.media_bytes),
        )
    backup = _read_back(repository, key, stored)
    result = BackupResult(backup, stored.added, 0, sorted(damaged | captured.missed))
    try:
        backups = list_backups(repository, key.authority, source.data, snapshots, backup)
        old = [backup for backup in surplus(backups, keep) if backup.id not in needed_by(snapshots)] if keep else []
        if old:
            progress.step("removing old backups")
            repository.forget(backup.id for backup in old)
            result.forgotten = [backup.name for backup in old]
    except Refused:
        result.keeps_all = True
    except (RepositoryProblem, OSError) as error:  # the new backup is valid all the same
        result.not_forgotten = error.message % error.params if isinstance(error, RepositoryProblem) else str(error)
    result.seconds = clock.monotonic() - began
    return result


@contextmanager
def _staging(data: DataDirectory) -> Iterator[Path]:
    """A folder inside the data directory, for one backup at a time. Leftovers of a killed one are removed."""
    with data.exclusively("backup"):
        stage = data.path / _STAGING
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o700)
        before = Path.cwd()
        # Works inside the folder with relative paths: root must not follow a symbolic link that replaces the folder.
        descriptor = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        os.fchdir(descriptor)
        os.close(descriptor)
        for name in (ABOUT, MEDIA):
            Path(name).mkdir()
        try:
            yield Path()
        finally:
            try:
                os.chdir(before)
            except PermissionError:  # root called from a folder that the user of the network may not enter
                os.chdir("/")
            shutil.rmtree(stage, ignore_errors=True)


@dataclass(frozen=True)
class _Previous:
    """The previous backup. Its unchanged pictures need not be read again."""

    snapshot: str | None = None
    media: dict[str, int] = field(default_factory=dict)
    made_at: float = 0

    def knows(self, name: str, found: os.stat_result) -> bool:
        """Whether this picture was verified then and is unchanged: same size, and not modified since."""
        return self.media.get(name) == found.st_size and found.st_mtime < self.made_at


def _previous(repository: Repository, key: BackupKey, snapshots: list[Snapshot]) -> _Previous:
    """The newest snapshot, if its manifest is signed."""
    for snapshot in snapshots[:1]:
        with suppress(NotSigned, RepositoryProblem):
            about = manifest.read(repository.read_folder(snapshot.id, ABOUT), key.authority)
            return _Previous(snapshot.id, about.media, about.manifest.made_at.timestamp())
    return _Previous()


@dataclass(frozen=True)
class _Captured:
    """The data of the moment of the backup. `absent`: pictures missing on disk; `missed`: those that the database still names."""

    facts: tables.Facts
    tables: dict[str, tables.Table]
    absent: set[str]
    missed: set[str]


async def _capture(source: Source, stage: Path, progress: Progress) -> _Captured:
    """Writes dump and pictures of one moment into `stage`, and hashes the tables."""
    connection = await tables.connect(source.dsn)
    try:
        if foreign := await tables.foreign_objects(connection):
            raise DumpProblem(
                "The database at database.url contains objects that are not of Folkmoot and could not be restored elsewhere: %(parts)s."
                " Give Folkmoot a database of its own, or drop these objects.", parts=", ".join(foreign),
            )
        facts = await tables.facts(connection)
        absent = await _copy(source.store, stage / MEDIA, facts.media)
        require_space(source.data.path, facts.bytes + SPARE, "The dump of the database")
        progress.step("reading the database", facts.bytes)
        dumping = asyncio.to_thread(dump, source.dsn, facts.version, facts.snapshot, stage / DATABASE, facts.bytes, progress)
        _, hashes = await asyncio.gather(dumping, tables.fingerprint(connection, NoProgress()))
    finally:
        connection.terminate()
    return _Captured(facts, hashes, absent, absent & set(await tables.current_media(source.dsn)) if absent else set())


async def _copy(store: FileStore, stage: Path, names: dict[str, int]) -> set[str]:
    """Links the pictures into the staging folder, or copies them; returns the names of missing ones."""
    for folder in {name.partition("/")[0] for name in names}:
        (stage / folder).mkdir()
    return {name for name in names if not await store.copy_to(FileName.of(name), stage / name)}


def _remove_damaged(media: Path, names: list[str], progress: Progress) -> set[str]:
    """Removes pictures whose SHA-256 is not their name from `media`; returns their names."""
    progress.step("checking pictures", sum((media / name).stat().st_size for name in names))
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


def sealed_secrets(source: Source, key: BackupKey) -> bytes:
    """The secrets and the settings file, as one bundle that only the recovery key opens."""
    data = source.data
    source.collect()
    names = [f"secrets/{entry.name}" for entry in os.scandir(data.path / "secrets") if entry.is_file(follow_symlinks=False)]
    bundle = {name: (data.path / name).read_bytes() for name in names if name not in _STAYS_ON_HOST}
    bundle[f"secrets/{NETWORK}"] = source.secret
    if source.settings:
        bundle["folkmoot.toml"] = source.settings
    return key.seal(msgspec.json.encode(bundle))


def _files(stage: Path) -> dict[str, File]:
    """Each file of the snapshot, except pictures, with its hash."""
    found = [file for folder in (ABOUT, DATABASE) for file in sorted((stage / folder).iterdir())]
    return {str(file.relative_to(stage)): File(file.stat().st_size, sha256_of(file)) for file in found}


def _read_back(repository: Repository, key: BackupKey, stored: Stored) -> Backup:
    """Reads the new snapshot back. If it is not valid, removes it and raises RepositoryProblem."""
    problem = "restic did not store all files"
    try:
        files = repository.read_folder(stored.snapshot, ABOUT)
        about = manifest.read(files, key.authority)
        unnamed = [len(files[name]) for name in ("manifest.json", "signature.json")]  # the manifest cannot name itself
        promised = len(about.manifest.files) + len(about.media) + 2, about.manifest.bytes + sum(unnamed)
        if promised == (stored.files, stored.bytes):
            return summarize(stored.snapshot, about)
    except NotSigned as error:
        problem = error.message
    with suppress(Refused):  # it stays, and is listed as not valid
        repository.forget([stored.snapshot])
    raise RepositoryProblem("The stored backup is not valid, because %(why)s. Run the command again.", why=problem)
