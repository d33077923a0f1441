"""A second report by the same member: new words, rules and categories are added to the case, the same ones are not."""

from typing import Any

import pytest

from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.reports.queries import count_reporters, list_anonymous_reports, list_weights
from tests.moderation.court import Court


async def _comments(court: Court, case: Case) -> list[str]:
    async with court.database.read() as conn:
        return [report.comment for report in await list_anonymous_reports(conn, case.id)]


@pytest.mark.parametrize(("first", "second"), [
    ({"comment": "Mám strach."}, {"comment": "Stojí mi před domem."}),
    ({}, {"comment": "Stojí mi před domem."}),
    ({"clauses": ("spam",)}, {"clauses": ("violence",)}),
    ({"category": "other"}, {"category": "spam"}),
    ({"category": "spam"}, {"category": "legal"}),
    ({"category": "legal"}, {"clauses": ("violence", "law")}),
])
async def test_what_a_second_report_says_anew_is_added_to_the_case(
    court: Court, first: dict[str, Any], second: dict[str, Any]
) -> None:
    post = await court.village.write("author", "Počkáme na něj u tramvaje")
    one = await court.report("reporter", post, **first)
    other = await court.report("reporter", post, **second)
    assert one.id != other.id
    case, = await court.queue()
    async with court.database.read() as conn:
        found = await list_anonymous_reports(conn, case.id)
        assert {report.report_id for report in found} == {one.id, other.id}
        assert len({report.reporter for report in found}) == 1
        assert await count_reporters(conn, [case.id]) == {case.id: 1}  # people, not reports
        assert len((await list_weights(conn, [case.id]))[case.id]) == 1
    assert (await court.journal(case)).count("report.filed") == 2


@pytest.mark.parametrize(("first", "second"), [
    ({}, {}),
    ({"comment": "Mám strach."}, {"comment": "Mám strach."}),
    ({"comment": "Mám strach."}, {"comment": "  mám   STRACH. "}),
    ({"comment": "Mám strach."}, {}),
    ({"clauses": ("violence", "spam")}, {"clauses": ("spam",)}),
    ({"category": "spam"}, {"category": "spam"}),
    ({"category": "spam"}, {"clauses": ("spam",)}),
    ({"clauses": ("law",)}, {"category": "legal"}),
    ({"category": "spam"}, {"category": "other"}),
])
async def test_a_second_report_that_says_nothing_new_is_the_first(
    court: Court, first: dict[str, Any], second: dict[str, Any]
) -> None:
    post = await court.village.write("author", "Počkáme na něj u tramvaje")
    one = await court.report("reporter", post, **first)
    assert (await court.report("reporter", post, **second)).id == one.id
    case, = await court.queue()
    assert (await court.journal(case)).count("report.filed") == 1


async def test_words_that_were_said_before_the_last_report_are_not_new(court: Court) -> None:
    post = await court.village.write("author")
    for comment in ("jedna", "dvě", "jedna", "dvě"):
        await court.report("reporter", post, comment=comment)
    case, = await court.queue()
    assert await _comments(court, case) == ["jedna", "dvě"]


async def test_a_graver_rule_in_a_second_report_makes_the_case_more_urgent(court: Court) -> None:
    post = await court.village.write("author")
    await court.report("reporter", post, clauses=("spam",))
    before, = await court.queue()
    await court.report("reporter", post, clauses=("violence",))
    after, = await court.queue()
    assert (before.clause, after.clause) == ("spam", "violence")
    assert after.harm > before.harm
    assert after.due_at < before.due_at


async def test_a_reporter_with_two_reports_is_told_once(court: Court) -> None:
    post = await court.village.write("author")
    await court.report("reporter", post, comment="jedna")
    last = await court.report("reporter", post, comment="dvě")
    case, = await court.queue()
    await court.decide("moderator", case, "remove")
    assert await court.told("reporter") == [("report", last.id)]


async def test_two_reports_in_one_case_count_once_for_the_record_of_the_reporter(court: Court) -> None:
    post = await court.village.write("author")
    for comment in ("jedna", "dvě", "tři"):
        await court.report("reporter", post, comment=comment)
    case, = await court.queue()
    await court.decide("moderator", case, "remove")
    await court.report("reporter", await court.village.write("author", "něco dalšího"))
    other, = await court.queue()
    async with court.database.read() as conn:
        assert await list_weights(conn, [other.id]) == {other.id: [0.5]}


async def test_many_words_of_one_reporter_do_not_crowd_out_others(court: Court) -> None:
    post = await court.village.write("author")
    for number in range(5):
        await court.report("reporter", post, comment=f"znovu {number}")
    await court.report("other_reporter", post, comment="Poprvé.")
    case, = await court.queue()
    async with court.database.read() as conn:
        assert {report.comment for report in await list_anonymous_reports(conn, case.id, limit=2)} == {"znovu 0", "Poprvé."}


async def test_a_report_about_a_known_and_a_new_post_joins_both_cases_only_with_new_words(court: Court) -> None:
    one, two, three = [await court.village.write("author", text) for text in ("jedna", "dvě", "tři")]
    await court.report("reporter", one, comment="Píše mi.")
    await court.report("reporter", one, two, comment="Píše mi.")
    await court.report("reporter", one, three, comment="A zase.")
    cases = {case.subject_id: case for case in await court.queue()}
    assert [await _comments(court, cases[view.post.id]) for view in (one, two, three)] == [
        ["Píše mi.", "A zase."], ["Píše mi."], ["A zase."]]


async def test_words_added_to_a_settled_case_are_answered_at_once(court: Court) -> None:
    post = await court.village.write("author")
    await court.report("reporter", post, clauses=("spam",))
    case, = await court.queue()
    await court.decide("moderator", case, "keep")
    again = await court.report("reporter", post, clauses=("spam",), comment="Podívejte se ještě jednou.")
    assert not await court.queue()
    assert ("report", again.id) in await court.told("reporter")
