"""Restores a chain: the files of its base, then PostgreSQL replays the WAL of its pushes to the end.

Nothing of it is read by PostgreSQL before each file was compared with the signed manifests. The result is the network as
it was when the last push was made. Restore and drill share this code.
"""

import asyncio
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from folkmoot.base.migrate import known
from folkmoot.portability.backup import SPARE
from folkmoot.portability.backup_key import NotSigned
from folkmoot.portability.damage import sha256_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import require_space
from folkmoot.portability.manifest import file_of
from folkmoot.portability.offsite.chain import ABOUT, BASE, CHAIN, FIRST, LAST, MEDIA, POSTGRES, PUSH, WAL, BaseManifest, PushManifest
from folkmoot.portability.offsite.chain import read_manifest as read
from folkmoot.portability.offsite.queries import delete_left_out, get_replayed_bytes, has_replayed, reload_configuration, set_own_password
from folkmoot.portability.postgres import Binaries, Postgres, find_binaries, plain_environment
from folkmoot.portability.postgres_settings import ACCESS
from folkmoot.portability.progress import Progress
from folkmoot.portability.rebuild import RestoreMismatch
from folkmoot.portability.repository import Repository, Snapshot

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

    def describe(self) -> str:
        """What was proven by a restore."""
        return f"replayed   the write-ahead log to {self.until:%H:%M:%S} UTC; each file equals the signed manifests"

    def rebuilt(self, folder: Path, owner: DataDirectory, progress: Progress) -> AbstractContextManager[tuple[DataDirectory, Postgres]]:
        return recovered(self, folder, owner, progress)

    @property
    def media(self) -> dict[str, int]:
        return self.manifest.media | {name: size for _, push in self.pushes for name, size in push.media.items()}

    @property
    def bytes(self) -> int:
        wal = sum(file.bytes for _, push in self.pushes for file in push.segments.values())
        return self.manifest.database_bytes + wal + sum(self.media.values())

    @property
    def needed(self) -> int:
        return self.bytes + 320 * 2**20 + SPARE


def find_chain(repository: Repository, authority: bytes, snapshots: list[Snapshot]) -> Chain | None:
    """The newest complete chain of the highest epoch that this machine can restore. `snapshots`: the newest first."""
    major, bases = find_binaries().major, []
    for base in (snapshot for snapshot in snapshots if snapshot.kind == BASE):
        with suppress(NotSigned):
            files = repository.read_folder(base.id, ABOUT)
            manifest, secrets = read(files, authority, BaseManifest), files.get("secrets.sealed", b"")
            fits = manifest.postgresql == major and manifest.machine == platform.machine() and manifest.schema <= known()[-1].number
            if fits and file_of(secrets) == manifest.secrets and manifest.chain == base.tag(CHAIN):
                bases.append((base, manifest, secrets))
    # A host that is no longer the primary, but does not know it, may still make copies: the highest epoch is the network.
    for base, manifest, secrets in sorted(bases, key=lambda found: (found[1].epoch, found[1].made_at), reverse=True):
        pushes = [one for one in snapshots if one.kind == PUSH and one.tag(CHAIN) == manifest.chain]
        if found := _needed_pushes(repository, authority, manifest, pushes):
            return Chain(repository, base, manifest, secrets, found)
    return None


def _needed_pushes(
    repository: Repository, authority: bytes, base: BaseManifest, pushes: list[Snapshot]
) -> list[tuple[Snapshot, PushManifest]]:
    """The newest push, and older ones until they reach back to the base. Empty if some WAL is missing."""
    found: list[tuple[Snapshot, PushManifest]] = []
    missing = ""  # the oldest segment that is covered
    for snapshot in pushes:
        if found and _number(snapshot.tag(LAST)) + 1 < _number(missing):
            return []
        if not found or _number(snapshot.tag(FIRST)) < _number(missing):
            try:
                manifest = read(repository.read_folder(snapshot.id, ABOUT), authority, PushManifest)
            except NotSigned:
                continue
            if manifest.chain == base.chain:
                found.append((snapshot, manifest))
                missing = min(manifest.segments, key=_number)
        if found and _number(missing) <= _number(base.first):
            return found
    return []


def _number(segment: str) -> int:
    """Position of a segment of 16 MB in the WAL; the first 8 digits are the timeline. History files have no position."""
    return int(segment[8:16], 16) * 256 + int(segment[16:24], 16) if len(segment) == 24 else 2**62


