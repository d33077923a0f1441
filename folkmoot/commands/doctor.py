"""`moot doctor`: looks for faults, each with the command or setting that mends it. Exit code 1 when something is broken."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import ago, data_option, json_option, open_database, run, settings_of, show
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.base.database_facts import DatabaseFacts
    from folkmoot.base.queue.model import QueueState, Timed, TimedState
    from folkmoot.moderation.cases.model import Waiting
    from folkmoot.moderation.journal.model import SealState
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
    """Look for faults and say how to mend them."""
    settings = settings_of(data)
    findings = [*_machine(settings), *_settings(settings)]
    try:
        findings += run(_database(settings))
    except Problem:  # the very moment in which somebody asks
        log = settings.data / "postgres.log"
        findings.append(Finding("broken", "the database does not answer", f"moot up --data {settings.data}; its last words are in {log}"))
    marks = {"good": "  ok      ", "warning": "  look    ", "broken": "  BROKEN  "}
    lines = [marks[finding.state] + finding.what + (f"\n            → {finding.remedy}" if finding.remedy else "") for finding in findings]
    show([finding._asdict() for finding in findings], as_json, "\n".join(lines))
    sys.exit(any(finding.state == "broken" for finding in findings))


def _machine(settings: Settings) -> Iterator[Finding]:
    """The disk, and who may read what."""
    usage = shutil.disk_usage(settings.data)
    share = round(100 * usage.free / usage.total)
    free = f"{usage.free // 2**30} GB free on the disk ({share} %)"
    if share < 10:
        yield Finding("broken" if usage.free < 2**30 else "warning", free, "make room, or move the data directory to a larger disk")
    else:
        yield Finding("good", free)
    for name in ("secrets", "postgres"):
        folder = settings.data / name
        if folder.exists() and folder.stat().st_mode & 0o077:
            yield Finding("broken", f"{folder} can be read by others", f"chmod -R go= {folder}")
        else:
            yield Finding("good", f"{name} can be read by the network only")


def _settings(settings: Settings) -> Iterator[Finding]:
    """What works, but not as a public network should."""
    if not settings.server.base_url:
        yield Finding("warning", f"the network calls itself {settings.base_url}", "set server.base_url before you invite others")
    elif not settings.is_secure:
        yield Finding("warning", "the public address is not https", "put caddy or haproxy in front, and set server.base_url to https://…")
    else:
        yield Finding("good", f"public address {settings.base_url}")
    if settings.mail.host:
        yield Finding("good", f"mail leaves through {settings.mail.host}")
    else:
        waiting = len(list((settings.data / "outbox").glob("*.eml")))
        yield Finding("warning", f"mail is written to files ({waiting} so far), addresses are not confirmed", "set mail.host")
    if not settings.network.contact_email:
        yield Finding("warning", "nobody knows whom to write to", "set network.contact_email")


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
    from folkmoot.portability.runs import last_runs

    async with open_database(settings) as database, database.read() as conn:
        facts = await get_database_facts(conn)
        timed = await list_timed(conn)
        queue = await measure_queue(conn)
        runs = await last_runs(conn)
        cases = await count_open(conn, clock.now())
        stuck = await count_stuck(conn)
        journal = await find_state(conn)
        unsealed = await count_unsealed(conn, clock.now() - timedelta(minutes=1))
    findings = list(_facts(facts, known()[-1].number))
    findings += _work(timed_jobs(settings), timed, queue)
    return [*findings, *_cases(cases, stuck), _journal(journal, unsealed, settings), *_backups(runs)]


def _facts(facts: "DatabaseFacts", newest: int) -> Iterator[Finding]:
    """Whether this code and this database belong together, and whether damage on the disk would be noticed."""
    if facts.schema == newest:
        yield Finding("good", f"schema {facts.schema}")
    else:
        remedy = "moot up brings it up to date" if facts.schema < newest else "start the newer version that has used this data directory"
        yield Finding("broken", f"the schema is at {facts.schema}, this version needs {newest}", remedy)
    if facts.has_checksums:
        yield Finding("good", "data checksums are on")
    else:
        yield Finding("warning", "PostgreSQL runs without data checksums", "pg_checksums --enable, while the database is stopped")


def _work(known: "Sequence[Timed]", timed: "dict[str, TimedState]", queue: "QueueState") -> Iterator[Finding]:
    """Whether background work is done: a worker, timed jobs, the queue, and what is parked."""
    from folkmoot.health import standing_still

    still = standing_still(known, timed)
    for reason in still:
        yield Finding("broken", reason, "moot up, or moot worker; if one runs, its log says why")
    if not still:
        yield Finding("good", "a worker runs")
    for one in timed.values():
        if one.failures:
            yield Finding("warning", f"timed job {one.name} failed {one.failures} times in a row: {one.last_error}",
                          "mend the cause; the job runs again by itself")
    if queue.oldest < 60:
        yield Finding("good", f"the oldest job waits {queue.oldest:.0f} s")
    else:
        yield Finding("warning", f"a job has been waiting for {queue.oldest:.0f} s", "start another worker: moot worker")
    for name, number in queue.parked_by_name.items():
        yield Finding("warning", f"{number} jobs {name} failed and are parked",
                      "moot jobs list shows why; when the cause is mended: moot jobs retry --all")


def _cases(waiting: "Waiting", stuck: int) -> Iterator[Finding]:
    """Whether open cases can be decided in time."""
    if waiting.overdue:
        yield Finding("warning", f"{waiting.overdue} cases are overdue", "list them with: moot cases; then call moderators")
    if stuck:
        yield Finding("warning", f"{stuck} cases can be decided by no moderator, because all are concerned",
                      "appoint another moderator: moot account role NAME moderator")
    if not waiting.overdue and not stuck:
        yield Finding("good", f"{waiting.open} open cases, none overdue")


def _journal(state: "SealState", unsealed: int, settings: Settings) -> Finding:
    """Whether the journal of moderation is being sealed, and nothing is missing in it."""
    if state.reason:
        return Finding("broken", state.reason, f"moot log verify --data {settings.data}")
    if unsealed:
        return Finding("warning", f"{unsealed} entries of the moderation journal wait for their seal for over a minute",
                       "start a worker: moot worker")
    return Finding("good", "the moderation journal is sealed")


def _backups(runs: "dict[str, Last]") -> Iterator[Finding]:
    """Whether there is a way back, and whether anybody has tried it."""
    from folkmoot.portability.runs import BACKUP, BACKUP_IS_OLD, DRILL, DRILL_IS_OLD

    for kind, old, command in ((BACKUP, BACKUP_IS_OLD, "moot backup --to REPO"), (DRILL, DRILL_IS_OLD, "moot drill --from REPO")):
        last = runs[kind]
        if last.good_age is None:
            yield Finding("warning", f"there never was a {kind}", f"{command}: docs/operate/first-backup.md")
        elif last.failed:
            yield Finding("warning", f"the last {kind} failed: {last.failed}", f"mend it, then: {command}")
        elif last.good_age > old:
            yield Finding("warning", f"the last {kind} was {ago(last.good_age)} ago", f"{command}, by a timer, each night")
        else:
            yield Finding("good", f"the last {kind} was {ago(last.good_age)} ago")
