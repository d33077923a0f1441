"""Polls: what an edit of their post changes, and further votes in polls with several answers."""

from datetime import datetime, timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Invalid
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import Poll, PollDraft, Post, PostDraft
from folkmoot.network.posts.queries import get_post_view
from tests.invariants import list_broken
from tests.village import LIMITS, settle, write

ANSWERS = PollDraft(titles=("dnes", "zítra"), expires_in=600)
FRUIT = PollDraft(titles=("hrušky", "jablka", "švestky"), expires_in=600, is_multiple=True)


async def _edit(tx: WriteTx, author: Account, post: Post, poll: PollDraft | None, text: str = "Kdy přesně?") -> Poll | None:
    return (await actions.edit_post(tx, author, post.id, PostDraft(text=text, poll=poll), LIMITS)).post.poll


def _poll(post: Post) -> Poll:
    assert post.poll
    return post.poll


@pytest.mark.parametrize("expires_in", [None, 600, 86_400])
async def test_an_edit_that_leaves_the_answers_leaves_the_poll(db: Database, expires_in: int | None) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana, "Kdy?", poll=PollDraft(titles=("dnes", "zítra"), expires_in=3600, hides_totals=True))).post
    async with db.write() as tx:
        await actions.vote_in_poll(tx, karel, _poll(post).id, [1])
        before = _poll((await get_post_view(tx, post.id, jana.id)).post)
        after = await _edit(tx, jana, post, PollDraft(titles=(" dnes", "zítra "), expires_in=expires_in))
        assert (before.votes, before.hides_totals, after) == ((0, 1), True, before)


async def test_an_edit_says_anew_whether_results_are_hidden(db: Database) -> None:
    jana = await settle(db, "jana")
    post = (await write(db, jana, "Kdy?", poll=PollDraft(titles=("dnes", "zítra"), expires_in=3600, hides_totals=True))).post
    async with db.write() as tx:
        after = await _edit(tx, jana, post, PollDraft(titles=("dnes", "zítra"), expires_in=None, hides_totals=False))
    assert after
    assert (after.hides_totals, after.id, after.expires_at) == (False, _poll(post).id, _poll(post).expires_at)


async def test_a_closed_poll_stays_closed_when_its_post_is_edited(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana, "Kdy?", poll=ANSWERS)).post
    async with db.write() as tx:
        await actions.vote_in_poll(tx, karel, _poll(post).id, [0])
        await tx.execute("UPDATE polls SET expires_at = now() - interval '1 hour'")
    await actions.close_polls(db)
    async with db.write() as tx:
        after = await _edit(tx, jana, post, ANSWERS)
        assert after
        assert after.is_expired(clock.now())
        assert after.votes == (1, 0)
        with pytest.raises(Invalid):
            await actions.vote_in_poll(tx, await settle(db, "eva"), _poll(post).id, [0])
    await actions.close_polls(db)
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events WHERE kind = 'poll.closed'") == 1


@pytest.mark.parametrize("changed", [
    PollDraft(titles=("zítra", "dnes"), expires_in=900), PollDraft(titles=("dnes", "zítra", "nikdy"), expires_in=900),
    PollDraft(titles=("dnes", "zítra"), expires_in=900, is_multiple=True),
])
async def test_other_answers_are_another_poll(db: Database, changed: PollDraft) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana, "Kdy?", poll=ANSWERS)).post
    async with db.write() as tx:
        await actions.vote_in_poll(tx, karel, _poll(post).id, [0])
        after = await _edit(tx, jana, post, changed)
        view = await get_post_view(tx, post.id, karel.id)
        assert not await list_broken(tx)
    assert after
    assert (set(after.votes), after.voters, view.marks.has_voted) == ({0}, 0, False)
    ends_in = (after.expires_at or datetime.max) - clock.now()
    assert timedelta(seconds=840) < ends_in <= timedelta(seconds=900)


async def test_answers_that_an_earlier_release_stored_differently_are_the_same(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana, "Kdy?", poll=ANSWERS)).post
    async with db.write() as tx:
        await actions.vote_in_poll(tx, karel, _poll(post).id, [1])
        await tx.execute("UPDATE polls SET titles = ARRAY['dnes ', 'zi\u0301tra']")  # with a space, and not composed
        after = await _edit(tx, jana, post, ANSWERS)
    assert after
    assert (after.id, after.votes) == (_poll(post).id, (0, 1))


async def test_other_answers_need_a_duration(db: Database) -> None:
    jana = await settle(db, "jana")
    post = (await write(db, jana, "Kdy?", poll=ANSWERS)).post
    for seconds, sentence in ((None, "A poll lasts at least five minutes."), (2_700_000, "A poll lasts at most a month.")):
        with pytest.raises(Invalid) as caught:
            async with db.write() as tx:
                await _edit(tx, jana, post, PollDraft(titles=("ano", "ne"), expires_in=seconds))
        assert caught.value.message == sentence


async def test_empty_answers_are_left_out(db: Database) -> None:
    jana = await settle(db, "jana")
    post = (await write(db, jana, "Kdy?", poll=PollDraft(titles=("dnes", " ", "zítra", ""), expires_in=600))).post
    assert _poll(post).titles == ("dnes", "zítra")


async def _vote(tx: WriteTx, account: Account, poll: Poll, *choices: int) -> str:
    """The code of the error, or an empty string."""
    try:
        await actions.vote_in_poll(tx, account, poll.id, choices)
    except Invalid as problem:
        return problem.errors[0].code
    return ""


async def test_a_poll_with_several_answers_takes_further_ones(db: Database) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    post = (await write(db, jana, "Co letos?", poll=FRUIT)).post
    poll = _poll(post)
    async with db.write() as tx:
        assert [await _vote(tx, karel, poll, 2), await _vote(tx, eva, poll, 0, 1), await _vote(tx, karel, poll, 0)] == [""] * 3
        assert tx.told == ["poll.voted"] * 3
        view = await get_post_view(tx, post.id, karel.id)
        assert (_poll(view.post).votes, _poll(view.post).voters, view.marks.choices) == ((2, 1, 1), 2, (2, 0))
        for refused in ((0,), (2,), (0, 1)):  # an answer of an earlier vote: nothing of the new vote is counted
            assert await _vote(tx, karel, poll, *refused) == "taken"
        assert _poll((await get_post_view(tx, post.id, karel.id)).post).votes == (2, 1, 1)
        assert await _vote(tx, karel, poll, 1) == ""
        assert not await list_broken(tx)


async def test_a_poll_with_one_answer_takes_no_further_one(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    poll = _poll((await write(db, jana, "Kdy?", poll=ANSWERS)).post)
    async with db.write() as tx:
        assert [await _vote(tx, karel, poll, 0), await _vote(tx, karel, poll, 1), await _vote(tx, karel, poll, 0)] == ["", "taken", "taken"]
        assert not await list_broken(tx)


async def test_voting_for_nothing_is_refused(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    poll = _poll((await write(db, jana, "Kdy?", poll=ANSWERS)).post)
    async with db.write() as tx:
        assert await _vote(tx, karel, poll) == "blank"
