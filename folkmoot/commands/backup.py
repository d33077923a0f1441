"""`moot backup`: backs up the running network to an encrypted repository; lists and verifies its backups."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec

from folkmoot import __version__
from folkmoot.base import clock
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.recovery import ask, key_file_option, record_failure, record_run, repository_and_authority, text_of, wrong_key
from folkmoot.config import Settings
from folkmoot.network.media.store import media_store
from folkmoot.portability.backup import BackupResult, Source, back_up
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.queries import Size, get_size
from folkmoot.portability.recovery_key import RecoveryKey, WrongRecoveryKey
from folkmoot.portability.repository import Repository, RepositoryProblem, Snapshot, WrongRepositoryKey
from folkmoot.portability.runs import BACKUP, Run
from folkmoot.portability.snapshots import Backup, Keep, faults, list_backups


@click.command()
@click.option("--to", "location", required=True, metavar="REPO", help="Folder of the repository, on another disk or machine.")
@click.option("--list", "lists", is_flag=True, help="List the backups in the repository, and whether each is valid.")
@click.option("--verify", "verifies", is_flag=True, help="Read the whole repository and name each damaged file.")
@click.option("--keep", default="7,5,12", show_default=True, help="How many daily, weekly and monthly backups to keep; or: all.")
@click.option("--new", "allows_new", is_flag=True, help="Create another repository for a network that has one already.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@key_file_option
@data_option
@json_option
def backup(
    location: str, lists: bool, verifies: bool, keep: str, allows_new: bool, dry_run: bool, key_file: Path | None, data: Path,
    as_json: bool,
) -> None:
    """Back up the running network to REPO, encrypted. The first time, the recovery key is shown."""
    if lists or verifies:
        repository, authority = repository_and_authority(Repository.locate(location), DataDirectory(data), key_file)
        repository.require()
        (_verify if verifies else _list)(repository, authority, DataDirectory(data), as_json)
        return
    kept = Keep.read(keep)
    settings = settings_of(data)
    source = Source(
        DataDirectory(data), media_store(settings), settings.dsn, settings.network.name, settings.base_url, __version__, settings.secret
    )
    size = run(_size(settings))
    if dry_run:
        folder = Repository.locate(location)
        _refuse_missing(folder, BackupKey.find(source.data), allows_new)
        _show_dry_run(folder, source, size, as_json)
        return
    with record_failure(settings, BACKUP, location):
        folder = Repository.locate(location)
        _refuse_missing(folder, BackupKey.find(source.data), allows_new)
        key, snapshots = _open_repository(folder, source.data, key_file, as_json)
        started_at = clock.now()
        with show_progress(as_json) as progress:
            result = back_up(source, Repository(folder, key.repository, is_host=True), key, snapshots, kept, progress)
    run(record_run(settings, Run(
        kind=BACKUP, started_at=started_at, seconds=result.seconds, repository=str(folder), snapshot=result.backup.name,
        bytes=result.backup.bytes, posts=result.backup.posts)))
    _report(result, folder, as_json)


def _refuse_missing(folder: Path, key: BackupKey | None, allows_new: bool) -> None:
    """If the network has a key but `folder` has no repository, a disk is probably not mounted. Raises RepositoryProblem."""
    if key and not allows_new and not (folder / "config").exists():
        raise RepositoryProblem(
            "There is no repository in %(folder)s. Is the disk mounted? To create another repository there, add --new.", folder=folder
        )


def _open_repository(folder: Path, data: DataDirectory, key_file: Path | None, as_json: bool) -> tuple[BackupKey, list[Snapshot]]:
    """This host's key and the snapshots. Creates the repository, and adds the host key to it, if that was not done yet."""
    key, exists = BackupKey.find(data), (folder / "config").exists()
    if key and exists:
        with suppress(WrongRepositoryKey):  # the host key is not in it yet: the recovery key adds it below
            return key, Repository(folder, key.repository, is_host=True).snapshots()
    if key is None and not exists:
        _require_room(folder)
        recovery = RecoveryKey.new()
        click.echo(json.dumps({"recovery_key": recovery.words}) if as_json else text_of(recovery))
        sys.stdout.flush()
    else:
        why = "This host has no key for the repository yet, so" if exists else "The repository is new. To create it,"
        recovery = ask(key_file, f"{why} the recovery key is needed.")
    if key and not key.belongs_to(recovery):
        raise WrongRecoveryKey("This is not the recovery key of this network. The right one was printed by the first backup.")
    key = key or BackupKey.new(recovery)
    repository = Repository(folder, recovery.repository_password)
    snapshots: list[Snapshot] = []
    # In this order, a run that is killed at any point can be repeated with the printed recovery key.
    if exists:
        try:
            snapshots = repository.snapshots()
        except WrongRepositoryKey:
            raise wrong_key(folder) from None
    else:
        repository.create()
    key.keep(data)
    repository.add_host(key.repository)
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


