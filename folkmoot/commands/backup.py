"""`moot backup`: the whole network into an encrypted repository, while it runs; and what is in there."""

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
from folkmoot.commands.progress import shown
from folkmoot.commands.recovery import ask, key_file_option, reader, record_failure, record_run, text_of, wrong_key
from folkmoot.config import Settings
from folkmoot.network.media.store import media_store
from folkmoot.portability.backup import Made, Source, back_up
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.queries import Size, get_size
from folkmoot.portability.recovery_key import RecoveryKey, WrongRecoveryKey
from folkmoot.portability.repository import Repository, RepositoryProblem, Snapshot, WrongRepositoryKey
from folkmoot.portability.runs import BACKUP, Run
from folkmoot.portability.snapshots import Backup, Keep, faults, list_backups


@click.command()
@click.option("--to", "place", required=True, metavar="REPO", help="Folder of the repository, on another disk or machine.")
@click.option("--list", "wants_list", is_flag=True, help="List what is there, and whether it counts.")
@click.option("--verify", "wants_check", is_flag=True, help="Read all of the repository and name everything that is damaged.")
@click.option("--keep", default="7,5,12", show_default=True, help="Of how many days, weeks, months one backup stays; or: all.")
@click.option("--new", "makes_new", is_flag=True, help="Make one more repository, for a network that has one already.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@key_file_option
@data_option
@json_option
def backup(
    place: str, wants_list: bool, wants_check: bool, keep: str, makes_new: bool, dry_run: bool, key_file: Path | None, data: Path,
    as_json: bool,
) -> None:
    """Back up the running network to REPO, encrypted. The first time, the recovery key is shown."""
    if wants_list or wants_check:
        repository, authority = reader(Repository.at(place), DataDirectory(data), key_file)
        repository.require()
        (_verify if wants_check else _list)(repository, authority, DataDirectory(data), as_json)
        return
    kept = Keep.read(keep)
    settings = settings_of(data)
    source = Source(
        DataDirectory(data), media_store(settings), settings.dsn, settings.network.name, settings.base_url, __version__, settings.secret
    )
    size = run(_size(settings))
    if dry_run:
        folder = Repository.at(place)
        _refuse_missing(folder, BackupKey.find(source.data), makes_new)
        _rehearse(folder, source, size, as_json)
        return
    with record_failure(settings, BACKUP, place):
        folder = Repository.at(place)
        _refuse_missing(folder, BackupKey.find(source.data), makes_new)
        key, there = _key(folder, source.data, key_file, as_json)
        started_at = clock.now()
        with shown(as_json) as progress:
            made = back_up(source, Repository(folder, key.repository, is_host=True), key, there, kept, progress)
    run(record_run(settings, Run(
        kind=BACKUP, started_at=started_at, seconds=made.seconds, repository=str(folder), snapshot=made.backup.name,
        bytes=made.backup.bytes, posts=made.backup.posts)))
    _report(made, folder, as_json)


def _refuse_missing(folder: Path, key: BackupKey | None, makes_new: bool) -> None:
    """A network that has a key has a repository: where none is, a disk is probably not mounted. Raises RepositoryProblem."""
    if key and not makes_new and not (folder / "config").exists():
        raise RepositoryProblem(
            "There is no repository in %(place)s. Is the disk mounted? To make one more repository there, add --new.", place=folder
        )


def _key(folder: Path, data: DataDirectory, key_file: Path | None, as_json: bool) -> tuple[BackupKey, list[Snapshot]]:
    """This host's key and what it sees, after making the repository, or letting this host in, where that was not done."""
    key, exists = BackupKey.find(data), (folder / "config").exists()
    if key and exists:
        with suppress(WrongRepositoryKey):  # it does not know this host yet: the words will let it in
            return key, Repository(folder, key.repository, is_host=True).snapshots()
    if key is None and not exists:
        _require_room(folder)
        recovery = RecoveryKey.new()
        click.echo(json.dumps({"recovery_key": recovery.words}) if as_json else text_of(recovery))
        sys.stdout.flush()
    else:
        why = "This host has no key to the repository yet, so" if exists else "This repository is new; for it to open with it,"
        recovery = ask(key_file, f"{why} the recovery key is needed.")
    if key and not key.belongs_to(recovery):
        raise WrongRecoveryKey("This is not the recovery key of this network. The right one was shown at its first backup.")
    key = key or BackupKey.new(recovery)
    repository = Repository(folder, recovery.repository_password)
    there: list[Snapshot] = []
    # In this order a run that is killed anywhere can be repeated, with the words that were shown.
    if exists:
        try:
            there = repository.snapshots()
        except WrongRepositoryKey:
            raise wrong_key(folder) from None
    else:
        repository.create()
    key.keep(data)
    repository.add_host(key.repository)
    return key, there


def _require_room(folder: Path) -> None:
    """Before any word is shown: the repository can be made. Raises RepositoryProblem."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RepositoryProblem("%(place)s cannot be made: %(why)s.", place=folder, why=error.strerror) from error
    if not os.access(folder, os.W_OK):
        raise RepositoryProblem("%(place)s cannot be written by this user.", place=folder)
    if any(folder.iterdir()):
        raise RepositoryProblem("%(place)s is not empty and is no repository. Name another folder.", place=folder)


async def _size(settings: Settings) -> Size:
    """How much there is. Raises Problem when the network does not run."""
    async with open_database(settings) as database, database.read() as conn:
        return await get_size(conn)


def _rehearse(folder: Path, source: Source, size: Size, as_json: bool) -> None:
    key, exists = BackupKey.find(source.data), (folder / "config").exists()
    answer = {
        "repository": str(folder), "is_new": not exists, "shows_recovery_key": not exists and key is None, **msgspec.structs.asdict(size),
    }
    show(answer, as_json, (
        f"Nothing was done. A backup would go to {folder}, {'which would be made' if not exists else 'which is there'}:\n"
        f"  database   {_mb(size.database_bytes)}\n  pictures   {size.media}, {_mb(size.media_bytes)}"
        + ("\n  The recovery key would be made and shown once." if answer["shows_recovery_key"] else "")
    ))


def _report(made: Made, folder: Path, as_json: bool) -> None:
    answer = {
        "snapshot": made.backup.name, "made_at": made.backup.made_at.isoformat(), "repository": str(folder), "posts": made.backup.posts,
        "media": made.backup.media, "bytes": made.backup.bytes, "bytes_added": made.added, "seconds": round(made.seconds, 2),
        "lost_media": made.lost_media, "forgotten": made.forgotten, "not_forgotten": made.not_forgotten,
    }
    lines = [
        f"Backup {made.backup.name} is in {folder}, and its manifest was read back.",
        f"  holds      {made.backup.posts} posts, {made.backup.media} pictures, {_mb(made.backup.bytes)} in all",
        f"  took       {made.seconds:.1f} s; {_mb(made.added)} were new",
    ]
    if made.forgotten:
        lines.append(f"  removed    {len(made.forgotten)} older ones that need not be kept")
    if made.not_forgotten:
        lines.append(f"  LOOK       old ones could not be removed: {made.not_forgotten}")
    if made.lost_media:
        first = f"media/{made.lost_media[0]}"
        lines.append(f"  LOOK       {len(made.lost_media)} pictures are missing or damaged on this host, such as {first}")
    show(answer, as_json, "\n".join(lines))


def _list(repository: Repository, authority: bytes, data: DataDirectory, as_json: bool) -> None:
    backups = list_backups(repository, authority, data, repository.snapshots())
    lines = [f"{'backup':10}{'of (UTC)':22}{'size':>12}{'posts':>10}{'pictures':>10}  counts"] + [_line(backup) for backup in backups]
    answer: list[dict[str, Any]] = [
        {"snapshot": one.name, "made_at": one.made_at.isoformat(), "posts": one.posts, "media": one.media, "bytes": one.bytes,
         "valid": not one.problem, "problem": one.problem} for one in backups
    ]
    show(answer, as_json, "\n".join(lines) if backups else f"There is no backup in {repository.folder}.")


def _line(backup: Backup) -> str:
    begins = f"{backup.name:10}{backup.made_at:%Y-%m-%d %H:%M:%S}   "
    if backup.problem and not backup.bytes:
        return f"{begins}{'':32}  no: {backup.problem}"
    counts = f"no: {backup.problem}" if backup.problem else "yes"
    return f"{begins}{_mb(backup.bytes):>12}{backup.posts:>10}{backup.media:>10}  {counts}"


def _verify(repository: Repository, authority: bytes, data: DataDirectory, as_json: bool) -> None:
    with shown(as_json) as progress:
        found = list(faults(repository, authority, data, progress))
    good = f"All of {repository.folder} was read, and every backup in it is whole."
    advice = f"{repository.folder} is damaged. Make a new backup into another folder, with --new, and keep this one."
    bad = "\n".join([advice, *(f"  {one}" for one in found)])
    show({"repository": str(repository.folder), "faults": found}, as_json, bad if found else good)
    sys.exit(bool(found))


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
