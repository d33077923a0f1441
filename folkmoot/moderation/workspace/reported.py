"""Reports as a whole, for moderators who work with an app of Mastodon's administrators: they read, take, answer and reopen a report, which
stands for all cases that it joined.

Nobody sees who has reported, and nobody who is concerned by one of its cases sees the report.
"""

from collections.abc import Sequence

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.base.errors import Conflict
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.actions import claim_case
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.cases.queries import get_case
from folkmoot.moderation.cases.teamwork import assign_case
from folkmoot.moderation.evidence.actions import note_private_reading, read_subject
from folkmoot.moderation.reports.model import CaseOfReport, Report, ReportFilter
from folkmoot.moderation.reports.queries import get_report, is_report_concerning, list_cases_of_reports, list_reports_for
from folkmoot.moderation.verdicts.actions import undo_verdict
from folkmoot.moderation.verdicts.model import Action, Decision, Verdict
from folkmoot.moderation.verdicts.together import Joined, decide_together
from folkmoot.network.posts.model import PostView
from folkmoot.network.posts.queries import list_views_unscoped
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.model import Viewer


class HandledReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report with its cases. `posts`: the reported ones that still stand; in a list only those that everybody may read."""

    report: Report
    cases: list[CaseOfReport]
    posts: list[PostView]

    @property
    def open(self) -> list[CaseOfReport]:
        return [case for case in self.cases if case.is_open]


async def list_reports(conn: ReadConn, moderator: Viewer, wanted: ReportFilter, page: Page) -> list[HandledReport]:
    """The reports that a moderator may deal with, the newest first."""
    require_moderator(moderator)
    reports = await list_reports_for(conn, moderator.id, wanted, page)
    cases = await list_cases_of_reports(conn, [one.id for one in reports], clock.now())
    public = {case.subject_id for found in cases.values() for case in found if case.is_about_post and case.is_public}
    posts = await list_views_unscoped(conn, list(public))
    return [HandledReport(report=one, cases=cases[one.id], posts=_named(one, posts)) for one in reports]


async def read_report(database: Database, moderator: Viewer, report_id: int) -> HandledReport:
    """One report with its posts, as `read_case`: writes case.read to the journal for what not everybody may read. Raises NotFound,
    Concerned; WritesPaused where a reading cannot be recorded."""
    async with database.read() as conn:
        found = await _find(conn, moderator, report_id)
        private = [await get_case(conn, case.case_id) for case in found.cases if not case.is_public]
    for case in private:
        await note_private_reading(database, moderator.id, case)
    async with database.read() as conn:
        posts = await list_views_unscoped(conn, found.report.post_ids)
    return msgspec.structs.replace(found, posts=_named(found.report, posts))


async def assign_report(tx: WriteTx, moderator: Viewer, report_id: int, *, to_self: bool) -> None:
    """Takes all open cases of a report for a day, or gives them back: see `assign_case` for errors. Raises Conflict when none is open."""
    for case in await _get_open(tx, moderator, report_id):
        await assign_case(tx, moderator, case.case_id, moderator.id if to_self else None)


async def resolve_report(tx: WriteTx, moderator: Viewer, report_id: int) -> Verdict:
    """Decides all open cases of a report with the finding that no rule is broken. Reporters and authors are told half a minute later.

    Raises Conflict when none is open, or somebody else holds one; Concerned.
    """
    return await decide_cases(tx, moderator, await get_open_cases(tx, moderator, report_id), Decision(action=Action.KEEP))


async def reopen_report(tx: WriteTx, moderator: Viewer, report_id: int) -> None:
    """Undoes the moderator's own decisions about a report, within half a minute. Raises Forbidden for those of others, Conflict when it is
    too late or there is none."""
    found = await _find(tx, moderator, report_id)
    decided = [case.verdict_id for case in found.cases if case.verdict_id]
    if not decided:
        raise Conflict("This report is open.")
    for verdict_id in decided:
        await undo_verdict(tx, moderator, verdict_id)


async def decide_cases(tx: WriteTx, moderator: Viewer, cases: Sequence[Case], decision: Decision) -> Verdict:
    """Claims open cases of one author and decides all of them in the same way, as their texts stand. Raises what `claim_case` and
    `decide_together` raise."""
    claimed = [await claim_case(tx, moderator, case.id) for case in sorted(cases, key=lambda case: case.id)]
    seen = [await _read_version(tx, case) for case in claimed]
    first, *others = seen
    return await decide_together(
        tx, moderator, first.case_id,
        msgspec.structs.replace(decision, seen_words=first.seen_words, seen_edited_at=first.seen_edited_at), others,
    )


async def get_open_cases(tx: WriteTx, moderator: Viewer, report_id: int) -> list[Case]:
    """The open cases of a report. Raises NotFound, Concerned, Conflict when none is open."""
    return [await get_case(tx, case.case_id) for case in await _get_open(tx, moderator, report_id)]


async def _get_open(conn: ReadConn, moderator: Viewer, report_id: int) -> list[CaseOfReport]:
    found = (await _find(conn, moderator, report_id)).open
    if not found:
        raise Conflict("This report has been answered.")
    return found


async def _find(conn: ReadConn, moderator: Viewer, report_id: int) -> HandledReport:
    require_moderator(moderator)
    report = await get_report(conn, report_id)
    if await is_report_concerning(conn, moderator.id, report_id):
        raise Concerned
    cases = await list_cases_of_reports(conn, [report.id], clock.now())
    return HandledReport(report=report, cases=cases[report.id], posts=[])


def _named(report: Report, posts: Sequence[PostView]) -> list[PostView]:
    return [view for view in posts if view.post.id in report.post_ids]


async def _read_version(tx: WriteTx, case: Case) -> Joined:
    newest = (await read_subject(tx, case)).newest
    return Joined(case.id, newest.key if newest else None, newest.edited_at if isinstance(newest, PostVersion) else None)
