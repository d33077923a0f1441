"""Out of a backup, a network again: fetched, proven, loaded into a PostgreSQL of its own, compared.

What a restore and a drill have in common. The dump is run by PostgreSQL only after the signed manifest has vouched for
every byte of it. The database works without fsync until it is whole; then everything is brought to disk at once.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.base.migrate import known
from folkmoot.portability import tables
from folkmoot.portability.backup import SPARE
from folkmoot.portability.damage import find_damage, sha256_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import load, room_for
from folkmoot.portability.manifest import ABOUT, DATABASE, MEDIA, About, Manifest
from folkmoot.portability.postgres import Binaries, Postgres, find_binaries
from folkmoot.portability.progress import Progress
from folkmoot.portability.repository import Repository
from folkmoot.portability.snapshots import Backup, newest_that_counts

# Nothing of this is worth a power cut: a restore that was broken off is begun anew.
_IN_THE_MAKING = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off", "wal_level": "minimal",
    "max_wal_senders": "0", "max_wal_size": "'256MB'", "maintenance_work_mem": "'128MB'",
}
_WAL = 320 * 2**20


class NotTheSame(Problem):
    """What came back is not what the manifest says."""

    code = "not_the_same"


@dataclass(frozen=True)
class Plan:
    """A backup that was found good, and what it takes to bring it back."""

    repository: Repository
    backup: Backup
    about: About
    binaries: Binaries

    @property
    def manifest(self) -> Manifest:
        return self.about.manifest

    @property
    def needed(self) -> int:
        """Bytes of disk, while it is under way."""
        return self.manifest.bytes + self.manifest.database_bytes + _WAL + SPARE


def plan(repository: Repository, authority: bytes, wanted: str, *, despite_damage: bool, progress: Progress) -> Plan:
    """Checks everything that can be checked before anything is written. Raises Problem with one sentence."""
    repository.require()
    there = repository.snapshots()  # first, so that a wrong key is told before anything else
    if not despite_damage:
        _refuse_damage(repository, progress)
    backup, about = newest_that_counts(repository, authority, there, wanted)
    binaries = find_binaries()
    if about.manifest.schema > known()[-1].number:
        raise Problem(
            "This backup was made by Folkmoot %(version)s, which is newer. Restore it with that version or a later one.",
            version=about.manifest.folkmoot,
        )
    if int(about.manifest.postgresql.split(".")[0]) > binaries.major:
        raise Problem(
            "This backup was made with PostgreSQL %(made)s, and here is %(here)d. Install PostgreSQL %(made)s or newer.",
            made=about.manifest.postgresql.split(".")[0], here=binaries.major,
        )
    return Plan(repository, backup, about, binaries)


def _refuse_damage(repository: Repository, progress: Progress) -> None:
    damaged = find_damage(repository.folder, progress)
    if not damaged:
        progress.step("checking with restic")
        damaged = repository.check(reads_data=False)
    if damaged:
        raise Problem(
            "The repository in %(place)s is damaged (%(first)s%(more)s), so nothing was restored. Use another copy of it, or add"
            " --despite-damage: what is needed may be whole, and everything is compared in the end.",
            place=repository.folder, first=damaged[0], more=f" and {len(damaged) - 1} more" if len(damaged) > 1 else "",
        )


@contextmanager
def rebuilt(plan: Plan, folder: Path, owner: DataDirectory, progress: Progress) -> Iterator[tuple[DataDirectory, Postgres]]:
    """The network in `folder`/network, its database running and equal to the manifest. `owner`: to whom all belongs.

    Whoever uses it removes `folder`. Raises NotTheSame.
    """
    room_for(folder, plan.needed, "Bringing this backup back")
    fetched, network = folder / "fetched", DataDirectory(folder / "network")
    network.prepare()
    postgres = Postgres(network, plan.binaries, _IN_THE_MAKING)
    total = plan.manifest.database_bytes
    try:
        with ThreadPoolExecutor(1) as beside:
            progress.step("fetching", plan.manifest.bytes)
            fetching = beside.submit(plan.repository.fetch, plan.backup.id, fetched, plan.manifest.bytes, progress)
            postgres.start()  # here and not beside: it ends with the thread that started it
            asyncio.run(postgres.create_database())
            fetching.result()
            _prove_names(plan, fetched)
            _prove(fetched, {path: file.sha256 for path, file in plan.manifest.files.items()})
            pictures = beside.submit(_prove, fetched, {f"{MEDIA}/{name}": Path(name).stem for name in plan.about.media})
            progress.step("loading the database", total)
            load(postgres.dsn, plan.binaries, fetched / DATABASE, network.path / "postgres", total, progress)
            progress.step("comparing pictures")
            pictures.result()
        _give_media(fetched / MEDIA, network)
        shutil.rmtree(fetched)
        asyncio.run(_compare(plan, postgres.dsn, progress))
        yield network, postgres
    finally:
        postgres.stop()
        if postgres.socket_folder.parent != network.path:
            shutil.rmtree(postgres.socket_folder, ignore_errors=True)


def _prove_names(plan: Plan, fetched: Path) -> None:
    """There is every file that the manifest names, and no other."""
    promised = plan.manifest.files.keys() | {f"{MEDIA}/{name}" for name in plan.about.media}
    there = {str(file.relative_to(fetched)) for file in fetched.rglob("*") if file.is_file()}
    there -= {f"{ABOUT}/manifest.json", f"{ABOUT}/signature.json"}
    _judge([f"the file {path} is {'missing' if path in promised else 'in no manifest'}" for path in sorted(promised ^ there)])


def _prove(fetched: Path, expected: dict[str, str]) -> None:
    """The content of files against their hashes: those of the dump stand in the manifest, those of pictures are their names."""
    with ThreadPoolExecutor(2) as pool:
        hashes = dict(zip(expected, pool.map(sha256_of, (fetched / path for path in expected)), strict=True))
    _judge([f"the file {path} has other content" for path in expected if hashes[path] != expected[path]])


async def _compare(plan: Plan, dsn: str, progress: Progress) -> None:
    connection = await tables.connect(dsn)
    try:
        found = await tables.fingerprint(connection, progress)
    finally:
        await connection.close()
    _judge(tables.difference(plan.manifest.tables, found))


def _judge(differences: list[str]) -> None:
    if differences:
        raise NotTheSame(
            "What came back is not what was backed up: %(first)s%(more)s. Nothing was kept of it; try an older backup with --snapshot.",
            first=differences[0], more=f", and {len(differences) - 1} more" if len(differences) > 1 else "",
        )


def remove(folder: Path) -> None:
    """Removes a folder, once the PostgreSQL in its `network` or in itself, whose parent may have been killed, has left it."""
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


def _give_media(media: Path, network: DataDirectory) -> None:
    """Pictures into their place, belonging to whom the network belongs."""
    (network.path / MEDIA).rmdir()
    media.rename(network.path / MEDIA)
    (network.path / MEDIA).chmod(0o700)
    for path, _, names in os.walk(network.path / MEDIA):
        network.give(Path(path))
        for name in names:
            network.give(Path(path) / name)

