"""`moot restore`: restores a network from its repository, on a machine with only this code and the recovery key."""

from pathlib import Path
from typing import IO

import click

from folkmoot import config
from folkmoot.commands.options import data_option, json_option, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.recovery import NO_PASSWORD, ask, key_file_option, location_of, target_of, wrong_key
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.choosing import choose
from folkmoot.portability.rebuild import Plan
from folkmoot.portability.repository import Repository
from folkmoot.portability.restic import WrongRepositoryKey
from folkmoot.portability.restore import Later, Restorable, Restored, check_target
from folkmoot.portability.restore import restore as restore_into
from folkmoot.portability.secrets import offsite_password


@click.command()
@click.option("--from", "location", required=True, metavar="REPO", help="Where the repository is. Nothing is written to it.")
@click.option("--snapshot", default="", help="Name of the backup, or its beginning.", show_default="the newest valid one")
@click.option("--with-pictures", is_flag=True, help="End when all pictures are here. Else moot up fetches them while the network runs.")
@click.option("--despite-damage", is_flag=True, help="Try it with a damaged repository. The result is always compared with the manifest.")
@click.option("--dry-run", is_flag=True, help="Check everything, and write nothing.")
@key_file_option
@data_option
@json_option
def restore(
    location: str, snapshot: str, with_pictures: bool, despite_damage: bool, dry_run: bool, key_file: IO[str] | None, data: Path,
    as_json: bool,
) -> None:
    """Restore a network from REPO into an empty folder, with the recovery key."""
    settings, target = config.load(data), data.absolute()
    source = target_of(location, settings, DataDirectory(data))
    password = offsite_password(settings, DataDirectory(data))
    later = None if with_pictures else Later(location_of(location, source), settings.offsite.user, password)
    check_target(target)
    Repository(source, NO_PASSWORD, is_read_only=True).require()
    recovery = ask(key_file, "A restore needs the recovery key.")
    repository = Repository(source, recovery.repository_password, is_read_only=True)
    authority = recovery.authority.public_key().public_bytes_raw()
    with show_progress(as_json) as progress:
        try:
            planned = choose(repository, authority, snapshot, despite_damage=despite_damage, progress=progress)
        except WrongRepositoryKey:
            raise wrong_key(source) from None
        check_target(target, planned.needed)
        restored = None if dry_run else restore_into(planned, recovery, target, progress, later)
    if restored:
        _report(restored, target, as_json, wanted_now=with_pictures)
    else:
        show(_facts(planned, target), as_json, f"Nothing was done. {_name(planned)} can be restored to {target}.")


def _name(planned: Restorable) -> str:
    return f"Backup {planned.name} of “{planned.network}”, made {planned.made_at:%Y-%m-%d %H:%M:%S} UTC,"


def _facts(planned: Restorable, target: Path) -> dict[str, object]:
    tables = planned.manifest.tables if isinstance(planned, Plan) else {}
    return {
        "snapshot": planned.name, "made_at": planned.made_at.isoformat(), "network": planned.network, "data": str(target),
        "media": len(planned.media), "bytes": planned.bytes, "bytes_needed": planned.needed,
        **({"tables": len(tables), "rows": sum(table.rows for table in tables.values())} if tables else {}),
        "kind": "dump" if isinstance(planned, Plan) else "continuous",
        "lost_media": planned.manifest.lost_media if isinstance(planned, Plan) else [],
    }


def _report(restored: Restored, target: Path, as_json: bool, *, wanted_now: bool) -> None:
    planned, coming = restored.plan, restored.coming
    size = planned.bytes - (coming.bytes if coming else 0)
    answer = {
        **_facts(planned, target), "equal": True, "pictures_to_come": coming.files if coming else 0,
        "posts": restored.posts, "seconds": round(restored.seconds, 2),
        "epoch": restored.epoch, "settings_left_out": restored.left_out, "next": f"moot up --data {target}",
    }
    lines = [
        f"{_name(planned)} was restored to {target}.",
        f"  {planned.describe(has_pictures=coming is None)}",
        f"  host       PRIMARY, epoch {restored.epoch}: do not start the old host again",
        "  left out   unsent mails, codes sent by mail, archives of members, home timelines (built again on the first visit)",
        *([f"  settings   those of the network; left out, as they were true on the machine before: {', '.join(restored.left_out)}"]
          if restored.left_out else []),
        "  back       accounts that were deleted after this backup: delete them again with moot account delete NAME",
        f"  took       {restored.seconds:.1f} s for {size / 1e6:.1f} MB",
    ]
    if coming:
        lines.append(
            f"  to come    {coming.files} pictures, {coming.bytes / 1e6:.1f} MB: moot up fetches them, first those that somebody wants to"
            f" see;\n             leave {planned.where} where it is until moot status says that all are here"
        )
    elif planned.media and not wanted_now:
        lines.append("  pictures   were all fetched now, because the network could not open the repository by itself")
    if isinstance(planned, Plan) and planned.manifest.lost_media:
        lines.append(f"  WARNING    {len(planned.manifest.lost_media)} pictures were already missing or damaged on the old host")
    if config.load(target).database.url:
        lines.append("  WARNING    remove database.url from the settings: it names another database than the restored one")
    show(answer, as_json, "\n".join([*lines, f"\nNext: moot up --data {target}"]))
