"""The room of moderators, without a script: lanes, care, preferences, and what a case shows of notices."""

import re
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.config import Moderation
from folkmoot.moderation.cases.model import Case
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import Village
from tests.web.test_moderate import _decide
from tests.web.test_pages import form_token, send


async def _reported(court: Court, text: str, clause: str = "violence") -> Case:
    view = await court.village.write("author", text)
    await court.report("reporter", view, clauses=(clause,))
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _with_limit(village: Village, limit: int) -> Court:
    settings = msgspec.structs.replace(village.settings, moderation=Moderation(cases_per_day=limit))
    return await Court(Village(village.database, settings)).open()


async def test_the_next_cases_stand_in_their_lanes(court: Court) -> None:
    threat, advert = await _reported(court, "Přijďte si pro ránu."), await _reported(court, "Kupte si zázračnou mast.", "spam")
    moderator = await court.village.by_browser("moderator")
    overview = (await moderator.get("/moderate")).text
    lanes = re.findall(r'<section class="lane"><h2>([^<]+)</h2>(.*?)</section>', overview, re.S)
    assert [(name, re.findall(r"/moderate/cases/(\d+)", rows)) for name, rows in lanes] == [
        ("Threats", [str(threat.id)]), ("Everything else", [str(advert.id)])]
    page = (await moderator.get(f"/moderate/cases/{threat.id}")).text
    beside = page[page.index("room-queue"):page.index("</nav>", page.index("room-queue"))]
    assert re.findall(r"/moderate/cases/(\d+)", beside) == [str(advert.id)]  # not the one that is open


async def test_after_the_daily_limit_no_case_is_given_out_unless_somebody_asks(village: Village) -> None:
    court = await _with_limit(village, 1)
    one, two = await _reported(court, "Přijďte si pro ránu."), await _reported(court, "Tobě taky ránu.")
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{one.id}")).text
    assert (await moderator.get(f"/moderate/next?ahead={one.id}")).status == 204  # this one is the last of the day
    await _decide(moderator, one, page, action="remove")
    assert (await moderator.get("/moderate/next")).headers["location"] == "/moderate"
    assert (await moderator.get(f"/moderate/next?ahead={one.id}")).status == 204
    overview = (await moderator.get("/moderate")).text
    assert "That is enough for today." in overview
    assert f"/moderate/cases/{two.id}" not in overview
    assert (await moderator.get("/moderate/next?more=1")).headers["location"] == f"/moderate/cases/{two.id}"
    other = await court.village.by_browser("other_moderator")
    assert "That is enough for today." not in (await other.get("/moderate")).text


async def test_a_break_releases_the_case_and_opens_no_other(court: Court) -> None:
    cases = [await _reported(court, f"Rána číslo {number}.") for number in range(6)]
    moderator = await court.village.by_browser("moderator")
    for case in cases[:5]:
        page = (await moderator.get(f"/moderate/cases/{case.id}")).text
        assert "Time for a break?" not in page
        await _decide(moderator, case, page, action="remove")
    page = (await moderator.get(f"/moderate/cases/{cases[5].id}")).text
    assert "several hard cases in a row" in page
    answer = await moderator.post(f"/moderate/cases/{cases[5].id}/release", {"form_token": form_token(page), "pause": "1"})
    assert answer.headers["location"] == "/moderate?pause=1"
    assert "Enjoy your break." in (await moderator.get("/moderate?pause=1")).text
    assert not (await court.case(cases[5].id)).is_held(clock.now())


async def test_a_moderator_chooses_topics_and_a_limit(court: Court) -> None:
    threat = await _reported(court, "Přijďte si pro ránu.")
    moderator = await court.village.by_browser("moderator")
    refused = await send(moderator, "/moderate/preferences", "/moderate/preferences", avoided="violence", daily_limit="0")
    assert refused.status == 422
    assert 'value="violence" checked' in refused.text
    answer = await send(moderator, "/moderate/preferences", "/moderate/preferences", avoided="violence", daily_limit="12")
    page = (await moderator.get(answer.headers["location"])).text
    assert 'value="violence" checked' in page
    assert 'value="12"' in page
    assert f"/moderate/cases/{threat.id}" not in (await moderator.get("/moderate")).text
    other = await court.village.by_browser("other_moderator")
    assert f"/moderate/cases/{threat.id}" in (await other.get("/moderate")).text
    assert " checked" not in (await other.get("/moderate/preferences")).text[:-1].partition("<form method")[2].partition("</form>")[0]


async def test_a_page_that_is_fetched_in_advance_shows_the_case_as_when_it_is_opened(court: Court) -> None:
    one, two = await _reported(court, "Přijďte si pro ránu."), await _reported(court, "Tobě taky ránu.")
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{one.id}")).text
    assert f'data-next="/moderate/next?ahead={one.id}"' in page
    answer = await moderator.get(f"/moderate/next?ahead={one.id}")
    assert answer.headers["location"] == f"/moderate/cases/{two.id}?ahead=1"
    ahead = (await moderator.get(answer.headers["location"])).text
    assert "you hold it, for 10 min more" in ahead or "you hold it, for 9 min more" in ahead
    assert "data-decide" in ahead
    seat = (await court.case(two.id)).moderator_seat
    assert seat
    assert (seat.leased_until - clock.now()).total_seconds() <= 60
    answer = await _decide(moderator, one, page, action="remove")
    assert answer.status == 303
    assert (await moderator.post(f"/moderate/cases/{two.id}/claim", {"form_token": form_token(ahead)})).status == 204
    seat = (await court.case(two.id)).moderator_seat
    assert seat
    assert (seat.leased_until - clock.now()).total_seconds() > 300


async def test_our_script_gets_the_line_with_which_a_decision_is_undone(court: Court) -> None:
    case = await _reported(court, "Přijďte si pro ránu.")
    moderator = await court.village.by_browser("moderator")
    page = (await moderator.get(f"/moderate/cases/{case.id}")).text
    form: dict[str, Any] = {"form_token": form_token(page), "clause": "2", "action": "remove", "seen_edited_at": "", "days": "7"}
    answer = await moderator.post(f"/moderate/cases/{case.id}/decide", form, x_folkmoot_part="1")
    assert answer.status == 200
    assert "<html" not in answer.text
    assert re.search(r"/moderate/verdicts/\d+/undo", answer.text)


async def test_a_case_shows_what_a_notice_says_without_its_sender(court: Court, desk: Desk) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    await desk.receive(view, reason="@author calls for a brawl.", name="Alena Nováková", email="alena@example.org")
    case, = await court.queue()
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    main = page[page.index("<main"):page.index("</main>")]
    assert "Somebody outside has sent a notice" in main
    assert "@… calls for a brawl." in main
    assert "not verified" in main
    for word in ("@author", "Alena", "alena@example.org"):
        assert word not in main
