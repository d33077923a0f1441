"""`moot feed`: publishes the lines of a JSON-lines file as posts, through the same action as all other posts."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show

_ACCOUNTS = 20  # that take turns
_EVERY = 500  # posts between two progress lines


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--rate", type=click.FloatRange(min=0.01), default=1.0, show_default=True, help="Posts per second.")
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only lines whose field KEY is VALUE. Can be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of posts.")
@data_option
@json_option
def feed(file: BinaryIO, rate: float, where: tuple[str, ...], limit: int | None, data: Path, as_json: bool) -> None:
    """Publish the `text` of each line of FILE as a post of one of the feed accounts."""
    wanted = dict(pair.split("=", 1) for pair in where if "=" in pair)
    if len(wanted) < len(where):
        raise Problem("--where needs KEY=VALUE, for example --where split=dev.")
    answer = run(_publish(file, rate, wanted, limit, data))
    text = f"{answer['published']} posts in {answer['seconds']} s ({answer['rate']} per second), {answer['refused']} refused."
    show(answer, as_json, text)


async def _publish(file: BinaryIO, rate: float, wanted: dict[str, str], limit: int | None, data: Path) -> dict[str, Any]:
    from folkmoot.base.errors import Invalid
    from folkmoot.network.posts.actions import PostLimits, create_post
    from folkmoot.network.posts.model import PostDraft

    settings = settings_of(data)
    limits = PostLimits(max_characters=settings.network.max_characters, base_url=settings.base_url)
    published = refused = 0
    async with open_database(settings) as database:
        authors = await _authors(database)
        started = time.monotonic()
        for number, (line, text, language) in enumerate(_lines(file, wanted)):
            if limit is not None and published >= limit:
                break
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            try:
                async with database.write() as tx:
                    draft = PostDraft(text=text[: settings.network.max_characters], language=language)
                    await create_post(tx, authors[number % _ACCOUNTS], draft, limits)
                published += 1
            except Invalid as problem:
                refused += 1
                click.echo(f"line {line}: {problem.message % problem.params}", err=True)
            if published and published % _EVERY == 0:
                click.echo(f"{published} posts …", err=True)
    seconds = max(0.001, time.monotonic() - started)
    return {"published": published, "refused": refused, "seconds": round(seconds, 1), "rate": round(published / seconds, 1)}


async def _authors(database: Any) -> list[Any]:
    """The feed accounts; missing ones are created. Nobody can log in as them."""
    from folkmoot.network.accounts.actions import create_account
    from folkmoot.network.accounts.queries import find_account_by_name

    authors = []
    for number in range(1, _ACCOUNTS + 1):
        async with database.write() as tx:
            name = f"feed_{number:02d}"
            found = await find_account_by_name(tx, name)
            authors.append(found or await create_account(tx, name, display_name=f"Feed {number}", is_bot=True))
    return authors


def _lines(file: BinaryIO, wanted: dict[str, str]) -> Iterator[tuple[int, str, str | None]]:
    """(line number, text, language) of the selected lines. Raises Problem that names an unreadable line."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise Problem(
                "Line %(number)d is not valid JSON: %(why)s. The lines before it were published.", number=number, why=error
            ) from error
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise Problem("Line %(number)d has no text. Each line must be an object with a field `text`.", number=number)
        if all(str(row.get(key)) == value for key, value in wanted.items()):
            language = row.get("language") or row.get("lang")
            yield number, row["text"], language if isinstance(language, str) and len(language) == 2 else None
