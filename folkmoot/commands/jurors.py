"""`moot jurors`: counts jurors, replaces the questions of their training, and excludes members. No command names a juror."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.commands.group import Group
from folkmoot.commands.markdown_file import FILE, exit_with, read_file
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.commands.proposals import act_as, by_option

if TYPE_CHECKING:
    from folkmoot.base.db import WriteTx
    from folkmoot.moderation.jurors.gold_file import GoldFile
    from folkmoot.network.sessions.model import Viewer


@click.group(cls=Group)
def jurors() -> None:
    """Count jurors, replace the questions of their training, and exclude members from the jury."""


@jurors.command()
@data_option
@json_option
def count(data: Path, as_json: bool) -> None:
    """Count the members in each state, and the jurors who can be called by language and by topic. No names."""
    answer = run(_count(data))
    lines = ["Members by state:", *_table(answer["states"]), "Jurors who can be called, by language:", *_table(answer["languages"]),
             "Jurors who can be called, by topic:", *_table(answer["topics"]),
             f"Training questions that fit the rules: {answer['questions']}"]
    show(answer, as_json, "\n".join(lines))


@jurors.command()
@data_option
def questions(data: Path) -> None:
    """Print the questions of the training as a file to edit."""
    click.echo(run(_source(data)), nl=False)


@jurors.command()
@click.argument("file", type=FILE)
@data_option
@json_option
def check(file: Path, data: Path, as_json: bool) -> None:
    """Find every fault in FILE, a file of questions, without publishing it. Exit code 1 if there are any."""
    _show(file, run(_check(read_file(file), data)), as_json, f"No fault. Publish it with: moot jurors publish {file} --data {data}")


@jurors.command()
@click.argument("file", type=FILE)
@data_option
@json_option
def publish(file: Path, data: Path, as_json: bool) -> None:
    """Use the questions in FILE from now on. Trainings that lose a question begin again, without counting as a try."""
    _show(file, run(_publish(read_file(file), data)), as_json, "Published. Every training that begins now uses these questions.")


@jurors.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why. The member reads it.")
@by_option
@data_option
@json_option
def exclude(name: str, reason: str, by: str, password_file: Any, data: Path, as_json: bool) -> None:
    """Exclude the member NAME from the jury, whether a juror or not. They are told, with the reason."""

    async def act(tx: "WriteTx", viewer: "Viewer") -> None:
        from folkmoot.moderation.jurors import exclusion
        from folkmoot.network.sessions.assistance import get_login_by_name

        await exclusion.exclude(tx, viewer, (await get_login_by_name(tx, name)).account_id, reason)

    act_as(data, by, password_file, act)
    show({"name": name, "excluded": True}, as_json, f"@{name.removeprefix('@')} cannot sit on the jury any more, and was told why.")


@jurors.command()
@click.argument("name")
@by_option
@data_option
@json_option
def readmit(name: str, by: str, password_file: Any, data: Path, as_json: bool) -> None:
    """End the exclusion of the member NAME, who can apply again."""

    async def act(tx: "WriteTx", viewer: "Viewer") -> None:
        from folkmoot.moderation.jurors import exclusion
        from folkmoot.network.sessions.assistance import get_login_by_name

        await exclusion.readmit(tx, viewer, (await get_login_by_name(tx, name)).account_id)

    act_as(data, by, password_file, act)
    show({"name": name, "excluded": False}, as_json, f"@{name.removeprefix('@')} can apply for the jury again.")


def _table(counted: dict[str, int]) -> list[str]:
    return [f"  {name:14} {number:6}" for name, number in counted.items()] or ["  none"]


def _show(file: Path, read: "GoldFile", as_json: bool, done: str) -> None:
    from folkmoot.moderation.clauses.published import current
    from folkmoot.moderation.jurors.gold_file import lacking

    if read.faults:
        exit_with(read.faults, file, as_json)
    notes = lacking(read.questions, [clause.key for clause in current().clauses])
    answer = {"faults": [], "questions": len(read.questions), "notes": notes}
    show(answer, as_json, "\n".join([f"{len(read.questions)} questions.", *(f"Note: {note}" for note in notes), done]))


async def _count(data: Path) -> dict[str, Any]:
    from folkmoot.moderation.clauses.published import current
    from folkmoot.moderation.jurors import queries
    from folkmoot.moderation.jurors.questions import fitting_questions

    async with open_database(settings_of(data)) as database, database.read() as conn:
        return {
            "states": dict(await queries.count_jurors(conn)), "languages": dict(await queries.count_by_language(conn)),
            "topics": dict(await queries.count_by_topic(conn, [clause.key for clause in current().clauses])),
            "questions": len(await fitting_questions(conn)),
        }


async def _source(data: Path) -> str:
    from folkmoot.moderation.jurors.queries import find_gold_source
    from folkmoot.moderation.jurors.questions import shipped_source

    async with open_database(settings_of(data)) as database, database.read() as conn:
        return await find_gold_source(conn) or shipped_source()


async def _check(source: str, data: Path) -> "GoldFile":
    from folkmoot.moderation.clauses.published import current
    from folkmoot.moderation.jurors.gold_file import read_gold

    async with open_database(settings_of(data)):
        return read_gold(source, [clause.key for clause in current().clauses])


async def _publish(source: str, data: Path) -> "GoldFile":
    from folkmoot.moderation.jurors.exclusion import publish_gold

    async with open_database(settings_of(data)) as database, database.write() as tx:
        return await publish_gold(tx, source)
