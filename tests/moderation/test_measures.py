"""A decision is a set of measures for one reason: each has its statement, all come and go together, and strikes expire."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Invalid
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.restrictions.queries import list_in_force
from folkmoot.moderation.verdicts.actions import decide_case, undo_verdict
from folkmoot.moderation.verdicts.model import STRIKE_LASTS, Action, Decision, measures_of
from folkmoot.moderation.verdicts.queries import get_verdict
from tests.moderation.court import Court
from tests.web.test_pages import form_token


async def _reported(court: Court) -> Case:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _in_force(court: Court, case: Case) -> list[str]:
    async with court.database.read() as conn:
        standing = [
            *await list_in_force(conn, Subject.POST, case.subject_id), *await list_in_force(conn, Subject.ACCOUNT, case.account_id)
        ]
    return sorted(one.kind for one in standing)


@pytest.mark.parametrize(("action", "also", "subject", "expected"), [
    ("keep", (), "post", []), ("warn", (), "post", ["warn"]), ("limit", (), "post", ["limit_post"]),
    ("limit", (), "account", ["limit"]), ("remove", ("warn",), "post", ["remove", "warn"]),
    ("remove", ("warn", "limit", "freeze"), "post", ["freeze", "limit", "remove"]), ("freeze", ("freeze",), "post", ["freeze", "remove"]),
    ("suspend", ("warn",), "post", ["remove", "suspend"]),
])
def test_a_decision_contains_each_measure_once(action: str, also: tuple[str, ...], subject: str, expected: list[str]) -> None:
    assert sorted(measures_of(Action(action), [Kind(kind) for kind in also], Subject(subject))) == expected


async def test_all_measures_of_a_decision_have_statements_and_come_and_go_together(court: Court) -> None:
    case = await _reported(court)
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    decision = Decision(action="remove", also=("freeze", "limit"), clause="violence", explanation="Výzva k násilí.", days=3)
    async with court.database.write() as tx:
        verdict = await decide_case(tx, moderator, case.id, decision)
    assert await _in_force(court, case) == ["freeze", "limit", "remove"]
    async with court.database.write() as tx:
        await undo_verdict(tx, moderator, verdict.id)
    assert await _in_force(court, case) == []
    verdict = await court.decide("moderator", case, "remove", also=("freeze", "limit"), explanation="Výzva k násilí.", days=3)
    assert [kind for kind, _ in await court.told("author")] == ["statement"] * 3
    async with court.database.read() as conn:
        rows = await conn.fetch(
            "SELECT kind, explanation, until IS NULL AS is_final FROM statements WHERE told_at IS NOT NULL ORDER BY kind")
    assert [tuple(row) for row in rows] == [(kind, "Výzva k násilí.", kind == "remove") for kind in ("freeze", "limit", "remove")]
    async with court.database.write() as tx:
        await lodge_appeal(tx, (await court.viewer("author")).account, verdict.id)
    [appeal] = await court.queue()
    await court.decide("other_moderator", appeal, "remove")  # milder: another result than the first one
    assert await _in_force(court, case) == ["remove"]
    async with court.database.read() as conn:
        assert (await get_verdict(conn, verdict.id)).overturned_by_id


async def test_the_same_measures_confirm_a_decision_on_appeal(court: Court) -> None:
    case = await _reported(court)
    verdict = await court.decide("moderator", case, "remove", also=("warn",))
    async with court.database.write() as tx:
        await lodge_appeal(tx, (await court.viewer("author")).account, verdict.id)
    [appeal] = await court.queue()
    await court.decide("other_moderator", appeal, "remove", also=("warn",))
    async with court.database.read() as conn:
        assert (await get_verdict(conn, verdict.id)).overturned_by_id is None
    assert await _in_force(court, case) == ["remove", "warn"]


@pytest.mark.parametrize(("action", "also"), [("keep", ("warn",)), ("remove", ("suspend",)), ("remove", ("nonsense",))])
async def test_what_cannot_be_added_is_refused(court: Court, action: str, also: tuple[str, ...]) -> None:
    case = await _reported(court)
    with pytest.raises(Invalid) as caught:
        await court.decide("moderator", case, action, also=also)
    assert [error.field for error in caught.value.errors] == ["also"]


async def test_a_warning_restricts_nothing_counts_for_a_year_and_can_be_appealed(court: Court) -> None:
    case = await _reported(court)
    verdict = await court.decide("moderator", case, "warn")
    assert (await (await court.village.by_app("author")).post("/api/v1/statuses", {"status": "Píšu dál"})).status == 200
    [(_, statement_id)] = await court.told("author")
    page = (await (await court.village.by_browser("author")).get(f"/statements/{statement_id}")).text
    assert "Nothing is restricted. It counts when something like this happens again." in page
    assert "Counts until" in page
    assert "/appeal" in page
    async with court.database.read() as conn:
        found = await get_verdict(conn, verdict.id)
    assert found.is_strike(clock.now() + STRIKE_LASTS - timedelta(minutes=1))
    assert not found.is_strike(clock.now() + STRIKE_LASTS + timedelta(minutes=1))
    other = await _reported(court)
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{other.id}")).text
    assert "Within the last year</dt><dd>1<" in page
    with clock.stopped_at(clock.now() + STRIKE_LASTS + timedelta(hours=1)):
        page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{other.id}")).text
    assert "Within the last year</dt><dd>none<" in page


async def test_measures_are_chosen_on_the_page_without_a_script(court: Court) -> None:
    case = await _reported(court)
    browser = await court.village.by_browser("moderator")
    page = (await browser.get(f"/moderate/cases/{case.id}")).text
    form = {"form_token": form_token(page), "seen_edited_at": "", "clause": "2", "explanation": "", "days": "7", "also": ["warn", "limit"]}
    answer = await browser.post(f"/moderate/cases/{case.id}/decide", {**form, "action": "keep"})
    assert answer.status == 422
    assert "Nothing can be added to this decision." in answer.text
    assert 'value="limit" checked' in answer.text
    assert (await browser.post(f"/moderate/cases/{case.id}/decide", {**form, "action": "label"})).status == 303
    assert await _in_force(court, case) == ["label", "limit"]