@contextmanager
def recovered(chain: Chain, folder: Path, owner: DataDirectory, progress: Progress) -> Iterator[tuple[DataDirectory, Postgres]]:
    """The network in `folder`/network, with a running database that has replayed everything. The caller removes `folder`.

    Raises RestoreMismatch if a file differs from the manifests, or if the WAL does not reach the end that was promised.
    """
    require_space(folder, chain.needed, "Restoring this copy")
    network = DataDirectory(folder / "network")
    network.prepare()
    binaries = find_binaries()
    progress.step("fetching", chain.bytes)
    base, wal = folder / _BASE, folder / "wal"
    chain.repository.fetch(chain.base.id, base, chain.bytes, progress)
    for number, (snapshot, _) in enumerate(chain.pushes):
        chain.repository.fetch(snapshot.id, folder / f"push-{number}", chain.bytes, progress)
    progress.step("comparing files")
    check_files(chain, folder)
    _collect(chain, folder, base, wal, network)
    database = base / POSTGRES
    _arm(database, network)
    settings = {**_WHILE_BUILDING, **_limits_of(network.path / POSTGRES, binaries), "restore_command": f"'cp \"{wal}/%f\" \"%p\"'"}
    postgres = Postgres(network, binaries, settings, _TRUST)
    try:
        postgres.start()
        progress.step("replaying the log", max(1, sum(file.stat().st_size for file in wal.iterdir())))
        asyncio.run(_replayed(postgres, chain, progress))
        asyncio.run(_take_over(postgres, network))
        for name in (_BASE, "wal", *(f"push-{number}" for number in range(len(chain.pushes)))):
            shutil.rmtree(folder / name, ignore_errors=True)
        yield network, postgres
    finally:
        postgres.stop()
        if postgres.socket_folder.parent != network.path:
            shutil.rmtree(postgres.socket_folder, ignore_errors=True)


def check_files(chain: Chain, folder: Path) -> None:
    """Each fetched file must be one that a signed manifest names, with its content. Raises RestoreMismatch."""
    base = folder / _BASE
    listed = base / POSTGRES / _LISTED
    if not listed.exists() or file_of(listed.read_bytes()) != chain.manifest.listed:
        raise _mismatch(["the list of the files of the database differs"])
    entries = msgspec.json.decode(listed.read_bytes(), type=dict)["Files"]
    expected = {base / POSTGRES / entry["Path"]: entry["Checksum"] for entry in entries}
    expected |= {base / MEDIA / name: Path(name).stem for name in chain.manifest.media}
    unnamed = {listed, *(base / ABOUT).iterdir()}
    for number, (_, push) in enumerate(chain.pushes):
        part = folder / f"push-{number}"
        expected |= {part / WAL / name: file.sha256 for name, file in push.segments.items()}
        expected |= {part / MEDIA / name: Path(name).stem for name in push.media}
        unnamed |= set((part / ABOUT).iterdir())
    parts = [base, *(folder / f"push-{number}" for number in range(len(chain.pushes)))]
    found = {file for part in parts for file in part.rglob("*") if file.is_file()} - unnamed
    wrong = [f"the file {file.relative_to(folder)} is {'missing' if file in expected else 'not in a manifest'}"
             for file in sorted(expected.keys() ^ found)]
    if not wrong:
        with ThreadPoolExecutor(2) as pool:
            hashes = zip(expected, pool.map(sha256_of, expected), strict=True)
            wrong = [f"the file {file.relative_to(folder)} has different content" for file, digest in hashes if digest != expected[file]]
    if wrong:
        raise _mismatch(wrong)


def _collect(chain: Chain, folder: Path, base: Path, wal: Path, network: DataDirectory) -> None:
    """Puts segments into one folder, the newest version of each, and the pictures into the network."""
    wal.mkdir()
    parts = [folder / f"push-{number}" for number in reversed(range(len(chain.pushes)))]  # a newer push overwrites
    for part in parts:
        for file in (part / WAL).iterdir():
            file.rename(wal / file.name)
    for part in (base, *parts):
        for file in (part / MEDIA).rglob("*"):
            if file.is_file():
                target = network.path / MEDIA / file.relative_to(part / MEDIA)
                target.parent.mkdir(mode=0o700, exist_ok=True)
                file.rename(target)
    for path, _, names in os.walk(network.path / MEDIA):
        for entry in (path, *(os.path.join(path, name) for name in names)):
            network.set_owner(Path(entry))
    _give(wal, network)
    if network.owner:
        folder.chmod(0o711)  # PostgreSQL, which is another user then, reads the WAL


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
            progress.at(max(0, position - _number(chain.manifest.first) * _SEGMENT_BYTES))
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

