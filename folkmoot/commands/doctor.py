"""`moot doctor`: finds problems, says why each matters and what solves it. Exit code 1 when something is broken.

The checks are in `checks/`. They run at the same time and each group has a limit, so that a disk or a server that does not
answer delays the others by a few seconds at most; most of them need no database.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.commands.options import (
    CannotAsk,
    data_option,
    json_option,
    open_database,
    run,
    settings_of,
    show,
    start_command,
    why_it_waits,
)
from folkmoot.config import Settings, WrongSetting

_SECONDS = 25.0  # for one group of checks
_NEWEST_PICTURES = 50
_PAUSES_OF = timedelta(days=7)
_MARKS = {GOOD: "  ok       ", WARNING: "  warning  ", BROKEN: "  BROKEN   "}
_INDENT = " " * 11
_HARMLESS = ("terminating ", "the database system is ")  # reported to clients at each stop and start


@click.command()
@click.option("--portability", "is_about_moving", is_flag=True,
              help="List what ties the network to one provider, with the way out, and how long a move would take.")
@data_option
@json_option
def doctor(is_about_moving: bool, data: Path, as_json: bool) -> None:
    """Find problems, and print why each matters and what solves it. Exit code 1: something is broken."""
    try:
        settings = settings_of(data)
    except WrongSetting as problem:
        findings = [Finding(
            "settings.valid", BROKEN, problem.message % problem.params, "nothing starts", f"correct {data / 'folkmoot.toml'}",
        )]
    else:
        findings = run(examine_ties(settings) if is_about_moving else examine(settings))
    show([finding._asdict() for finding in findings], as_json, "\n".join(map(_text, findings)))
    sys.exit(any(finding.state == BROKEN for finding in findings))


def _text(finding: Finding) -> str:
    lines = [_MARKS[finding.state] + finding.what, f"{_INDENT}  {finding.why}", f"{_INDENT}  → {finding.remedy}"]
    return "\n".join(lines if finding.state != GOOD else lines[:1])


async def examine(settings: Settings) -> list[Finding]:
    """Runs all groups of checks at the same time; the findings are in the order of the groups."""
    from folkmoot.commands.checks import certificates, configuration, connections, hosts, machine

    groups: list[tuple[str, Awaitable[list[Finding]]]] = [
        ("machine", asyncio.to_thread(_listed(machine.check_machine, settings))),
        ("settings", asyncio.to_thread(_listed(configuration.check_settings, settings))),
        ("hosts", asyncio.to_thread(_listed(hosts.check_hosts, settings))),
        ("hosts", asyncio.to_thread(_listed(hosts.check_synchronous, settings))),
        ("exposure", asyncio.to_thread(_listed(hosts.check_exposure, settings))),
        ("roster", asyncio.to_thread(_listed(hosts.check_roster, settings))),
        ("certificates", asyncio.to_thread(_listed(certificates.check_certificates, settings))),
        ("web", _gathered(connections.check_web(settings))), ("address", _gathered(connections.check_public_address(settings))),
        ("mail", _gathered(connections.check_mail_server(settings))), ("webhook", _gathered(connections.check_webhook(settings))),
        ("database", _examine_database(settings)),
    ]
    return [finding for found in await asyncio.gather(*(_bounded(name, work) for name, work in groups)) for finding in found]


async def examine_ties(settings: Settings) -> list[Finding]:
    """What ties the network to one provider."""
    from folkmoot.commands.checks import portability

    groups = [("ties", _gathered(portability.check_ties(settings))), ("duration", _gathered(portability.check_duration(settings)))]
    return [finding for found in await asyncio.gather(*(_bounded(name, work) for name, work in groups)) for finding in found]


def _listed(check: Callable[[Settings], Iterable[Finding]], settings: Settings) -> Callable[[], list[Finding]]:
    return lambda: list(check(settings))


async def _gathered(found: AsyncIterator[Finding]) -> list[Finding]:
    return [finding async for finding in found]


async def _bounded(name: str, work: Awaitable[list[Finding]]) -> list[Finding]:
    """The findings of a group. One that fails or takes too long is a finding itself: the others must still be printed."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await work
    except TimeoutError:
        return [Finding(
            f"{name}.checks", BROKEN, f"the checks of the {name} have not ended after {_SECONDS:.0f} s",
            "a disk or a server does not answer", "look for hanging processes with: ps -eo stat,args | grep ^D",
        )]
    except Exception as error:
        return [Finding(
            f"{name}.checks", BROKEN, f"the checks of the {name} failed: {type(error).__name__}: {error}", "this is a fault of Folkmoot",
            "please report it, with this line",
        )]


async def _examine_database(settings: Settings) -> list[Finding]:
    from folkmoot.portability.host import HostProblem

    try:
        async with open_database(settings, any_schema=True) as database, database.read() as conn:
            return await _ask_database(settings, conn)
    except HostProblem:  # a finding of the machine
        return []
    except Problem as problem:  # operators run doctor mostly when nothing runs
        if waiting := why_it_waits(settings.data, problem):
            return [Finding(
                "database.waits", WARNING, waiting, "it shows no page until then; the other host does",
                f"it goes on by itself while moot up runs and the other host is reachable: {start_command(settings.data)}",
            )]
        why = _last_failure(settings.data / "postgres.log")
        remedy = _how_to_start(settings) if isinstance(problem, CannotAsk) else problem.log_text or "look into the log of the database"
        what = "the database does not answer" + (f": {why}" if why else "")
        return [Finding("database.answers", BROKEN, what, "nobody can read or write", remedy)]


