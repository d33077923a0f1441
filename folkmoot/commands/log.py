"""`moot log`: verifies the journal of moderation, and accepts damage."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from folkmoot.commands.options import Group, data_option, json_option, open_database, run, settings_of, show
from folkmoot.moderation.journal import verification
from folkmoot.moderation.journal.actions import accept_damage
from folkmoot.moderation.journal.verification import Verification

if TYPE_CHECKING:
    from folkmoot.moderation.journal.model import Gap, SealState


@click.group(cls=Group)
def log() -> None:
    """Verify the journal of moderation, a hash chain that shows every change."""


@log.command()
@data_option
@json_option
def verify(data: Path, as_json: bool) -> None:
    """Find entries that were altered, removed or inserted. Exit code 1 if there are any."""
    found = run(_verify(data))
    answer = {
        "whole": found.is_whole, "entries": found.entries, "hash": found.hash, "unsealed": found.unsealed, "faults": found.faults,
        "remarks": found.remarks,
    }
    if found.is_whole:
        lines = [f"{found.entries} entries, none altered. The chain ends with {found.hash[:16]}: write it down to compare later."]
    else:
        lines = [f"The journal of {data} is damaged:", *(f"  {fault}" for fault in found.faults),
                 "Do not change the database. Compare it with an earlier backup: moot backup --list",
                 f"Once you know what happened: moot log accept --data {data}"]
    show(answer, as_json, "\n".join([*lines, *(f"Note: {remark}" for remark in found.remarks)]))
    sys.exit(0 if found.is_whole else 1)


@log.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def accept(yes: bool, data: Path) -> None:
    """Continue the journal from the current chain, after you have examined the damage.

    For example after an older database was restored on purpose, or when journal.end was lost with a disk. The journal
    records that damage was accepted; altered entries stay faults.
    """
    if not yes:
        click.confirm("Have you run `moot log verify`, and do you know what happened?", abort=True)
    state, gaps = run(_accept(data))
    if not state.reason and not gaps:
        click.echo("There is nothing to accept: the journal is being sealed.")
        return
    removed = sum(gap.last - gap.first + 1 for gap in gaps)
    click.echo(f"Accepted: {state.reason or 'removed entries'}; {removed} removed entries. Sealing continues, and the journal records it.")


async def _verify(data: Path) -> Verification:
    from folkmoot.app import JOURNAL_END

    settings = settings_of(data)
    async with open_database(settings) as database, database.read() as conn:
        return await verification.verify(conn, settings.secret, settings.data / JOURNAL_END)


async def _accept(data: Path) -> "tuple[SealState, list[Gap]]":
    from folkmoot.app import JOURNAL_END

    settings = settings_of(data)
    async with open_database(settings) as database:
        return await accept_damage(database, settings.secret, settings.data / JOURNAL_END)
