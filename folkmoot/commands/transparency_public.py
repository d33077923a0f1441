"""`moot transparency note`, `notes`, `withdraw` and `provider`: what an operator adds to the public figures, and hands out."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.markdown_file import FILE, read_file
from folkmoot.commands.options import NUMBER, data_option, json_option, open_database, run, settings_of, show

if TYPE_CHECKING:
    from folkmoot.config import Settings
    from folkmoot.moderation.transparency.monthly import Note

_MONTH = click.DateTime(["%Y-%m"])
_LANGUAGE = click.Choice(["cs", "en"])


@click.command()
@click.argument("file", type=FILE)
@click.option("--month", type=_MONTH, required=True, help="The month that it is about, such as 2026-11.")
@click.option("--language", type=_LANGUAGE, help="Language of the text.  [default: that of the network]")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def note(file: Path, month: datetime, language: str | None, yes: bool, data: Path, as_json: bool) -> None:
    """Publish the text in FILE beside the figures of a month: what went wrong, and what you have changed.

    It shows the day on which it was written. A published note cannot be edited: correct it with a further one. Without paragraphs
    of its own it is one; an empty line begins another.
    """
    settings = settings_of(data)
    text = read_file(file)
    if not yes:
        click.echo(text.strip(), err=True)
        click.confirm("Everybody will read this. Publish it?", abort=True, err=True)
    written = run(_write(settings, month, language or settings.network.language, text))
    show(_answer(written), as_json, f"Published, with the number {written.id}: {settings.base_url}/transparency/{month:%Y-%m}\n"
                                    "Pages show it within five minutes.")


@click.command()
@data_option
@json_option
def notes(data: Path, as_json: bool) -> None:
    """List the notes about months, oldest first."""
    found = run(_list(settings_of(data)))
    lines = [
        f"{one.id}  {one.month:%Y-%m}  {one.written_at:%Y-%m-%d %H:%M} UTC  {one.language}  "
        + (f"(withdrawn {one.withdrawn_at:%Y-%m-%d})" if one.withdrawn_at else _first_line(one.text or ""))
        for one in found
    ]
    show([_answer(one) for one in found], as_json, "\n".join(lines) or "There are no notes.")


@click.command()
@click.argument("number", type=NUMBER)
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def withdraw(number: int, yes: bool, data: Path, as_json: bool) -> None:
    """Remove the text of the note NUMBER, if it must not stay public. That there was one stays visible, with both days."""
    settings = settings_of(data)
    if not yes:
        click.confirm("The text is deleted and cannot be published again unchanged without a new date. Withdraw it?", abort=True, err=True)
    show(_answer(run(_withdraw(settings, number))), as_json, "The text is withdrawn.")


@click.command()
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The HTML file to write.")
@click.option("--language", type=_LANGUAGE, help="Language of the pages.  [default: that of the network]")
@data_option
@json_option
def provider(file: Path, language: str | None, data: Path, as_json: bool) -> None:
    """Write two pages for a hosting provider, as one HTML file: "How this network handles violent content".

    With the figures of the last three months. It needs no other file: send it, or open it in a browser and print it to PDF.
    """
    settings = settings_of(data)
    content = run(_provider(settings, language or settings.network.language))
    try:
        file.write_bytes(content)
    except OSError as error:
        raise Problem("%(file)s cannot be written: %(why)s.", file=file, why=error.strerror) from error
    show({"file": str(file), "bytes": len(content)}, as_json, f"Written to {file}. Printed on A4 it has two pages.")


async def _write(settings: "Settings", month: datetime, language: str, text: str) -> "Note":
    from folkmoot.moderation.transparency.actions import write_note

    async with open_database(settings) as database, database.write() as tx:
        return await write_note(tx, month.date(), language, text)


async def _list(settings: "Settings") -> "list[Note]":
    from folkmoot.moderation.transparency.queries import list_notes

    async with open_database(settings) as database, database.read() as conn:
        return await list_notes(conn)


async def _withdraw(settings: "Settings", number: int) -> "Note":
    from folkmoot.base.errors import NotFound
    from folkmoot.moderation.transparency.actions import withdraw_note

    async with open_database(settings) as database, database.write() as tx:
        try:
            return await withdraw_note(tx, number)
        except NotFound:
            raise Problem("There is no note %(number)d with a text. See: moot transparency notes", number=number) from None


async def _provider(settings: "Settings", language: str) -> bytes:
    from folkmoot.moderation.transparency.reading import read_report
    from folkmoot.web.transparency.provider import provider_file

    async with open_database(settings) as database, database.read() as conn:
        report = await read_report(conn, settings)
    return provider_file(settings, report, language)


def _answer(one: "Note") -> dict[str, Any]:
    return {
        "number": one.id, "month": f"{one.month:%Y-%m}", "language": one.language, "text": one.text,
        "written_at": one.written_at.isoformat(), "withdrawn_at": one.withdrawn_at.isoformat() if one.withdrawn_at else None,
    }


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 60 else f"{line[:59].rstrip()}…"
