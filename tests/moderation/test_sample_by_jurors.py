"""Jurors label the daily sample: who is asked, how they agree, and that nothing tells a post of the sample from a case."""

from datetime import timedelta
from itertools import pairwise

import pytest

from folkmoot.base import clock, ids
from folkmoot.base.errors import Conflict
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.juries.actions.sitting import are_juries_sitting
from folkmoot.moderation.juries.model import (
    ENOUGH_JURORS,
    MOST_SAMPLED,
    AlreadyDecided,
    LeaseEnded,
    Review,
    SeatState,
    Severity,
    TextChanged,
)
from folkmoot.moderation.juries.queries import list_able, list_own_seats, list_tied
from folkmoot.moderation.jurors.model import Finding, Sureness
from folkmoot.moderation.measurement.actions.label import label_item
from folkmoot.moderation.measurement.model import SampleItem, Stratum
from folkmoot.moderation.measurement.queries.sample import find_waiting_item, insert_day, insert_items
from folkmoot.moderation.reviewing import actions
from folkmoot.moderation.reviewing.actions import Desk
from folkmoot.moderation.reviewing.jobs import Sampling
from folkmoot.moderation.reviewing.model import SampleSeat, label_of
from folkmoot.moderation.reviewing.queries import list_waiting_jurors, sample
from folkmoot.network.posts.actions import edit_post
from folkmoot.network.posts.model import PostDraft, PostView
from tests.moderation.court import Court
from tests.moderation.jury_room import JuryRoom
from tests.village import LIMITS, Village


class SampleRoom(JuryRoom):
    """Jurors, and posts of the daily sample."""

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.village.settings.moderation, self.juries.halves)

    async def sampled(self, *texts: str, **draft: object) -> list[tuple[PostView, SampleItem]]:
        """Posts that were drawn into the sample of yesterday."""
        day, drawn = clock.now().date() - timedelta(days=1), []
        for text in texts:
            view = await self.village.write("author", text, **{"language": "en", **draft})
            drawn.append((view, SampleItem(
                id=ids.make_id(0), day=day, post_id=view.post.id, edited_at=None, stratum=Stratum.QUIET, draws=1, score=0.1,
                is_queued=False,
            )))
        async with self.database.write() as tx:
            await insert_day(tx, day, clock.now(), len(texts), 0, "1", {Stratum.QUIET: len(texts)})
            await insert_items(tx, [item for _, item in drawn])
        return drawn

    async def offer(self) -> int:
        return await self.sampling.offer(self.database)

    async def places(self, item: SampleItem, *states: SeatState) -> list[SampleSeat]:
        async with self.database.read() as conn:
            return [one for one in await sample.list_seats(conn, item.id) if not states or one.state in states]

    async def take(self, account_id: int) -> Desk:
        viewer = await self.viewer(account_id)
        async with self.database.write() as tx:
            await tx.execute("INSERT INTO juror_turns (account_id, cases_to_gold) VALUES ($1, 40) ON CONFLICT DO NOTHING", account_id)
            await actions.take_next(tx, viewer, goes_on=True)
        async with self.database.read() as conn:
            return await actions.read_desk(conn, viewer)

    async def say(self, account_id: int, clause: str | None, seen_key: str = "") -> None:
        """Takes the next item and answers it."""
        item = (await self.take(account_id)).item
        assert item
        await self.give(account_id, item.id, clause, seen_key or item.seen_key)

    async def give(self, account_id: int, item_id: int, clause: str | None, seen_key: str) -> None:
        viewer = await self.viewer(account_id)
        review = Review(finding=Finding(clause=clause, sureness=Sureness.QUITE), seen_key=seen_key, severity=Severity.CLEAR)
        async with self.database.write() as tx:
            await actions.answer_item(tx, viewer, item_id, review)

    async def say_all(self, item: SampleItem, *clauses: str | None) -> None:
        """Those who are asked answer, one after the other."""
        for clause in clauses:
            seat = (await self.places(item, SeatState.OFFERED))[0]
            await self.say(seat.account_id, clause)
        await self.court.let_half_a_minute_pass()

    async def answer_all(self, *wanted: tuple[SampleItem, str]) -> None:
        """All who are asked answer what is wanted, in whatever order they get the posts: seats of one millisecond have none."""
        clauses = {item.id: clause for item, clause in wanted}
        while offered := [one for item, _ in wanted for one in await self.places(item, SeatState.OFFERED)]:
            got = (await self.take(offered[0].account_id)).item
            assert got
            (seat,) = (one for one in offered if one.id == got.id)
            await self.give(seat.account_id, got.id, clauses[seat.item_id], got.seen_key)
        await self.court.let_half_a_minute_pass()

    async def label(self, item: SampleItem) -> tuple[list[str] | None, str | None]:
        async with self.database.read() as conn:
            row = await conn.fetchrow("SELECT clauses, labelled_by FROM sample_items WHERE id = $1", item.id)
        assert row
        return row["clauses"], row["labelled_by"]

    async def waits_for_moderators(self) -> bool:
        moderator = await self.court.viewer("moderator")
        async with self.database.read() as conn:
            return await find_waiting_item(conn, moderator.id, clock.now().date() - timedelta(days=9), clock.now()) is not None


