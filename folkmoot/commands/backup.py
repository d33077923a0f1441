"""`moot backup`: backs up the running network to an encrypted repository; lists and verifies its backups."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from folkmoot import __version__, config
from folkmoot.base import clock
from folkmoot.commands.options import data_option, json_option, leave_root, open_database, run, settings_of, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.recovery import (
    NO_PASSWORD,
    ask,
    key_file_option,
    location_of,
    record_failure,
    record_run,
    repository_and_authority,
    require_own,
    target_of,
    text_of,
    wrong_key,
)
from folkmoot.commands.restic_program import ensure_restic
from folkmoot.commands.roster import sign_with
from folkmoot.commands.standby_installed import is_installed
from folkmoot.config import Settings
from folkmoot.network.media.store import media_store
from folkmoot.portability.backup import BackupResult, Source, back_up
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.certificates.exchange import exchange_certificates
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.install.machine import Machine
from folkmoot.portability.install.units import NETWORK_UNIT
from folkmoot.portability.offsite.hand_over import hand_over, require_reachable, require_writable
from folkmoot.portability.offsite.remembered import remember
from folkmoot.portability.offsite.ssh_key import ensure_ssh_key
from folkmoot.portability.offsite.target import RepositoryProblem, Target
from folkmoot.portability.program import restart_from_readable_copy
from folkmoot.portability.progress import Progress
from folkmoot.portability.queries import Size, get_size
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.repository import Repository, Snapshot
from folkmoot.portability.restic import UnknownSshKey, WrongRepositoryKey
from folkmoot.portability.runs import BACKUP, Run
from folkmoot.portability.snapshots import Backup, Keep, faults, list_backups


@click.command()
@click.option("--to", "location", metavar="REPO", help="Where the repository is. It is remembered.", show_default="the one used last")
@click.option("--list", "lists", is_flag=True, help="List the backups in the repository, and whether each is valid.")
@click.option("--verify", "verifies", is_flag=True, help="Read the whole repository and name each damaged file.")
@click.option("--keep", help="How many daily, weekly and monthly backups to keep; or: all.", show_default="the setting offsite.keep")
@click.option("--new", "allows_new", is_flag=True, help="Create another repository for a network that has one already.")
@click.option("--yes", "says_yes", is_flag=True, help="Install restic, if it is missing, without a question.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@key_file_option
@data_option
@json_option
def backup(
    location: str | None, lists: bool, verifies: bool, keep: str | None, allows_new: bool, says_yes: bool, dry_run: bool,
    key_file: IO[str] | None, data: Path, as_json: bool,
) -> None:
    """Back up the running network to REPO, encrypted. The first time, the recovery key is shown.

    REPO is a folder on another disk, sftp:USER@HOST:/FOLDER, s3:https://HOST/BUCKET/NAME or rest:https://HOST/NAME.
    """
    if lists and verifies:
        raise click.UsageError("--list and --verify do not go together. Choose one of them.")
    ensure_restic(says_yes=says_yes)
    directory = DataDirectory(data)
    if lists or verifies:
        repository, authority = repository_and_authority(target_of(location, config.load(data), directory), directory, key_file)
        repository.require()
        (_verify if verifies else _list)(repository, authority, directory, as_json)
        return
    settings = settings_of(data)
    kept = Keep.read(keep or settings.offsite.keep)
    size = run(_size(settings))
    target = target_of(location, settings, directory)
    if dry_run:
        _refuse_missing(target, BackupKey.find(directory), allows_new)
        _show_dry_run(target, directory, size, as_json)
        return
    with record_failure(settings, BACKUP, target.shown):
        if target.ssh:
            ensure_ssh_key(directory)
            target = target_of(target.location, settings, directory)
        try:
            _refuse_missing(target, BackupKey.find(directory), allows_new)
            if directory.owner and target.folder:
                require_reachable(target.folder, directory.owner)
                if is_installed(machine := Machine(), directory.path):
                    require_writable(target.folder, machine.run("systemctl", "show", NETWORK_UNIT, "--property=ReadWritePaths", "--value"))
            why_not = restart_from_readable_copy(directory.owner) if directory.owner else ""
            key, snapshots = _open_repository(target, directory, key_file, as_json, lambda: _leave_root(target, directory, why_not))
        except UnknownSshKey as problem:
            raise problem.with_line(ensure_ssh_key(directory)) from None
        with show_progress(as_json) as progress:
            result = make_backup(settings, target, key, snapshots, kept, progress)
    remember(directory, location_of(location, target))
    _report(result, target, as_json)


def source_of(settings: Settings) -> Source:
    """The running network of these settings, as a source of copies."""
    directory = DataDirectory(settings.data)
    return Source(
        directory, media_store(settings), settings.dsn, settings.network.name, settings.base_url, __version__,
        settings.secret, settings.file, partial(exchange_certificates, settings, directory),
    )


def make_backup(
    settings: Settings, target: Target, key: BackupKey, snapshots: list[Snapshot], kept: Keep | None, progress: Progress
) -> BackupResult:
    """Makes a backup and records it. Also used by the nightly run."""
    started_at = clock.now()
    result = back_up(source_of(settings), Repository(target, key.repository, is_host=True), key, snapshots, kept, progress)
    run(record_run(settings, Run(
        kind=BACKUP, started_at=started_at, seconds=result.seconds, repository=target.shown, snapshot=result.backup.name,
        bytes=result.backup.bytes, posts=result.backup.posts)))
    return result


def _refuse_missing(target: Target, key: BackupKey | None, allows_new: bool) -> None:
    """If the network has a key but there is no repository, a disk is probably not mounted. Raises RepositoryProblem."""
    if key and not allows_new and not Repository(target, key.repository).exists():
        hint = " Is the disk mounted?" if target.folder else ""
        raise RepositoryProblem(
            "There is no repository in %(where)s.%(hint)s To create another repository there, add --new.", where=target, hint=hint
        )


def _leave_root(target: Target, data: DataDirectory, why_not: str) -> None:
    """Gives up the rights of root: nightly backups run as the user of the network, who must be able to use what is created now."""
    if data.owner and target.folder:
        hand_over(target.folder, data.owner)
    if data.owner:
        leave_root(data.owner, why_not)


def _open_repository(
    target: Target, data: DataDirectory, key_file: IO[str] | None, as_json: bool, before_writing: Callable[[], None]
) -> tuple[BackupKey, list[Snapshot]]:
    """This host's key and the snapshots. Creates the repository, and adds the host key to it, if that was not done yet.

    `before_writing`: called when everything that was asked has been answered.
    """
    key = BackupKey.find(data)
    exists = Repository(target, key.repository if key else NO_PASSWORD).exists()
    if key and exists:
        with suppress(WrongRepositoryKey):  # the host key is not in it yet: the recovery key adds it below
            snapshots = Repository(target, key.repository, is_host=True).snapshots()
            before_writing()
            return key, snapshots
    if key is None and not exists:
        if target.folder:
            _require_room(target.folder)
        recovery = RecoveryKey.new()
        click.echo(json.dumps({"recovery_key": recovery.words}) if as_json else text_of(recovery))
        sys.stdout.flush()
    else:
        why = "This host has no key for the repository yet, so" if exists else "The repository is new. To create it,"
        recovery = ask(key_file, f"{why} the recovery key is needed.")
    if key:
        require_own(recovery, data)
    before_writing()
    key = key or BackupKey.new(recovery)
    repository = Repository(target, recovery.repository_password)
    snapshots = []
    # In this order, a run that is killed at any point can be repeated with the printed recovery key.
    if exists:
        try:
            snapshots = repository.snapshots()
        except WrongRepositoryKey:
            raise wrong_key(target) from None
    else:
        repository.create()
    key.keep(data)
    repository.add_host(key.repository)
    sign_with(recovery, config.load(data.path), data)  # the words are at hand, so nobody needs to type them for it
    return key, snapshots


def _require_room(folder: Path) -> None:
    """Checks that the repository can be created, before the recovery key is printed. Raises RepositoryProblem."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RepositoryProblem("%(folder)s cannot be created: %(why)s. Name another folder.", folder=folder, why=error.strerror) from error
    if not os.access(folder, os.W_OK):
        raise RepositoryProblem("This user cannot write to %(folder)s. Name another folder, or run the command as root.", folder=folder)
    if any(folder.iterdir()):
        raise RepositoryProblem("%(folder)s is not empty and is not a repository. Name another folder.", folder=folder)


