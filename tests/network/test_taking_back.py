"""One's own favourite, boost, bookmark, pin and mute can be taken back, also when the post is no longer visible."""

from collections.abc import Awaitable, Callable

import pytest

from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import Mark, PollDraft, Post, PostCounts, PostEffect, PostView, Visibility
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.relations import actions as relations
from tests.invariants import list_broken
from tests.village import follow, settle, write

Verb = Callable[[WriteTx, Account, int], Awaitable[PostView]]
VERBS: dict[str, tuple[Verb, Verb, Mark]] = {
    "favourite": (actions.favourite_post, actions.unfavourite_post, Mark.FAVOURITE),
    "boost": (actions.boost_post, actions.unboost_post, Mark.BOOST),
    "bookmark": (actions.bookmark_post, actions.unbookmark_post, Mark.BOOKMARK),
    "mute": (actions.mute_conversation, actions.unmute_conversation, Mark.MUTED),
}


async def _block(tx: WriteTx, post: Post, viewer: Account) -> None:
    await relations.block(tx, post.author, viewer.id)


async def _suspend(tx: WriteTx, post: Post, viewer: Account) -> None:
    await actions.set_account_effect(tx, post.author.id, AccountEffect.SUSPENDED)


async def _hide(tx: WriteTx, post: Post, viewer: Account) -> None:
    await actions.set_effect(tx, post.id, PostEffect.HIDDEN, None)


async def _remove(tx: WriteTx, post: Post, viewer: Account) -> None:
    await actions.set_effect(tx, post.id, PostEffect.REMOVED, None)


@pytest.mark.parametrize("lose", [_block, _suspend, _hide, _remove])
@pytest.mark.parametrize("verb", VERBS)
async def test_a_mark_on_an_invisible_post_can_be_taken_back(
    tx: WriteTx, db: Database, verb: str, lose: Callable[[WriteTx, Post, Account], Awaitable[None]]
) -> None:
    jana, karel, _ = [await settle(db, name) for name in ("jana", "karel", "eva")]
    do, undo, mark = VERBS[verb]
    post = (await write(db, jana, "Tajné @eva #heslo", cover="Pozor", poll=PollDraft(titles=("a", "b"), expires_in=600))).post
    await do(tx, karel, post.id)
    await lose(tx, post, karel)
    with pytest.raises(NotFound):
        await get_post_view(tx, post.id, karel.id)

    view = await undo(tx, karel, post.id)
    assert (view.is_withheld, view.shown.id, view.shown.author.id, view.marks.bits & mark) == (True, post.id, jana.id, 0)
    left = view.shown
    assert (left.text, left.html, left.cover, left.mentions, left.hashtags, left.poll, left.pictures) == ("", "", "", (), (), None, ())
    assert view.counts == PostCounts()
    for refused in (do, undo):  # the mark cannot be set again, and nothing is left to take back
        with pytest.raises(NotFound):
            await refused(tx, karel, post.id)
    assert not await list_broken(tx)


@pytest.mark.parametrize("verb", ["favourite", "bookmark", "mute"])  # only the author boosts such a post
async def test_a_mark_on_a_followers_only_post_can_be_taken_back_after_the_follow(db: Database, verb: str) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    await follow(db, karel, jana)
    do, undo, _ = VERBS[verb]
    post = (await write(db, jana, "Jen pro své", visibility=Visibility.FOLLOWERS)).post
    async with db.write() as tx:
        await do(tx, karel, post.id)
        await relations.remove_follower(tx, jana, karel.id)
        assert (await undo(tx, karel, post.id)).is_withheld
        with pytest.raises(NotFound):
            await undo(tx, karel, post.id)


async def test_a_mark_can_be_taken_back_by_the_id_of_a_boost(db: Database) -> None:
    jana, karel, eva = [await settle(db, name) for name in ("jana", "karel", "eva")]
    post = (await write(db, jana)).post
    async with db.write() as tx:
        boost = (await actions.boost_post(tx, eva, post.id)).post
        for do, undo, mark in VERBS.values():
            view = await do(tx, karel, boost.id)
            assert view.marks.bits & mark or view.boosted
            if mark == Mark.MUTED:
                await relations.block(tx, eva, karel.id)  # the boost is not visible any more
            assert (await undo(tx, karel, boost.id)).shown.id == post.id


async def test_a_removed_post_can_be_unpinned(tx: WriteTx, db: Database) -> None:
    jana = await settle(db, "jana")
    post = (await write(db, jana)).post
    await actions.pin_post(tx, jana, post.id)
    await actions.set_effect(tx, post.id, PostEffect.REMOVED, None)
    assert not (await actions.unpin_post(tx, jana, post.id)).marks.is_pinned
    with pytest.raises(NotFound):
        await actions.unpin_post(tx, jana, post.id)


async def test_a_deleted_boost_is_a_boost_taken_back(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana)).post
    async with db.write() as tx:
        boost = (await actions.boost_post(tx, karel, post.id)).post
        with pytest.raises(NotFound):
            await actions.delete_post(tx, jana, boost.id)
    async with db.write() as tx:
        view = await actions.delete_post(tx, karel, boost.id)
        assert tx.told == ["post.deleted"]
        assert (view.post.id, view.shown.id, view.shown.text) == (boost.id, post.id, post.text)
        assert not (await get_post_view(tx, post.id, karel.id)).marks.is_boosted
        assert not await list_broken(tx)
        with pytest.raises(NotFound):
            await actions.delete_post(tx, karel, boost.id)


async def test_a_boost_of_an_invisible_post_can_be_deleted(db: Database) -> None:
    jana, karel = await settle(db, "jana"), await settle(db, "karel")
    post = (await write(db, jana, "Tajné")).post
    async with db.write() as tx:
        boost = (await actions.boost_post(tx, karel, post.id)).post
        await relations.block(tx, jana, karel.id)
        view = await actions.delete_post(tx, karel, boost.id)
        assert (view.post.id, view.shown.id, view.shown.text) == (boost.id, post.id, "")
        assert not await list_broken(tx)
