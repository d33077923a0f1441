"""Moderators leave notes, hand cases over, see similar decisions, and send no explanation with a blank in it."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid
from folkmoot.moderation.cases.jobs import withdraw_of_deleted_account
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.policy import Concerned
from folkmoot.moderation.cases.queries import list_assigned, list_notes, list_queue
from folkmoot.moderation.cases.teamwork import add_note, assign_case, list_possible_deciders
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.moderation.verdicts.precedents import list_precedents
from folkmoot.moderation.verdicts.templates import add_template, find_blank
from folkmoot.network.accounts.model import AccountDeleted
from folkmoot.network.posts.queries import list_post_views, list_posts_by_ids_unscoped
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court
from tests.village import follow
from tests.web.test_pages import form_token


async def _reported(court: Court, text: str = "Počkáme na něj u tramvaje") -> Case:
    view = await court.village.write("author", text)
    await court.report("reporter", view, clauses=("violence",))
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _assign(court: Court, name: str, case: Case, to: str | None) -> None:
    moderator = await court.viewer(name)
    async with court.database.write() as tx:
        await assign_case(tx, moderator, case.id, court.village.people[to].id if to else None)


async def _offered(court: Court, name: str) -> list[int]:
    async with court.database.read() as conn:
        return [case.id for case in await list_queue(conn, clock.now(), 10, court.village.people[name].id)]


async def _assigned(court: Court, name: str) -> list[int]:
    async with court.database.read() as conn:
        return [case.id for case in await list_assigned(conn, court.village.people[name].id, clock.now())]


async def test_a_case_that_is_handed_over_waits_for_that_person_a_day(court: Court) -> None:
    case = await _reported(court)
    await court.claim("moderator", case)
    await _assign(court, "moderator", case, "other_moderator")
    assert (await _offered(court, "moderator"), await _offered(court, "other_moderator")) == ([], [case.id])
    assert (await _assigned(court, "moderator"), await _assigned(court, "other_moderator")) == ([], [case.id])
    await court.claim("other_moderator", case)  # the seat was released
    with clock.stopped_at(clock.now() + timedelta(days=1, minutes=1)):
        assert await _offered(court, "moderator") == [case.id]
    await _assign(court, "other_moderator", case, None)
    assert await _offered(court, "moderator") == [case.id]
    assert (await court.journal(case)).count("case.assigned") == 2


async def test_a_case_is_handed_over_to_nobody_who_is_concerned(court: Court) -> None:
    case = await _reported(court)
    await court.village.settle("third", role=Role.MODERATOR)
    await follow(court.database, court.village.people["third"], court.village.people["author"])
    async with court.database.read() as conn:
        assert [one.username for one in await list_possible_deciders(conn, case)] == ["moderator", "other_moderator"]
    for wrong in ("third", "reader"):
        with pytest.raises(Invalid):
            await _assign(court, "moderator", case, wrong)
    with pytest.raises(Concerned):
        await _assign(court, "third", case, "moderator")
    await court.claim("other_moderator", case)
    with pytest.raises(Conflict):
        await _assign(court, "moderator", case, "moderator")
    assert "case.assigned" not in await court.journal(case)


async def test_a_note_is_read_by_those_who_decide_and_forgotten_with_the_account(court: Court) -> None:
    case = await _reported(court)
    moderator = await court.viewer("moderator")
    async with court.database.write() as tx:
        for text in ("Znám to jen z novin.", "Znám to jen z novin.", " "):
            await add_note(tx, moderator, case.id, text)
    with pytest.raises(Invalid):
        async with court.database.write() as tx:
            await add_note(tx, moderator, case.id, "x" * 2001)
    page = (await (await court.village.by_browser("other_moderator")).get(f"/moderate/cases/{case.id}")).text
    assert page.count("Znám to jen z novin.") == 1
    assert (await court.journal(case)).count("case.noted") == 1
    await withdraw_of_deleted_account(court.database, AccountDeleted(account_id=court.village.people["author"].id))
    async with court.database.read() as conn:
        assert [note.text for note in await list_notes(conn, case.id)] == [""]


async def test_notes_and_handing_over_work_without_a_script(court: Court) -> None:
    case = await _reported(court)
    browser = await court.village.by_browser("moderator")
    page = (await browser.get(f"/moderate/cases/{case.id}")).text
    where = f"/moderate/cases/{case.id}/work"
    answer = await browser.post(where, {"form_token": form_token(page), "note": "Prosím o druhý pohled.", "to": ""})
    assert answer.headers["location"] == f"/moderate/cases/{case.id}#notes"
    too_long = await browser.post(where, {"form_token": form_token(page), "note": "x" * 2001})
    assert too_long.status == 422
    assert "x" * 2001 in too_long.text
    other = court.village.people["other_moderator"].id
    answer = await browser.post(where, {"form_token": form_token(page), "note": "", "to": str(other), "hand_over": "1"})
    assert answer.headers["location"] == "/moderate"
    assert "Handed over to you" not in (await browser.get("/moderate")).text
    browser = await court.village.by_browser("other_moderator")
    assert "Handed over to you" in (await browser.get("/moderate")).text
    assert (await browser.get("/moderate/next")).headers["location"] == f"/moderate/cases/{case.id}"
    assert "Prosím o druhý pohled." in (await browser.get(f"/moderate/cases/{case.id}")).text


async def test_the_nearest_decisions_under_the_rule_are_shown_and_no_concerned_ones(court: Court) -> None:
    await court.village.settle("third", role=Role.MODERATOR)
    near = await _reported(court, "Počkáme na ně u tramvaje s tyčemi")
    async with court.database.read() as conn:
        [view] = await list_post_views(conn, [near.subject_id], None)
    await court.report("third", view, clauses=("violence",))
    far = await _reported(court, "Zítra mu rozbiju okna")
    for case in (near, far):
        await court.decide("moderator", case, "remove")
    case = await _reported(court, "Kdo počká u tramvaje?")

    async def listed(name: str) -> list[tuple[int, str]]:
        async with court.database.read() as conn:
            version = PostVersion.of((await list_posts_by_ids_unscoped(conn, [case.subject_id]))[case.subject_id])
            found = await list_precedents(conn, case, court.village.people[name].id, version)
        return [(one.verdict.case_id, one.text) for one in found]

    assert await listed("moderator") == [(near.id, "Počkáme na ně u tramvaje s tyčemi"), (far.id, "Zítra mu rozbiju okna")]
    assert "Similar cases" in (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert await listed("third") == [(far.id, "Zítra mu rozbiju okna")]  # has reported the other one


@pytest.mark.parametrize(("text", "blank"), [
    ("Píšete, že {co}.", "{co}"), ("Hotovo {}", "{}"), ("Bez mezer", ""), ("Složená } závorka {", ""), ("{přes\nřádek}", ""),
])
def test_a_blank_in_braces_is_found(text: str, blank: str) -> None:
    assert find_blank(text) == blank


async def test_an_explanation_with_a_blank_is_not_sent(court: Court) -> None:
    case = await _reported(court)
    moderator = await court.viewer("moderator")
    await court.claim("moderator", case)
    with pytest.raises(Invalid) as caught:
        async with court.database.write() as tx:
            await decide_case(tx, moderator, case.id, Decision(action="remove", clause="violence", explanation="Píšete, že {co}."))
    assert [error.field for error in caught.value.errors] == ["explanation"]


async def test_a_ready_sentence_is_kept_used_and_deleted_without_a_script(court: Court) -> None:
    browser = await court.village.by_browser("moderator")
    page = (await browser.get("/moderate/templates")).text
    assert (await browser.post("/moderate/templates", {"form_token": form_token(page), "title": " ", "text": "Ahoj"})).status == 422
    form = {"form_token": form_token(page), "title": "Výzva", "text": "Píšete, že {co}. To je výzva k násilí."}
    assert (await browser.post("/moderate/templates", form)).status == 303
    case = await _reported(court)
    page = (await browser.get(f"/moderate/cases/{case.id}")).text
    assert "Výzva" in page
    template_id = page.split('<option dir="auto" value="')[1].partition('"')[0]
    fields = {"form_token": form_token(page), "action": "remove", "clause": "2", "days": "7", "template": template_id,
              "seen_edited_at": "", "explanation": ""}
    answer = await browser.post(f"/moderate/cases/{case.id}/decide", fields)
    assert answer.status == 422
    assert "Píšete, že {co}. To je výzva k násilí.</textarea>" in answer.text
    assert "{co}" in answer.text
    page = (await browser.get("/moderate/templates")).text
    where = page.split('action="/moderate/templates/')[1].partition('"')[0]
    await browser.post(f"/moderate/templates/{where}", {"form_token": form_token(page)})
    assert "Výzva" not in (await browser.get("/moderate/templates")).text


async def test_only_moderators_keep_ready_sentences(court: Court) -> None:
    reader = await court.viewer("reader")
    with pytest.raises(Forbidden):
        async with court.database.write() as tx:
            await add_template(tx, reader, "Výzva", "Text")
