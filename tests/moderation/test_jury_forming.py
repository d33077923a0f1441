"""Which cases go to a jury, who is drawn, and what happens when nobody can be."""

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.actions import bring_deadline_forward
from folkmoot.moderation.cases.queries import list_queue
from folkmoot.moderation.juries.jobs import Juries
from folkmoot.moderation.juries.model import ENOUGH_JURORS, LEAST_TIME, MOST_INVITATIONS, Reason, SeatState, State
from folkmoot.moderation.juries.queries import count_able, list_able, list_able_of, list_tied
from folkmoot.moderation.jurors.model import CLEAN_FOR
from folkmoot.moderation.jury.model import MOST_SEATS
from folkmoot.network.posts.model import Visibility
from tests.moderation.jury_room import JuryRoom
from tests.series import dice, length


async def _change(room: JuryRoom, sql: str, *args: object) -> None:
    async with room.database.write() as tx:
        assert await tx.execute(sql, *args)


async def _queue_of(room: JuryRoom, name: str) -> list[int]:
    async with room.database.read() as conn:
        return [case.id for case in await list_queue(conn, clock.now(), 100, room.village.people[name].id)]


async def test_with_too_few_jurors_moderators_decide_and_the_journal_says_so(room: JuryRoom) -> None:
    await _change(room, "UPDATE jurors SET state = 'paused' WHERE account_id = ANY ($1::bigint[])", room.ids[ENOUGH_JURORS - 1:])
    _, case = await room.case()
    assert await room.form() == 1
    assert ((await room.jury(case)).state, (await room.jury(case)).reason) == (State.STAFF, Reason.FEW_JURORS)
    assert await room.journal(case, "jury.passed") == ['{"reason":"few_jurors"}']
    assert await _queue_of(room, "moderator") == [case.id]
    await _change(room, "UPDATE jurors SET state = 'juror'")
    assert await room.form() == 0  # the case stays where it is
    _, later = await room.case("Svolám je všechny")
    assert await room.form() == 1
    assert (await room.jury(later)).state is State.SITTING


async def test_the_setting_turns_juries_off(room: JuryRoom) -> None:
    await room.case()
    settings = room.village.settings
    off = msgspec.structs.replace(settings, moderation=msgspec.structs.replace(settings.moderation, juries="never"))
    assert await Juries(off).form(room.database) == 0


async def test_moderators_get_other_cases_first_while_a_jury_sits(room: JuryRoom) -> None:
    _, case = await room.case()
    assert await _queue_of(room, "moderator") == [case.id]
    await room.form()
    assert await _queue_of(room, "moderator") == []
    await _change(room, "UPDATE cases SET noted_share = 50")
    assert await _queue_of(room, "moderator") == [case.id]


async def test_what_a_jury_cannot_judge_goes_to_moderators(room: JuryRoom) -> None:
    _, near = await room.case("Blízko")
    _, private = await room.case("Jen pro své")
    _, deleted = await room.case("Smazáno")
    _, ordered = await room.case("Nařízeno")
    await room.court.report("reporter")
    account = next(case for case in await room.court.queue() if case.subject == "account")
    async with room.database.write() as tx:
        await bring_deadline_forward(tx, near, clock.now() + LEAST_TIME - timedelta(minutes=1), is_demanded=True)
        await tx.execute("DELETE FROM posts WHERE id = $1", deleted.subject_id)
        await tx.execute("UPDATE posts SET visibility = $2 WHERE id = $1", private.subject_id, Visibility.FOLLOWERS)
        await tx.execute(
            "INSERT INTO notices (id, number, state, door, urgency, language, reason, clause, places, received_at, due_at)"
            " VALUES (1, '1', 'received', 'form', 'order', 'cs', '', 'law', '[]', now(), now() + interval '1 day')"
        )
        await tx.execute("INSERT INTO notice_cases (notice_id, case_id) VALUES (1, $1)", ordered.id)
    assert await room.form() == 5
    reasons = {case.id: (await room.jury(case)).reason for case in (near, private, deleted, ordered, account)}
    assert reasons == {near.id: Reason.DEADLINE, private.id: Reason.PRIVATE, deleted.id: Reason.DELETED, ordered.id: Reason.ORDER,
                       account.id: Reason.ACCOUNT}