def _last_failure(log: Path) -> str:
    """The last reason in the log of PostgreSQL why it ended or could not start."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        lines = stream.read().decode(errors="replace").splitlines()
    found = [line.partition(f" {kind}: ")[2].strip() for line in lines for kind in ("PANIC", "FATAL") if f" {kind}: " in line]
    return next((why for why in reversed(found) if not why.startswith(_HARMLESS)), "")


def _how_to_start(settings: Settings) -> str:
    if settings.database.url:
        return f"start the database that database.url in {settings.data / 'folkmoot.toml'} names"
    return f"{start_command(settings.data)}; if it fails, the reason is in {settings.data / 'postgres.log'}"


async def _ask_database(settings: Settings, conn: Any) -> list[Finding]:
    from folkmoot.base import clock
    from folkmoot.base.database_facts import get_database_facts
    from folkmoot.base.database_health import get_database_health
    from folkmoot.base.migrate import newest_number
    from folkmoot.commands.checks import database, offsite, operation
    from folkmoot.portability.queries import find_repository, get_host, last_runs, list_rehearsals

    facts, newest = await get_database_facts(conn), newest_number()
    findings = list(database.check_facts(facts, newest, conn.is_standby))
    if facts.schema < newest:
        return findings  # tables that the other checks read may not exist yet
    return [
        *findings,
        *database.check_health(await get_database_health(conn, clock.now().timestamp())),
        *database.check_host(settings, await get_host(conn)),
        *await _work(settings, conn),
        *await _people(settings, conn),
        *await _detector(settings, conn),
        *(list(offsite.check_pictures_to_come(settings)) or operation.check_pictures(*await _missing_pictures(settings, conn))),
        *offsite.check_backups(settings, await last_runs(conn), await find_repository(conn), await list_rehearsals(conn)),
    ]


async def _work(settings: Settings, conn: Any) -> list[Finding]:
    from folkmoot.app import job_names, timed_jobs
    from folkmoot.base.queue.queries import count_unknown, measure_queue
    from folkmoot.base.queue.timed_queries import list_timed
    from folkmoot.commands.checks.operation import check_work
    from folkmoot.portability.host import FENCED, Host

    if Host(settings.data).role == FENCED:  # the worker of the other host has taken over
        return []
    unknown = await count_unknown(conn, job_names(settings))
    return list(check_work(timed_jobs(settings), await list_timed(conn), await measure_queue(conn), unknown))


async def _detector(settings: Settings, conn: Any) -> list[Finding]:
    from folkmoot.base import clock
    from folkmoot.commands.checks.operation import check_detector
    from folkmoot.moderation.detection.pauses import list_recent
    from folkmoot.moderation.detection.versions import find_fault, find_file
    from folkmoot.portability.host import PRIMARY, Host

    now = clock.now()
    pauses = await list_recent(conn, now, now - _PAUSES_OF) if Host(settings.data).role == PRIMARY else None
    return list(check_detector(await find_fault(conn), await find_file(conn, settings.data), pauses))


async def _people(settings: Settings, conn: Any) -> list[Finding]:
    from folkmoot.base import clock
    from folkmoot.base.queue.queries import list_jobs
    from folkmoot.commands.checks.operation import check_calls, check_moderation, check_notices, check_people
    from folkmoot.commands.demo import has_demo
    from folkmoot.moderation.cases.calls import CALL_WEBHOOK
    from folkmoot.moderation.cases.queries import count_open, count_stuck, list_left_clauses
    from folkmoot.moderation.journal.queries import count_unsealed, find_state
    from folkmoot.moderation.notices.queries import count_unanswered
    from folkmoot.network.sessions.model import Role
    from folkmoot.network.sessions.queries import count_members_with, count_waiting

    now = clock.now()
    people = check_people(
        settings, operators=await count_members_with(conn, [Role.OPERATOR]),
        moderators=await count_members_with(conn, [Role.MODERATOR, Role.OPERATOR]), waiting=await count_waiting(conn),
        has_demo=await has_demo(conn),
    )
    unsealed = await count_unsealed(conn, now - timedelta(minutes=1))
    cases = check_moderation(
        await count_open(conn, now), await count_stuck(conn), await find_state(conn), unsealed, settings, left=await list_left_clauses(conn)
    )
    notices = check_notices(await count_unanswered(conn, now), settings, await _unreceived_mails(settings, conn))
    return [*people, *cases, *check_calls(await list_jobs(conn, name=CALL_WEBHOOK)), *notices]


async def _unreceived_mails(settings: Settings, conn: Any) -> int | str | None:
    """How many mails wait in the mailbox for notices, or why it cannot be read; None if it was never read, or there is none."""
    from folkmoot.base.errors import Unavailable
    from folkmoot.moderation.notices.mailbox import Mailbox, count_new
    from folkmoot.moderation.notices.queries import find_position

    mailbox = Mailbox.of(settings)
    if not mailbox.host:
        return None
    position = await find_position(conn, mailbox.name)
    try:
        count = await asyncio.to_thread(count_new, mailbox, position)
    except Unavailable as problem:
        return problem.log_text
    return count if position else None


async def _missing_pictures(settings: Settings, conn: Any) -> tuple[int, list[str]]:
    from folkmoot.network.media.queries import list_newest_files
    from folkmoot.network.media.store import media_store

    store = media_store(settings)
    names = await list_newest_files(conn, _NEWEST_PICTURES)
    return len(names), [name.path for name in names if await store.size(name) is None]
