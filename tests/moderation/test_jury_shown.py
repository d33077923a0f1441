"""Who sees what of a jury: moderators how far it is, members whether juries sit, a juror their own seats, and nobody who sits."""

from datetime import UTC, datetime, timedelta
from typing import Any

from folkmoot.base import clock
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.juries.model import ENOUGH_JURORS
from folkmoot.moderation.juries.queries import list_own_seats
from folkmoot.moderation.juries.queries.figures import PROGRESS_EVERY
from tests.moderation.jury_room import JuryRoom

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


async def _api(room: JuryRoom, case: Case) -> Any:
    moderator = await room.village.by_app("moderator", "admin:read")
    return (await moderator.get(f"/api/folkmoot/v1/moderation/cases/{case.id}")).json


async def test_moderators_see_how_far_a_jury_is_and_why_there_is_none(room: JuryRoom) -> None:
    _, case = await room.case()
    moderator = await room.village.by_browser("moderator")
    page = f"/moderate/cases/{case.id}"
    before = (await moderator.get(page)).text
    assert "A jury judges it" not in before
    await room.form()
    seats = await room.seats(case)
    now = clock.now()
    quarter = now - (now - _EPOCH) % PROGRESS_EVERY + PROGRESS_EVERY
    with clock.stopped_at(quarter):
        await room.answer_one(seats[0], "")
        item = await room.next_item(seats[1].account_id)
        assert item
        await room.skip(seats[1].account_id, item)
        await room.watch()
    assert len(await room.journal(case, "jury.drawn")) == 2
    with clock.stopped_at(quarter + PROGRESS_EVERY - timedelta(seconds=1)):
        assert "A jury judges it: 0 of 5 had answered" in (await moderator.get(page)).text
        assert (await _api(room, case))["jury"] == {"state": "sitting", "reason": None, "asked": 5, "answered": 0}
    with clock.stopped_at(quarter + PROGRESS_EVERY):
        shown, answer = (await moderator.get(page)).text, await _api(room, case)
    assert "A jury judges it: 1 of 5 had answered" in shown
    assert shown.count("members were drawn for the jury") == 1, "nobody learns when a juror declined"
    assert [step["kind"] for step in answer["steps"]].count("jury.drawn") == 1
    assert answer["jury"] == {"state": "sitting", "reason": None, "asked": 5, "answered": 1}
    assert not [seat for seat in seats if str(seat.account_id) in shown + str(answer) or str(seat.id) in shown + str(answer)]
    async with room.database.write() as tx:
        await tx.execute("UPDATE cases SET noted_share = 80, probability = 0.1")
    await room.watch()
    assert "Moderators decide: the jury was not ready in time." in (await moderator.get(page)).text
    assert (await _api(room, case))["jury"]["reason"] == "late"


async def test_the_page_of_the_jury_says_whether_it_sits(room: JuryRoom) -> None:
    reader = await room.village.by_browser("reader")
    assert "The jury is still gathering" not in (await reader.get("/jury")).text
    async with room.database.write() as tx:
        await tx.execute("UPDATE jurors SET state = 'paused' WHERE account_id = ANY ($1::bigint[])", room.ids[ENOUGH_JURORS - 1:])
    assert "The jury is still gathering" in (await reader.get("/jury")).text


async def test_the_archive_of_a_juror_has_their_seats_and_nobody_elses(room: JuryRoom) -> None:
    _, case = await room.case("Tohle patří někomu jinému")
    await room.form()
    one, other, *_ = await room.seats(case)
    await room.answer_one(one, "violence")
    async with room.database.read() as conn:
        [own] = await list_own_seats(conn, one.account_id, Page())
        waiting = await list_own_seats(conn, other.account_id, Page())
        assert await list_own_seats(conn, one.account_id, Page(max_id=own.id)) == []
        assert await list_own_seats(conn, room.village.people["author"].id, Page()) == []
    assert (own.id, own.answer, own.rule, own.state) == (one.id, "breach", "violence", "answered")
    # Neither an invitation nor an open item: an open one without a seat here would be a gold question.
    assert waiting == []
    item = await room.next_item(other.account_id)
    assert item
    async with room.database.read() as conn:
        assert await list_own_seats(conn, other.account_id, Page()) == []
    await room.skip(other.account_id, item)
    async with room.database.read() as conn:
        [declined] = await list_own_seats(conn, other.account_id, Page())
    assert (declined.id, declined.answer, declined.answered_at) == (other.id, None, None)