async def _size(settings: Settings) -> Size:
    """The size of the data. Raises Problem if the network does not run."""
    async with open_database(settings) as database, database.read() as conn:
        return await get_size(conn)


def _show_dry_run(target: Target, data: DataDirectory, size: Size, as_json: bool) -> None:
    key = BackupKey.find(data)
    exists = Repository(target, key.repository if key else NO_PASSWORD).exists()
    answer = {
        "repository": target.shown, "is_new": not exists, "shows_recovery_key": not exists and key is None, **msgspec.structs.asdict(size),
    }
    show(answer, as_json, (
        f"Nothing was done. A backup would be stored in {target}, which {'exists' if exists else 'would be created'}:\n"
        f"  database   {_mb(size.database_bytes)}\n  pictures   {size.media}, {_mb(size.media_bytes)}"
        + ("\n  A recovery key would be created and shown once." if answer["shows_recovery_key"] else "")
    ))


def _report(result: BackupResult, target: Target, as_json: bool) -> None:
    answer = {
        "snapshot": result.backup.name, "made_at": result.backup.made_at.isoformat(), "repository": target.shown,
        "posts": result.backup.posts, "media": result.backup.media, "bytes": result.backup.bytes,
        "bytes_added": result.added, "seconds": round(result.seconds, 2),
        "lost_media": result.lost_media, "forgotten": result.forgotten, "not_forgotten": result.not_forgotten,
        "keeps_all": result.keeps_all,
    }
    lines = [
        f"Backup {result.backup.name} is stored in {target}. Its manifest was read back and is valid.",
        f"  contains   {result.backup.posts} posts, {result.backup.media} pictures, {_mb(result.backup.bytes)} in all",
        f"  took       {result.seconds:.1f} s; {_mb(result.added)} of new data",
    ]
    if result.forgotten:
        lines.append(f"  removed    {len(result.forgotten)} old backups, as --keep says")
    if result.not_forgotten:
        lines.append(f"  WARNING    old backups could not be removed: {result.not_forgotten}")
    if result.keeps_all:
        lines.append("  kept       old backups too, because the server does not let this host delete: delete them there")
    if result.lost_media:
        first = f"media/{result.lost_media[0]}"
        lines.append(f"  WARNING    {len(result.lost_media)} pictures are missing or damaged on this host, such as {first}")
    show(answer, as_json, "\n".join(lines))