async def test_an_appeal_against_a_measure_on_the_account_is_for_moderators(room: JuryRoom) -> None:
    _, case = await room.case()
    verdict = await room.court.decide("moderator", case, "remove", also=("freeze",))
    async with room.database.write() as tx:
        appeal = await lodge_appeal(tx, room.village.people["author"], verdict.id)
    second = await room.court.case(appeal.case_id)
    await room.form()
    assert (await room.jury(second)).reason is Reason.AUTHOR
    with pytest.raises(Conflict):
        await room.court.decide("moderator", case, "keep")
    await room.court.decide("other_moderator", second, "keep")


async def test_only_jurors_who_can_judge_a_case_are_drawn(room: JuryRoom) -> None:
    """Of 24 jurors 14 are left out, each for another reason."""
    people, ids, now = room.village.people, room.ids, clock.now()
    author, reporter = people["author"].id, people["reporter"].id
    post, case = await room.case("Svolám na něj lidi", language="cs")
    ties = [
        ("INSERT INTO follows (account_id, target_id, id) VALUES ($1, $2, 1)", author),
        ("INSERT INTO follows (account_id, target_id, id) VALUES ($2, $1, 2)", author),
        ("INSERT INTO mutes (account_id, target_id, id) VALUES ($1, $2, 1)", reporter),
        ("INSERT INTO blocks (account_id, target_id, id) VALUES ($2, $1, 1)", reporter),
        ("INSERT INTO favourites (account_id, post_id, id) VALUES ($1, $2, 1)", post.post.id),
        ("UPDATE accounts SET created_at = (SELECT created_at FROM accounts WHERE id = $2) WHERE id = $1", reporter),
    ]
    standing = [
        "UPDATE accounts SET is_bot = true WHERE id = $1", "UPDATE accounts SET effect = 1 WHERE id = $1",
        "UPDATE logins SET role = 'moderator' WHERE account_id = $1", "UPDATE jurors SET state = 'paused' WHERE account_id = $1",
        "UPDATE accounts SET created_at = now() - interval '13 days' WHERE id = $1",
        "WITH c AS (INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, barred_ids,"
        " opened_at, due_at, closed_at) VALUES (1, 'account', $1, $1, 'decided', 'spam', 1, 1, 1, '{}', now(), now(), now()) RETURNING id)"
        " INSERT INTO verdicts (id, case_id, action, clause, policy, explanation, made_at, settled_at)"
        f" SELECT 1, id, 'warn', 'spam', '', '', now() - interval '{CLEAN_FOR.days - 1} days', now() FROM c",
    ]
    choices = [
        "UPDATE jurors SET avoided = '{violence}' WHERE account_id = $1", "UPDATE jurors SET languages = '{en}' WHERE account_id = $1",
    ]
    for id_, (sql, other) in zip(ids, ties, strict=False):
        await _change(room, sql, id_, other)
    for id_, sql in zip(ids[len(ties):], standing + choices, strict=False):
        await _change(room, sql, id_)
    rest = set(ids[len(ties) + len(standing) + len(choices):])
    assert len(rest) == 10
    async with room.database.read() as conn:
        assert await list_tied(conn, case.id, ids, now) == set(ids[:len(ties)])
        able = {one.account_id for one in await list_able(conn, now)}
        assert set(ids) - able == set(ids[len(ties):len(ties) + len(standing)])
        assert await list_able_of(conn, ids, now) == able
        assert await count_able(conn, now, 100) == len(able)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("folkmoot.moderation.juries.jobs.ENOUGH_JURORS", 5)
        assert await room.form() == 1
    while (await room.jury(case)).state is State.SITTING:
        for seat in await room.seats(case, SeatState.OFFERED):
            item = await room.next_item(seat.account_id)
            assert item
            await room.skip(seat.account_id, item)
        await room.watch()
    assert {seat.account_id for seat in await room.seats(case)} <= rest
    assert (await room.jury(case)).reason is Reason.FEW_FOR_CASE


