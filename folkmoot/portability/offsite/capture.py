"""What a base and a push contain: they are put into a stage inside the data directory, signed, and stored with restic."""

import asyncio
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.portability import tables
from folkmoot.portability.backup import SPARE, Source, sealed_secrets
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.damage import sha256_of
from folkmoot.portability.dump import require_space
from folkmoot.portability.manifest import File, file_of
from folkmoot.portability.offsite import chain
from folkmoot.portability.offsite.chain import ABOUT, FOLDER, MEDIA, POSTGRES, WAL, BaseManifest, Push, PushManifest, State
from folkmoot.portability.offsite.queries import flush_log, has_received, list_media_since
from folkmoot.portability.offsite.spool import RECEIVER, Spool
from folkmoot.portability.postgres_binaries import Binaries
from folkmoot.portability.progress import NoProgress, Progress, folder_size
from folkmoot.portability.repository import NEEDS, Repository, RepositoryProblem, Stored
from folkmoot.portability.service_user import child_setup, plain_environment

_LONGEST_WAIT = 30.0  # seconds until the receiver has written what PostgreSQL has flushed


class NotReceived(Problem):
    """The receiver does not get the WAL of this host."""

    code = "wal_not_received"


def receive(source: Source, spool: Spool) -> None:
    """Starts the receiver and waits until it writes. Raises NotReceived."""
    spool.start(source.dsn)
    if not spool.wait_for_segment(_LONGEST_WAIT):
        raise NotReceived("The write-ahead log is not received; see %(log)s.", log=source.data.path / FOLDER / "receiver.log")


def store_base(
    source: Source, repository: Repository, key: BackupKey, binaries: Binaries, progress: Progress, elsewhere: Sequence[str] = ()
) -> State:
    """Stores a base; returns the state of its new chain. The receiver must run before (`receive`). Raises Problem.

    `elsewhere`: the snapshots with the pictures that this host does not have yet.
    """
    facts = asyncio.run(_facts(source.dsn))
    require_space(source.data.path, facts.bytes + SPARE, "A base backup")
    started_at, name = clock.now(), clock.random_bytes(8).hex()
    with _stage(source, "base") as stage:
        _base_backup(source, binaries, stage / POSTGRES, facts.bytes, progress)
        media = asyncio.run(_link(source.store, stage, asyncio.run(tables.current_media(source.dsn))))
        sealed = sealed_secrets(source, key)
        (stage / ABOUT / "secrets.sealed").write_bytes(sealed)
        listed = (stage / POSTGRES / "backup_manifest").read_bytes()
        manifest = BaseManifest(
            chain=name, network=source.name, address=source.address, folkmoot=source.version, made_at=started_at, epoch=facts.epoch,
            schema=facts.schema, postgresql=int((stage / POSTGRES / "PG_VERSION").read_text()), machine=platform.machine(),
            database_bytes=folder_size(stage / POSTGRES),
            first=_first_segment(stage / POSTGRES / "backup_label"), listed=file_of(listed), secrets=file_of(sealed), media=media,
            elsewhere=list(elsewhere),
        )
        chain.write_manifest(stage / ABOUT, manifest, key)
        progress.step("storing the base", folder_size(stage))
        tags = [f"{chain.CHAIN}{name}", *(f"{NEEDS}{snapshot}" for snapshot in elsewhere)]
        _store(repository, stage, [ABOUT, POSTGRES, MEDIA], chain.BASE, tags, None, progress)
    return State(chain=name, epoch=facts.epoch, base_at=started_at, first=manifest.first, elsewhere=list(elsewhere))


def store_push(source: Source, repository: Repository, key: BackupKey, spool: Spool, state: State) -> State:
    """Stores everything in the spool and the new pictures; returns the new state. Raises Problem."""
    spool.start(source.dsn)
    made_at = clock.now()
    lsn, new_media = asyncio.run(_received(source.dsn, state))
    with _stage(source, "push") as stage:
        segments = _copy_wal(spool, stage / WAL)
        media = asyncio.run(_link(source.store, stage, new_media))
        files = {file.name: File(file.stat().st_size, sha256_of(file)) for file in sorted((stage / WAL).iterdir())}
        manifest = PushManifest(chain=state.chain, made_at=made_at, lsn=lsn, segments=files, media=media)
        chain.write_manifest(stage / ABOUT, manifest, key)
        first, last = min(segments, key=_position), max(segments, key=_position)
        tags = [f"{chain.CHAIN}{state.chain}", f"{chain.FIRST}{first}", f"{chain.LAST}{last}"]
        parent = state.pushes[-1].snapshot if state.pushes else None
        stored = _store(repository, stage, [ABOUT, WAL, MEDIA], chain.PUSH, tags, parent, NoProgress())
    return msgspec.structs.replace(
        state, confirmed_at=made_at, lsn=lsn, spool_bytes=spool.bytes, said="", pushes=[*state.pushes, Push(stored.snapshot, first, last)]
    )