@pytest.fixture
async def room(village: Village) -> SampleRoom:
    made = SampleRoom(await Court(village).open())
    await made.open()
    return made


@pytest.mark.parametrize(("answers", "label"), [
    ([], None), ([""], None), (["", ""], ()), (["violence", "violence"], ("violence",)), ([None, None], "unclear"),
    (["", "violence"], None), (["", "violence", ""], ()), (["violence", "spam"], None), (["violence", "spam", ""], ("spam", "violence")),
    (["violence", "spam", "spam"], ("spam",)), (["", None, "spam"], None), (["", None, "spam", "law"], ("law", "spam")),
])
def test_two_who_say_the_same_label_a_post(answers: list[str | None], label: tuple[str, ...] | str | None) -> None:
    expected = (False, None) if label is None else (True, None) if label == "unclear" else (True, label)
    assert label_of(answers) == expected


async def test_two_jurors_who_agree_label_a_post_and_no_third_is_asked(room: SampleRoom) -> None:
    (_, harmless), (view, breach) = await room.sampled("Dobrý den.", "Přijď si pro ránu.")
    assert await room.offer() == 2
    asked = await room.places(harmless)
    assert len(asked) == 2
    assert len({room.ids.index(one.account_id) % 2 for one in asked}) == 2, "one of each camp"
    assert not await room.waits_for_moderators()
    async with room.database.read() as conn:
        assert {one.account_id for one in asked} <= set(await list_waiting_jurors(conn, clock.now()))
        assert len(await room.places(breach)) == 2
    await room.answer_all((harmless, ""), (breach, "violence"))
    assert await room.label(harmless) == ([], "jury")
    assert await room.label(breach) == (["violence"], "jury")
    assert await room.offer() == 0
    case, = await room.court.queue()
    assert (case.subject_id, case.clause) == (view.post.id, "violence")
    async with room.database.read() as conn:
        rows = await conn.fetch("SELECT actor_id, facts FROM journal WHERE kind = 'sample.reviewed'")
        assert [row["actor_id"] for row in rows] == [None, None]
        assert all('"answers":2' in row["facts"] for row in rows)
        labelled = [one.account_id for one in await room.places(breach)]
        assert await list_tied(conn, case.id, room.ids, clock.now()) == set(labelled), "they do not judge the case that follows"


async def test_a_disagreement_gets_a_third_juror(room: SampleRoom) -> None:
    (_, item), = await room.sampled("Přijď si pro ránu.")
    await room.offer()
    await room.say_all(item, "", "violence")
    assert await room.label(item) == (None, None)
    assert not await room.waits_for_moderators()
    assert await room.offer() == 1
    assert len(await room.places(item)) == 3
    assert await room.offer() == 0, "all are asked"
    await room.say_all(item, "violence")
    assert await room.label(item) == (["violence"], "jury")


