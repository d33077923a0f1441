"""Whole reports for moderators: only those none of whose cases concerns the moderator."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.model import SeatKind, SeatState, State, Subject
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.moderation.reports.model import CaseOfReport, Report, ReportFilter
from folkmoot.moderation.reports.queries.stored import REPORT, report_from
from folkmoot.network.posts.model import Visibility

_OPEN = f"SELECT rc.report_id FROM cases AS c JOIN report_cases AS rc ON rc.case_id = c.id WHERE c.state = '{State.OPEN}'"
_IS_CONCERNED = (
    "EXISTS (SELECT FROM report_cases AS rc JOIN cases AS c ON c.id = rc.case_id"
    f" WHERE rc.report_id = r.id AND {concerned_sql('$1::bigint')})"
)
# Open ones are found from the open cases, because nearly all reports are resolved.
_STATE = {None: "true", False: f"r.id IN ({_OPEN})", True: f"NOT EXISTS ({_OPEN} AND rc.report_id = r.id)"}
_ABOUT = "r.id IN (SELECT rc.report_id FROM cases AS c JOIN report_cases AS rc ON rc.case_id = c.id WHERE c.account_id = $2)"


async def list_reports_for(conn: ReadConn, moderator_id: int, wanted: ReportFilter, page: Page) -> list[Report]:
    """Indexes: reports_pkey, report_cases_report; cases_queue for open ones, cases_account for those about one account."""
    about = "$2::bigint IS NULL" if wanted.account_id is None else _ABOUT
    rows = await conn.fetch(
        f"SELECT {REPORT} FROM reports AS r WHERE r.id < $3 AND r.id > $4 AND {_STATE[wanted.is_resolved]} AND {about}"
        f" AND NOT {_IS_CONCERNED} ORDER BY r.id {page.order} LIMIT $5",
        moderator_id, wanted.account_id, page.below, page.above, page.limit,
    )
    return [report_from(row) for row in page.newest_first(rows)]


async def get_report(conn: ReadConn, report_id: int) -> Report:
    """Raises NotFound. Whether it concerns who reads it: `is_report_concerning`."""
    row = await conn.fetchrow(f"SELECT {REPORT} FROM reports WHERE id = $1", report_id)
    if row is None:
        raise NotFound
    return report_from(row)


async def is_report_concerning(conn: ReadConn, moderator_id: int, report_id: int) -> bool:
    """Whether a moderator is concerned by one of the cases of a report."""
    return bool(await conn.fetchval(f"SELECT {_IS_CONCERNED} FROM reports AS r WHERE r.id = $2", moderator_id, report_id))


async def list_cases_of_reports(conn: ReadConn, report_ids: Sequence[int], now: datetime) -> dict[int, list[CaseOfReport]]:
    """The cases of each report, oldest first. Indexes: report_cases_report, verdicts_one_standing, case_seats_pkey."""
    rows = await conn.fetch(
        f"""
        SELECT rc.report_id, c.id AS case_id, c.subject = '{Subject.POST}' AS is_about_post, c.subject_id,
            c.state = '{State.OPEN}' AS is_open, coalesce((
                SELECT s.account_id FROM case_seats AS s WHERE s.case_id = c.id AND s.kind = '{SeatKind.MODERATOR}'
                AND s.state = '{SeatState.HELD}' AND s.leased_until > $2 LIMIT 1), c.assigned_to_id) AS holder_id,
            v.id AS verdict_id, v.moderator_id AS decided_by_id, v.made_at AS decided_at,
            c.subject <> '{Subject.POST}' OR EXISTS (
                SELECT FROM posts AS p WHERE p.id = c.subject_id AND p.visibility <= {Visibility.UNLISTED:d}) AS is_public
        FROM report_cases AS rc JOIN cases AS c ON c.id = rc.case_id
        LEFT JOIN verdicts AS v ON v.case_id = c.id AND v.undone_at IS NULL
        WHERE rc.report_id = ANY ($1::bigint[]) ORDER BY c.id
        """,
        list(report_ids), now,
    )
    found: dict[int, list[CaseOfReport]] = {id_: [] for id_ in report_ids}
    for row in rows:
        values = dict(row)
        found[values.pop("report_id")].append(CaseOfReport(**values))
    return found
