"""Deleting a post. Its row, marks, boosts and history are deleted at once.

A copy stays for a day, which nobody reads unless somebody reports the post: whoever was shown it may do so (decision 0049).
Picture files are removed later by a job.
"""

from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.media.queries import abandon_pictures, hold_pictures_until, release_pictures
from folkmoot.network.posts.actions.mark import begin_taking_back
from folkmoot.network.posts.actions.restrict import WITHDRAWN_TOPIC
from folkmoot.network.posts.events import Withdrawn
from folkmoot.network.posts.model import Mark, PostView
from folkmoot.network.posts.queries import get_post_view, get_view_taken_back
from folkmoot.network.posts.queries.counting import count_posts, lock_effects_shared
from folkmoot.network.posts.queries.deleted import delete_deleted, insert_deleted, list_versions
from folkmoot.network.posts.queries.marking import find_boost_id, find_own_boost, remove_mark
from folkmoot.network.posts.queries.removing import delete_posts, list_facts, lock_posts

REPORTABLE_FOR = timedelta(hours=23)  # after deletion; with the time until the next run of the timed job at most a day


async def delete_post(tx: WriteTx, author: Account, post_id: int, *, keeps_pictures: bool = False) -> PostView:
    """Deletes a post of the author and returns it a last time, so that the author can rewrite it. A boost is taken back.

    `keeps_pictures`: uploads stay for a day, to be attached again. Tells post.deleted, for its boosts too. Raises
    NotFound for a post of another account.
    """
    origin_id = await find_own_boost(tx, author.id, post_id)
    if origin_id:
        return await _delete_boost(tx, author, post_id, origin_id)
    await lock_effects_shared(tx)
    view = await get_post_view(tx, post_id, author.id)
    if view.post.author.id != author.id or not await lock_posts(tx, [post_id]):
        raise NotFound

    view = await get_post_view(tx, post_id, author.id)  # as the last edit left it
    now = clock.now()
    await insert_deleted(tx, post_id, await list_versions(tx, view.post), now)
    await hold_pictures_until(tx, [picture.id for picture in view.post.pictures], now + timedelta(days=1))
    if keeps_pictures:
        await release_pictures(tx, post_id)
    await remove_posts(tx, [post_id])
    return view


async def _delete_boost(tx: WriteTx, author: Account, boost_id: int, origin_id: int) -> PostView:
    await begin_taking_back(tx, author, origin_id, Mark.BOOST, lock="SHARE")
    view = await get_view_taken_back(tx, boost_id, author.id)
    await remove_boost(tx, author, origin_id)
    return view


async def remove_boost(tx: WriteTx, viewer: Account, origin_id: int) -> None:
    """Deletes the viewer's boost of a post, if there is one. The caller has locked the post (`begin_taking_back`)."""
    boost_id = await find_boost_id(tx, viewer.id, origin_id)
    if boost_id:
        await remove_posts(tx, [boost_id])
        await remove_mark(tx, viewer.id, origin_id, Mark.BOOST)


async def remove_posts(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """Deletes posts, their boosts and all references to them; tells post.deleted for each. The caller has locked the posts
    and the effects (`lock_effects_shared`)."""
    events = await list_facts(tx, post_ids)
    await count_posts(tx, post_ids, -1)
    await abandon_pictures(tx, post_ids)
    await delete_posts(tx, post_ids)

    for event in events:
        tx.publish(WITHDRAWN_TOPIC, Withdrawn.of(event.post_id, event.account_id, event.visibility, event.mentioned_ids))
    tx.tell(*events)


async def remove_restricted_posts(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """Deletes removed posts for good, without a copy: boosts, marks, polls, pictures and earlier versions too. Tells post.deleted."""
    await lock_effects_shared(tx)
    await remove_posts(tx, await lock_posts(tx, post_ids))


async def forget_deleted(database: Database) -> None:
    """Deletes the copies of posts that were deleted a day ago. A timed job."""
    async with database.write() as tx:
        await delete_deleted(tx, clock.now() - REPORTABLE_FOR)