def _show_dry_run(folder: Path, source: Source, size: Size, as_json: bool) -> None:
    key, exists = BackupKey.find(source.data), (folder / "config").exists()
    answer = {
        "repository": str(folder), "is_new": not exists, "shows_recovery_key": not exists and key is None, **msgspec.structs.asdict(size),
    }
    show(answer, as_json, (
        f"Nothing was done. A backup would be stored in {folder}, which {'exists' if exists else 'would be created'}:\n"
        f"  database   {_mb(size.database_bytes)}\n  pictures   {size.media}, {_mb(size.media_bytes)}"
        + ("\n  A recovery key would be created and shown once." if answer["shows_recovery_key"] else "")
    ))


def _report(result: BackupResult, folder: Path, as_json: bool) -> None:
    answer = {
        "snapshot": result.backup.name, "made_at": result.backup.made_at.isoformat(), "repository": str(folder),
        "posts": result.backup.posts, "media": result.backup.media, "bytes": result.backup.bytes,
        "bytes_added": result.added, "seconds": round(result.seconds, 2),
        "lost_media": result.lost_media, "forgotten": result.forgotten, "not_forgotten": result.not_forgotten,
    }
    lines = [
        f"Backup {result.backup.name} is stored in {folder}. Its manifest was read back and is valid.",
        f"  contains   {result.backup.posts} posts, {result.backup.media} pictures, {_mb(result.backup.bytes)} in all",
        f"  took       {result.seconds:.1f} s; {_mb(result.added)} of new data",
    ]
    if result.forgotten:
        lines.append(f"  removed    {len(result.forgotten)} old backups, as --keep says")
    if result.not_forgotten:
        lines.append(f"  WARNING    old backups could not be removed: {result.not_forgotten}")
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
    show(answer, as_json, "\n".join(lines) if backups else f"There are no backups in {repository.folder}.")


def _line(backup: Backup) -> str:
    start = f"{backup.name:10}{backup.made_at:%Y-%m-%d %H:%M:%S}   "
    if backup.problem and not backup.bytes:
        return f"{start}{'':32}  no: {backup.problem}"
    valid = f"no: {backup.problem}" if backup.problem else "yes"
    return f"{start}{_mb(backup.bytes):>12}{backup.posts:>10}{backup.media:>10}  {valid}"


def _verify(repository: Repository, authority: bytes, data: DataDirectory, as_json: bool) -> None:
    with show_progress(as_json) as progress:
        found = list(faults(repository, authority, data, progress))
    good = f"All files of {repository.folder} were read. Each backup in it is complete."
    advice = f"{repository.folder} is damaged. Keep it, and make a new backup in another folder: moot backup --to FOLDER --new"
    bad = "\n".join([advice, *(f"  {one}" for one in found)])
    show({"repository": str(repository.folder), "faults": found}, as_json, bad if found else good)
    sys.exit(bool(found))


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
