"""Ten thousand reporters of one post: its page, and the next report, read a bounded number of reports, in as many statements as for one.
After its decision they are notified and weighed in batches."""

from datetime import UTC, date, datetime, timedelta

import pytest

from folkmoot.base.ids import first_id
from folkmoot.moderation.cases.model import MOST_REPORTERS, Case
from folkmoot.moderation.cases.queries import get_case
from folkmoot.moderation.reports.actions import file_report, tell_outcome
from folkmoot.moderation.reports.model import Category, ReportDraft
from folkmoot.moderation.reports.queries import list_anonymous_reports, list_weights
from folkmoot.moderation.reports.queries.deciding import _COUNTED
from folkmoot.moderation.reports.weighing import weigh_again
from folkmoot.moderation.workspace.case_view import CaseView, load_case_view
from folkmoot.network.posts.model import PostView
from folkmoot.network.posts.queries import get_post_view
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
    async with court.database.write() as tx:
        await tx.execute("ANALYZE report_cases")
    async with court.database.read() as conn:
        found = await list_anonymous_reports(conn, case.id)
        plan = "\n".join(row[0] for row in await conn.fetch(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT report_id, reporter_id FROM report_cases"
            f" WHERE case_id = {case.id} ORDER BY report_id LIMIT 250"))
    assert len(found) == 50
    assert {one.comment for one in found} == {"První.", "Nové.", ""}
    assert {one.category for one in found} == {Category.VIOLATION}
    assert "Sort" not in plan, plan
    assert "rows=250" in plan.splitlines()[0], plan


async def _rows_read(court: Court, number: int, view: PostView) -> tuple[int, int, float]:
    """(statements, rows of reports and verdicts that were read, probability) of one more report by a new member."""
    name = f"witness_{number}"
    await court.village.settle(name)
    draft = ReportDraft(account_id=view.post.author.id, post_ids=(view.post.id,), clauses=("violence",))
    read = (
        "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('report_cases', 'verdicts', 'reports')"
    )
    async with court.database.write() as tx:
        earlier = await tx.fetchval(read)  # of transactions before this one, whose counts the session has not passed on yet
        before = court.database.statements
        await file_report(tx, court.village.people[name], draft)
        statements, rows = court.database.statements - before, await tx.fetchval(read) - earlier
        return statements, rows, (await get_case(tx, (await court.queue())[0].id)).probability


async def test_the_ten_thousandth_report_reads_no_more_than_the_hundredth(court: Court) -> None:
    case = await _case(court)
    async with court.database.read() as conn:
        view = await get_post_view(conn, case.subject_id, court.village.people["reader"].id)
    await _add_reports(court, case, 100, _MONDAY)
    few = await _rows_read(court, 1, view)
    await _add_reports(court, case, _MANY, _MONDAY + timedelta(days=1))
    many = await _rows_read(court, 2, view)
    assert many[0] == few[0]
    assert many[1] <= few[1] + 10
    assert many[2] == few[2] == pytest.approx(1 - (2 / 3) ** MOST_REPORTERS)


async def test_a_reporter_who_is_usually_right_counts_among_ten_thousand(court: Court) -> None:
    for number in range(2):
        view = await court.village.write("author", f"Zabiju vás {number}")
        await court.report("other_reporter", view, clauses=("violence",))
        await court.decide("moderator", (await court.queue())[0], "remove")
    case = await _case(court)
    await _add_reports(court, case, _MANY, _MONDAY)
    async with court.database.read() as conn:
        view = await get_post_view(conn, case.subject_id, court.village.people["reader"].id)
        assert (await list_weights(conn, [case.id]))[case.id] == [pytest.approx(1 / 3)] * MOST_REPORTERS
    await court.report("other_reporter", view, clauses=("violence",))
    async with court.database.read() as conn:
        assert max((await list_weights(conn, [case.id]))[case.id]) == pytest.approx(3 / 5)
    await _add_reports(court, case, 10, _MONDAY + timedelta(days=2))
    before = (await court.case(case.id)).probability
    third = await court.village.write("author", "Zabiju vás 3")
    await court.report("other_reporter", third, clauses=("violence",))
    await court.decide("moderator", next(one for one in await court.queue() if one.subject_id == third.post.id), "remove")
    async with court.database.read() as conn:
        assert max((await list_weights(conn, [case.id]))[case.id]) == pytest.approx(4 / 6)
        assert await conn.fetchval("SELECT max(weight) FROM report_cases WHERE case_id = $1", case.id) == pytest.approx(4 / 6)
    assert (await court.case(case.id)).probability > before


async def _count(court: Court, case: Case, condition: str) -> int:
    async with court.database.read() as conn:
        return int(await conn.fetchval(f"SELECT count(*) FROM report_cases WHERE case_id = $1 AND {condition}", case.id))


async def test_the_reporters_of_a_settled_case_are_notified_and_weighed_in_batches(court: Court) -> None:
    """Each batch in a transaction of its own, which ends with the order for the next one; each reporter once."""
    names = [f"member_{number}" for number in range(7)]
    await court.village.settle(*names)
    cases = []
    for text in ("Počkáme na něj u tramvaje", "Počkáme na ně u vlaku"):
        view = await court.village.write("author", text)
        for name in names:
            await court.report(name, view, clauses=("violence",))
        cases.append(next(case for case in await court.queue() if case.subject_id == view.post.id))
    settled, waiting = cases
    await court.decide("moderator", settled, "remove")
    assert [await court.told(name) for name in names] == [[("report", report_id)] for report_id in await _reports(court, settled)]
    assert await _count(court, waiting, "weight > 0.49") == 7
    async with court.database.write() as tx:
        await tx.execute("UPDATE report_cases SET weight = 0.3333, told_at = NULL")
        await tell_outcome(tx, settled.id, 3)
        await weigh_again(tx, settled.id, most=3)
    assert (await _count(court, settled, "told_at IS NOT NULL"), await _count(court, waiting, "weight > 0.49")) == (3, 3)
    await court.village.work()
    assert (await _count(court, settled, "told_at IS NOT NULL"), await _count(court, waiting, "weight > 0.49")) == (7, 7)
    async with court.database.write() as tx:
        await tell_outcome(tx, settled.id)
    async with court.database.read() as conn:
        assert [row["reports"] for row in await conn.fetch("SELECT reports FROM outcome_mails")] == [2] * 7  # again after the reset, once


async def _reports(court: Court, case: Case) -> list[int]:
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT report_id FROM report_cases WHERE case_id = $1 ORDER BY report_id", case.id)
    return [row["report_id"] for row in rows]
