"""Boosting. A boost is a post of the viewer that points to another post."""

from datetime import datetime

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Forbidden, Invalid
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.actions.delete import remove_boost
from folkmoot.network.posts.actions.mark import begin, begin_taking_back
from folkmoot.network.posts.events import PostCreated
from folkmoot.network.posts.model import Mark, PostView, Visibility
from folkmoot.network.posts.policy import can_boost
from folkmoot.network.posts.queries import get_fresh_view, get_view_taken_back
from folkmoot.network.posts.queries.counting import count_posts
from folkmoot.network.posts.queries.marking import add_mark, find_boost_id
from folkmoot.network.posts.queries.writing import insert_boost


async def boost_post(
    tx: WriteTx, viewer: Account, post_id: int, visibility: Visibility = Visibility.PUBLIC, at: datetime | None = None
) -> PostView:
    """Boosts a post (given a boost, the boosted post), now or dated back to `at`. A second call changes nothing.

    Tells post.created. Raises NotFound, Invalid for a direct boost, Forbidden for a post that may not be boosted.
    """
    if visibility == Visibility.DIRECT:
        raise Invalid(FieldError("visibility", "inclusion", "This visibility does not exist."))
    origin = await begin(tx, viewer, post_id, is_public=True, lock="SHARE")
    if not can_boost(viewer, origin):
        raise Forbidden("This post cannot be boosted.")
    boost_id = await find_boost_id(tx, viewer.id, origin.id)
    if boost_id:
        return await get_fresh_view(tx, boost_id, viewer.id)

    boost_id = await insert_boost(tx, viewer.id, origin, max(visibility, origin.visibility), at or clock.now())
    await add_mark(tx, viewer.id, origin.id, Mark.BOOST)
    await count_posts(tx, [boost_id], 1)

    view = await get_fresh_view(tx, boost_id, viewer.id)
    tx.tell(PostCreated(**{**view.post.facts(), "origin_id": origin.author.id}))
    return view


async def unboost_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Undoes a boost. Without one, nothing changes. Tells post.deleted. Raises NotFound."""
    origin_id = await begin_taking_back(tx, viewer, post_id, Mark.BOOST, lock="SHARE")
    await remove_boost(tx, viewer, origin_id)
    return await get_view_taken_back(tx, origin_id, viewer.id)
