"""`moot restore`: the network out of its repository, on a machine that has nothing but this code and the recovery key."""

from pathlib import Path

import click

from folkmoot import config
from folkmoot.commands.options import data_option, json_option, show
from folkmoot.commands.progress import shown
from folkmoot.commands.recovery import ask, key_file_option, wrong_key
from folkmoot.portability.rebuild import Plan, plan
from folkmoot.portability.repository import Repository, WrongRepositoryKey
from folkmoot.portability.restore import Restored, check_target
from folkmoot.portability.restore import restore as bring_back


@click.command()
@click.option("--from", "place", required=True, metavar="REPO", help="Folder of the repository. Nothing is written to it.")
@click.option("--snapshot", default="", help="Which backup, by the beginning of its name.", show_default="the newest that counts")
@click.option("--despite-damage", is_flag=True, help="Try it with a damaged repository; everything is compared all the same.")
@click.option("--dry-run", is_flag=True, help="Check everything, and write nothing.")
@key_file_option
@data_option
@json_option
def restore(
    place: str, snapshot: str, despite_damage: bool, dry_run: bool, key_file: Path | None, data: Path, as_json: bool
) -> None:
    """Restore a network from REPO into an empty folder, with the recovery key."""
    folder, target = Repository.at(place), data.absolute()
    check_target(target)
    Repository(folder, "").require()
    recovery = ask(key_file, "A restore needs the recovery key.")
    repository = Repository(folder, recovery.repository_password, is_read_only=True)
    authority = recovery.authority.public_key().public_bytes_raw()
    with shown(as_json) as progress:
        try:
            planned = plan(repository, authority, snapshot, despite_damage=despite_damage, progress=progress)
        except WrongRepositoryKey:
            raise wrong_key(folder) from None
        check_target(target, planned.needed)
        restored = None if dry_run else bring_back(planned, recovery, target, progress)
    if restored:
        _report(restored, target, as_json)
    else:
        show(_facts(planned, target), as_json, f"Nothing was done. {_what(planned)} can be restored into {target}.")


def _what(planned: Plan) -> str:
    return f"Backup {planned.backup.name} of “{planned.manifest.network}”, as it was on {planned.backup.made_at:%Y-%m-%d at %H:%M:%S} UTC,"


def _facts(planned: Plan, target: Path) -> dict[str, object]:
    return {
        "snapshot": planned.backup.name, "made_at": planned.backup.made_at.isoformat(), "network": planned.manifest.network,
        "data": str(target), "posts": planned.backup.posts, "media": planned.backup.media, "bytes": planned.backup.bytes,
        "bytes_needed": planned.needed, "lost_media": planned.manifest.lost_media,
    }


def _report(restored: Restored, target: Path, as_json: bool) -> None:
    planned = restored.plan
    answer = {
        **_facts(planned, target), "tables": len(planned.manifest.tables), "rows": restored.rows, "equal": True,
        "seconds": round(restored.seconds, 2), "epoch": restored.epoch, "next": f"moot up --data {target}",
    }
    tables = len(planned.manifest.tables)
    lines = [
        f"{_what(planned)} is in {target}.",
        f"  compared   {tables} tables with {restored.rows} rows, {planned.backup.media} pictures: all as it was signed",
        f"  host       PRIMARY, epoch {restored.epoch}: the old host must not be started again",
        "  left out   codes that were sent by mail, mails that waited; homes are made anew when somebody looks",
        f"  took       {restored.seconds:.1f} s for {planned.backup.bytes / 1e6:.1f} MB",
    ]
    if planned.manifest.lost_media:
        lines.append(f"  LOOK       {len(planned.manifest.lost_media)} pictures were missing on the old host already")
    if config.load(target).database.url:
        lines.append("  LOOK       the settings name a database elsewhere: take database.url out, what was restored is in this folder")
    show(answer, as_json, "\n".join([*lines, f"\nNext: moot up --data {target}"]))
