"""`moot hashes`: makes, imports, exports and searches hash lists. docs/moderate/hash-lists.md describes them."""

import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import click

from folkmoot.base.errors import Invalid, NotFound, Problem
from folkmoot.commands.group import Group
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_KINDS = ("file", "picture", "text", "address")
_PAGE = 5000
_T = TypeVar("_T")


@click.group(cls=Group)
def hashes() -> None:
    """Recognise known files, pictures, texts and addresses."""


@hashes.command(name="list")
@data_option
@json_option
def list_lists(data: Path, as_json: bool) -> None:
    """List all hash lists with the number of their entries."""
    answer = run(_list(data))
    lines = [f"  {row['name']:24} {row['effect']:7} {row['entries']:>8} entries  {row['about']}".rstrip() for row in answer]
    show(answer, as_json, "\n".join(lines) or "There is no hash list. Make one with: moot hashes create NAME --effect hold")


@hashes.command()
@click.argument("name")
@click.option("--effect", type=click.Choice(["hold", "signal"]), required=True,
              help="hold: an exact match is seen by nobody until a moderator has decided. signal: it is only reported to them.")
@click.option("--about", default="", help="Where the list comes from.")
@data_option
@json_option
def create(name: str, effect: str, about: str, data: Path, as_json: bool) -> None:
    """Make an empty hash list."""
    run(_create(name, effect, about, data))
    show({"name": name, "effect": effect}, as_json, f"Made. Fill it with: moot hashes import {name} FILE --clause RULE")


@hashes.command(name="import")
@click.argument("name")
@click.argument("file", type=_FILE)
@click.option("--clause", required=True, help="The rule that entries break, by number or key, unless the file says it.")
@click.option("--kind", type=click.Choice(_KINDS), help="What the values are, if the file does not say it.")
@data_option
@json_option
def import_(name: str, file: Path, clause: str, kind: str | None, data: Path, as_json: bool) -> None:
    """Add the entries in FILE to a list: CSV, JSON, or one value a line.

    Also lists of ThreatExchange and the Hasher-Matcher, domain lists of Mastodon, hosts files and the output of sha256sum.
    Exit code 1 if nothing in it could be used.
    """
    text = _read(file)
    if not text.strip():
        raise Problem("%(file)s is empty. A list has one value a line, or is CSV or JSON.", file=file)
    answer = run(_import(name, text, clause, kind, data))
    lines = [f"{answer['added']} new entries, {answer['known']} known ones, {answer['skipped']} lines skipped."]
    lines += [f"  line {one['line']}: {one['why']}" for one in answer["first_skipped"]]
    show(answer, as_json, "\n".join(lines))
    sys.exit(0 if answer["added"] + answer["known"] or not answer["skipped"] else 1)


@hashes.command()
@click.argument("name")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@data_option
def export(name: str, form: str, data: Path) -> None:
    """Print all entries of a list."""
    click.echo(run(_export(name, form, data)), nl=False)


@hashes.command()
@click.argument("name")
@click.argument("value", required=False)
@click.option("--all", "all_", is_flag=True, help="Delete the list with all entries.")
@click.option("--kind", type=click.Choice(_KINDS), help="The kind of VALUE, if it is not clear.")
@data_option
@json_option
def remove(name: str, value: str | None, all_: bool, kind: str | None, data: Path, as_json: bool) -> None:
    """Remove VALUE from a list, or (--all) the whole list."""
    if all_ == bool(value):
        raise Problem("Name a value, or --all.")
    run(_remove(name, value, kind, data))
    show({"removed": value or name}, as_json, f"Removed: {value or name}")


@hashes.command()
@click.argument("file", type=_FILE)
@data_option
@json_option
def check(file: Path, data: Path, as_json: bool) -> None:
    """Show which lists know a picture or a text in FILE."""
    answer = run(_check(file.read_bytes(), data))
    lines = [f"  {row['list']}: {row['kind']}, rule {row['clause']}, {_likeness(row['distance'])}" for row in answer]
    show(answer, as_json, "\n".join(lines) or "No list knows it.")


@hashes.command()
@data_option
@json_option
def scan(data: Path, as_json: bool) -> None:
    """Compare all earlier posts with the lists, in the background. Copies get a case; exact ones on a `hold` list are hidden."""
    run(_scan(data))
    show({"started": True}, as_json, "Started. See: moot jobs list, moot cases")


