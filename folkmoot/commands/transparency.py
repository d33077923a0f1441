"""`moot transparency`: exports transparency reports in the forms of the EU. `transparency_public.py`: the public figures."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.commands.transparency_public import note, notes, provider, withdraw

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=Group)
def transparency() -> None:
    """Export transparency reports (DSA Art. 15 and 24); write notes about months; make two pages for a hosting provider."""


for command in (note, notes, withdraw, provider):
    transparency.add_command(command)


@transparency.command()
@click.option("--from", "first", type=_DAY, required=True, help="First day of the period.")
@click.option("--to", "last", type=_DAY, required=True, help="Last day of the period, which must be over (UTC).")
@click.option("--to-folder", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="A new or empty folder.")
@click.option("--provider", default="", help="Statutory name of the provider.  [default: the name of the network]")
@click.option("--published", type=_DAY, help="Date of publication, for part 1 of the report.")
@click.option("--previous", type=_DAY, help="Date of publication of the previous report, for part 1.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and check it, without writing.")
@data_option
@json_option
def export(
    first: datetime, last: datetime, folder: Path, provider: str, published: datetime | None, previous: datetime | None, dry_run: bool,
    data: Path, as_json: bool,
) -> None:
    """Write the transparency report of a period, and its statements of reasons.

    Eleven CSV files as in Implementing Regulation (EU) 2024/2835, and the statements as JSON for the transparency database, a hundred
    in each file. What the software does not know stays blank, with a remark: fill it in before you publish the report.
    Exit code 1 if the database would refuse a statement.
    """
    if first > last:
        raise Problem("The period ends before it begins.")
    if last.date() >= clock.now().date():
        raise Problem("The last day is not over yet: a report of a period that goes on would change.")
    if folder.exists() and any(folder.iterdir()):
        raise Problem("%(folder)s is not empty.", folder=folder)
    settings = settings_of(data)
    imprint = provider or settings.network.name, *(moment.date().isoformat() if moment else "" for moment in (published, previous))
    answer = run(_export(settings, first.date(), last.date(), imprint, None if dry_run else folder))
    lines = [f"{'Would be written' if dry_run else 'Written'} to {folder}: {len(answer['files'])} files.",
             *(f"  {one['name']}  {one['bytes']} bytes" for one in answer["files"]),
             f"{answer['statements']} statements of reasons, {answer['notices']} notices, {answer['complaints']} complaints."]
    if answer["faults"]:
        lines += ["The transparency database would refuse:", *(f"  {fault}" for fault in answer["faults"])]
    elif blank := [name for name, value in (("--published", published), ("--previous", previous), ("--provider", provider)) if not value]:
        lines.append(f"Before you publish it: part 1 lacks what {', '.join(blank)} would say; part 7 has rows that only you can fill in.")
    show(answer, as_json, "\n".join(lines))
    if answer["faults"]:
        raise SystemExit(1)


async def _export(settings: Any, first: date, last: date, imprint: tuple[str, ...], folder: Path | None) -> dict[str, Any]:
    from folkmoot.moderation.transparency.export import Imprint, read_figures, report_files, statement_batches
    from folkmoot.moderation.transparency.model import Span

    span, written = Span(first, last), []
    statements, faults = 0, []

    def write(name: str, content: bytes) -> None:
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            except OSError as error:
                raise Problem("%(file)s cannot be written: %(why)s.", file=folder / name, why=error.strerror) from error
        written.append({"name": name, "bytes": len(content)})

    async with open_database(settings) as database, database.read() as conn:
        figures = await read_figures(conn, span, settings.network.name)
        for name, content in report_files(figures, Imprint(*imprint)):
            write(name, content)
        async for batch in statement_batches(conn, span, settings.base_url):
            write(batch.name, batch.content)
            statements += batch.number
            faults += batch.faults
    return {
        "from": first.isoformat(), "to": last.isoformat(), "folder": str(folder or ""), "files": written, "statements": statements,
        "notices": sum(one.number for one in figures.notices) + sum(one.number for one in figures.reports),
        "complaints": len(figures.complaints), "faults": faults,
    }
