"""Boosting: a post of one's own that points to another."""

from datetime import datetime

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Forbidden
from folkmoot.network.accounts.model import Account
from folkmoot.network.counters import Counter, add_deltas
from folkmoot.network.posts.actions.delete import remove_posts
from folkmoot.network.posts.actions.mark import set_mark
from folkmoot.network.posts.model import Mark, PostCreated, PostView, Visibility
from folkmoot.network.posts.policy import can_boost, require_can_write
from folkmoot.network.posts.queries import get_fresh_view, get_post_view


async def boost_post(
    tx: WriteTx, viewer: Account, post_id: int, visibility: Visibility = Visibility.PUBLIC, at: datetime | None = None
) -> PostView:
    """Boosts a post, or the post that a boost points to, at once or (`at`) dated back. A second time changes nothing.

    Tells post.created. Raises NotFound, Forbidden for a post that may not be passed on.
    """
    require_can_write(viewer)
    origin = (await get_post_view(tx, post_id, viewer.id)).shown
    if not can_boost(viewer, origin):
        raise Forbidden("This post is not meant to be passed on.")

    now = at or clock.now()
    visibility = max(visibility, origin.visibility)
    boost_id = await tx.fetchval(
        """
        INSERT INTO posts (id, account_id, visibility, boost_of_id, boost_of_account_id, conversation_id, language, created_at)
        VALUES ($1, $2, $3, $4, $5, $1, $6, $7) ON CONFLICT DO NOTHING RETURNING id
        """,
        ids.make_id(ids.shard_of(viewer.id), now), viewer.id, visibility, origin.id, origin.author.id, origin.language, now,
    )
    if boost_id is None:
        boost_id = await tx.fetchval("SELECT id FROM posts WHERE boost_of_id = $1 AND account_id = $2", origin.id, viewer.id)
        return await get_fresh_view(tx, boost_id, viewer.id)
    await set_mark(tx, viewer, origin.id, Mark.BOOST)
    await add_deltas(tx, [(origin.id, Counter.POST_BOOSTS, 1), (viewer.id, Counter.ACCOUNT_POSTS, 1)])

    tx.tell(PostCreated(
        post_id=boost_id, account_id=viewer.id, visibility=visibility, origin_id=origin.author.id, boost_of_id=origin.id
    ))
    return await get_fresh_view(tx, boost_id, viewer.id)


async def unboost_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Takes a boost back. Without one, nothing changes. Tells post.deleted."""
    origin = (await get_post_view(tx, post_id, viewer.id)).shown
    boost_id = await tx.fetchval("SELECT id FROM posts WHERE boost_of_id = $1 AND account_id = $2", origin.id, viewer.id)
    if boost_id:
        await remove_posts(tx, [boost_id])
        await set_mark(tx, viewer, origin.id, Mark.BOOST, is_on=False)
    return await get_fresh_view(tx, origin.id, viewer.id)