async def test_nobody_is_asked_who_knows_the_author_or_has_judged_the_post(room: SampleRoom) -> None:
    (view, item), = await room.sampled("Přijď si pro ránu.")
    await room.court.report("reporter", view, clauses=("violence",))
    case, = await room.court.queue()
    await room.form()
    judges = await room.seats(case)
    for seat in judges:
        await room.answer_one(seat, "violence")
    friends = [name for name, one in room.village.people.items() if name.startswith("juror") and one.id not in
               {seat.account_id for seat in judges}][:16]
    for name in friends:
        await room.village.follow(name, "author")
    await room.offer()
    asked = {one.account_id for one in await room.places(item)}
    assert len(asked) == 2
    assert not asked & {seat.account_id for seat in judges}
    assert not asked & {room.village.people[name].id for name in friends}
    late = (await room.places(item))[0]
    await room.village.follow(next(name for name, one in room.village.people.items() if one.id == late.account_id), "author")
    assert (await room.take(late.account_id)).item is None
    assert (await room.places(item, SeatState.VOID))[0].id == late.id


async def test_the_sample_takes_a_fifth_of_a_day_of_a_juror(room: SampleRoom) -> None:
    async with room.database.write() as tx:
        await tx.execute("UPDATE jurors SET languages = '{cs}' WHERE account_id <> ALL ($1::bigint[])", room.ids[:2])
    items = await room.sampled(*(f"Number {number}." for number in range(MOST_SAMPLED + 2)))
    await room.offer()
    async with room.database.read() as conn:
        able = {one.account_id: one for one in await list_able(conn, clock.now())}
    assert [(one.sampled, one.items, one.invitations) for id_, one in able.items() if id_ in room.ids[:2]] == [(MOST_SAMPLED,) * 3] * 2
    assert await room.offer() == 2
    assert sum([len(await room.places(item)) for _, item in items]) == 2 * MOST_SAMPLED
    assert await room.waits_for_moderators(), "the posts for which no juror is left"


async def test_too_few_jurors_and_a_language_of_nobody_leave_the_sample_to_moderators(room: SampleRoom) -> None:
    await room.sampled("Guten Tag.", language="de")
    assert await room.offer() == 1
    assert await room.waits_for_moderators()
    async with room.database.write() as tx:
        await tx.execute("UPDATE jurors SET state = 'paused' WHERE account_id <> ALL ($1::bigint[])", room.ids[:ENOUGH_JURORS - 1])
        assert not await are_juries_sitting(tx, room.village.settings.moderation)
    assert await room.offer() == 0


async def test_an_invitation_that_nobody_takes_goes_to_somebody_else_and_after_days_to_moderators(room: SampleRoom) -> None:
    (_, item), = await room.sampled("Dobrý den.")
    await room.offer()
    first = {one.account_id for one in await room.places(item)}
    with clock.stopped_at(clock.now() + timedelta(hours=13)):
        assert await room.waits_for_moderators()
        assert await room.offer() == 1
        assert not await room.waits_for_moderators()
        second = await room.places(item, SeatState.OFFERED)
        assert len(second) == 2
        assert not first & {one.account_id for one in second}
        await room.say(second[0].account_id, "")
    with clock.stopped_at(clock.now() + timedelta(days=5)):
        assert await room.offer() == 0
        assert await room.waits_for_moderators()
        moderator = await room.court.viewer("moderator")
        async with room.database.write() as tx:
            await label_item(tx, moderator, item.id, None, [])
    assert await room.label(item) == ([], "moderator")