def _copy_wal(spool: Spool, target: Path) -> list[str]:
    """Links the complete segments and copies the one that is being received; returns their names.

    The latter is looked up first: else a segment that is completed in between would be missing.
    """
    target.mkdir()
    partial = spool.partial()
    segments = spool.finished()
    for name in (*spool.histories(), *segments):
        os.link(spool.folder / name, target / name)
    if partial and partial not in segments:
        try:
            shutil.copyfile(spool.partial_file(partial), target / partial)
        except FileNotFoundError:  # complete by now
            os.link(spool.folder / partial, target / partial)
        segments.append(partial)
    return segments


def _position(segment: str) -> str:
    """Segments in the order of the WAL: the first 8 digits are the timeline."""
    return segment[8:]


@contextmanager
def _stage(source: Source, name: str) -> Iterator[Path]:
    stage = source.data.path / FOLDER / name
    shutil.rmtree(stage, ignore_errors=True)
    for folder in (stage, stage / ABOUT, stage / MEDIA):
        folder.mkdir(mode=0o700)
        source.data.set_owner(folder)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _base_backup(source: Source, binaries: Binaries, target: Path, total: int, progress: Progress) -> None:
    """Copies the files of the running server. PostgreSQL verifies the checksum of each page and lists the SHA-256 of each file."""
    progress.step("copying the database", total)
    address, password = tables.without_password(source.dsn)
    done = subprocess.run(
        [binaries.folder / "pg_basebackup", "-D", target, "-d", address, "-X", "none", "--checkpoint=fast", "--no-sync", "--no-password",
         "--manifest-checksums=SHA256"],
        capture_output=True, text=True, cwd="/", env={**plain_environment(), "PGPASSWORD": password},
        preexec_fn=child_setup(source.data.owner),
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1].partition("error: ")[2] or "see its log"
        raise Problem("PostgreSQL could not copy its files: %(why)s.", why=why.rstrip("."), log_text=done.stderr)


def _first_segment(label: Path) -> str:
    """From a line like: START WAL LOCATION: 0/2000028 (file 000000010000000000000002)."""
    return label.read_text().partition("(file ")[2].partition(")")[0]


async def _link(store: FileStore, stage: Path, media: dict[str, int]) -> dict[str, int]:
    """Links the pictures into the stage; returns those that are there. One deleted meanwhile is deleted by the WAL too."""
    for folder in {name.partition("/")[0] for name in media}:
        (stage / MEDIA / folder).mkdir(exist_ok=True)
    return {name: size for name, size in media.items() if await store.copy_to(FileName.of(name), stage / MEDIA / name)}


def _store(
    repository: Repository, stage: Path, names: list[str], kind: str, tags: list[str], parent: str | None, progress: Progress
) -> Stored:
    """Raises RepositoryProblem if restic did not store exactly what is in the stage."""
    stored = repository.store(stage, names, parent=parent, compresses=True, progress=progress, kind=kind, tags=tags)
    files = [path for path in stage.rglob("*") if path.is_file()]
    if (stored.files, stored.bytes) != (len(files), sum(path.stat().st_size for path in files)):
        raise RepositoryProblem("restic did not store all files of the %(kind)s. It is tried again.", kind=kind)
    return stored


async def _facts(dsn: str) -> tables.Facts:
    connection = await tables.connect(dsn)
    try:
        return await tables.facts(connection)
    finally:
        connection.terminate()


async def _received(dsn: str, state: State) -> tuple[str, dict[str, int]]:
    """Waits until the spool has all that was committed before; returns its end and the pictures since the base."""
    assert state.base_at
    connection = await asyncpg.connect(dsn)
    try:
        lsn = await flush_log(connection)
        deadline = clock.monotonic() + _LONGEST_WAIT
        while not await has_received(connection, RECEIVER, lsn):
            if clock.monotonic() > deadline:
                raise NotReceived("The receiver of the write-ahead log does not keep up with PostgreSQL: %(lsn)s is missing.", lsn=lsn)
            await asyncio.sleep(0.1)
        return lsn, await list_media_since(connection, state.base_at)
    finally:
        await connection.close()
