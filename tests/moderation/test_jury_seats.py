"""What happens to the seats of a jury: expired, declined, edited, deleted, tied, excluded, and a moderator who is faster."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid, NotFound
from folkmoot.moderation.cases.jobs import watch_deadlines
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.model import (
    INVITED_AT_MOST,
    LEASE,
    LONGEST_LEASE,
    MOST_RESTARTS,
    AlreadyDecided,
    LeaseEnded,
    NoLongerYours,
    Reason,
    SeatState,
    State,
    TextChanged,
)
from folkmoot.moderation.jurors.model import State as JurorState
from folkmoot.moderation.jury.model import MOST_SEATS
from folkmoot.moderation.restrictions.overdue import hide_overdue
from folkmoot.moderation.reviewing.actions import read_pace
from folkmoot.network.posts.actions import delete_post, edit_post
from folkmoot.network.posts.model import PostDraft, PostView
from folkmoot.network.relations import actions as relations
from tests.moderation.jury_room import JuryRoom
from tests.village import LIMITS

_SECOND = timedelta(seconds=1)


async def _sitting(room: JuryRoom) -> tuple[PostView, Case]:
    post, case = await room.case()
    await room.form()
    return post, case


async def _edit(room: JuryRoom, post: PostView, text: str) -> None:
    async with room.database.write() as tx:
        await edit_post(tx, room.village.people["author"], post.post.id, PostDraft(text=text), LIMITS)


async def _set_state(room: JuryRoom, account_id: int, state: JurorState) -> None:
    async with room.database.write() as tx:
        await tx.execute("UPDATE jurors SET state = $2 WHERE account_id = $1", account_id, state)


async def test_an_item_is_opened_answered_once_and_belongs_to_nobody_else(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    one, other, *_ = await room.seats(case)
    item = await room.next_item(one.account_id)
    assert item
    assert (item.id, item.case.id, item.until > clock.now()) == (one.id, case.id, True)
    again = await room.next_item(one.account_id)
    assert again
    assert (again.id, again.until >= item.until) == (item.id, True)
    assert await room.next_item(room.village.people["reader"].id) is None
    for wrong in (other.account_id, room.village.people["author"].id):
        with pytest.raises(NotFound):
            await room.answer(wrong, item, "")
        with pytest.raises(NotFound):
            await room.skip(wrong, item)
    with pytest.raises(Invalid):
        await room.answer(one.account_id, item, "nonsense")
    await room.answer(one.account_id, item, "violence")
    await room.answer(one.account_id, item, "violence")  # sent twice
    with pytest.raises(Conflict):
        await room.answer(one.account_id, item, "")
    with pytest.raises(Conflict):
        await room.skip(one.account_id, item)
    assert [seat.number for seat in await room.seats(case, SeatState.ANSWERED)] == [one.number]
    async with room.database.read() as conn:
        assert await queries.count_waiting(conn, one.account_id, clock.now()) == 0
        assert await queries.count_waiting(conn, other.account_id, clock.now()) == 1
        assert await queries.list_outcomes(conn, one.account_id) == []  # nothing before the decision


async def test_expired_invitations_and_leases_go_to_other_jurors(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    asked = await room.seats(case)
    first = asked[0]
    item = await room.next_item(first.account_id)
    assert item
    later = clock.now() + LEASE + _SECOND
    with clock.stopped_at(later):
        with pytest.raises(LeaseEnded):
            await room.answer(first.account_id, item, "")
        assert await room.watch() == 1
        assert await room.next_item(first.account_id) is None
        new = await room.seats(case, SeatState.OFFERED)
        assert len(new) == len(asked)
        assert first.account_id not in {seat.account_id for seat in new}
        assert await room.watch() == 0
    with clock.stopped_at(max(seat.until for seat in new) + _SECOND):
        assert await room.watch() == 1
        last = await room.seats(case, SeatState.OFFERED)
    everybody = await room.seats(case)
    assert len(last) == len(asked)
    assert len({seat.account_id for seat in everybody}) == len(everybody) == len(asked) + 1 + len(asked)


async def test_reading_an_item_again_renews_its_lease_but_not_for_ever(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    seat = (await room.seats(case))[0]
    begun = clock.now()
    for minutes in range(0, int(LONGEST_LEASE.total_seconds() // 60), 8):
        with clock.stopped_at(begun + timedelta(minutes=minutes)):
            item = await room.next_item(seat.account_id)
            assert item
            assert item.until <= begun + LONGEST_LEASE + LEASE
    with clock.stopped_at(begun + LONGEST_LEASE + LEASE):
        assert await room.next_item(seat.account_id) is None


async def test_a_declined_seat_is_filled_by_somebody_else(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    seat = (await room.seats(case))[0]
    item = await room.next_item(seat.account_id)
    assert item
    await room.skip(seat.account_id, item)
    await room.skip(seat.account_id, item)
    with pytest.raises(LeaseEnded):
        await room.answer(seat.account_id, item, "")
    await room.court.let_half_a_minute_pass()  # the job, not the timed one
    assert [one.number for one in await room.seats(case, SeatState.OFFERED)] == [2, 3, 4, 5, 6]
    assert (await room.seats(case))[5].camp is seat.camp


async def test_changed_words_come_again_to_everybody(room: JuryRoom) -> None:
    post, case = await _sitting(room)
    one, two, *_ = await room.seats(case)
    await room.answer_one(one, "violence")
    item = await room.next_item(two.account_id)
    assert item
    async with room.database.write() as tx:
        await tx.execute("UPDATE jury_seats SET drawn_at = drawn_at - interval '3 days' WHERE id = $1", one.id)
    await _edit(room, post, "Vezměte koláče")
    with pytest.raises(TextChanged):
        await room.answer(two.account_id, item, "violence")
    await room.village.work()  # post.edited
    assert await room.seats(case, SeatState.ANSWERED) == []
    again = await room.next_item(one.account_id)
    assert again
    assert (again.id, again.seen_key == item.seen_key) == (one.id, False)
    with pytest.raises(TextChanged):  # a screen from before, though the lease is that of the new words
        await room.next_item(two.account_id)
        await room.answer(two.account_id, item, "violence")
    await room.answer_all(case, "")
    assert (await room.jury(case)).state is State.DECIDED
    assert await room.journal(case, "jury.restarted") == ['{"restarts":1}']
    async with room.database.read() as conn:  # of the forty items of this day, though first offered days ago
        assert (await read_pace(conn, one.account_id, clock.now())).done == 1
        assert {able.account_id: able.items for able in await queries.list_able(conn, clock.now())}[one.account_id] == 1


async def test_an_author_cannot_keep_a_jury_busy_with_edits(room: JuryRoom) -> None:
    post, case = await _sitting(room)
    one = (await room.seats(case))[0]
    for number in range(MOST_RESTARTS + 1):
        await room.answer_one(one, "")
        await _edit(room, post, f"Jinak {number}")
        await room.village.work()
    jury = await room.jury(case)
    assert (jury.state, jury.reason) == (State.STAFF, Reason.EDITED)
    assert await room.seats(case, SeatState.OFFERED, SeatState.OPENED) == []


async def test_a_deleted_post_is_for_moderators(room: JuryRoom) -> None:
    post, case = await _sitting(room)
    one, two, *_ = await room.seats(case)
    item = await room.next_item(one.account_id)
    assert item
    async with room.database.write() as tx:
        await delete_post(tx, room.village.people["author"], post.post.id)
    assert await room.next_item(two.account_id) is None
    with pytest.raises(AlreadyDecided):
        await room.answer(one.account_id, item, "")
    await room.court.let_half_a_minute_pass()
    with clock.stopped_at(item.until):
        await room.watch()
    assert ((await room.jury(case)).state, (await room.jury(case)).reason) == (State.STAFF, Reason.DELETED)


async def test_a_moderator_who_is_faster_decides(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    one, two, *_ = await room.seats(case)
    await room.answer_one(one, "")
    item = await room.next_item(two.account_id)
    assert item
    await room.court.decide("moderator", case, "remove")
    with pytest.raises(AlreadyDecided):
        await room.answer(two.account_id, item, "")
    assert (await room.jury(case)).state is State.CLOSED
    async with room.database.read() as conn:
        [outcome] = await queries.list_outcomes(conn, one.account_id)
        assert (outcome.action, outcome.is_agreed) == ("remove", False)
        assert await queries.count_waiting(conn, two.account_id, clock.now()) == 0


async def test_a_moderator_who_is_slower_is_told(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    await room.court.claim("moderator", case)
    await room.answer_all(case, "violence")
    assert (await room.court.case(case.id)).state is CaseState.DECIDED
    with pytest.raises(Conflict):
        await room.court.decide("moderator", case, "keep")


async def _follow(room: JuryRoom, juror_id: int) -> None:
    async with room.database.write() as tx:
        await relations.follow(tx, (await room.viewer(juror_id)).account, room.village.people["author"].id)


async def _block_reporter(room: JuryRoom, juror_id: int) -> None:
    async with room.database.write() as tx:
        await relations.block(tx, room.village.people["reporter"], juror_id)



@pytest.mark.parametrize("tie", [_follow, _block_reporter])
async def test_a_juror_who_knows_somebody_by_now_is_replaced(room: JuryRoom, tie: Callable[[JuryRoom, int], Awaitable[None]]) -> None:
    _, case = await _sitting(room)
    one, two, *_ = await room.seats(case)
    item = await room.next_item(one.account_id)
    assert item
    for seat in (one, two):
        await tie(room, seat.account_id)
    with pytest.raises(NoLongerYours):
        await room.answer(one.account_id, item, "violence")
    assert await room.next_item(two.account_id) is None
    await room.court.let_half_a_minute_pass()
    seats = await room.seats(case)
    assert [seat.state for seat in seats[:2]] == [SeatState.VOID, SeatState.VOID]
    assert len([seat for seat in seats if seat.is_outstanding]) == 5


async def test_an_excluded_juror_counts_no_more_and_one_who_pauses_is_replaced(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    one, two, three, *_ = await room.seats(case)
    for seat in (one, two):
        await room.answer_one(seat, "violence")
    item = await room.next_item(three.account_id)
    assert item
    await _set_state(room, one.account_id, JurorState.EXCLUDED)
    await _set_state(room, two.account_id, JurorState.PAUSED)
    await _set_state(room, three.account_id, JurorState.PAUSED)
    with pytest.raises(Forbidden):
        await room.answer(three.account_id, item, "")
    await room.watch()
    states = {seat.number: seat.state for seat in await room.seats(case)}
    assert (states[1], states[2], states[3]) == (SeatState.VOID, SeatState.ANSWERED, SeatState.VOID)
    assert len(states) == 7


async def test_the_seats_of_a_deleted_account_are_deleted_and_filled(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    one, two, *_ = await room.seats(case)
    await room.answer_one(one, "violence")
    async with room.database.write() as tx:
        await tx.execute("DELETE FROM accounts WHERE id = ANY ($1::bigint[])", [one.account_id, two.account_id])
    assert await room.watch() == 1
    seats = await room.seats(case)
    assert len(seats) == 5
    assert not {one.account_id, two.account_id} & {seat.account_id for seat in seats}


async def test_jurors_who_cannot_agree_leave_the_case_to_moderators(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    answered = await room.answer_all(case, lambda seat: "violence" if seat.camp else "")
    jury = await room.jury(case)
    assert (len(answered), jury.state) == (MOST_SEATS, State.STAFF)
    assert jury.reason in (Reason.JURORS_DISAGREE, Reason.CAMPS_DISAGREE)
    assert (await room.court.case(case.id)).state is CaseState.OPEN
    assert await room.journal(case, "jury.passed") == [f'{{"reason":"{jury.reason}"}}']
    await room.court.decide("moderator", case, "keep")


async def test_little_time_left_is_for_moderators(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    async with room.database.write() as tx:
        await tx.execute("UPDATE cases SET noted_share = 80, probability = 0.1")  # most probably harmless: it would not be hidden
    assert await room.watch() == 1
    assert (await room.jury(case)).reason is Reason.LATE


async def test_a_jury_that_is_late_goes_on_about_what_is_hidden_until_somebody_decides(room: JuryRoom) -> None:
    (_, late), (_, fresh) = await _sitting(room), await room.case("Přijedu za ním")
    early = await room.seats(late)
    async with room.database.write() as tx:
        await tx.execute("UPDATE cases SET noted_share = 80")
    assert await room.watch() == 0
    with clock.stopped_at(late.due_at + timedelta(minutes=5)):
        await watch_deadlines(room.database)
        async with room.database.write() as tx:
            assert await hide_overdue(tx) == 2
        assert await room.form() == 1, "also for a case that no jury had before its deadline"
        assert await room.watch() == 1
        asked = [seat for seat in await room.seats(late, SeatState.OFFERED) if seat.id not in {one.id for one in early}]
        assert len(asked) == 5
        assert {seat.until - clock.now() for seat in [*asked, *await room.seats(fresh)]} == {INVITED_AT_MOST}
        await room.answer_all(late, "violence")
        await room.answer_all(fresh, "")
    assert {(await room.jury(case)).state for case in (late, fresh)} == {State.DECIDED}
    async with room.database.read() as conn:
        rows = await conn.fetch("SELECT case_id, lifted_at IS NULL AS lasts FROM restrictions WHERE verdict_id IS NULL")
    assert {row["case_id"]: row["lasts"] for row in rows}.get(fresh.id) is False, "what was found harmless is shown again"


async def test_what_somebody_outside_demands_is_for_moderators_when_it_is_late(room: JuryRoom) -> None:
    _, case = await _sitting(room)
    async with room.database.write() as tx:
        await tx.execute("UPDATE cases SET noted_share = 80, is_demanded = true")
    assert await room.watch() == 1
    assert (await room.jury(case)).reason is Reason.LATE
