"""`moot journal`: verifies the journal of moderation, and accepts damage."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.hints import as_typed
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.moderation.journal import verification
from folkmoot.moderation.journal.actions import accept_damage
from folkmoot.moderation.journal.verification import Kept, Verification

if TYPE_CHECKING:
    from folkmoot.moderation.journal.model import Gap, SealState


@click.group(cls=Group)
def journal() -> None:
    """Verify the journal of moderation, a hash chain that shows every change."""


@journal.command()
@click.option("--heads", "lists", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="A copy of the public list of heads (/journal/heads); can be repeated.")
@click.option("--backups", is_flag=True, help="Compare with the manifests of all backups in the repository, too.")
@data_option
@json_option
def verify(lists: tuple[Path, ...], backups: bool, data: Path, as_json: bool) -> None:
    """Find entries that were altered, removed or inserted. Exit code 1 if there are any.

    A journal that was rewritten with the network's own secret is found with heads that are kept elsewhere: --heads, --backups.
    """
    kept = [head for file in lists for head in _heads_of_list(file)]
    newer: list[str] = []
    if backups:
        of_backups, newer = _heads_of_backups(data)
        kept += of_backups
    found = run(_verify(data, kept))
    found.remarks += newer
    answer = {
        "whole": found.is_whole, "entries": found.entries, "hash": found.hash, "unsealed": found.unsealed, "faults": found.faults,
        "remarks": found.remarks, "compared": len(kept),
    }
    if found.is_whole:
        lines = [f"{found.entries} entries, none altered. The chain ends with {found.hash[:16]}: write it down to compare later."]
        if kept:
            lines.append(f"It contains all {len(kept)} heads that were kept elsewhere.")
    else:
        lines = [f"The journal of {data} is damaged:", *(f"  {fault}" for fault in found.faults),
                 "Do not change the database. Compare it with an earlier backup: moot backup --list",
                 f"Once you know what happened: moot journal accept --data {data}"]
    show(answer, as_json, "\n".join([*lines, *(f"Note: {remark}" for remark in found.remarks)]))
    sys.exit(0 if found.is_whole else 1)


@journal.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def accept(yes: bool, data: Path) -> None:
    """Continue the journal from the current chain, after you have examined the damage.

    For example after an older database was restored on purpose, or when journal.end was lost with a disk. The journal
    records that damage was accepted; altered entries stay faults.
    """
    if not yes:
        click.confirm(as_typed("Have you run moot journal verify, and do you know what happened?"), abort=True)
    state, gaps = run(_accept(data))
    if not state.reason and not gaps:
        click.echo("There is nothing to accept: the journal is being sealed.")
        return
    removed = sum(gap.last - gap.first + 1 for gap in gaps)
    click.echo(f"Accepted: {state.reason or 'removed entries'}; {removed} removed entries. Sealing continues, and the journal records it.")


def _heads_of_list(file: Path) -> list[Kept]:
    """The heads of a copy of the public list. The signatures must be right: a list that somebody else wrote proves nothing."""
    from folkmoot.moderation.journal.anchors import NotPublished, read_published

    try:
        _, anchors = read_published(file.read_text("utf-8", "replace"))
    except NotPublished as error:
        raise Problem("%(file)s is not a list of heads: %(why)s.", file=file, why=error) from error
    return [Kept(position=anchor.position, hash=anchor.hash, where=str(file)) for anchor in anchors]


def _heads_of_backups(data: Path) -> tuple[list[Kept], list[str]]:
    """The heads in the signed manifests of all valid backups, and remarks; earlier releases stored none.

    A backup of a later epoch is of a host that replaced this one, so its journal has other entries since then.
    """
    from folkmoot import config
    from folkmoot.commands.recovery import repository_and_authority, target_of
    from folkmoot.commands.restic_program import ensure_restic
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.host import Host
    from folkmoot.portability.repository import DUMP
    from folkmoot.portability.snapshots import examine

    ensure_restic(says_yes=False)
    directory = DataDirectory(data)
    repository, authority = repository_and_authority(target_of(None, config.load(data), directory), directory, None)
    repository.require()
    epoch, kept, remarks = Host(data).epoch, [], []
    for snapshot in repository.snapshots():
        about = examine(repository, authority, snapshot)[1] if snapshot.kind == DUMP else None
        if about is None or not about.manifest.journal_hash:
            continue
        if about.manifest.epoch > epoch:
            remarks.append(f"the backup {snapshot.id[:8]} is of a host that replaced this one, so it was not compared")
            continue
        where = f"the backup {snapshot.id[:8]}"
        kept.append(Kept(position=about.manifest.journal_position, hash=bytes.fromhex(about.manifest.journal_hash), where=where))
    return kept, remarks


async def _verify(data: Path, kept: list[Kept]) -> Verification:
    from folkmoot.portability.data_directory import JOURNAL_END

    settings = settings_of(data)
    async with open_database(settings) as database, database.read() as conn:
        return await verification.verify(conn, settings.secret, settings.data / JOURNAL_END, kept)


async def _accept(data: Path) -> "tuple[SealState, list[Gap]]":
    from folkmoot.portability.data_directory import JOURNAL_END

    settings = settings_of(data)
    async with open_database(settings) as database:
        return await accept_damage(database, settings.secret, settings.data / JOURNAL_END)
