"""`moot log`: the journal of moderation, checked."""

import sys
from pathlib import Path

import click

from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.moderation.journal import verification
from folkmoot.moderation.journal.verification import Verification


@click.group()
def log() -> None:
    """The journal of moderation: every step, chained so that nobody can change what happened."""


@log.command()
@data_option
@json_option
def verify(data: Path, as_json: bool) -> None:
    """Look for entries that were altered, removed or put in."""
    found = run(_verify(data))
    answer = {"whole": found.is_whole, "entries": found.entries, "hash": found.hash, "unsealed": found.unsealed, "faults": found.faults}
    if found.is_whole:
        text = f"{found.entries} entries, all as they were written. The chain ends in {found.hash[:16]}: note it, to compare later."
    else:
        text = "\n".join([f"The journal of {data} has been changed:", *(f"  {fault}" for fault in found.faults),
                          "Keep the database as it is, and compare it with a backup from before: moot backup --list"])
    show(answer, as_json, text)
    sys.exit(0 if found.is_whole else 1)


async def _verify(data: Path) -> Verification:
    from folkmoot.app import JOURNAL_END

    settings = settings_of(data)
    async with open_database(settings) as database, database.read() as conn:
        return await verification.verify(conn, settings.secret, settings.data / JOURNAL_END)