async def test_two_of_one_invitation_and_the_one_who_invited_them_are_tied(room: JuryRoom) -> None:
    _, case = await room.case()
    together, later, inviter = room.ids[:3]
    author = room.village.people["author"].id
    await _change(
        room, "INSERT INTO invitations (id, code, account_id, expires_at, created_at) VALUES (1, 'x', $1, now(), now())", inviter
    )
    await _change(room, "UPDATE logins SET invitation_id = 1 WHERE account_id = ANY ($1::bigint[])", [author, together, later])
    await _change(
        room, "UPDATE accounts SET created_at = (SELECT created_at FROM accounts WHERE id = $2) + interval '50 minutes' WHERE id = $1",
        together, author,
    )
    async with room.database.read() as conn:
        assert await list_tied(conn, case.id, room.ids, clock.now()) == {together, inviter}
    await room.village.write("author", "Ahoj @juror5")
    await room.village.work()
    async with room.database.read() as conn:
        assert await list_tied(conn, case.id, room.ids, clock.now()) == {together, inviter, room.village.people["juror5"].id}
        assert await list_tied(conn, case.id, room.ids, clock.now() + timedelta(days=91)) == {together, inviter}


async def test_busy_jurors_are_not_asked_and_the_case_waits(room: JuryRoom) -> None:
    """Nobody has more than ten invitations at once, and nobody waits in vain: free jurors are found at the next run."""
    for number in range(length(2, 40)):
        await room.case(f"Svolám je {number}")
    await room.form()
    seats = [seat for case in await room.court.queue() for seat in await room.seats(case)]
    load = Counter(seat.account_id for seat in seats)
    assert max(load.values()) <= MOST_INVITATIONS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("folkmoot.moderation.juries.actions.pool.MOST_INVITATIONS", 1)
        _, case = await room.case("Svolám ještě někoho")
        busy = {seat.account_id for seat in seats}
        await room.form()
        drawn = {seat.account_id for seat in await room.seats(case)}
        assert not drawn & busy
        patch.setattr("folkmoot.moderation.juries.actions.pool.MOST_INVITATIONS", 0)
        _, waiting = await room.case("A pak další")
        assert await room.form() == 0
        assert await room.journal(waiting, "jury.passed") == []
    assert await room.form() == 1
    assert (await room.jury(waiting)).state is State.SITTING


async def test_a_jury_that_lacks_seats_gets_them_later(room: JuryRoom) -> None:
    _, case = await room.case()
    await room.form()
    seat = (await room.seats(case))[0]
    item = await room.next_item(seat.account_id)
    assert item
    await room.skip(seat.account_id, item)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("folkmoot.moderation.juries.actions.pool.MOST_INVITATIONS", 0)
        await room.watch()
        assert len(await room.seats(case, SeatState.OFFERED)) == 4
        assert (await room.jury(case)).state is State.SITTING
    await room.watch()
    assert len(await room.seats(case, SeatState.OFFERED)) == 5


async def test_twenty_jurors_at_once_double_no_seat_and_leave_none_stuck(room: JuryRoom) -> None:
    """Jurors answer and decline at the same time, while two workers form, advance and replace."""
    cases = [(await room.case(f"Svolám je {number}"))[1] for number in range(length(8, 200))]
    random = dice("jurors at once")

    async def judge(account_id: int) -> None:
        while item := await room.next_item(account_id):
            if random.random() < 0.2:
                await room.skip(account_id, item)
            else:
                await room.answer(account_id, item, "violence" if item.case.id % 3 else "")

    for _ in range(60):
        await asyncio.gather(room.form(), room.form(), room.watch(), room.watch(), *map(judge, room.ids))
        if {(await room.jury(case)).state for case in cases} <= {State.DECIDED, State.STAFF}:
            break
    for case in cases:
        jury, seats = await room.jury(case), await room.seats(case)
        assert jury.state in (State.DECIDED, State.STAFF), jury
        assert len({seat.account_id for seat in seats}) == len(seats) == len({seat.number for seat in seats})
        assert not [seat for seat in seats if seat.is_outstanding]
        assert len([seat for seat in seats if seat.state is SeatState.ANSWERED]) <= MOST_SEATS
        assert len(await room.journal(case, "verdict.reached")) == (jury.state is State.DECIDED)
