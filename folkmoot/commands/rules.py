"""`moot rules`: checks, tests, publishes and switches the rules for posts. docs/operate/rules.md describes the file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import NotFound, Problem
from folkmoot.commands.group import Group
from folkmoot.commands.markdown_file import FILE, exit_with, read_file
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.commands.rules_trial import trial

if TYPE_CHECKING:
    from folkmoot.moderation.rules.actions import Checked
    from folkmoot.moderation.rules.backtest import Limits, Result
    from folkmoot.moderation.rules.model import Record, RuleSet

_DAYS = 30


@click.group(cls=Group)
def rules() -> None:
    """Check, test and publish the rules that look for spam, floods and the like in posts."""


rules.add_command(trial)

@rules.command(name="show")
@click.argument("version", required=False)
@data_option
def show_rules(version: str | None, data: Path) -> None:
    """Print the rules in force, or VERSION, as a file to edit."""
    click.echo(run(_source(version, data)), nl=False)


@rules.command()
@json_option
def attributes(as_json: bool) -> None:
    """List what a condition can be about."""
    from folkmoot.moderation.rules.attributes import ATTRIBUTES

    answer = [{"name": name, "type": one.kind.name.lower(), "about": one.about} for name, one in ATTRIBUTES.items()]
    show(answer, as_json, "\n".join(f"  {one['name']:41} {one['type']:8} {one['about']}" for one in answer))


@rules.command()
@click.argument("file", type=FILE)
@data_option
@json_option
def check(file: Path, data: Path, as_json: bool) -> None:
    """Find every fault in FILE, without publishing it. Exit code 1 if there are any."""
    checked = run(_check(read_file(file), data))
    _show_checked(file, checked, as_json, f"No fault. See what they would meet with: moot rules test {file} --data {data}")


@rules.command()
@click.argument("file", type=FILE, required=False)
@click.option("--days", type=click.IntRange(1, 3650), default=_DAYS, show_default=True, help="How far back to read.")
@click.option("--posts", type=click.IntRange(1, 100_000_000), default=100_000, show_default=True, help="Maximum number of posts to read.")
@click.option("--minutes", type=click.IntRange(1, 600), default=10, show_default=True, help="Maximum time.")
@click.option("--examples", type=click.IntRange(0, 20), default=3, show_default=True, help="Examples of each rule.")
@data_option
@json_option
def test(file: Path | None, days: int, posts: int, minutes: int, examples: int, data: Path, as_json: bool) -> None:
    """Apply rules to stored posts, without any effect.

    Without FILE, the rules in force.

    Shows how many posts each rule would have met, and how many of these people have found to break a rule of the network.
    Names, links and numbers in the examples are masked. Private messages are never read.
    """
    from folkmoot.commands.rules_report import test_answer, words_of_test
    from folkmoot.moderation.rules.backtest import Limits

    checked, rule_set, result = run(_test(read_file(file) if file else None, Limits(days, posts, minutes * 60), examples, data, as_json))
    if result is None or rule_set is None:
        assert checked is not None
        assert file is not None
        _show_checked(file, checked, as_json, "")
        return
    show(test_answer(rule_set, result), as_json, words_of_test(rule_set, result))


@rules.command()
@click.argument("file", type=FILE)
@click.option("--trial", "is_trial", is_flag=True, help="Only count what they meet; the rules in force stay.")
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How long a trial lasts.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def publish(file: Path, is_trial: bool, days: int, yes: bool, data: Path, as_json: bool) -> None:
    """Publish the rules in FILE and put them in force.

    A file without rules switches all of them off. Every earlier version stays readable, and can be put in force again.

    With --trial, the rules are applied to new posts beside those in force, without any effect. See what they meet with:
    moot rules trial
    """
    source = read_file(file)
    if not yes:
        checked = run(_check(source, data))
        if checked.published:
            click.echo(_summary(checked.published.rules), err=True)
            click.confirm(f"Try it for {days} days?" if is_trial else "Publish it?", abort=True, err=True)
    done = "Published. All processes use them within two seconds."
    if is_trial:
        done = f"On trial for {days} days, without any effect. See what they meet with: moot rules trial --data {data}"
    _show_checked(file, run(_publish(source, days if is_trial else 0, data)), as_json, done)


@rules.command()
@click.argument("version")
@data_option
@json_option
def switch(version: str, data: Path, as_json: bool) -> None:
    """Put a stored VERSION in force: an earlier one again, or the one on trial."""
    run(_switch(version, data))
    show({"version": version}, as_json, f"Version {version} is in force. All processes use it within two seconds.")


@rules.command(name="list")
@data_option
@json_option
def list_rules(data: Path, as_json: bool) -> None:
    """List all versions, and what the rules in force have met."""
    from folkmoot.commands.rules_report import share

    answer = run(_list(data))
    lines = [f"{'*' if one['in_force'] else ' '} {one['version']:14} {one['rules']:>3} rules{_origin(one)}" for one in answer["versions"]]
    lines += ["", f"  {'in force, cases in 30 days':30} {'met':>6} {'decided':>8}  right"]
    lines += [f"  {one['name']:30} {one['met']:>6} {one['decided']:>8}  {share(one['precision'])}".rstrip() for one in answer["rules"]]
    show(answer, as_json, "\n".join(lines))


def _origin(version: dict[str, Any]) -> str:
    return "  (shipped)" if version["shipped"] else "  (on trial)" if version["on_trial"] else ""


def _show_checked(file: Path, checked: "Checked", as_json: bool, done: str) -> None:
    if checked.published is None:
        exit_with(checked.faults, file, as_json)
    answer = {"faults": [], "version": checked.published.version, "rules": [rule.name for rule in checked.published.rules.rules]}
    show(answer, as_json, f"{_summary(checked.published.rules)}\n{done}")


def _summary(rule_set: "RuleSet") -> str:
    lines = [f"Version {rule_set.version}, {len(rule_set.rules)} rules."]
    for rule in rule_set.rules:
        effects = ", ".join(one.name.lower() for one in rule.measures) or "a case only"
        lines.append(f"  {rule.name:30} about the {rule.about}, clause {rule.clause}, probability {rule.probability:g}: {effects}")
    return "\n".join(lines)


async def _source(version: str | None, data: Path) -> str:
    from folkmoot.moderation.rules.published import find_version, in_force

    async with open_database(settings_of(data)):
        published = find_version(version) if version else in_force()
    if published is None:
        raise _unknown(version or "")
    return published.source


async def _check(source: str, data: Path) -> "Checked":
    from folkmoot.moderation.clauses.published import current
    from folkmoot.moderation.rules.actions import check_rules
    from folkmoot.moderation.rules.queries.versions import list_rules

    async with open_database(settings_of(data)) as database, database.read() as conn:
        return check_rules(source, await list_rules(conn), current())


async def _test(
    source: str | None, limits: "Limits", examples: int, data: Path, is_silent: bool
) -> "tuple[Checked | None, RuleSet | None, Result | None]":
    """A file of a version that exists can be tested too: only its content counts."""
    from folkmoot.moderation.clauses.published import current
    from folkmoot.moderation.rules.actions import check_rules
    from folkmoot.moderation.rules.backtest import Backtest
    from folkmoot.moderation.rules.published import in_force

    def progress(posts: int) -> None:
        if not is_silent and sys.stderr.isatty():
            click.echo(f"\r{posts} posts", nl=False, err=True)

    settings = settings_of(data)
    async with open_database(settings) as database:
        rule_set = in_force().rules
        if source is not None:
            checked = check_rules(source, None, current())
            if checked.published is None:
                return checked, None, None
            rule_set = checked.published.rules
        result = await Backtest(database, rule_set, settings.domain, examples=examples).run(limits, progress)
    return None, rule_set, result


async def _publish(source: str, trial_days: int, data: Path) -> "Checked":
    """`trial_days`: 0 puts them in force."""
    from datetime import timedelta

    from folkmoot.moderation.rules.actions import publish_rules, try_rules

    async with open_database(settings_of(data)) as database, database.write() as tx:
        return await (try_rules(tx, source, timedelta(days=trial_days)) if trial_days else publish_rules(tx, source))


async def _switch(version: str, data: Path) -> None:
    from folkmoot.moderation.rules.actions import switch_rules

    async with open_database(settings_of(data)) as database:
        try:
            async with database.write() as tx:
                await switch_rules(tx, version)
        except NotFound as error:
            raise _unknown(version) from error


async def _list(data: Path) -> dict[str, Any]:
    from datetime import timedelta

    from folkmoot.base import clock
    from folkmoot.moderation.rules.model import Record
    from folkmoot.moderation.rules.published import in_force, on_trial, shipped, versions
    from folkmoot.moderation.rules.queries.outcomes import count_records

    now = clock.now()
    async with open_database(settings_of(data)) as database, database.read() as conn:
        records = await count_records(conn, now - timedelta(days=_DAYS))
        return {
            "versions": [
                {"version": one.version, "published_at": one.published_at, "rules": len(one.rules.rules), "shipped": one in shipped(),
                 "in_force": one is in_force(), "on_trial": one is on_trial(now)}
                for one in reversed(versions())
            ],
            "rules": [_record_of(rule.name, records.get(rule.name, Record())) for rule in in_force().rules.rules],
        }


def _record_of(name: str, record: "Record") -> dict[str, Any]:
    return {"name": name, "met": record.met, "decided": record.decided, "violations": record.violations, "precision": record.precision}


def _unknown(version: str) -> Problem:
    return Problem("There is no version %(version)s. See: moot rules list", version=version)
