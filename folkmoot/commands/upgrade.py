"""`moot upgrade`: brings another release onto this host while the network runs, and back with `--undo`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from folkmoot.base.migrate import known
from folkmoot.commands.hints import say
from folkmoot.commands.options import data_option, json_option, settings_of, show, start_command
from folkmoot.commands.progress import show_progress
from folkmoot.commands.upgrade_postgres import upgrade_postgres
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY, Host
from folkmoot.portability.offsite.remembered import repository_in_use
from folkmoot.portability.upgrade.identity import own_code
from folkmoot.portability.upgrade.journal import DONE, Journal
from folkmoot.portability.upgrade.launch import own_launch
from folkmoot.portability.upgrade.order import Launch, Running, State, find_running
from folkmoot.portability.upgrade.probe import why_not_ready
from folkmoot.portability.upgrade.releases import Release, Releases, UpgradeProblem, migrations_in, reason_of
from folkmoot.portability.upgrade.source import Source, find_source
from folkmoot.portability.upgrade.steps import Name, Upgrade, drive, refuse_contracts, switch_to

_COLOURS = {PRIMARY: "green", STANDBY: "yellow"}
_WATCH = 60.0


@click.command()
@click.option("--to", "wanted", default="", metavar="RELEASE",
              help="A folder with the new code, or a tag, branch or commit of the clone.", show_default="the newest tag of the clone")
@click.option("--watch", type=click.FloatRange(1, 3600), default=_WATCH, show_default=True,
              help="Seconds in which the old processes return if the new ones fail.")
@click.option("--postgres", "major", type=click.IntRange(15, 99), help="Move the database to this major version of PostgreSQL instead.")
@click.option("--undo", "undoes", is_flag=True, help="Return to the release before. The schema stays as it is.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@data_option
@json_option
def upgrade(wanted: str, watch: float, major: int | None, undoes: bool, yes: bool, dry_run: bool, data: Path, as_json: bool) -> None:
    """Bring another release onto this host while the network runs. Run again after an interruption, it goes on where it stopped."""
    if wanted and undoes:
        raise click.UsageError("--to does not belong to --undo.")
    if major and (wanted or undoes):
        raise click.UsageError("--postgres goes alone: its way back is the same command with the other version.")
    settings = settings_of(data)
    directory = DataDirectory(settings.data)
    if major:
        upgrade_postgres(settings, directory, major, lambda text: _confirm(directory, text, "Change over", yes=yes, as_json=as_json),
                         is_dry=dry_run, as_json=as_json)
        return
    with directory.exclusively("upgrade"):
        running = _require_running(settings, directory)
        if undoes:
            _undo(directory, running, watch, yes=yes, is_dry=dry_run, as_json=as_json)
            return
        releases = Releases()
        with find_source(releases, wanted) as source:
            release = releases.planned(source.folder)
            if release.code == running.code and releases.current == release.name:
                show({"release": release.name, "upgraded": False}, as_json, f"This network runs {release.code} already.")
                return
            _require_code(running, release)
            refuse_contracts(source.folder, known())
            planned = _planned(settings, directory, releases, release, source, watch)
            plan = _plan(planned, running, source)
            if dry_run:
                show({**plan, "dry_run": True}, as_json, f"Nothing was done.\n{_plan_text(plan)}")
                return
            _confirm(directory, _plan_text(plan), "Upgrade this host", yes=yes, as_json=as_json)
            with show_progress(as_json) as progress:
                drive(planned, progress)
    answer = {**plan, "upgraded": True, "took": planned.took}
    show(answer, as_json, f"This network runs {release.code} now.\n  took       {sum(planned.took.values()):.0f} s\n"
                          f"  way back   moot upgrade --undo{_hint(releases)}")


def _planned(
    settings: Settings, directory: DataDirectory, releases: Releases, release: Release, source: Source, watch: float
) -> Upgrade:
    has_repository = bool(repository_in_use(settings.offsite.repository, directory))
    return Upgrade(
        directory, releases, Journal(directory), release, lambda: releases.build(release, source.folder, source.origin),
        (lambda: _back_up(directory)) if has_repository and directory.has_secret("backup-key") else None,
        own_launch, Host(directory.path).role == PRIMARY, watch,
    )


def _require_running(settings: Settings, directory: DataDirectory) -> Running:
    """Raises UpgradeProblem unless a network runs here that can be upgraded, and is well."""
    if not directory.is_in_use():
        raise UpgradeProblem("The network in %(data)s does not run. Start it, then run the command again: %(start)s", data=directory.path,
                             start=start_command(directory.path))
    running = find_running(directory)
    if running is None:
        raise UpgradeProblem("The running network is of a release that cannot hand over. Restart it once with this release.")
    is_switching = running.state in (State.STARTING, State.WATCHING)
    if not is_switching and (why := why_not_ready(settings.server.host, directory.port() or settings.server.port)):
        raise UpgradeProblem("The network is not well (%(why)s), so a failure of the new release could not be told from that. Run moot"
                             " doctor first.", why=why)
    return running


def _require_code(running: Running, release: Release) -> None:
    """The running release upgrades itself: only it knows how it is started, and what it needs. Raises UpgradeProblem."""
    if running.code not in (own_code(), release.code):
        raise UpgradeProblem("This command is of release %(own)s, but the network runs %(running)s. Use the moot of that release, and name"
                             " the new one with --to FOLDER.", own=own_code(), running=running.code)


def _back_up(directory: DataDirectory) -> None:
    command = [sys.executable, "-P", "-m", "folkmoot", "backup", "--json", "--data", str(directory.path)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise UpgradeProblem("The backup before the upgrade failed: %(why)s", why=reason_of(done))


def _plan(planned: Upgrade, running: Running, source: Source) -> dict[str, Any]:
    releases, release = planned.releases, planned.release
    before = {migration.name for migration in known()}
    after = [migration.name for migration in migrations_in(source.folder)]
    return {
        "from": running.code, "to": release.code, "folder": str(release.folder), "origin": source.origin, "signature": source.signature,
        "migrations": [name for name in after if name not in before],
        "backup": planned.back_up is not None, "role": Host(planned.directory.path).role,
        "next_start": releases.current or "the clone", "watch": planned.watch,
    }


def _plan_text(plan: dict[str, Any]) -> str:
    migrations = ", ".join(plan["migrations"]) or "none"
    backup = "made first" if plan["backup"] else "NONE: no repository is set (moot backup --to REPO)"
    if plan["role"] != PRIMARY:
        backup = "none: that is the primary's"
    return (
        f"  from       {plan['from']}\n"
        f"  to         {plan['to']}  ({plan['folder']})\n"
        f"  code from  {plan['origin']}\n"
        f"  signature  {plan['signature']}\n"
        f"  packages   each is compared with its hash in requirements/\n"
        f"  migrations {migrations}\n"
        f"  backup     {backup}"
    )


def _undo(directory: DataDirectory, running: Running, watch: float, *, yes: bool, is_dry: bool, as_json: bool) -> None:
    journal, releases = Journal(directory), Releases()
    line = journal.last(Name.FINISH)
    if line is None or line.facts.get("undone") or "launch" not in line.facts:
        raise UpgradeProblem("There is no upgrade to return from. The network runs %(code)s.", code=running.code)
    launch = msgspec.convert(line.facts["launch"], Launch)
    if is_dry:
        show({"to": launch.code, "dry_run": True}, as_json, f"Nothing was done. This network would run {launch.code} again.")
        return
    text = f"  from       {running.code}\n  to         {launch.code}"
    _confirm(directory, text, "Return to the release before", yes=yes, as_json=as_json)
    with show_progress(as_json) as progress:
        progress.step("switching")
        if running.code != launch.code:
            switch_to(directory, launch, watch)
    releases.make_current(line.facts["before"])
    journal.append(line.release, Name.FINISH, DONE, undone=True)
    show({"to": launch.code, "undone": True}, as_json, f"This network runs {launch.code} again.")


def _confirm(directory: DataDirectory, text: str, question: str, *, yes: bool, as_json: bool) -> None:
    """Shows which host this is, in colour, and asks. Raises UpgradeProblem if there is nobody to ask."""
    role = Host(directory.path).role
    say(f"  host       {directory.path}  {click.style(role.upper(), fg=_COLOURS.get(role, 'red'))}\n{text}")
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        raise UpgradeProblem("An upgrade needs a confirmation. If you are sure, add --yes.")
    click.confirm(f"  {question}?", abort=True, err=True)


def _hint(releases: Releases) -> str:
    """What an upgrade leaves to the operator of an installed host."""
    return "\n  files      moot install --dry-run shows whether units or Caddy's file differ" if releases.is_installed else ""
