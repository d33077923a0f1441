"""Ten thousand reporters of one post: its page reads a bounded number of reports, in as many statements as for one."""

from datetime import UTC, date, datetime, timedelta

from folkmoot.base.ids import first_id
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.reports.model import Category
from folkmoot.moderation.reports.queries import list_anonymous_reports
from folkmoot.moderation.reports.queries.deciding import _COUNTED
from folkmoot.moderation.workspace.case_view import CaseView, load_case_view
from tests.moderation.court import Court

_MANY = 10_500
_MONDAY = datetime(2026, 10, 5, tzinfo=UTC)


async def _case(court: Court) -> Case:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",), comment="První.")
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _add_reports(court: Court, case: Case, count: int, at: datetime, comment: str = "", clause: str = "violence") -> None:
    """By as many members, within a second."""
    async with court.database.write() as tx:
        await tx.execute(
            "INSERT INTO reports (id, reporter_id, account_id, post_ids, category, clauses, comment, created_at)"
            " SELECT $1::bigint + n, $1::bigint + n, $2, ARRAY[$3::bigint], 'violation', ARRAY[$4::text], $5, $6"
            " FROM generate_series(1, $7::int) AS n",
            first_id(at), case.account_id, case.subject_id, clause, comment, at, count)
        await tx.execute(
            "INSERT INTO report_cases (case_id, report_id, reporter_id)"
            " SELECT $1, $2::bigint + n, $2::bigint + n FROM generate_series(1, $3::int) AS n", case.id, first_id(at), count)


async def _view(court: Court, case: Case) -> tuple[CaseView, int]:
    async with court.database.read() as conn:
        before = court.database.statements
        view = await load_case_view(conn, await court.case(case.id), court.village.people["moderator"].id)
        return view, court.database.statements - before


async def test_a_case_with_ten_thousand_reporters_takes_as_many_statements_as_with_one(court: Court) -> None:
    case = await _case(court)
    few, statements = await _view(court, case)
    assert few.reports.reporters == 1
    assert few.reports.comments == ["První."]
    await _add_reports(court, case, _MANY, _MONDAY)
    await _add_reports(court, case, 10, _MONDAY + timedelta(days=8), "Poslední.", "spam")
    many, again = await _view(court, case)
    assert again == statements
    assert many.reports.reporters == _MANY + 11
    assert set(many.reports.comments) == {"První.", "Poslední."}
    assert [times for _, times in many.reports.reasons] == [_COUNTED - 10, 10]  # of the newest
    weeks = dict(many.reports.weeks)
    assert weeks[date(2026, 10, 12)] == 10
    assert sum(weeks.values()) == _COUNTED
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "10511 people reported it." in page
    assert "Reporters by week:" in page
    app = await court.village.by_app("moderator", "admin:read:reports")
    listed = (await app.get(f"/api/folkmoot/v1/moderation/cases/{case.id}")).json["reports"]
    assert {"start": "2026-10-12", "reporters": 10} in listed["weeks"]


async def test_the_reports_that_are_read_are_the_first_and_the_newest(court: Court) -> None:
    """Comments come first; a flood without words hides none of them at either end."""
    case = await _case(court)
    await _add_reports(court, case, 900, _MONDAY)
    await _add_reports(court, case, 3, _MONDAY + timedelta(days=1), "Uprostřed.")
    await _add_reports(court, case, 900, _MONDAY + timedelta(days=2))
    await _add_reports(court, case, 3, _MONDAY + timedelta(days=3), "Nové.")
    async with court.database.read() as conn:
        found = await list_anonymous_reports(conn, case.id)
        plan = "\n".join(row[0] for row in await conn.fetch(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT report_id, reporter_id FROM report_cases"
            f" WHERE case_id = {case.id} ORDER BY report_id LIMIT 250"))
    assert len(found) == 50
    assert {one.comment for one in found} == {"První.", "Nové.", ""}
    assert {one.category for one in found} == {Category.VIOLATION}
    assert "report_cases_pkey" in plan, plan
    assert "rows=250" in plan.splitlines()[0], plan
