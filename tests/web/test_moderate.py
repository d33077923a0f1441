"""The pages of moderators, without a script: overview, claim, anonymous case, decision and undo."""

import re
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.moderation.cases.model import Case, State
from folkmoot.moderation.detection.error_rates import find_error_rates
from folkmoot.moderation.workspace.case_view import load_case_view
from folkmoot.network.media.actions import upload_picture
from folkmoot.network.media.store import media_store
from folkmoot.network.posts.actions import delete_post, edit_post
from folkmoot.network.posts.model import PostDraft, PostView, Visibility
from tests.api.test_accounts import picture
from tests.moderation.court import Court
from tests.village import LIMITS, Answer, Visitor
from tests.web.test_pages import form_token, send


async def _decide(visitor: Visitor, case: Case, page: str, **form: Any) -> Answer:
    """Sends the form of a case from a page that was opened before."""
    seen = re.search(r'name="seen_edited_at" value="([^"]*)"', page)
    assert seen
    fields = {"form_token": form_token(page), "seen_edited_at": seen[1], "clause": "2", "explanation": "", "days": "7", **form}
    return await visitor.post(f"/moderate/cases/{case.id}/decide", fields)


async def _reported(court: Court, text: str = "Přijďte si pro ránu.") -> tuple[PostView, Case]:
    view = await court.village.write("author", text)
    await court.report("reporter", view, clauses=("violence",), comment="Myslí to vážně.")
    case = next(case for case in await court.queue() if case.subject_id == view.post.id)
    return view, case


async def test_the_next_case_is_claimed_and_decided_and_leads_to_the_next(court: Court) -> None:
    view, case = await _reported(court)
    moderator = await court.village.by_browser("moderator")
    overview = (await moderator.get("/moderate")).text
    assert "Rule 2 may be broken" in overview
    assert f"/moderate/cases/{case.id}" in overview
    answer = await moderator.get("/moderate/next")
    assert answer.headers["location"] == f"/moderate/cases/{case.id}"
    page = (await moderator.get(answer.headers["location"])).text
    assert "you hold it, for" in page
    assert re.search(r'name="clause" value="2" checked', page)  # the suspected rule is preselected: a clear case takes two keys
    answer = await _decide(moderator, case, page, action="remove", explanation="Zve na rvačku.")
    assert answer.headers["location"] == "/moderate/next"
    answer = await moderator.get("/moderate/next")
    assert answer.headers["location"] == "/moderate?done=1"
    overview = (await moderator.get("/moderate?done=1")).text
    assert "Undo (" in overview
    assert "You have decided 1 case today." in overview
    assert not await court.sees("reader", view)
    assert await court.told("author") == []  # not before half a minute has passed


