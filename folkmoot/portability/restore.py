"""`restore`: a network in an empty folder, from nothing but this code, a repository and the recovery key.

All of it is made in `DIR/restoring` and moved into place at the end, `host.json` last: before that no `moot up` takes
the folder for a network, and the same command begins anew and clears what a killed one left. The restored host gets
the next epoch, so that whatever still runs with the old one cannot write into this database (decision 0022).
"""

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.base.queue.queries import delete_jobs_named
from folkmoot.portability.backup_key import unseal
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.dump import room_for
from folkmoot.portability.host import HostState
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.progress import Progress
from folkmoot.portability.queries import insert_run
from folkmoot.portability.rebuild import Plan, rebuilt, remove
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.runs import RESTORE, Run

_STAGING = "restoring"
_MARK = "what-this-is"
_MAIL_JOB = "sessions.send_mail"
_OURS = ("postgres", "media", "secrets", "outbox", "run", "folkmoot.toml", "postgres.log")


@dataclass(frozen=True)
class Restored:
    """What a restore came to."""

    plan: Plan
    epoch: int
    seconds: float

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.plan.manifest.tables.values())


def check_target(target: Path, needed: int = 0) -> None:
    """Raises Problem unless `target` is empty, missing, or left over from a killed restore, and the disk has room."""
    if target.exists() and not target.is_dir():
        raise Problem("%(path)s is a file. Name a folder that is empty, or one that is not there yet.", path=target)
    if target.exists() and not _is_left_over(target) and any(entry.name != "lost+found" for entry in target.iterdir()):
        raise Problem(
            "%(path)s is not empty, and a restore overwrites nothing. Name a folder that is empty, or one that is not there yet.",
            path=target,
        )
    if needed:
        room_for(target, needed, "Bringing this backup back")


def restore(plan: Plan, recovery: RecoveryKey, target: Path, progress: Progress) -> Restored:
    """Restores into `target`. Raises Problem, and then leaves it as it was found."""
    began, started_at = clock.monotonic(), clock.now()
    check_target(target, plan.needed)
    secrets = msgspec.json.decode(unseal(recovery, plan.about.secrets), type=dict[str, bytes])
    was_there = target.exists()
    home = DataDirectory(target)
    try:
        stage = _staged(home, plan)
        with rebuilt(plan, stage, home, progress) as (network, postgres):
            epoch = plan.manifest.epoch + 1
            _place_secrets(network, secrets)
            network.write(network.host_file, msgspec.json.encode(HostState(epoch=epoch)))
            run = Run(
                kind=RESTORE, started_at=started_at, seconds=clock.monotonic() - began, repository=str(plan.repository.folder),
                snapshot=plan.backup.name, bytes=plan.manifest.bytes, posts=plan.manifest.posts,
            )
            asyncio.run(_take_over(postgres, epoch, run))
        Postgres(network).configure()  # with fsync again
        progress.step("bringing it to disk")
        os.sync()
        _move_in(stage, target)
    except BaseException:
        _clear(target)
        if not was_there and target.exists():
            target.rmdir()
        raise
    return Restored(plan, epoch, clock.monotonic() - began)


def _staged(home: DataDirectory, plan: Plan) -> Path:
    if home.path.exists():
        _clear(home.path)
    stage = home.path / _STAGING
    stage.mkdir(parents=True, mode=0o700)
    home.path.chmod(0o700)
    home.give(home.path)
    home.give(stage)
    (stage / _MARK).write_text(f"A restore of backup {plan.backup.name} is under way here, or was killed. Run the same command again.\n")
    return stage


async def _take_over(postgres: Postgres, epoch: int, run: Run) -> None:
    """The next epoch, the note that this happened, and what a planner needs to know. There is no write gate to pass yet."""
    connection = await asyncpg.connect(postgres.dsn)
    try:
        async with connection.transaction():
            await connection.execute("UPDATE host_state SET epoch = $1", epoch)
            await insert_run(connection, run)
            # Mails that waited: the old host has sent them since, and some carry a link that logs in or changes an address.
            await connection.execute("SELECT set_config('folkmoot.epoch', $1, true)", str(epoch))  # the queue's trigger asks
            await delete_jobs_named(connection, _MAIL_JOB)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _place_secrets(network: DataDirectory, secrets: dict[str, bytes]) -> None:
    for name, content in secrets.items():
        folder, _, file = name.rpartition("/")
        if folder not in ("", "secrets") or file.startswith("."):
            raise Problem("The sealed bundle holds a file of another place, %(name)s.", name=name)
        network.write(network.path / name, content)


def _move_in(stage: Path, target: Path) -> None:
    """One rename each; with the last one, `host.json`, the folder becomes a network."""
    network = stage / "network"
    for entry in sorted(network.iterdir(), key=lambda entry: entry.name == "host.json"):
        entry.rename(target / entry.name)
    _sync(target)
    shutil.rmtree(stage)


def _is_left_over(target: Path) -> bool:
    stage = target / _STAGING
    return stage.is_dir() and ((stage / _MARK).exists() or not any(stage.iterdir())) and not (target / "host.json").exists()


def _clear(target: Path) -> None:
    """Removes what a restore made here, if one was broken off. The mark goes last, so that this too may be killed."""
    if not _is_left_over(target):
        return
    stage = target / _STAGING
    ours = [target / name for name in _OURS] + [entry for entry in stage.iterdir() if entry.name != _MARK]
    for entry in [*ours, stage / _MARK]:
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
