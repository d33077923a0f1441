"""`restore`: creates a network in an empty folder from a repository and the recovery key.

Everything is built in `DIR/restoring` and moved into place at the end, `host.json` last. Before that, `moot up` does not
accept the folder as a network, and the same restore command removes the leftovers of a killed one and starts again. The
restored host gets the next epoch, so that processes with the old epoch cannot write into this database (decision 0022), and
a roster that names it alone, so that the old hosts stop when they see it under the public name (decision 0069).
The database is enough for a network that runs: its pictures are fetched by `moot up`, if the restored host can open the
repository with its own key (decision 0073).
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.base.queue.queries import delete_jobs_named
from folkmoot.portability.backup_key import BackupKey, unseal
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import require_space
from folkmoot.portability.host import HostState
from folkmoot.portability.hosts.peers import machine_name
from folkmoot.portability.hosts.roster import FILE as ROSTER_FILE
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.offsite.coming import Coming, write_coming
from folkmoot.portability.offsite.target import Credentials, locate
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.progress import Progress
from folkmoot.portability.queries import count_posts_unscoped, get_epoch, insert_run
from folkmoot.portability.rebuild import remove
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.repository import Repository
from folkmoot.portability.restored_settings import without_old_machine
from folkmoot.portability.runs import RESTORE, Run

_log = logging.getLogger(__name__)
SETTINGS = "folkmoot.toml"
_STAGING = "restoring"
_MARK = "what-this-is"
_MAIL_JOB = "sessions.send_mail"
_PARTS = (
    "postgres", "media", "secrets", "outbox", "exports", "run", "offsite", SETTINGS, "postgres.log", "hosts.lock", ROSTER_FILE,
)


@dataclass(frozen=True)
class Later:
    """Lets `moot up` fetch the pictures. `location`: of the repository, with the credentials that opened it."""

    location: str
    user: str
    password: str

    def announce(self, network: DataDirectory, plan: "Restorable") -> Coming | None:
        """Writes down where the pictures are. None if the restored host could not fetch them by itself."""
        media, key = plan.media, BackupKey.find(network)
        if not media or key is None:
            return None
        try:
            target = locate(self.location, Credentials(self.user, self.password, network.path / "secrets"))
            Repository(target, key.repository, is_read_only=True, is_host=True, runs_as=network.owner).snapshots()
        except Problem as problem:
            _log.info("the pictures are fetched now, because the network could not do it later: %s", problem)
            return None
        size = sum(media.values())
        coming = Coming(
            location=self.location, user=self.user, password=self.password, snapshots=plan.holders, files=len(media), bytes=size,
            left_files=len(media), left_bytes=size,
        )
        write_coming(network, coming)
        return coming


class Restorable(Protocol):
    """A dump (`rebuild.Plan`) or a base with its log (`offsite.recovery.Chain`) that was checked and can be restored."""

    @property
    def name(self) -> str: ...
    @property
    def network(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def made_at(self) -> datetime: ...
    @property
    def media(self) -> dict[str, int]: ...
    @property
    def sealed(self) -> bytes: ...
    @property
    def needed(self) -> int: ...
    def describe(self, *, has_pictures: bool = True) -> str: ...
    @property
    def holders(self) -> list[str]: ...
    def rebuilt(
        self, folder: Path, owner: DataDirectory, progress: Progress, *, has_pictures: bool = True
    ) -> AbstractContextManager[tuple[DataDirectory, Postgres]]: ...
    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True)
class Restored:
    """The result of a restore. `coming`: the pictures that `moot up` fetches."""

    plan: Restorable
    epoch: int
    posts: int
    seconds: float
    coming: Coming | None
    left_out: list[str] = field(default_factory=list)  # settings of the machine before


def check_target(target: Path, needed: int = 0) -> None:
    """Raises Problem unless `target` is empty, missing, or left over from a killed restore, and the disk has room."""
    if target.exists() and not target.is_dir():
        raise Problem("%(path)s is a file. Name an empty folder, or one that does not exist yet.", path=target)
    if target.exists() and not _is_left_over(target) and any(entry.name != "lost+found" for entry in target.iterdir()):
        raise Problem(
            "%(path)s is not empty, and a restore overwrites nothing. Name an empty folder, or one that does not exist yet.",
            path=target,
        )
    if needed:
        require_space(target, needed, "Restoring this backup")


def restore(plan: Restorable, recovery: RecoveryKey, target: Path, progress: Progress, later: Later | None = None) -> Restored:
    """Restores into `target`. If it raises Problem, it removes what it created. Without `later` it fetches all pictures itself."""
    began, started_at = clock.monotonic(), clock.now()
    check_target(target, plan.needed)
    secrets = msgspec.json.decode(unseal(recovery, plan.sealed), type=dict[str, bytes])
    directory = DataDirectory(target)
    with undone_on_failure(target):
        stage = _staged(directory, plan)
        network = DataDirectory(stage / "network")
        network.prepare()
        left_out = _write_secrets(network, secrets)
        coming = later.announce(network, plan) if later else None
        with plan.rebuilt(stage, directory, progress, has_pictures=coming is None) as (network, postgres):
            epoch, posts = asyncio.run(_facts(postgres))
            epoch += 1
            network.write(network.host_file, msgspec.json.encode(HostState(epoch=epoch)))
            Rosters(network).sign(recovery, machine_name(), epoch)  # the old hosts must not write any more
            run = Run(
                kind=RESTORE, started_at=started_at, seconds=clock.monotonic() - began, repository=plan.where,
                snapshot=plan.name, bytes=plan.bytes, posts=posts,
            )
            asyncio.run(_complete(postgres, epoch, run))
        Postgres(network).configure()  # with fsync again
        progress.step("writing to disk")
        os.sync()
        _move_into_place(stage, target)
    return Restored(plan, epoch, posts, clock.monotonic() - began, coming, left_out)


@contextmanager
def undone_on_failure(target: Path) -> Iterator[None]:
    """Removes what a failed restore has created, and never hides its error behind one of the removal.

    After the last file is in place the network is complete: it stays, whatever fails then.
    """
    existed = target.exists()
    try:
        yield
    except BaseException:
        with suppress(OSError):  # the same restore command removes what remains
            _clear(target)
            if not existed and not (target / "host.json").exists():
                target.rmdir()
        raise


def _staged(directory: DataDirectory, plan: Restorable) -> Path:
    if directory.path.exists():
        _clear(directory.path)
    stage = directory.path / _STAGING
    stage.mkdir(parents=True, mode=0o700)
    directory.path.chmod(0o700)
    directory.set_owner(directory.path)
    directory.set_owner(stage)
    (stage / _MARK).write_text(f"A restore of backup {plan.name}. If it was killed, run the same command again.\n")
    return stage


async def _facts(postgres: Postgres) -> tuple[int, int]:
    """The epoch and the number of posts."""
    connection = await asyncpg.connect(postgres.dsn)
    try:
        return await get_epoch(connection), await count_posts_unscoped(connection)
    finally:
        await connection.close()


async def _complete(postgres: Postgres, epoch: int, run: Run) -> None:
    """Sets the next epoch, records the restore, deletes waiting mails, collects planner statistics. There is no write gate yet."""
    connection = await asyncpg.connect(postgres.dsn)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE host_state SET epoch = $1", epoch)
            await insert_run(connection, run)
            # The old host has sent waiting mails since the backup, and some contain a link that logs in or changes an address.
            await connection.execute("SELECT set_config('folkmoot.epoch', $1, true)", str(epoch))  # the trigger of `jobs` checks it
            await delete_jobs_named(connection, _MAIL_JOB)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _write_secrets(network: DataDirectory, secrets: dict[str, bytes]) -> list[str]:
    """Writes secrets and settings; returns the names of the settings that were left out, as they describe the machine before."""
    left_out: list[str] = []
    for name, content in secrets.items():
        if name == SETTINGS:
            text, left_out = without_old_machine(content.decode())
            content = text.encode()
        folder, _, file = name.rpartition("/")
        if folder not in ("", "secrets") or file.startswith("."):
            raise Problem("The sealed secrets contain a file of another folder, %(name)s. Use another backup: --snapshot.", name=name)
        network.write(network.path / name, content)
    return left_out


def _move_into_place(stage: Path, target: Path) -> None:
    """Renames one entry at a time; after the last one, `host.json`, the folder is a network."""
    network = stage / "network"
    for entry in sorted(network.iterdir(), key=lambda entry: entry.name == "host.json"):
        entry.rename(target / entry.name)
    shutil.rmtree(stage, ignore_errors=True)  # `moot up` removes what remains
    _sync(target)


def _is_left_over(target: Path) -> bool:
    stage = target / _STAGING
    return stage.is_dir() and ((stage / _MARK).exists() or not any(stage.iterdir())) and not (target / "host.json").exists()


def _clear(target: Path) -> None:
    """Removes the leftovers of a restore, if there are any. The mark is removed last, so that a kill during this is harmless too."""
    if not _is_left_over(target):
        return
    stage = target / _STAGING
    leftovers = [target / name for name in _PARTS] + [entry for entry in stage.iterdir() if entry.name != _MARK]
    for entry in [*leftovers, stage / _MARK]:
        if entry.is_dir():
            remove(entry)
        else:
            entry.unlink(missing_ok=True)
    stage.rmdir()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