async def test_a_decision_can_be_undone_within_half_a_minute_and_not_later(court: Court) -> None:
    view, case = await _reported(court)
    moderator, other = await court.village.by_browser("moderator"), await court.village.by_browser("other_moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    await _decide(moderator, case, page, action="remove")
    undo = re.search(r"/moderate/verdicts/\d+/undo", (await moderator.get("/moderate")).text)
    assert undo
    assert (await other.post(undo[0], {"form_token": form_token((await other.get("/moderate")).text)})).status == 403
    answer = await moderator.post(undo[0], {"form_token": form_token((await moderator.get("/moderate")).text)})
    assert answer.headers["location"] == f"/moderate/cases/{case.id}"
    assert await court.sees("reader", view)
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    await _decide(moderator, case, page, action="keep", clause="0")
    undo = re.search(r"/moderate/verdicts/\d+/undo", (await moderator.get("/moderate")).text)
    assert undo
    await court.let_half_a_minute_pass()
    answer = await moderator.post(undo[0], {"form_token": form_token((await moderator.get("/moderate")).text)})
    assert answer.status == 409
    assert "It is too late to take this back." in answer.text
    assert "Undo (" not in answer.text


async def test_a_second_moderator_reads_that_somebody_else_decides(court: Court) -> None:
    _, case = await _reported(court)
    first, second = await court.village.by_browser("moderator"), await court.village.by_browser("other_moderator")
    page = (await first.get(f"/moderate/cases/{case.id}")).text
    late = (await second.get(f"/moderate/cases/{case.id}")).text
    assert "Somebody else is deciding this case." in late
    assert "data-decide" not in late
    answer = await _decide(second, case, page.replace(form_token(page), form_token(late)), action="remove", explanation="Psáno marně.")
    assert answer.status == 409
    assert "Psáno marně." in answer.text
    assert (await second.get("/moderate/next")).headers["location"] == "/moderate?done=1"
    assert (await second.post(f"/moderate/cases/{case.id}/claim", {"form_token": form_token(late)})).status == 409
    assert (await first.post(f"/moderate/cases/{case.id}/claim", {"form_token": form_token(page)})).status == 204
    await _decide(first, case, page, action="keep", clause="0")
    late = (await second.get(f"/moderate/cases/{case.id}")).text
    assert "This case has been decided already" in late
    assert re.search(r"@moderator decided it on [^:]+:[^<]*(?:\d\d[^<]*)?<span class=\"tag kept\">kept</span>", late)
    assert re.search(r"You decided it on [^<]+ <span class=\"tag kept\">kept</span>", (await first.get(f"/moderate/cases/{case.id}")).text)


async def test_a_case_that_is_put_off_is_released_and_followed_by_another(court: Court) -> None:
    _, one = await _reported(court)
    _, two = await _reported(court, "Tobě taky ránu.")
    moderator = await court.village.by_browser("moderator")
    where = (await moderator.get("/moderate/next")).headers["location"]
    page = (await moderator.get(where)).text
    answer = await moderator.post(f"{where}/release", {"form_token": form_token(page)})
    other = (await moderator.get(answer.headers["location"])).headers["location"]
    assert {where, other.partition("?")[0]} == {f"/moderate/cases/{one.id}", f"/moderate/cases/{two.id}"}
    assert not (await court.case(int(where.rpartition("/")[2]))).is_held(clock.now())
    page = (await moderator.get(other)).text
    case = one if str(one.id) in other.partition("?")[0] else two
    answer = await _decide(moderator, case, page, action="keep", clause="0", without=other.partition("without=")[2])
    assert (await moderator.get(answer.headers["location"])).headers["location"] == "/moderate?done=1"  # not offered again


async def test_a_refused_decision_comes_back_with_its_texts(court: Court) -> None:
    _, case = await _reported(court)
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    for form, words in (
        ({}, "Please choose what should be done."), ({"action": "remove", "clause": "0"}, "Please say which rule is broken."),
        ({"action": "hide", "days": "400"}, "Please choose between 1 and 365 days."),
    ):
        answer = await _decide(moderator, case, page, explanation="Zve na rvačku.", **form)
        assert answer.status == 422
        assert words in answer.text
        assert "Zve na rvačku." in answer.text
    assert (await court.case(case.id)).state is State.OPEN


async def test_a_post_that_was_edited_meanwhile_must_be_read_again(court: Court) -> None:
    view, case = await _reported(court)
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    async with court.database.write() as tx:
        await edit_post(tx, court.village.people["author"], view.post.id, PostDraft(text="Přijďte na kafe."), LIMITS)
    answer = await _decide(moderator, case, page, action="remove", explanation="Zve na rvačku.")
    assert answer.status == 409
    assert "The author has edited this post in the meantime." in answer.text
    assert "Přijďte na kafe." in answer.text
    assert "Zve na rvačku." in answer.text
    assert (await _decide(moderator, case, answer.text, action="keep", clause="0")).status == 303


async def test_a_case_that_was_withdrawn_cannot_be_decided(court: Court) -> None:
    view = await court.village.write("author", "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.village.work()
    case, = await court.queue()
    async with court.database.write() as tx:
        await delete_post(tx, court.village.people["author"], view.post.id)
    await court.village.work()
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "There is nothing left to decide." in page
    assert "data-decide" not in page


async def test_no_name_is_shown_in_a_case(court: Court) -> None:
    village = court.village
    question = await village.write("reader", "Kdo přijde v pátek?")
    view = await village.write("author", "@reader Přijďte si pro ránu, vzkazuje autor.", reply_to_id=question.post.id)
    await village.write("other_reporter", "@author Počkej, to myslíš vážně? Řeknu to @reader", reply_to_id=view.post.id)
    await court.report("reporter", view, clauses=("violence",), comment="Myslí to vážně.")
    case, = await court.queue()
    page = (await (await village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    main = page[page.index("<main"):page.index("</main>")]
    for words in ("Kdo přijde v pátek?", "@A Přijďte si pro ránu", "Počkej, to myslíš vážně? Řeknu to @A", "Myslí to vážně.",
                  "1 person reported it."):
        assert words in main, words
    for name in ("author", "reader", "reporter"):
        assert f"@{name}" not in main
        assert f"/@{name}" not in main
        assert name.capitalize() not in main.replace("Author</", "").replace(">To the author<", "")


async def test_a_private_post_in_the_thread_of_a_case_is_not_shown(court: Court) -> None:
    village = court.village
    await village.follow("reader", "author")
    private = await village.write("reader", "@author Jen mezi námi.", visibility=Visibility.DIRECT)
    view = await village.write("author", "@reader Přijď si pro ránu.", reply_to_id=private.post.id, visibility=Visibility.DIRECT)
    await court.report("reader", view, clauses=("violence",))
    case, = await court.queue()
    page = (await (await village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "Přijď si pro ránu." in page
    assert "Jen mezi námi." not in page


async def test_a_second_look_does_not_show_the_first(court: Court) -> None:
    view, case = await _reported(court)
    verdict = await court.decide("moderator", case, "remove", explanation="Zve na rvačku.")
    author = await court.village.by_browser("author")
    where, = set(re.findall(r"/statements/\d+", (await author.get("/statements")).text))
    await send(author, where, f"{where}/appeal", reason="Byl to vtip.")
    second, = await court.queue()
    assert (await (await court.village.by_browser("moderator")).get("/moderate/next")).headers["location"] == "/moderate?done=1"
    page = (await (await court.village.by_browser("other_moderator")).get(f"/moderate/cases/{second.id}")).text
    assert "A second look" in page
    assert "Byl to vtip." in page
    assert view.post.text in page
    for words in ("Zve na rvačku.", "removed, rule 2", str(verdict.id), "stays hidden", "Myslí to vážně.", 'value="2" checked'):
        assert words not in page[page.index("<main"):page.index('<div class="decision">')], words


async def test_members_do_not_learn_that_moderation_pages_exist(court: Court) -> None:
    _, case = await _reported(court)
    reader = await court.village.by_browser("reader")
    token = form_token((await reader.get("/settings")).text)
    for path in ("/moderate", "/moderate/next", f"/moderate/cases/{case.id}"):
        assert (await reader.get(path)).status == 404
    for path in ("claim", "release", "decide"):
        assert (await reader.post(f"/moderate/cases/{case.id}/{path}", {"form_token": token})).status == 404
    assert "/moderate" not in (await reader.get("/explore")).text


async def test_a_withdrawn_picture_is_shown_only_to_the_moderator_who_decides(court: Court) -> None:
    village = court.village
    upload = await upload_picture(village.database, media_store(village.settings), village.people["author"], picture())
    view = await village.write("author", "Tohle čeká na každého z vás.", media_ids=(upload.id,))
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    await court.decide("moderator", case, "hide")
    author = await village.by_browser("author")
    where = (await author.get(f"/posts/{view.post.id}/statement")).headers["location"]
    await send(author, where, f"{where}/appeal")
    second, = await court.queue()
    file = f"/media/{upload.key}.small.png"
    first, other = await village.by_browser("moderator"), await village.by_browser("other_moderator")
    assert (await other.get(file)).status == 404  # the role alone is not enough
    page = (await other.get(f"/moderate/cases/{second.id}")).text
    assert file in page
    answer = await other.get(file)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "private, no-store"
    for visitor in (first, author, await village.by_browser("reader"), village.nobody()):
        assert (await visitor.get(file)).status == 404
    async with village.database.write() as tx:  # no moderator any more, while the claim is still valid
        await tx.execute("UPDATE logins SET role = 'member' WHERE account_id = $1", village.people["other_moderator"].id)
    assert (await (await village.by_browser("other_moderator")).get(file)).status == 404
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET role = 'moderator' WHERE account_id = $1", village.people["other_moderator"].id)
    other = await village.by_browser("other_moderator")
    assert (await other.get(file)).status == 200
    page = (await other.get(f"/moderate/cases/{second.id}")).text
    await other.post(f"/moderate/cases/{second.id}/release", {"form_token": form_token(page)})
    assert (await other.get(file)).status == 404


@pytest.mark.usefixtures("known_viewers")
async def test_a_case_costs_the_same_number_of_statements_whatever_is_in_it(court: Court) -> None:
    async def statements(case: Case) -> int:
        async with court.database.read() as conn:
            before = court.database.statements
            await load_case_view(conn, case, court.village.people["moderator"].id)
            return court.database.statements - before

    view, case = await _reported(court)
    await court.village.write("reader", "@author Odpověď", reply_to_id=view.post.id)
    few = await statements(case)
    for number in range(6):
        await court.village.write("reader", f"@author Odpověď {number}", reply_to_id=view.post.id)
        another, other = await _reported(court, f"Rána číslo {number}.")
        assert another
        await court.decide("moderator", other, "remove")
    await court.report("other_reporter", view, clauses=("harassment",), comment="I já.")
    assert await statements(await court.case(case.id)) == few <= 24


async def test_a_signal_shows_its_error_rates(court: Court) -> None:
    view = await court.village.write("author", "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.village.work()
    case, = await court.queue()
    assert case.subject_id == view.post.id
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "A program reads this almost certainly as a breach of rule 2." in page
    assert re.search(r"look-alikes \(jokes, quotations\) it flags \d+; out of 100 real ones, \d+\.", page)
    assert "What it sees: speaks to one person, about the future" in page
    assert "Nothing looks like a quotation, a report, a game or a joke." in page
    assert "Until somebody decides, the text stays hidden." in page
    assert not re.search(r"\b0\.\d{2,}", page[page.index("<main"):page.index("</main>")])  # no raw score
    async with court.database.read() as conn:
        assert await find_error_rates(conn, "2020-01-01-0", "cs", is_hiding=True) is None
