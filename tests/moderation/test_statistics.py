"""Figures of the queue are counted from cases and verdicts; they are charts, a table, CSV and JSON."""

import csv
import io
import re
from datetime import date, timedelta

import msgspec

from folkmoot.api import moderation_shapes as shapes
from folkmoot.base import clock
from folkmoot.moderation.cases.model import Case, Lane
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.moderation.workspace.actions import read_figures
from folkmoot.moderation.workspace.statistics import Figures, Unit, complete, starts
from folkmoot.network.sessions.model import Role
from folkmoot.web.charts import bar_chart, line_chart
from tests.moderation.court import Court
from tests.web.test_pages import send


def test_periods_are_days_or_weeks_from_monday() -> None:
    sunday = date(2026, 11, 29)
    days, weeks = starts(Unit.DAY, sunday), starts(Unit.WEEK, sunday)
    assert (len(days), days[-1], days[0]) == (14, sunday, date(2026, 11, 16))
    assert (len(weeks), weeks[-1], weeks[-2]) == (12, date(2026, 11, 23), date(2026, 11, 16))
    rows = complete([Figures(start=sunday, lane=Lane.THREAT, opened=3)], days)
    assert len(rows) == 14 * 4
    assert [(one.start, one.lane) for one in rows if one.opened] == [(sunday, Lane.THREAT)]


def test_shares_of_nothing_are_unknown() -> None:
    none, some = Figures(start=date(2026, 11, 29), lane=None), Figures(
        start=date(2026, 11, 29), lane=None, decided=3, in_time=2, undone=1, appeals=2, overturned=1)
    assert (none.share_in_time, none.share_undone, none.share_overturned) == (None, None, None)
    assert (some.share_in_time, some.share_undone, some.share_overturned) == (2 / 3, 1 / 4, 1 / 2)


def test_a_chart_has_an_even_scale_and_gaps_where_there_is_no_value() -> None:
    labels = [str(day) for day in range(7)]
    chart = bar_chart([[0, 3, 17], [None, 9, 1]], labels[:3], lambda value: f"{value:g}")
    assert [text for _, text in chart.ticks] == ["0", "5", "10", "15", "20"]
    assert len(chart.bars) == 4  # nothing for 0 and for no value
    highest = max(chart.bars, key=lambda bar: bar.height)
    assert chart.ticks[-1][0] < highest.y < chart.ticks[-2][0]
    assert [label for _, label in chart.labels] == ["2"]
    line = line_chart([[1.0, None, 2.0, 3.0, None, None, 1.0]], labels, lambda value: f"{value:g}").lines[0]
    assert (line.path.count("M"), line.path.count("L"), len(line.dots)) == (3, 1, 4)
    assert [label for _, label in line_chart([[]], labels, str).labels] == ["0", "3", "6"]
    empty = bar_chart([[None, 0]], labels[:2], lambda value: f"{value:g}")
    assert (empty.bars, len(empty.ticks)) == ([], 2)


async def _reported(court: Court, text: str, clause: str = "violence") -> Case:
    view = await court.village.write("author", text)
    await court.report("reporter", view, clauses=(clause,))
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def test_what_happened_is_counted_by_lane(court: Court) -> None:
    noon = clock.now().replace(hour=12, minute=0)
    with clock.stopped_at(noon - timedelta(hours=4)):
        removed, undone = await _reported(court, "Přijďte si pro ránu."), await _reported(court, "Tobě taky ránu.")
        advert = await _reported(court, "Kupte si zázračnou mast.", "spam")
    with clock.stopped_at(noon):
        verdict = await court.decide("moderator", removed, "remove")
        await court.decide("moderator", advert, "remove", "spam")
        await court.claim("moderator", undone)
        moderator = await court.viewer("moderator")
        async with court.database.write() as tx:
            other = await decide_case(tx, moderator, undone.id, Decision(action="remove", clause="violence"))
            await undo_verdict(tx, moderator, other.id)
        author = await court.village.by_browser("author")
        statement = min(reference for kind, reference in await court.told("author") if kind == "statement")
        await send(author, f"/statements/{statement}", f"/statements/{statement}/appeal", reason="Byl to vtip.")
        appeal = next(case for case in await court.queue() if case.appealed_verdict_id)
        await court.decide("other_moderator", appeal, "keep")
        async with court.database.read() as conn:
            figures = {(one.start, one.lane): one for one in await read_figures(conn, Unit.DAY)}
    every, threats, others = (figures[noon.date(), lane] for lane in (None, Lane.THREAT, Lane.OTHER))
    assert verdict.made_at == noon
    assert (every.opened, every.decided, every.in_time, every.undone) == (4, 3, 3, 1)
    assert (every.appeals, every.overturned) == (1, 1)
    assert (others.opened + threats.opened, others.decided + threats.decided) == (4, 3)
    assert (threats.undone, others.undone) == (1, 0)
    assert (every.median, every.slowest) == (4 * 3600, 4 * 3600)
    assert all(one.decided == 0 for (start, _), one in figures.items() if start != noon.date())


async def test_operators_see_how_many_cases_are_open_and_moderators_do_not(court: Court) -> None:
    await court.village.settle("operator", role=Role.OPERATOR)
    await _reported(court, "Přijďte si pro ránu.")
    moderator, operator = await court.village.by_browser("moderator"), await court.village.by_browser("operator")
    page = (await operator.get("/moderate/statistics?unit=week")).text
    assert "Open now" in page
    assert re.search(r'<th scope="row">Threats</th><td>1</td>', page)
    page = (await moderator.get("/moderate/statistics")).text
    assert "Open now" not in page
    assert page.count("<svg viewBox") == 4
    for name, sees in (("moderator", False), ("operator", True)):
        app = await court.village.by_app(name, "admin:read")
        answer = await app.get("/api/folkmoot/v1/moderation/statistics?unit=week")
        found = msgspec.json.decode(answer.body, type=shapes.QueueStatistics)
        assert [(one.lane, one.open) for one in found.open or []] == ([("threat", 1)] if sees else [])
        assert len(found.figures) == 12 * 4
    assert (await app.get("/api/folkmoot/v1/moderation/statistics?unit=year")).status == 400


async def test_the_same_numbers_are_csv_and_json(court: Court) -> None:
    await court.decide("moderator", await _reported(court, "Přijďte si pro ránu."), "remove")
    moderator = await court.village.by_browser("moderator")
    answer = await moderator.get("/moderate/statistics/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.body.count(b"\r\n") == 14 * 4 + 1
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    found = (await moderator.get("/moderate/statistics/json")).json
    assert [{key: "" if value is None else str(value) for key, value in one.items()} for one in found] == rows
    assert sum(int(row["decided"]) for row in rows if row["lane"] == "threat") == 1
    reader = await court.village.by_browser("reader")
    for path in ("", "/csv", "/json"):
        assert (await reader.get(f"/moderate/statistics{path}")).status == 404