async def test_an_edited_post_is_answered_like_a_case_and_not_labelled(room: SampleRoom) -> None:
    (view, item), = await room.sampled("Dobrý den.")
    await room.offer()
    juror, other = [one.account_id for one in await room.places(item)]
    opened = (await room.take(juror)).item
    assert opened
    async with room.database.write() as tx:
        await edit_post(tx, room.village.people["author"], view.post.id, PostDraft(text="Dobrou noc.", language="en"), LIMITS)
    with pytest.raises(TextChanged):
        await room.give(juror, opened.id, "", opened.seen_key)
    assert (await room.take(other)).item is None, "it is offered to nobody any more"
    again = (await room.take(juror)).item
    assert again
    assert (again.id, again.version.text) == (opened.id, "Dobrou noc.")
    await room.give(juror, again.id, "", again.seen_key)
    await room.court.let_half_a_minute_pass()
    assert await room.label(item) == (None, None)


async def test_errors_are_those_of_a_case(room: SampleRoom) -> None:
    (_, item), (_, second) = await room.sampled("Dobrý den.", "Dobrou noc.")
    await room.offer()
    juror = (await room.places(item))[0].account_id
    async with room.database.write() as tx:
        await tx.execute("DELETE FROM sample_seats WHERE account_id = $1 AND item_id = $2", juror, second.id)
    opened = (await room.take(juror)).item
    assert opened
    with clock.stopped_at(clock.now() + timedelta(minutes=11)), pytest.raises(LeaseEnded):
        await room.give(juror, opened.id, "", opened.seen_key)
    await room.give(juror, opened.id, "", opened.seen_key)
    await room.give(juror, opened.id, "", opened.seen_key)
    with pytest.raises(Conflict):
        await room.give(juror, opened.id, "spam", opened.seen_key)
    async with room.database.read() as conn:
        assert [(one.id, one.answer) for one in await list_own_seats(conn, juror, Page(limit=10))] == [(opened.id, "harmless")]
    viewer = await room.viewer(juror)
    async with room.database.write() as tx:
        with pytest.raises(Conflict):
            await actions.skip_item(tx, viewer, opened.id)
    skipping = (await room.places(second))[0].account_id
    left = (await room.take(skipping)).item
    assert left
    async with room.database.write() as tx:
        await actions.skip_item(tx, await room.viewer(skipping), left.id)
        await tx.execute("UPDATE sample_items SET labelled_at = now(), labelled_by = 'moderator'")
    with pytest.raises(AlreadyDecided):
        await room.give(skipping, left.id, "", left.seen_key)


async def _statements(room: SampleRoom, account_id: int) -> tuple[int, int, int]:
    """Of taking an item, reading it and answering it."""
    viewer, counts = await room.viewer(account_id), [room.database.statements]
    async with room.database.write() as tx:
        await actions.take_next(tx, viewer, goes_on=True)
    counts.append(room.database.statements)
    async with room.database.read() as conn:
        item = (await actions.read_desk(conn, viewer)).item
    assert item
    counts.append(room.database.statements)
    await room.give(account_id, item.id, "violence", item.seen_key)
    counts.append(room.database.statements)
    taken, read, answered = (after - before for before, after in pairwise(counts))
    return taken, read, answered


async def test_a_post_of_the_sample_takes_the_statements_of_a_case(room: SampleRoom) -> None:
    (_, item), = await room.sampled("Dobrý den.")
    await room.offer()
    by_sample = (await room.places(item))[0].account_id
    _, case = await _case_for_others(room, [one.account_id for one in await room.places(item)])
    by_case = (await room.seats(case))[0].account_id
    async with room.database.write() as tx:
        await tx.execute("INSERT INTO juror_turns (account_id, cases_to_gold) SELECT unnest($1::bigint[]), 40", [by_sample, by_case])
    assert await _statements(room, by_sample) == await _statements(room, by_case)


async def _case_for_others(room: SampleRoom, account_ids: list[int]) -> tuple[PostView, Case]:
    async with room.database.write() as tx:
        await tx.execute("UPDATE jurors SET state = 'paused' WHERE account_id = ANY ($1::bigint[])", account_ids)
    made = await room.case(language="en")
    await room.form()
    async with room.database.write() as tx:
        await tx.execute("UPDATE jurors SET state = 'juror'")
    return made
