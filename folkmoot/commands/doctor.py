"""`moot doctor`: finds problems, each with the command or setting that solves it. Exit code 1 when something is broken."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, duration, json_option, open_database, run, settings_of, show
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.base.database_facts import DatabaseFacts
    from folkmoot.base.queue.model import QueueState, Timed, TimedState
    from folkmoot.moderation.cases.model import Backlog
    from folkmoot.moderation.journal.model import SealState
    from folkmoot.portability.queries import DatabaseHost
    from folkmoot.portability.runs import Last


class Finding(NamedTuple):
    """`state`: good, warning or broken."""

    state: str
    what: str
    remedy: str = ""


@click.command()
@data_option
@json_option
def doctor(data: Path, as_json: bool) -> None:
    """Find problems and print the command that solves each. Exit code 1: something is broken."""
    settings = settings_of(data)
    findings = [*_machine(settings), *_settings(settings), *_detector(settings)]
    try:
        findings += run(_database(settings))
    except Problem:  # operators run doctor mostly when nothing runs
        findings.append(Finding("broken", "the database does not answer", _start(settings)))
    marks = {"good": "  ok       ", "warning": "  warning  ", "broken": "  BROKEN   "}
    lines = [marks[finding.state] + finding.what + (f"\n             → {finding.remedy}" if finding.remedy else "") for finding in findings]
    show([finding._asdict() for finding in findings], as_json, "\n".join(lines))
    sys.exit(any(finding.state == "broken" for finding in findings))


def _start(settings: Settings) -> str:
    """How to start the database."""
    if settings.database.url:
        return f"start the database that database.url in {settings.data / 'folkmoot.toml'} names"
    return f"moot up --data {settings.data}; if it fails, the reason is in {settings.data / 'postgres.log'}"


def _machine(settings: Settings) -> Iterator[Finding]:
    """Free disk space, and who may read secrets and database files."""
    usage = shutil.disk_usage(settings.data)
    share = round(100 * usage.free / usage.total)
    free = f"{usage.free / 2**30:.1f} GB free on the disk ({share} %)"
    if share < 10:
        yield Finding("broken" if usage.free < 2**30 else "warning", free, f"free some space, or move {settings.data} to a larger disk")
    else:
        yield Finding("good", free)
    for name in ("secrets", "postgres"):
        folder = settings.data / name
        if folder.exists() and folder.stat().st_mode & 0o077:
            yield Finding("broken", f"other users of this machine can read {folder}", f"chmod -R go= {folder}")
        else:
            yield Finding("good", f"{name}: no other user of this machine can read it")


def _settings(settings: Settings) -> Iterator[Finding]:
    """Settings that are acceptable for a trial, but not for a public network."""
    file = settings.data / "folkmoot.toml"
    if not settings.server.base_url:
        yield Finding("warning", f"no public address is set, so links point to {settings.base_url}",
                      f"set server.base_url in {file}, then restart")
    elif not settings.is_secure:
        yield Finding("warning", "the public address is not https",
                      f"put caddy or haproxy in front, and set server.base_url to https://… in {file}")
    else:
        yield Finding("good", f"public address {settings.base_url}")
    if settings.mail.host:
        yield Finding("good", f"mail is sent through {settings.mail.host}")
    else:
        waiting = len(list((settings.data / "outbox").glob("*.eml")))
        yield Finding("warning", f"no mail server is set: mail goes to files in {settings.data / 'outbox'} ({waiting} so far),"
                      " and e-mail addresses are not confirmed", f"set mail.host in {file}, then restart")
    if not settings.network.contact_email:
        yield Finding("warning", "no contact address is published", f"set network.contact_email in {file}, then restart")


def _detector(settings: Settings) -> Iterator[Finding]:
    """Whether the chosen detector can be used."""
    from folkmoot.moderation.detection.versions import find_fault

    if fault := find_fault(settings.data):
        yield Finding("warning", f"{fault} The packaged detector is used instead",
                      "choose another one: moot detector list, then moot detector use VERSION; or moot detector use packaged")


async def _database(settings: Settings) -> list[Finding]:
    """Schema, checksums, worker, queue."""
    from folkmoot.app import timed_jobs
    from folkmoot.base import clock
    from folkmoot.base.database_facts import get_database_facts
    from folkmoot.base.migrate import known
    from folkmoot.base.queue.queries import measure_queue
    from folkmoot.base.queue.timed_queries import list_timed
    from folkmoot.moderation.cases.queries import count_open, count_stuck
    from folkmoot.moderation.journal.queries import count_unsealed, find_state
    from folkmoot.portability.queries import get_host, last_runs

    async with open_database(settings) as database, database.read() as conn:
        facts = await get_database_facts(conn)
        findings = list(_facts(facts, known()[-1].number, conn.is_standby))
        if facts.schema < known()[-1].number:
            return findings  # tables that the other checks read may not exist yet
        timed = await list_timed(conn)
        queue = await measure_queue(conn)
        runs = await last_runs(conn)
        host = await get_host(conn)
        cases = await count_open(conn, clock.now())
        stuck = await count_stuck(conn)
        journal = await find_state(conn)
        unsealed = await count_unsealed(conn, clock.now() - timedelta(minutes=1))
    findings += _work(timed_jobs(settings), timed, queue)
    return [*findings, *_host(settings, host), *_cases(cases, stuck), _journal(journal, unsealed, settings), *_backups(runs)]


def _host(settings: Settings, database: "DatabaseHost") -> Iterator[Finding]:
    """Whether this host may write, and how cache sessions are restricted to their tables."""
    from folkmoot.portability.host import PRIMARY, Host

    host = Host(settings.data).state
    if database.is_standby:
        yield Finding("good", "this host is a standby: it serves reads and refuses writes")
    elif host.role != PRIMARY:
        yield Finding("warning", f"PostgreSQL was promoted, but host.json still says {host.role}: every write is refused",
                      f"if this host is the primary now, write role {PRIMARY} and epoch {database.epoch} into host.json")
    elif host.epoch != database.epoch:
        yield Finding("broken", f"host.json has epoch {host.epoch}, the database has epoch {database.epoch}: every write is refused",
                      "if another host is the primary now, stop this one; else set the epoch of the database in host.json")
    if not database.has_cache_role:
        yield Finding("warning", "this database user cannot use the role folkmoot_cache; slower triggers protect the tables instead",
                      "as a superuser: CREATE ROLE folkmoot_cache NOLOGIN; GRANT folkmoot_cache TO USER; then: moot migrate")


def _facts(facts: "DatabaseFacts", newest: int, is_standby: bool) -> Iterator[Finding]:
    """Whether the schema fits this version, and whether PostgreSQL detects damage on the disk.

    The schema of a standby may be newer: its primary may have been upgraded first.
    """
    if facts.schema == newest or (facts.schema > newest and is_standby):
        yield Finding("good", f"schema {facts.schema}")
    else:
        remedy = "moot up brings it up to date" if facts.schema < newest else "start the newer version that has used this data directory"
        yield Finding("broken", f"the schema is at {facts.schema}, this version needs {newest}", remedy)
    if facts.has_checksums:
        yield Finding("good", "data checksums are on")
    else:
        yield Finding("warning", "PostgreSQL runs without data checksums", "pg_checksums --enable, while the database is stopped")


def _work(known: "Sequence[Timed]", timed: "dict[str, TimedState]", queue: "QueueState") -> Iterator[Finding]:
    """Whether background jobs run: worker, timed jobs, queue, parked jobs."""
    from folkmoot.health import overdue_reasons

    reasons = overdue_reasons(known, timed)
    for reason in reasons:
        yield Finding("broken", reason, "moot up, or moot worker; if one runs, its log says why")
    if not reasons:
        yield Finding("good", "a worker runs")
    for one in timed.values():
        if one.failures:
            yield Finding("warning", f"timed job {one.name} failed {one.failures} times in a row: {one.last_error}",
                          "solve that; the job runs again by itself")
    if queue.oldest < 60:
        yield Finding("good", f"the oldest job waits {queue.oldest:.0f} s")
    else:
        yield Finding("warning", f"a job has been waiting for {queue.oldest:.0f} s", "start another worker: moot worker")
    for name, number in queue.parked_by_name.items():
        yield Finding("warning", f"{number} jobs {name} failed and are parked",
                      "moot jobs list shows why; when that is solved: moot jobs retry --all")


def _cases(waiting: "Backlog", stuck: int) -> Iterator[Finding]:
    """Whether open cases can be decided in time."""
    if waiting.overdue:
        yield Finding("warning", f"{waiting.overdue} cases are overdue", "list them with: moot cases; then ask moderators to decide them")
    if stuck:
        yield Finding("warning", f"{stuck} cases can be decided by no moderator, because all are concerned",
                      "appoint another moderator: moot account role NAME moderator")
    if not waiting.overdue and not stuck:
        yield Finding("good", f"{waiting.open} open cases, none overdue")


def _journal(state: "SealState", unsealed: int, settings: Settings) -> Finding:
    """Whether the moderation journal is complete, and its entries are sealed in time."""
    if state.reason:
        return Finding("broken", state.reason, f"moot log verify --data {settings.data}")
    if unsealed:
        return Finding("warning", f"{unsealed} entries of the moderation journal wait for their seal for over a minute",
                       "start a worker: moot worker")
    return Finding("good", "the moderation journal is sealed")


def _backups(runs: "dict[str, Last]") -> Iterator[Finding]:
    """Whether there is a recent backup and a recent drill."""
    from folkmoot.portability.runs import BACKUP, BACKUP_IS_OLD, DRILL, DRILL_IS_OLD

    for kind, old, command in ((BACKUP, BACKUP_IS_OLD, "moot backup --to REPO"), (DRILL, DRILL_IS_OLD, "moot drill --from REPO")):
        last = runs[kind]
        if last.good_age is None:
            yield Finding("warning", f"there is no {kind} yet", f"{command} (docs/operate/first-backup.md)")
        elif last.failed:
            yield Finding("warning", f"the last {kind} failed: {last.failed}", f"solve that, then: {command}")
        elif last.good_age > old:
            yield Finding("warning", f"the last {kind} was {duration(last.good_age)} ago", f"{command}; let a timer run it each night")
        else:
            yield Finding("good", f"the last {kind} was {duration(last.good_age)} ago")
