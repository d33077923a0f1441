"""Rebuilds a network from a backup: fetch, check, load into a separate PostgreSQL, compare.

Restore and drill share this code. PostgreSQL executes the dump only after each byte of it was checked against the signed
manifest. The database runs without fsync until it is complete; then everything is written to disk at once.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.base.migrate import known
from folkmoot.portability import tables
from folkmoot.portability.backup import SPARE
from folkmoot.portability.damage import find_damage, sha256_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import load, require_space
from folkmoot.portability.manifest import ABOUT, DATABASE, MEDIA, About, Manifest
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import Binaries, find_binaries
from folkmoot.portability.progress import Progress
from folkmoot.portability.repository import Repository
from folkmoot.portability.snapshots import Backup, newest_valid

# No durability is needed while the database is built: an interrupted restore starts again from the beginning.
_WHILE_BUILDING = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "max_wal_size": "'256MB'", "maintenance_work_mem": "'128MB'",
}
_WAL = 320 * 2**20


class RestoreMismatch(Problem):
    """The restored data differ from the manifest."""

    code = "not_the_same"


@dataclass(frozen=True)
class Plan:
    """A valid backup, and what is needed to restore it."""

    repository: Repository
    backup: Backup
    about: About
    binaries: Binaries

    @property
    def manifest(self) -> Manifest:
        return self.about.manifest

    @property
    def made_at(self) -> datetime:
        return self.manifest.made_at

    @property
    def name(self) -> str:
        return self.backup.name

    @property
    def network(self) -> str:
        return self.manifest.network

    @property
    def where(self) -> str:
        return self.repository.target.shown

    @property
    def sealed(self) -> bytes:
        return self.about.secrets

    @property
    def media(self) -> dict[str, int]:
        return self.about.media

    @property
    def bytes(self) -> int:
        return self.manifest.bytes

    def describe(self, *, has_pictures: bool = True) -> str:
        """What was proven by a restore."""
        rows = sum(table.rows for table in self.manifest.tables.values())
        pictures = f", {len(self.media)} pictures" if has_pictures else ""
        return f"compared   {len(self.manifest.tables)} tables with {rows} rows{pictures}: equal to the signed manifest"

    @property
    def holders(self) -> list[str]:
        """The snapshots that hold its pictures."""
        return [self.backup.id]

    def rebuilt(
        self, folder: Path, owner: DataDirectory, progress: Progress, *, has_pictures: bool = True
    ) -> AbstractContextManager[tuple[DataDirectory, Postgres]]:
        return rebuilt(self, folder, owner, progress, has_pictures=has_pictures)

    @property
    def needed(self) -> int:
        """Bytes of disk space that a restore needs while it runs."""
        return self.manifest.bytes + self.manifest.database_bytes + _WAL + SPARE


def plan(repository: Repository, authority: bytes, wanted: str, *, despite_damage: bool, progress: Progress) -> Plan:
    """Checks everything that can be checked before anything is written. Raises Problem with one sentence."""
    repository.require()
    snapshots = repository.snapshots()  # first, so that a wrong key is reported before anything else
    if not despite_damage:
        _refuse_damage(repository, progress)
    backup, about = newest_valid(repository, authority, snapshots, wanted)
    binaries = find_binaries()
    if about.manifest.schema > known()[-1].number:
        raise Problem(
            "This backup was made by Folkmoot %(version)s, which is newer. Restore it with that version or a later one.",
            version=about.manifest.folkmoot,
        )
    if int(about.manifest.postgresql.split(".")[0]) > binaries.major:
        raise Problem(
            "This backup was made with PostgreSQL %(made)s, but this host has PostgreSQL %(found)d. Install PostgreSQL %(made)s or newer.",
            made=about.manifest.postgresql.split(".")[0], found=binaries.major,
        )
    return Plan(repository, backup, about, binaries)


def _refuse_damage(repository: Repository, progress: Progress) -> None:
    damaged = find_damage(repository.target.folder, progress) if repository.target.folder else []  # elsewhere restic checks what it reads
    if not damaged:
        progress.step("checking with restic")
        damaged = repository.check(reads_data=False)
    if damaged:
        raise Problem(
            "The repository in %(where)s is damaged (%(first)s%(more)s), so nothing was restored. Use another copy of it, or try"
            " moot restore --despite-damage: the needed files may be intact, and the result is compared with the manifest.",
            where=repository.target, first=damaged[0], more=f" and {len(damaged) - 1} more" if len(damaged) > 1 else "",
        )


@contextmanager
def rebuilt(
    plan: Plan, folder: Path, owner: DataDirectory, progress: Progress, *, has_pictures: bool = True
) -> Iterator[tuple[DataDirectory, Postgres]]:
    """The network in `folder`/network, with a running database that equals the manifest. The caller removes `folder`.

    `owner`: the data directory whose owner gets the files. Without pictures they are to be fetched later. Raises
    RestoreMismatch.
    """
    require_space(folder, plan.needed, "Restoring this backup")
    fetched, network = folder / "fetched", DataDirectory(folder / "network")
    network.prepare()
    postgres = Postgres(network, plan.binaries, _WHILE_BUILDING)
    total = plan.manifest.database_bytes
    size = plan.manifest.bytes - (0 if has_pictures else plan.manifest.media_bytes)
    patterns = [] if has_pictures else [f"/{ABOUT}", f"/{DATABASE}"]
    media = plan.about.media if has_pictures else {}
    try:
        with ThreadPoolExecutor(1) as pool:
            progress.step("fetching", size)
            fetching = pool.submit(plan.repository.fetch, plan.backup.id, fetched, size, progress, patterns)
            postgres.start()  # not in the pool: the server ends with the thread that started it
            asyncio.run(postgres.create_database())
            fetching.result()
            _check_names(plan, media, fetched)
            _check_hashes(fetched, {path: file.sha256 for path, file in plan.manifest.files.items()})
            checking = pool.submit(_check_hashes, fetched, {f"{MEDIA}/{name}": Path(name).stem for name in media})
            progress.step("loading the database", total)
            load(postgres.dsn, plan.binaries, fetched / DATABASE, network.path / "postgres", total, progress)
            if has_pictures:
                progress.step("comparing pictures")
            checking.result()
        if has_pictures:
            _move_media(fetched / MEDIA, network)
        shutil.rmtree(fetched)
        asyncio.run(_compare(plan, postgres.dsn, progress))
        yield network, postgres
    finally:
        postgres.stop()
        if postgres.socket_folder.parent != network.path:
            shutil.rmtree(postgres.socket_folder, ignore_errors=True)


def _check_names(plan: Plan, media: Iterable[str], fetched: Path) -> None:
    """The fetched files must be exactly those that the manifest names, and these pictures."""
    expected = plan.manifest.files.keys() | {f"{MEDIA}/{name}" for name in media}
    found = {str(file.relative_to(fetched)) for file in fetched.rglob("*") if file.is_file()}
    found -= {f"{ABOUT}/manifest.json", f"{ABOUT}/signature.json"}
    _require_none([f"the file {path} is {'missing' if path in expected else 'not in the manifest'}" for path in sorted(expected ^ found)])


def _check_hashes(fetched: Path, expected: dict[str, str]) -> None:
    """Compares files with their SHA-256: that of a dump file is in the manifest, that of a picture is its name."""
    with ThreadPoolExecutor(2) as pool:
        hashes = dict(zip(expected, pool.map(sha256_of, (fetched / path for path in expected)), strict=True))
    _require_none([f"the file {path} has different content" for path in expected if hashes[path] != expected[path]])


async def _compare(plan: Plan, dsn: str, progress: Progress) -> None:
    connection = await tables.connect(dsn)
    try:
        found = await tables.fingerprint(connection, progress)
    finally:
        await connection.close()
    _require_none(tables.difference(plan.manifest.tables, found))


def _require_none(differences: list[str]) -> None:
    if differences:
        raise RestoreMismatch(
            "The restored data differ from the backup: %(first)s%(more)s. They were removed. To try an older backup:"
            " moot restore --snapshot NAME",
            first=differences[0], more=f", and {len(differences) - 1} more" if len(differences) > 1 else "",
        )


def remove(folder: Path) -> None:
    """Removes a folder after the PostgreSQL in it, or in its `network`, has ended; its parent may have been killed."""
    for network in (folder / "network", folder):
        if (network / "run").is_dir():
            with DataDirectory(network).server_lock():
                pass
    deadline = clock.monotonic() + 10
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError:
            if clock.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _move_media(media: Path, network: DataDirectory) -> None:
    """Moves the pictures into the network and sets their owner."""
    (network.path / MEDIA).rmdir()
    media.rename(network.path / MEDIA)
    (network.path / MEDIA).chmod(0o700)
    for path, _, names in os.walk(network.path / MEDIA):
        network.set_owner(Path(path))
        for name in names:
            network.set_owner(Path(path) / name)