def _list(repository: Repository, authority: bytes, data: DataDirectory, as_json: bool) -> None:
    backups = list_backups(repository, authority, data, repository.snapshots())
    lines = [f"{'backup':10}{'made (UTC)':22}{'size':>12}{'posts':>10}{'pictures':>10}  valid"] + [_line(backup) for backup in backups]
    answer: list[dict[str, Any]] = [
        {"snapshot": one.name, "made_at": one.made_at.isoformat(), "posts": one.posts, "media": one.media, "bytes": one.bytes,
         "valid": not one.problem, "problem": one.problem} for one in backups
    ]
    show(answer, as_json, "\n".join(lines) if backups else f"There are no backups in {repository.target}.")


def _line(backup: Backup) -> str:
    start = f"{backup.name:10}{backup.made_at:%Y-%m-%d %H:%M:%S}   "
    if backup.problem and not backup.bytes:
        return f"{start}{'':32}  no: {backup.problem}"
    valid = f"no: {backup.problem}" if backup.problem else "yes"
    return f"{start}{_mb(backup.bytes):>12}{backup.posts:>10}{backup.media:>10}  {valid}"


def _verify(repository: Repository, authority: bytes, data: DataDirectory, as_json: bool) -> None:
    with show_progress(as_json) as progress:
        found = list(faults(repository, authority, data, progress))
    good = f"All files of {repository.target} were read. Each backup in it is complete."
    advice = f"{repository.target} is damaged. Keep it, and make a new backup in another folder: moot backup --to FOLDER --new"
    bad = "\n".join([advice, *(f"  {one}" for one in found)])
    show({"repository": repository.target.shown, "faults": found}, as_json, bad if found else good)
    sys.exit(bool(found))


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
