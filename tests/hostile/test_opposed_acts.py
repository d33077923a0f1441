"""Two opposed acts at the same moment: the result is that of one after the other, and the data stay consistent.

Each pair runs many times on real connections (`bin/test --long`: 10,000 times, in parts, each on an empty database), in a
varying order. Either act may be refused; neither may fail, and no rule of `tests/invariants.py` may be broken.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Forbidden, Invalid, NotFound
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import get_account, lock_account
from folkmoot.network.folding import fold_counters
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import PollDraft, PostDraft, PostEffect, QuotePolicy, Visibility
from folkmoot.network.posts.queries.polls import close_expired
from folkmoot.network.relations import actions as relations
from tests.invariants import list_broken
from tests.series import dice, length
from tests.village import LIMITS, settle, write

TIMES, PARTS = length(15, 500), range(length(1, 20))
Act = Callable[[WriteTx, "Scene"], Awaitable[Any]]


@dataclass
class Scene:
    """The two accounts, and the ids that the last round created."""

    jana: Account
    karel: Account
    ids: dict[str, Any] = field(default_factory=dict)


async def race(
    db: Database, name: str, scene: Scene, before: list[Act], one: Act, other: Act, *, check_every: int = 1
) -> None:
    """Runs two acts at once, `TIMES` times, and checks the rules: after each round, unless a broken rule stays broken."""
    delays = dice(name)

    async def run(act: Act, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        with suppress(NotFound, Forbidden, Invalid):
            async with db.write() as tx:
                await act(tx, scene)

    for number in range(TIMES):
        async with db.write() as tx:
            for act in before:
                with suppress(NotFound, Forbidden, Invalid):  # refused before anything is changed
                    await act(tx, scene)
        wait = delays.choice((0, 0, 0, delays.random() * 0.003))
        acts = [(one, 0.0), (other, wait)] if delays.random() < 0.5 else [(other, 0.0), (one, wait)]
        await asyncio.gather(*(run(act, delay) for act, delay in acts))
        if number % check_every == 0 or number == TIMES - 1:
            async with db.read() as conn:
                assert not await list_broken(conn), f"round {number}"
        if number % 100 == 99:
            await fold_counters(db)


def _by(name: str, verb: Callable[..., Awaitable[Any]], target: str, **options: Any) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await verb(tx, getattr(scene, name), getattr(scene, target).id, **options)

    return act


def _locking(is_locked: bool) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await update_profile(tx, await lock_account(tx, scene.karel.id), ProfileDraft(is_locked=is_locked), "")

    return act


FOLLOW, UNFOLLOW = _by("jana", relations.follow, "karel"), _by("jana", relations.unfollow, "karel")
FOLLOW_BACK, REMOVE = _by("karel", relations.follow, "jana"), _by("karel", relations.remove_follower, "jana")
BLOCK, UNBLOCK = _by("karel", relations.block, "jana"), _by("karel", relations.unblock, "jana")
BLOCK_BACK, UNBLOCK_BACK = _by("jana", relations.block, "karel"), _by("jana", relations.unblock, "karel")
ACCEPT, REJECT = _by("karel", relations.accept_follower, "jana"), _by("karel", relations.reject_follower, "jana")
MUTE, UNMUTE = _by("jana", relations.mute, "karel"), _by("jana", relations.unmute, "karel")
LOCK, UNLOCK = _locking(True), _locking(False)
CLEAR = [UNBLOCK, UNBLOCK_BACK, UNFOLLOW, UNMUTE]
ASKED = [*CLEAR, LOCK, FOLLOW]
RELATIONS: dict[str, tuple[list[Act], Act, Act]] = {
    "follow and block": (CLEAR, FOLLOW, BLOCK),
    "follow and block back": (CLEAR, FOLLOW_BACK, BLOCK),
    "follow and unblock": ([*CLEAR, BLOCK], FOLLOW, UNBLOCK),
    "both follow": ([*CLEAR, REMOVE], FOLLOW, FOLLOW_BACK),
    "both block": ([*CLEAR, FOLLOW], BLOCK, BLOCK_BACK),
    "request and block": ([*CLEAR, LOCK], FOLLOW, BLOCK),
    "accept and block": (ASKED, ACCEPT, BLOCK),
    "accept and block back": (ASKED, ACCEPT, BLOCK_BACK),
    "accept and withdraw": (ASKED, ACCEPT, UNFOLLOW),
    "accept and reject": (ASKED, ACCEPT, REJECT),
    "accept and ask again": (ASKED, ACCEPT, FOLLOW),
    "accept twice": (ASKED, ACCEPT, ACCEPT),
    "follow and lock the account": ([*CLEAR, UNLOCK], FOLLOW, LOCK),
    "follow and unlock the account": ([*CLEAR, LOCK, FOLLOW], FOLLOW, UNLOCK),
    "follow twice": (CLEAR, FOLLOW, FOLLOW),
    "follow and unfollow": (CLEAR, FOLLOW, UNFOLLOW),
    "unfollow twice": ([*CLEAR, FOLLOW], UNFOLLOW, UNFOLLOW),
    "unfollow and remove": ([*CLEAR, FOLLOW], UNFOLLOW, REMOVE),
    "mute and unmute": (CLEAR, MUTE, UNMUTE),
    "block and unblock": (CLEAR, BLOCK, UNBLOCK),
    "block and block": ([*CLEAR, FOLLOW], BLOCK, BLOCK),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("pair", RELATIONS)
async def test_opposed_acts_between_two_accounts(db: Database, pair: str, part: int) -> None:
    scene = Scene(await settle(db, "jana"), await settle(db, "karel"))
    await race(db, f"{pair} {part}", scene, *RELATIONS[pair])


# -- posts ---------------------------------------------------------------------------------------------------------


def _at(name: str, verb: Callable[..., Awaitable[Any]], post: str = "post") -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await verb(tx, getattr(scene, name), scene.ids[post])

    return act


def _writing(name: str, text: str = "Dobrý den", *, as_: str = "post", reply_to: str = "", quoting: str = "", **draft: Any) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        number = scene.ids["number"] = scene.ids.get("number", 0) + 1  # two acts of a round share the names of hashtags
        names = {"n": f"a{number // 2}", "m": f"b{number // 2}"}
        wanted = PostDraft(text=text.format(**names), reply_to_id=scene.ids.get(reply_to), quoted_id=scene.ids.get(quoting), **draft)
        post = (await posts.create_post(tx, getattr(scene, name), wanted, LIMITS)).post
        scene.ids[as_] = post.id
        if post.poll:
            scene.ids["poll"] = post.poll.id

    return act


def _editing(text: str, **draft: Any) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await posts.edit_post(tx, scene.karel, scene.ids["post"], PostDraft(text=text, **draft), LIMITS)

    return act


def _hiding(effect: PostEffect, post: str = "post") -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await posts.set_effect(tx, scene.ids[post], effect, None)

    return act


def _suspending(name: str, effect: AccountEffect) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await posts.set_account_effect(tx, getattr(scene, name).id, effect)

    return act


async def _close(tx: WriteTx, scene: Scene) -> None:
    await tx.execute("UPDATE polls SET expires_at = now() - interval '1 second' WHERE id = $1", scene.ids["poll"])
    await close_expired(tx, 10)


def _voting(*choices: int) -> Act:
    async def act(tx: WriteTx, scene: Scene) -> None:
        await posts.vote_in_poll(tx, scene.jana, scene.ids["poll"], choices)

    return act


def _poll(*titles: str, is_multiple: bool = False) -> PollDraft:
    return PollDraft(titles=titles, expires_in=600, is_multiple=is_multiple)


async def _boost(tx: WriteTx, scene: Scene) -> None:
    scene.ids["boost"] = (await posts.boost_post(tx, scene.jana, scene.ids["post"])).post.id


async def _revoke(tx: WriteTx, scene: Scene) -> None:
    await posts.revoke_quote(tx, scene.karel, scene.ids["post"], scene.ids["quote"])


async def _forbid(tx: WriteTx, scene: Scene) -> None:
    await posts.set_quote_policy(tx, scene.karel, scene.ids["post"], QuotePolicy.NOBODY)


WRITE, ASK = _writing("karel"), _writing("karel", poll=_poll("ano", "ne"))
ASK_MORE, VOTE = _writing("karel", poll=_poll("ano", "ne", "možná", is_multiple=True)), _voting(1)
LIKE, UNLIKE = _at("jana", posts.favourite_post), _at("jana", posts.unfavourite_post)
BOOST, UNBOOST = _at("jana", posts.boost_post), _at("jana", posts.unboost_post)
HUSH = _at("jana", posts.mute_conversation)
KEEP, UNKEEP = _at("jana", posts.bookmark_post), _at("jana", posts.unbookmark_post)
PIN, UNPIN = _at("karel", posts.pin_post), _at("karel", posts.unpin_post)
DELETE, REPLY = _at("karel", posts.delete_post), _writing("jana", "Odpověď", as_="reply", reply_to="post")
HIDE, SHOW = _hiding(PostEffect.HIDDEN), _hiding(PostEffect.NONE)
SUSPEND, RESTORE = _suspending("jana", AccountEffect.SUSPENDED), _suspending("jana", AccountEffect.NONE)
SUSPEND_AUTHOR, RESTORE_AUTHOR = _suspending("karel", AccountEffect.SUSPENDED), _suspending("karel", AccountEffect.NONE)
BACK = [RESTORE, RESTORE_AUTHOR, UNBLOCK]
QUOTE, DELETE_QUOTE = _writing("jana", "viz", as_="quote", quoting="post"), _at("jana", posts.delete_post, "quote")
POSTS: dict[str, tuple[list[Act], Act, Act]] = {
    "favourite and take it back": ([WRITE], LIKE, UNLIKE),
    "favourite twice": ([WRITE], LIKE, LIKE),
    "favourite and delete": ([WRITE], LIKE, DELETE),
    "take a favourite back and delete": ([WRITE, LIKE, KEEP], UNLIKE, DELETE),
    "boost and take it back": ([WRITE], BOOST, UNBOOST),
    "boost twice": ([WRITE], BOOST, BOOST),
    "take a boost back and boost": ([WRITE, BOOST], UNBOOST, BOOST),
    "boost and delete": ([WRITE], BOOST, DELETE),
    "take a boost back and delete": ([WRITE, BOOST], UNBOOST, DELETE),
    "bookmark and take it back": ([WRITE], KEEP, UNKEEP),
    "bookmark and delete": ([WRITE], KEEP, DELETE),
    "favourite and boost": ([WRITE], LIKE, BOOST),
    "vote and delete": ([ASK], VOTE, DELETE),
    "vote and another poll": ([ASK], VOTE, _editing("Jinak", poll=_poll("možná", "nikdy"))),
    "vote and no poll": ([ASK], VOTE, _editing("Bez ankety")),
    "vote and the same poll": ([ASK], VOTE, _editing("Jinak", poll=_poll("ano", "ne"))),
    "vote and close": ([ASK], VOTE, _close),
    "vote twice": ([ASK], VOTE, VOTE),
    "vote for two answers": ([ASK_MORE], VOTE, _voting(0)),
    "vote for a further answer and edit": ([ASK_MORE, VOTE], _voting(0, 2), _editing("Jinak", poll=_poll("a", "b", is_multiple=True))),
    "pin and unpin": ([WRITE], PIN, UNPIN),
    "pin and delete": ([WRITE], PIN, DELETE),
    "reply and delete": ([WRITE], REPLY, DELETE),
    "delete a reply and its parent": ([WRITE, REPLY], _at("jana", posts.delete_post, "reply"), DELETE),
    "edit and delete": ([ASK], _editing("Jinak"), DELETE),
    "edit twice": ([WRITE], _editing("Jinak"), _editing("Ještě jinak")),
    "delete twice": ([WRITE, BOOST, LIKE], DELETE, DELETE),
    "hashtags in two orders": ([], _writing("jana", "#{n} #{m}"), _writing("karel", "#{m} #{n}")),
    "mute a conversation and delete": ([WRITE], HUSH, DELETE),
    "mute a conversation by a reply and delete its first post": ([WRITE, REPLY], _at("jana", posts.mute_conversation, "reply"), DELETE),
    "mute and unmute a conversation": ([WRITE], HUSH, _at("jana", posts.unmute_conversation)),
    "take a favourite back and block": ([UNBLOCK, WRITE, LIKE], UNLIKE, BLOCK),
    "take a boost back and block": ([UNBLOCK, WRITE, BOOST], UNBOOST, BLOCK),
    "delete a boost and take it back": ([WRITE, _boost], _at("jana", posts.delete_post, "boost"), UNBOOST),
    "delete a boost and the post": ([WRITE, _boost], _at("jana", posts.delete_post, "boost"), DELETE),
    "delete a boost and suspend its author": ([*BACK, WRITE, _boost], _at("jana", posts.delete_post, "boost"), SUSPEND_AUTHOR),
    "hide and boost": ([WRITE], HIDE, BOOST),
    "hide and take a boost back": ([WRITE, BOOST], HIDE, UNBOOST),
    "hide and delete": ([WRITE, BOOST], HIDE, DELETE),
    "hide and reply": ([WRITE], HIDE, REPLY),
    "hide a reply and delete it": ([WRITE, REPLY], _hiding(PostEffect.HIDDEN, "reply"), _at("jana", posts.delete_post, "reply")),
    "show and delete": ([WRITE, BOOST, HIDE], SHOW, DELETE),
    "suspend and post": ([*BACK, WRITE], SUSPEND, REPLY),
    "suspend and favourite": ([*BACK, WRITE], SUSPEND, LIKE),
    "suspend and take a favourite back": ([*BACK, WRITE, LIKE], SUSPEND, UNLIKE),
    "suspend and boost": ([*BACK, WRITE], SUSPEND, BOOST),
    "suspend and take a boost back": ([*BACK, WRITE, BOOST], SUSPEND, UNBOOST),
    "suspend and follow": ([*BACK, UNFOLLOW, UNLOCK], SUSPEND, FOLLOW),
    "suspend and unfollow": ([*BACK, UNLOCK, FOLLOW], SUSPEND, UNFOLLOW),
    "suspend and block": ([*BACK, UNLOCK, FOLLOW], SUSPEND, BLOCK),
    "suspend and delete what is boosted": ([*BACK, WRITE, BOOST], SUSPEND, DELETE),
    "suspend and hide what is boosted": ([*BACK, WRITE, BOOST], SUSPEND, HIDE),
    "suspend both": ([*BACK, WRITE, BOOST, LIKE], SUSPEND, SUSPEND_AUTHOR),
    "suspend the author and boost": ([*BACK, WRITE], SUSPEND_AUTHOR, BOOST),
    "suspend and restore": ([*BACK, WRITE, BOOST, LIKE, REPLY], SUSPEND, RESTORE),
    "mention and block": ([*BACK], _writing("jana", "@karel"), BLOCK),
    "message and block": ([*BACK], _writing("jana", "@karel", visibility=Visibility.DIRECT), BLOCK),
    "reply and block": ([*BACK, WRITE], REPLY, BLOCK),
    "quote and block": ([*BACK, WRITE], QUOTE, BLOCK),
    "quote and delete": ([*BACK, WRITE], QUOTE, DELETE),
    "quote and forbid": ([*BACK, WRITE], QUOTE, _forbid),
    "revoke and delete the quote": ([*BACK, WRITE, QUOTE], _revoke, DELETE_QUOTE),
    "revoke and hide the quote": ([*BACK, WRITE, QUOTE], _revoke, _hiding(PostEffect.HIDDEN, "quote")),
    "revoke and suspend": ([*BACK, WRITE, QUOTE], _revoke, SUSPEND),
    "delete a quote and what it quotes": ([*BACK, WRITE, QUOTE], DELETE_QUOTE, DELETE),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("pair", POSTS)
async def test_opposed_acts_on_posts(db: Database, pair: str, part: int) -> None:
    scene = Scene(await settle(db, "jana"), await settle(db, "karel"))
    await race(db, f"{pair} {part}", scene, *POSTS[pair], check_every=length(5, 50))


@pytest.mark.parametrize("part", PARTS)
async def test_a_sixth_post_is_not_pinned_at_the_same_moment(db: Database, part: int) -> None:
    scene = Scene(await settle(db, "jana"), await settle(db, "karel"))
    for number in range(6):
        async with db.write() as tx:
            await _writing("karel", as_=f"post {number}")(tx, scene)
            if number < 4:
                await _at("karel", posts.pin_post, f"post {number}")(tx, scene)
    unpin = [_at("karel", posts.unpin_post, "post 4"), _at("karel", posts.unpin_post, "post 5")]
    await race(db, f"pins {part}", scene, unpin, _at("karel", posts.pin_post, "post 4"), _at("karel", posts.pin_post, "post 5"))


# -- locks ---------------------------------------------------------------------------------------------------------


async def test_a_follow_waits_for_a_block_in_progress(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")

    async def follow() -> None:
        async with db.write() as tx:
            await relations.follow(tx, jana, karel.id)

    async with db.write() as tx:
        await relations.block(tx, karel, jana.id)
        following = asyncio.create_task(follow())
        await asyncio.sleep(0.05)
        assert not following.done()
    with pytest.raises(Forbidden):
        await following
    async with db.read() as conn:
        assert (await get_account(conn, karel.id)).counts.followers == 0


@pytest.mark.parametrize("visibility", [Visibility.PUBLIC, Visibility.DIRECT])
async def test_a_mention_waits_for_a_block_in_progress(db: Database, visibility: Visibility) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    async with db.write() as tx:
        await relations.block(tx, karel, jana.id)
        writing = asyncio.create_task(write(db, jana, "Karle, @karel!", visibility=visibility))
        await asyncio.sleep(0.05)
        assert not writing.done()
    view = await writing
    assert view.post.mentions == ()
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM mentions") == 0


async def test_a_reply_waits_for_a_deletion_in_progress(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, karel)).post
    async with db.write() as tx:
        await posts.delete_post(tx, karel, post.id)
        writing = asyncio.create_task(write(db, jana, "Odpověď", reply_to_id=post.id))
        await asyncio.sleep(0.05)
        assert not writing.done()
    with pytest.raises(NotFound):
        await writing


async def test_a_quote_waits_for_a_block_or_a_new_policy_in_progress(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, karel)).post
    for act in (lambda tx: posts.set_quote_policy(tx, karel, post.id, QuotePolicy.NOBODY), lambda tx: relations.block(tx, karel, jana.id)):
        async with db.write() as tx:
            await act(tx)
            writing = asyncio.create_task(write(db, jana, "viz", quoted_id=post.id))
            await asyncio.sleep(0.05)
            assert not writing.done()
        with pytest.raises((Forbidden, NotFound)):
            await writing
        async with db.write() as tx:
            await posts.set_quote_policy(tx, karel, post.id, QuotePolicy.PUBLIC)
