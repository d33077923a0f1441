"""An act that is undone takes its notification along, in whichever order the events arrive."""

from collections.abc import Awaitable, Callable

import pytest

from folkmoot.base.db import WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.accounts.actions import ProfileDraft, update_profile
from folkmoot.network.accounts.queries import lock_account
from folkmoot.network.notifications import jobs
from folkmoot.network.notifications.queries import count_unread, list_notifications
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.events import PostFavourited, PostUnfavourited
from folkmoot.network.posts.model import Post
from folkmoot.network.relations import actions as relations
from tests.village import Village

Act = Callable[[WriteTx, Village, Post], Awaitable[object]]


def _mark(verb: Callable[..., Awaitable[object]]) -> Act:
    return lambda tx, village, post: verb(tx, village.people["karel"], post.id)


def _relate(verb: Callable[..., Awaitable[object]], by: str = "karel", to: str = "jana") -> Act:
    return lambda tx, village, post: verb(tx, village.people[by], village.people[to].id)


async def _delete_boost(tx: WriteTx, village: Village, post: Post) -> None:
    boost_id = await tx.fetchval("SELECT id FROM posts WHERE boost_of_id = $1", post.id)
    await posts.delete_post(tx, village.people["karel"], boost_id)


async def _lock(tx: WriteTx, village: Village, post: Post) -> None:
    account = await lock_account(tx, village.people["jana"].id)
    await update_profile(tx, account, ProfileDraft(is_locked=True), "")


FOLLOW, UNFOLLOW = _relate(relations.follow), _relate(relations.unfollow)
UNDONE: dict[str, tuple[list[Act], Act, str, Act]] = {
    "favourite": ([], _mark(posts.favourite_post), "favourite", _mark(posts.unfavourite_post)),
    "boost": ([], _mark(posts.boost_post), "boost", _mark(posts.unboost_post)),
    "boost, deleted": ([], _mark(posts.boost_post), "boost", _delete_boost),
    "follow": ([], FOLLOW, "follow", UNFOLLOW),
    "follow, removed": ([], FOLLOW, "follow", _relate(relations.remove_follower, "jana", "karel")),
    "request": ([_lock], FOLLOW, "follow_request", UNFOLLOW),
    "request, rejected": ([_lock], FOLLOW, "follow_request", _relate(relations.reject_follower, "jana", "karel")),
    "follow, blocked": ([], FOLLOW, "follow", _relate(relations.block)),
}


async def _shown(village: Village) -> list[str]:
    """The kinds of Jana's notifications; the unread count agrees."""
    async with village.database.read() as conn:
        found = await list_notifications(conn, village.people["jana"].id, Page(limit=20))
        assert await count_unread(conn, village.people["jana"].id) == len(found)
    return [str(one.kind) for one in found]


async def _do(village: Village, post: Post, *acts: Act) -> None:
    for act in acts:
        async with village.database.write() as tx:
            await act(tx, village, post)


@pytest.mark.parametrize("name", UNDONE)
async def test_an_undone_act_takes_its_notification_along(village: Village, name: str) -> None:
    await village.settle("jana", "karel", "eva")
    post = (await village.write("jana")).post
    before, do, kind, undo = UNDONE[name]
    await _do(village, post, *before, do)
    await village.work()
    assert await _shown(village) == [kind]
    await _do(village, post, undo)
    await village.work()
    assert await _shown(village) == []
    if "blocked" in name:
        return
    await _do(village, post, do)
    await village.work()
    assert await _shown(village) == [kind]
    await _do(village, post, undo, do)  # undone and done again before the worker comes
    await village.work()
    assert await _shown(village) == [kind]
    await _do(village, post, undo, do, undo)
    await village.work()
    assert await _shown(village) == []


async def test_others_notifications_about_the_same_post_stay(village: Village) -> None:
    _, karel, eva = await village.settle("jana", "karel", "eva")
    post = (await village.write("jana")).post
    async with village.database.write() as tx:
        for account in (karel, eva):
            await posts.favourite_post(tx, account, post.id)
            await posts.boost_post(tx, account, post.id)
    await village.work()
    async with village.database.write() as tx:
        await posts.unfavourite_post(tx, karel, post.id)
        await posts.unboost_post(tx, eva, post.id)
    await village.work()
    async with village.database.read() as conn:
        found = await list_notifications(conn, village.people["jana"].id, Page(limit=20))
    assert {(str(one.kind), one.sender.username) for one in found} == {("favourite", "eva"), ("boost", "karel")}


async def test_the_events_may_arrive_in_any_order_and_twice(village: Village) -> None:
    jana, karel = await village.settle("jana", "karel")
    post = (await village.write("jana")).post
    done = PostFavourited(post_id=post.id, account_id=karel.id, author_id=jana.id)
    undone = PostUnfavourited(post_id=post.id, account_id=karel.id, author_id=jana.id)
    for _ in range(2):
        await jobs.forget_favourite(village.database, undone)
        await jobs.tell_of_favourite(village.database, done)
    assert await _shown(village) == []
    async with village.database.write() as tx:
        await posts.favourite_post(tx, karel, post.id)
    for _ in range(2):
        await jobs.tell_of_favourite(village.database, done)
        await jobs.forget_favourite(village.database, undone)  # of an earlier favourite
    assert await _shown(village) == ["favourite"]


async def test_an_accepted_request_is_a_follow(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana")).post
    await _do(village, post, _lock, FOLLOW)
    await village.work()
    await _do(village, post, _relate(relations.accept_follower, "jana", "karel"))
    await village.work()
    assert await _shown(village) == ["follow"]