def _read(file: Path) -> str:
    from folkmoot.moderation.hash_lists.formats import MAX_BYTES

    if file.stat().st_size > MAX_BYTES:
        raise Problem("%(file)s is larger than %(limit)d MiB. Split it.", file=file, limit=MAX_BYTES // 1024 // 1024)
    return file.read_text("utf-8", errors="replace")


def _likeness(distance: int | None) -> str:
    return "exact" if distance is None else f"{distance} of 256 bits differ"


async def _list(data: Path) -> list[dict[str, Any]]:
    from folkmoot.moderation.hash_lists.queries import count_entries, list_lists

    async with open_database(settings_of(data)) as database, database.read() as conn:
        counts = await count_entries(conn)
        return [
            {"name": one.name, "effect": one.effect, "about": one.about, "entries": sum(counts.get(one.name, {}).values()),
             "kinds": {str(kind): number for kind, number in counts.get(one.name, {}).items()}}
            for one in await list_lists(conn)
        ]


async def _create(name: str, effect: str, about: str, data: Path) -> None:
    from folkmoot.moderation.hash_lists.actions import create_list
    from folkmoot.moderation.hash_lists.model import Effect

    async with open_database(settings_of(data)) as database, database.write() as tx:
        await create_list(tx, name, Effect(effect), about)


async def _import(name: str, text: str, clause: str, kind: str | None, data: Path) -> dict[str, Any]:
    from folkmoot.base import clock
    from folkmoot.moderation.hash_lists.actions import add_entries, known_clause
    from folkmoot.moderation.hash_lists.formats import read_list
    from folkmoot.moderation.hash_lists.model import Entry, Kind
    from folkmoot.moderation.hash_lists.queries import get_list

    async with open_database(settings_of(data)) as database:
        async with database.read() as conn:
            await _require(get_list(conn, name), name)
        usual = known_clause(clause)
        read = read_list(text, Kind(kind) if kind else None)
        now = clock.now()
        entries = [
            Entry(list=name, kind=of, value=value, clause=known_clause(named) if named else usual, note=note, added_at=now)
            for (of, value), (named, note) in {(row[0], row[1]): (row[2], row[3]) for row in read.rows}.items()
        ]
        async with database.write() as tx:
            added = await _require(add_entries(tx, entries), name)
    return {
        "added": added, "known": len(entries) - added, "skipped": len(read.skipped),
        "first_skipped": [{"line": line, "why": why} for line, why in read.skipped[:10]],
    }


async def _export(name: str, form: str, data: Path) -> str:
    from folkmoot.moderation.hash_lists.formats import write_csv, write_json
    from folkmoot.moderation.hash_lists.model import Entry
    from folkmoot.moderation.hash_lists.queries import get_list, list_entries

    found: list[Entry] = []
    async with open_database(settings_of(data)) as database, database.read() as conn:
        listed = await _require(get_list(conn, name), name)
        while page := await list_entries(conn, name, _PAGE, (found[-1].kind, found[-1].value) if found else ("", "")):
            found += page
    return write_csv(found) if form == "csv" else write_json(name, listed.effect, found)


async def _remove(name: str, value: str | None, kind: str | None, data: Path) -> None:
    from folkmoot.moderation.hash_lists.actions import delete_list, remove_entry
    from folkmoot.moderation.hash_lists.model import Kind, normal_value
    from folkmoot.moderation.hash_lists.queries import get_list

    async with open_database(settings_of(data)) as database:
        if value is None:
            async with database.write() as tx:
                await _require(delete_list(tx, name), name)
            return
        async with database.read() as conn:
            await _require(get_list(conn, name), name)
        for one in [Kind(kind)] if kind else Kind:
            normal = normal_value(one, value)
            if normal is None:
                continue
            try:
                async with database.write() as tx:
                    await remove_entry(tx, name, one, normal)
            except NotFound:
                continue
            return
    raise Problem("The list %(name)s has no entry %(value)s.", name=name, value=value)


async def _check(content: bytes, data: Path) -> list[dict[str, Any]]:
    import hashlib

    from folkmoot.moderation.hash_lists.matching import find_matches
    from folkmoot.moderation.hash_lists.model import MIN_QUALITY, Sought, addresses_of, text_keys, widened
    from folkmoot.moderation.hash_lists.pdq import hash_picture
    from folkmoot.network.media import sandbox
    from folkmoot.network.media.model import Purpose

    sought = Sought(files=(hashlib.sha256(content).hexdigest(),))
    try:
        _, _, preview = await sandbox.run(content, Purpose.ATTACHMENT)
        value, quality = hash_picture(preview)
        sought = Sought(files=sought.files, pictures=(value,) if quality >= MIN_QUALITY else ())
    except Invalid:  # no picture
        text = content.decode("utf-8", errors="replace")
        sought = Sought(files=sought.files, texts=tuple(text_keys(text)), addresses=widened(addresses_of(text)))
    async with open_database(settings_of(data)) as database, database.read() as conn:
        return [
            {"list": match.entry.list, "kind": match.entry.kind, "clause": match.entry.clause, "distance": match.distance}
            for match in await find_matches(conn, sought)
        ]


async def _scan(data: Path) -> None:
    from folkmoot.moderation.hash_lists.actions import SCAN_JOB
    from folkmoot.moderation.hash_lists.jobs import Scan

    async with open_database(settings_of(data)) as database, database.write() as tx:
        tx.enqueue(SCAN_JOB, Scan())


async def _require(work: Awaitable[_T], name: str) -> _T:
    try:
        return await work
    except NotFound as error:
        raise Problem("There is no hash list %(name)s. See: moot hashes list", name=name) from error
