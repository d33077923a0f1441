"""`moot policy`: checks, publishes and lists the rules of the network. docs/moderate/policy.md describes the file."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.markdown_file import FILE, exit_with, read_file
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show

if TYPE_CHECKING:
    from folkmoot.moderation.clauses.actions import Checked
    from folkmoot.moderation.clauses.model import PublishedPolicy


@click.group(cls=Group)
def policy() -> None:
    """Check and publish the rules of the network."""


@policy.command(name="show")
@click.argument("version", required=False)
@data_option
def show_policy(version: str | None, data: Path) -> None:
    """Print the rules in force, or VERSION, as a file to edit."""
    click.echo(run(_source(version, data)), nl=False)


@policy.command()
@click.argument("file", type=FILE)
@data_option
@json_option
def check(file: Path, data: Path, as_json: bool) -> None:
    """Find every fault in FILE, without publishing it. Exit code 1 if there are any."""
    checked, changes = run(_check(read_file(file), data))
    _show(file, checked, changes, as_json, f"No fault. Publish it with: moot policy publish {file} --data {data}")


@policy.command()
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def publish(file: Path, yes: bool, data: Path, as_json: bool) -> None:
    """Publish the rules in FILE.

    They are in force from the date in the file, or at once. Members see a notice with what has changed. Every earlier version
    stays readable, because decisions name it; so a published version cannot be withdrawn, only be followed by another one.
    """
    source = read_file(file)
    if not yes:
        checked, changes = run(_check(source, data))
        if checked.published:
            click.echo(_summary(checked.published, changes), err=True)
            click.confirm("Publish it?", abort=True, err=True)
    checked, changes = run(_publish(source, data))
    _show(file, checked, changes, as_json, "Published. All processes use it within two seconds of that time.")


@policy.command(name="list")
@data_option
@json_option
def list_policies(data: Path, as_json: bool) -> None:
    """List all versions of the rules, newest first."""
    answer = run(_list(data))
    rows = [
        f"{'*' if row['in_force'] else ' '} {row['version']:14} from {_minute(row['in_force_at'])}{'  (shipped)' if row['shipped'] else ''}"
        for row in answer
    ]
    show(answer, as_json, "\n".join(rows))


def _show(file: Path, checked: "Checked", changes: dict[str, str], as_json: bool, done: str) -> None:
    if checked.published is None:
        exit_with(checked.faults, file, as_json)
    answer = {"faults": [], "version": checked.published.version, "in_force_at": checked.published.in_force_at, "changes": changes}
    show(answer, as_json, f"{_summary(checked.published, changes)}\n{done}")


def _summary(published: "PublishedPolicy", changes: dict[str, str]) -> str:
    from folkmoot.base import clock

    begins = "at once" if published.in_force_at <= clock.now() else f"from {_minute(published.in_force_at)}"
    lines = [f"Version {published.version}, {len(published.policy.clauses)} rules, in force {begins}."]
    lines += [f"  {change}: {key}" for key, change in changes.items()]
    if changes and not published.policy.changes:
        lines.append("Note: the file has no part “## What changes”, so the notice to members names only the rules.")
    if changes and begins == "at once":
        lines.append("Note: the rules change without notice. Members can prepare if you write “In force from:” with a later date.")
    return "\n".join(lines)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or 'UTC'}"


async def _source(version: str | None, data: Path) -> str:
    from folkmoot.base.errors import NotFound
    from folkmoot.moderation.clauses.published import get_version, in_force

    async with open_database(settings_of(data)):
        try:
            return (get_version(version) if version else in_force()).source
        except NotFound as error:
            raise Problem("There is no version %(version)s. See: moot policy list", version=version or "") from error


async def _check(source: str, data: Path) -> "tuple[Checked, dict[str, str]]":
    from folkmoot.moderation.clauses.actions import check_policy
    from folkmoot.moderation.clauses.published import own

    settings = settings_of(data)
    async with open_database(settings):
        checked = check_policy(source, list(own()), settings.network.time_zone)
        return checked, _changes(checked)


async def _publish(source: str, data: Path) -> "tuple[Checked, dict[str, str]]":
    from folkmoot.moderation.clauses.actions import publish_policy

    settings = settings_of(data)
    async with open_database(settings) as database:
        async with database.write() as tx:
            checked = await publish_policy(tx, source, settings.network.time_zone)
        return checked, _changes(checked)


def _changes(checked: "Checked") -> dict[str, str]:
    """The changes against the newest version of this network."""
    from folkmoot.moderation.clauses.model import compare
    from folkmoot.moderation.clauses.published import versions

    before = versions()[-1].policy
    return {key: str(change) for key, change in compare(before, checked.published.policy).items()} if checked.published else {}


async def _list(data: Path) -> list[dict[str, Any]]:
    from folkmoot.moderation.clauses.published import in_force, own, versions

    async with open_database(settings_of(data)):
        return [
            {"version": one.version, "in_force_at": one.in_force_at, "published_at": one.published_at,
             "in_force": one.version == in_force().version, "shipped": one not in own()}
            for one in reversed(versions())
        ]
