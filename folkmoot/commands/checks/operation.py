"""Checks of what the network does: background jobs, people, moderation, pictures, backups."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from folkmoot.base.queue.model import QueueState, StoredJob, Timed, TimedState
from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.config import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from folkmoot.moderation.cases.model import Backlog
    from folkmoot.moderation.journal.model import SealState
    from folkmoot.moderation.notices.model import NoticeBacklog

_LONG_WAIT = 60
_MANY_MAILS = 20  # in the mailbox, between two readings


def check_work(known: Sequence[Timed], timed: "dict[str, TimedState]", queue: QueueState, unknown: dict[str, int]) -> Iterator[Finding]:
    """Whether background jobs run: worker, timed jobs, queue, parked and unknown jobs."""
    from folkmoot.health import overdue_reasons, unknown_warnings

    reasons = overdue_reasons(known, timed)
    for reason in reasons:
        yield Finding(
            "worker.runs", BROKEN, reason, "timelines, notifications and mails stand still",
            "moot up, or moot worker; if one runs, its log says why",
        )
    if not reasons:
        yield Finding("worker.runs", GOOD, "a worker runs")
    for one in timed.values():
        if one.failures:
            yield Finding("worker.timed", WARNING, f"timed job {one.name} failed {one.failures} times in a row: {one.last_error}",
                          "its work is not done", "solve that; the job runs again by itself")
    if queue.oldest < _LONG_WAIT:
        yield Finding("queue.age", GOOD, f"the oldest job waits {queue.oldest:.0f} s")
    else:
        yield Finding("queue.age", WARNING, f"a job has been waiting for {queue.oldest:.0f} s", "what members do takes effect late",
                      "start another worker: moot worker")
    for name, number in queue.parked_by_name.items():
        yield Finding("queue.parked", WARNING, f"{number} jobs {name} failed and are parked", "what they should do has not happened",
                      "moot jobs list shows why; when that is solved: moot jobs retry --all")
    for sentence in unknown_warnings(unknown):
        yield Finding("queue.unknown", WARNING, sentence, "another release has enqueued them",
                      "run the release that knows them; if it is gone for good: moot jobs drop ID")


def check_people(
    settings: Settings, *, operators: int, moderators: int, waiting: int, has_demo: bool
) -> Iterator[Finding]:
    if not operators:
        yield Finding(
            "people.operator", WARNING, "there is no operator",
            "nobody can decide about sign-ups or see the state of the network in the browser", "moot account role NAME operator",
        )
    if not moderators:
        yield Finding("people.moderator", WARNING, "there is no moderator", "reports cannot be decided", "moot account role NAME moderator")
    if waiting:
        yield Finding(
            "people.waiting", WARNING, f"{waiting} sign-ups wait for approval", "these people cannot log in", "moot account waiting",
        )
    if has_demo and settings.is_secure:
        yield Finding(
            "people.demo", BROKEN, "the demo members are on a public network", "their password is published, and one is an operator",
            "moot account delete jana --now, and the other demo members; or start a new network with --no-demo",
        )


def check_moderation(
    waiting: "Backlog", stuck: int, journal: "SealState", unsealed: int, settings: Settings, *, left: Sequence[str] = ()
) -> Iterator[Finding]:
    """Whether open cases can be decided in time, the journal is complete and its entries are sealed. `left`: clauses that everybody who
    decides leaves to others."""
    if waiting.overdue:
        yield Finding("cases.overdue", WARNING, f"{waiting.overdue} cases are overdue", "people wait for a decision that was promised",
                      "list them with: moot cases; then ask moderators to decide them")
    if stuck:
        yield Finding(
            "cases.stuck", WARNING, f"{stuck} cases can be decided by no moderator, because all are concerned",
            "they would stay open for ever", "appoint another moderator: moot account role NAME moderator",
        )
    if left:
        yield Finding(
            "cases.left", WARNING, f"nobody takes cases about: {', '.join(left)}",
            "everybody who decides leaves this topic to others; operators get such cases only when half of their time has passed",
            "find somebody who takes them: moot account role NAME moderator",
        )
    if not waiting.overdue and not stuck:
        yield Finding("cases.overdue", GOOD, f"{waiting.open} open cases, none overdue")
    if journal.reason:
        yield Finding(
            "journal.whole", BROKEN, journal.reason, "decisions can no longer be proven", f"moot journal verify --data {settings.data}",
        )
    elif unsealed:
        yield Finding("journal.sealed", WARNING, f"{unsealed} entries of the moderation journal wait for their seal for over a minute",
                      "an entry without a seal can be changed unnoticed", "start a worker: moot worker")
    else:
        yield Finding("journal.sealed", GOOD, "the moderation journal is sealed")


def check_notices(waiting: "NoticeBacklog", settings: Settings, unreceived: int | str | None) -> Iterator[Finding]:
    """Whether notices from outside are answered in time, and mails are received. `unreceived`: mails that wait in the mailbox, or
    why it cannot be read; None if it was never read."""
    page = f"{settings.base_url}/moderate/notices"
    if waiting.overdue:
        yield Finding("notices.answered", WARNING, f"{waiting.overdue} notices from outside are overdue",
                      "a host or an authority waits for an answer that was promised", f"decide their cases: {page}")
    if waiting.unread:
        unreadable = f", {waiting.unreadable} of them mails that no program could read" if waiting.unreadable else ""
        yield Finding("notices.read", WARNING, f"{waiting.unread} notices must be read by a person{unreadable}",
                      "nothing was found at the addresses that they name, and their time runs", f"read them: {page}")
    if not waiting.overdue and not waiting.unread:
        yield Finding("notices.answered", GOOD, f"no notice from outside is overdue ({waiting.open} open)")
    if settings.notices.mailbox_host:
        yield _mailbox(settings, unreceived)


def _mailbox(settings: Settings, unreceived: int | str | None) -> Finding:
    if isinstance(unreceived, str):
        return Finding("notices.mailbox", WARNING, unreceived, "notices by mail are not received, and their time runs",
                       f"correct notices.mailbox_* in {settings.data}/folkmoot.toml, or the password in"
                       f" {settings.data}/secrets/mailbox-password; then restart")
    if unreceived is None:
        return Finding("notices.mailbox", WARNING, f"the mailbox of {settings.notices.mailbox_user} was never read",
                       "notices by mail are not received", "start a worker: moot worker")
    if unreceived > _MANY_MAILS:
        return Finding("notices.mailbox", WARNING, f"{unreceived} mails in the mailbox are not received yet",
                       "a host may wait for an answer", "wait a few minutes; if they do not get fewer: moot jobs list")
    return Finding("notices.mailbox", GOOD, f"the mailbox of {settings.notices.mailbox_user} is read; {unreceived} new mails")


def check_calls(jobs: Sequence[StoredJob]) -> Iterator[Finding]:
    """Whether calls before a deadline were refused. `jobs`: calls that were not accepted yet."""
    refused = [job for job in jobs if job.last_error]
    if refused:
        yield Finding("calls.accepted", WARNING, f"{len(refused)} calls before a deadline were not accepted: {refused[0].last_error}",
                      "whoever is on duty may not know",
                      "solve that, and see with moot webhook; calls are repeated for an hour, after that: moot jobs retry --all")


def check_detector(fault: str, file: "Path | None", pauses: Sequence[tuple[bool, str]] | None = None) -> Iterator[Finding]:
    """Whether the chosen detector can be used, and whether new posts were always examined. `fault`: why it cannot; `file`: where it is if
    not in the database; `pauses`: of the last week, as (whether it lasts, what happened); None on a host that does not write."""
    if file:
        yield Finding("detector.stored", WARNING, f"the detector in use is only a file, {file}",
                      "a standby, a backup and `moot detector train` do not have it", f"moot detector switch {file}")
    if fault:
        yield Finding("detector.usable", WARNING, fault, "the packaged detector is used instead",
                      "choose another one: moot detector versions, then moot detector switch VERSION; or moot detector switch packaged")
    for lasts, what in pauses or ():
        yield Finding("detector.examines", BROKEN if lasts else WARNING, what, "threats that were written meanwhile are found late; the"
                      " transparency page says so", "see that a worker always runs; its log and moot jobs list say why it paused")
    if pauses is not None and not pauses:
        yield Finding("detector.examines", GOOD, "new posts were examined without a pause in the last week")


def check_pictures(looked_at: int, missing: Sequence[str]) -> Iterator[Finding]:
    if missing:
        yield Finding("media.files", BROKEN, f"{len(missing)} of the {looked_at} newest pictures are missing, such as media/{missing[0]}",
                      "posts show empty frames", "copy them from a backup: moot restore into another folder, then copy its media folder")
    elif looked_at:
        yield Finding("media.files", GOOD, f"the {looked_at} newest pictures are there")
