"""Restores a chain: the files of its base, then PostgreSQL replays the WAL of its pushes to the end.

Nothing of it is read by PostgreSQL before each file was compared with the signed manifests. The result is the network as
it was when the last push was made. Restore and drill share this code.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec

from folkmoot.portability.backup import SPARE
from folkmoot.portability.damage import sha256_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import require_space
from folkmoot.portability.manifest import File, file_of
from folkmoot.portability.offsite.chain import ABOUT, MEDIA, POSTGRES, WAL, BaseManifest, PushManifest, position_of
from folkmoot.portability.offsite.queries import delete_left_out, get_replayed_bytes, has_replayed, reload_configuration, set_own_password
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.postgres_binaries import Binaries, find_binaries_of
from folkmoot.portability.postgres_settings import ACCESS
from folkmoot.portability.progress import Progress
from folkmoot.portability.rebuild import RestoreMismatch
from folkmoot.portability.repository import Repository, Snapshot
from folkmoot.portability.service_user import plain_environment

_WHILE_BUILDING = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "archive_mode": "off", "autovacuum": "off"}
_LISTED = "backup_manifest"
_TRUST = "local all all trust\n"  # only while it is rebuilt, behind a socket in a folder of its owner
_BASE = "fetched"
_SEGMENT_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Chain:
    """A base with the pushes that are needed to replay everything after it."""

    repository: Repository
    base: Snapshot
    manifest: BaseManifest
    secrets: bytes
    pushes: list[tuple[Snapshot, PushManifest]]  # the newest first
    elsewhere: list[tuple[Snapshot, dict[str, int]]] = field(default_factory=list)  # with pictures that the base does not have

    @property
    def until(self) -> datetime:
        """Everything committed before this moment is in the chain."""
        return self.pushes[0][1].made_at

    @property
    def made_at(self) -> datetime:
        return self.until

    @property
    def name(self) -> str:
        return self.pushes[0][0].name

    @property
    def network(self) -> str:
        return self.manifest.network

    @property
    def where(self) -> str:
        return self.repository.target.shown

    @property
    def sealed(self) -> bytes:
        return self.secrets

    def describe(self, *, has_pictures: bool = True) -> str:
        """What was proven by a restore."""
        return f"replayed   the write-ahead log to {self.until:%H:%M:%S} UTC; each file equals the signed manifests"

    @property
    def holders(self) -> list[str]:
        """The snapshots that hold its pictures, the newest first."""
        return [one.id for one in (*(snapshot for snapshot, _ in self.pushes), self.base, *(snapshot for snapshot, _ in self.elsewhere))]

    def rebuilt(
        self, folder: Path, owner: DataDirectory, progress: Progress, *, has_pictures: bool = True
    ) -> AbstractContextManager[tuple[DataDirectory, Postgres]]:
        return recovered(self, folder, owner, progress, has_pictures=has_pictures)

    @property
    def media(self) -> dict[str, int]:
        held = [*(media for _, media in self.elsewhere), self.manifest.media, *(push.media for _, push in self.pushes)]
        return {name: size for media in held for name, size in media.items()}

    @property
    def bytes(self) -> int:
        wal = sum(file.bytes for _, push in self.pushes for file in push.segments.values())
        return self.manifest.database_bytes + wal + sum(self.media.values())

    @property
    def needed(self) -> int:
        return self.bytes + 320 * 2**20 + SPARE


@contextmanager
def recovered(
    chain: Chain, folder: Path, owner: DataDirectory, progress: Progress, *, has_pictures: bool = True
) -> Iterator[tuple[DataDirectory, Postgres]]:
    """The network in `folder`/network, with a running database that has replayed everything. The caller removes `folder`.

    Without pictures they are to be fetched later. Raises RestoreMismatch if a file differs from the manifests, or if the WAL
    does not reach the end that was promised.
    """
    require_space(folder, chain.needed, "Restoring this copy")
    network = DataDirectory(folder / "network")
    network.prepare()
    binaries = find_binaries_of(chain.manifest.postgresql)
    parts, wal = _parts(chain, folder, has_pictures=has_pictures), folder / "wal"
    fetch_files(chain, folder, progress, has_pictures=has_pictures)
    progress.step("comparing files")
    check_files(chain, folder, has_pictures=has_pictures)
    _collect(parts, wal, network)
    _arm(folder / _BASE / POSTGRES, network)
    settings = {**_WHILE_BUILDING, **_limits_of(network.path / POSTGRES, binaries), "restore_command": f"'cp \"{wal}/%f\" \"%p\"'"}
    postgres = Postgres(network, binaries, settings, _TRUST)
    try:
        postgres.start()
        progress.step("replaying the log", max(1, sum(file.stat().st_size for file in wal.iterdir())))
        asyncio.run(_replayed(postgres, chain, progress))
        asyncio.run(_take_over(postgres, network))
        for path in (wal, *(part.folder for part in parts)):
            shutil.rmtree(path, ignore_errors=True)
        yield network, postgres
    finally:
        postgres.stop()
        if postgres.socket_folder.parent != network.path:
            shutil.rmtree(postgres.socket_folder, ignore_errors=True)


class _Part(NamedTuple):
    """A snapshot and where it is fetched to. `patterns`: what of it; all if empty. `named`: the SHA-256 of files, by path in it."""

    snapshot: Snapshot
    folder: Path
    patterns: list[str]
    named: dict[str, str]


def _parts(chain: Chain, folder: Path, *, has_pictures: bool) -> list[_Part]:
    """The base first, then the pushes, the newest first, then others that hold pictures."""

    def part(snapshot: Snapshot, name: str, media: Iterable[str], segments: dict[str, File]) -> _Part:
        named = {f"{WAL}/{segment}": file.sha256 for segment, file in segments.items()}
        pictures = {f"{MEDIA}/{picture}": Path(picture).stem for picture in media}
        patterns = [] if has_pictures else [f"/{name}" for name in (ABOUT, POSTGRES, WAL)]
        return _Part(snapshot, folder / name, patterns, named | pictures if has_pictures else named)

    pushes = [part(snapshot, f"push-{number}", push.media, push.segments) for number, (snapshot, push) in enumerate(chain.pushes)]
    held = [part(snapshot, f"elsewhere-{number}", media, {}) for number, (snapshot, media) in enumerate(chain.elsewhere)]
    base = part(chain.base, _BASE, chain.manifest.media, {})
    return [base, *pushes, *(one._replace(patterns=[f"/{MEDIA}"]) for one in held if has_pictures)]


def fetch_files(chain: Chain, folder: Path, progress: Progress, *, has_pictures: bool = True) -> None:
    size = chain.bytes - (0 if has_pictures else sum(chain.media.values()))
    progress.step("fetching", size)
    for part in _parts(chain, folder, has_pictures=has_pictures):
        chain.repository.fetch(part.snapshot.id, part.folder, size, progress, part.patterns)


def check_files(chain: Chain, folder: Path, *, has_pictures: bool = True) -> None:
    """Each fetched file must be one that a signed manifest names, with its content. Raises RestoreMismatch."""
    parts = _parts(chain, folder, has_pictures=has_pictures)
    database = folder / _BASE / POSTGRES
    listed = database / _LISTED
    if not listed.exists() or file_of(listed.read_bytes()) != chain.manifest.listed:
        raise _mismatch(["the list of the files of the database differs"])
    entries = msgspec.json.decode(listed.read_bytes(), type=dict)["Files"]
    expected = {database / entry["Path"]: entry["Checksum"] for entry in entries}
    expected |= {part.folder / path: digest for part in parts for path, digest in part.named.items()}
    unnamed = {listed, *(file for part in parts for file in (part.folder / ABOUT).glob("*"))}
    found = {file for part in parts for file in part.folder.rglob("*") if file.is_file()} - unnamed
    wrong = [f"the file {file.relative_to(folder)} is {'missing' if file in expected else 'not in a manifest'}"
             for file in sorted(expected.keys() ^ found)]
    if not wrong:
        with ThreadPoolExecutor(2) as pool:
            hashes = zip(expected, pool.map(sha256_of, expected), strict=True)
            wrong = [f"the file {file.relative_to(folder)} has different content" for file, digest in hashes if digest != expected[file]]
    if wrong:
        raise _mismatch(wrong)


def _collect(parts: list[_Part], wal: Path, network: DataDirectory) -> None:
    """Puts segments into one folder, the newest version of each, and the pictures into the network."""
    wal.mkdir()
    for part in reversed(parts):  # a newer push overwrites
        for file in (part.folder / WAL).glob("*"):
            file.rename(wal / file.name)
        for file in (part.folder / MEDIA).rglob("*"):
            if file.is_file():
                target = network.path / MEDIA / file.relative_to(part.folder / MEDIA)
                target.parent.mkdir(mode=0o700, exist_ok=True)
                file.rename(target)
    _give(network.path / MEDIA, network)
    _give(wal, network)
    if network.owner:
        wal.parent.chmod(0o711)  # PostgreSQL, which is another user then, reads the WAL


def _arm(database: Path, network: DataDirectory) -> None:
    """Moves the files of PostgreSQL into the network, and tells it to replay at its start."""
    (database / "recovery.signal").touch()
    database.chmod(0o700)
    _give(database, network)
    database.rename(network.path / POSTGRES)


def _limits_of(database: Path, binaries: Binaries) -> dict[str, str]:
    """Limits of the server that wrote the files. PostgreSQL refuses to replay with lower ones."""
    command: list[str | Path] = [binaries.folder / "pg_controldata", "-D", database]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, env=plain_environment()).stdout.splitlines()
    found = dict(line.split(" setting:", 1) for line in lines if " setting:" in line)
    names = {"max_connections": "max_connections", "max_worker_processes": "max_worker_processes", "max_wal_senders": "max_wal_senders",
             "max_prepared_xacts": "max_prepared_transactions", "max_locks_per_xact": "max_locks_per_transaction"}
    return {setting: found[name].strip() for name, setting in names.items()}


def _give(folder: Path, network: DataDirectory) -> None:
    for path, _, names in os.walk(folder):
        for entry in (path, *(os.path.join(path, name) for name in names)):
            network.set_owner(Path(entry))


async def _replayed(postgres: Postgres, chain: Chain, progress: Progress) -> None:
    """Waits until PostgreSQL has replayed all WAL and has become a primary. Raises RestoreMismatch if the end is missing."""
    connection = await asyncpg.connect(postgres.dsn)
    try:
        while (position := await get_replayed_bytes(connection)) is not None:
            progress.at(max(0, position - position_of(chain.manifest.first) * _SEGMENT_BYTES))
            await asyncio.sleep(0.1)
        lsn = chain.pushes[0][1].lsn
        if not await has_replayed(connection, lsn):
            raise _mismatch([f"its write-ahead log ends before {lsn}"])
    finally:
        await connection.close()


async def _take_over(postgres: Postgres, network: DataDirectory) -> None:
    """Sets the password of this host, and restores the rules of access. Deletes what must not come back."""
    connection = await asyncpg.connect(postgres.dsn)
    try:
        await set_own_password(connection, network.secret("postgres-password"))
        await delete_left_out(connection)
        network.write(network.path / POSTGRES / "pg_hba.conf", ACCESS.encode())
        await reload_configuration(connection)
    finally:
        await connection.close()


def _mismatch(wrong: list[str]) -> RestoreMismatch:
    return RestoreMismatch(
        "The restored data differ from the copy: %(first)s%(more)s. They were removed. To restore an older backup: moot restore"
        " --snapshot NAME", first=wrong[0], more=f", and {len(wrong) - 1} more" if len(wrong) > 1 else "",
    )

