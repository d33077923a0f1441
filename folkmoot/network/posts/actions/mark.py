"""Marks of a viewer on a post: favourite, bookmark, pin, mute its conversation. All are idempotent.

Each action first locks the pair of viewer and post, and the post (`queries/marking.py`): concurrent actions of a viewer
on a post run one after the other. To set a mark, the viewer must see the post; one's own mark can always be taken back
(decision 0052).
"""

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Forbidden, Invalid, NotFound, Plural
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.counters import Counter, add_deltas
from folkmoot.network.posts.events import PostFavourited, PostUnfavourited
from folkmoot.network.posts.model import Mark, Post, PostView
from folkmoot.network.posts.policy import MOST_PINNED, can_pin
from folkmoot.network.posts.queries import get_fresh_view, get_post_view, get_view_taken_back, list_post_views, marking
from folkmoot.network.posts.queries.marking import PostLock


async def begin(tx: WriteTx, viewer: Account, post_id: int, *, is_public: bool = False, lock: PostLock = "KEY SHARE") -> Post:
    """Locks and returns the shown post for an action of the viewer. `is_public`: others see the action, so frozen accounts
    are refused.

    Raises NotFound, Forbidden.
    """
    if is_public:
        require_can_write(viewer)
    effect = await _lock(tx, viewer, post_id, lock)
    if effect is not None and is_public:
        require_can_write(msgspec.structs.replace(viewer, effect=effect))
    # Also runs without a post: a missing post must take as long as one that the viewer may not see.
    return (await get_post_view(tx, post_id, viewer.id)).shown


async def begin_taking_back(tx: WriteTx, viewer: Account, post_id: int, mark: Mark, *, lock: PostLock = "KEY SHARE") -> int:
    """Locks the shown post for taking back a mark of the viewer, and returns its id.

    Raises NotFound if the viewer neither sees the post nor has set the mark; Forbidden.
    """
    await _lock(tx, viewer, post_id, lock)
    views = await list_post_views(tx, [post_id], viewer.id)
    shown_id = views[0].shown.id if views else await marking.find_marked(tx, viewer.id, post_id, mark)
    if shown_id is None:
        raise NotFound
    return shown_id


async def _lock(tx: WriteTx, viewer: Account, post_id: int, lock: PostLock) -> AccountEffect | None:
    effect = await marking.lock_shown(tx, viewer.id, post_id, lock)
    if effect is not None and effect >= AccountEffect.SUSPENDED:
        raise Forbidden(log_text="the viewer was just suspended")
    return effect


async def favourite_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Tells post.favourited, the first time. Raises NotFound, Forbidden."""
    post = await begin(tx, viewer, post_id, is_public=True)
    if await marking.insert_marked(tx, "favourites", viewer.id, ids.make_id(ids.shard_of(viewer.id)), post.id):
        await marking.add_mark(tx, viewer.id, post.id, Mark.FAVOURITE)
        await add_deltas(tx, [(post.id, Counter.POST_FAVOURITES, 1)])
        tx.tell(PostFavourited(post_id=post.id, account_id=viewer.id, author_id=post.author.id))
    return await get_fresh_view(tx, post.id, viewer.id)


async def unfavourite_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Tells post.unfavourited, if there was a favourite. Raises NotFound."""
    shown_id = await begin_taking_back(tx, viewer, post_id, Mark.FAVOURITE)
    if await marking.delete_marked(tx, "favourites", viewer.id, shown_id):
        await marking.remove_mark(tx, viewer.id, shown_id, Mark.FAVOURITE)
        await add_deltas(tx, [(shown_id, Counter.POST_FAVOURITES, -1)])
        author_id = await marking.get_author_id(tx, shown_id)
        tx.tell(PostUnfavourited(post_id=shown_id, account_id=viewer.id, author_id=author_id))
    return await get_view_taken_back(tx, shown_id, viewer.id)


async def bookmark_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Private: only the viewer sees it. Raises NotFound."""
    post = await begin(tx, viewer, post_id)
    if await marking.insert_marked(tx, "bookmarks", viewer.id, ids.make_id(ids.shard_of(viewer.id)), post.id):
        await marking.add_mark(tx, viewer.id, post.id, Mark.BOOKMARK)
    return await get_fresh_view(tx, post.id, viewer.id)


async def unbookmark_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Raises NotFound."""
    shown_id = await begin_taking_back(tx, viewer, post_id, Mark.BOOKMARK)
    if await marking.delete_marked(tx, "bookmarks", viewer.id, shown_id):
        await marking.remove_mark(tx, viewer.id, shown_id, Mark.BOOKMARK)
    return await get_view_taken_back(tx, shown_id, viewer.id)


async def pin_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Shows a post first in the viewer's profile. Raises NotFound; Forbidden; Invalid for others' posts and for a sixth one."""
    await marking.lock_pins(tx, viewer.id)
    post = await begin(tx, viewer, post_id, is_public=True)
    if not can_pin(viewer, post):
        raise Invalid(FieldError("post", "invalid", "You can pin your own posts, but not private messages."))
    if await marking.count_other_pins(tx, viewer.id, post.id) >= MOST_PINNED:
        raise Invalid(FieldError(
            "post", "too_many", Plural("You can pin at most %(limit)d post.", "You can pin at most %(limit)d posts.", "limit"),
            {"limit": MOST_PINNED},
        ))
    await marking.add_mark(tx, viewer.id, post.id, Mark.PINNED)
    return await get_fresh_view(tx, post.id, viewer.id)


async def unpin_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Raises NotFound."""
    await marking.lock_pins(tx, viewer.id)
    shown_id = await begin_taking_back(tx, viewer, post_id, Mark.PINNED)
    await marking.remove_mark(tx, viewer.id, shown_id, Mark.PINNED)
    return await get_view_taken_back(tx, shown_id, viewer.id)


async def mute_conversation(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Stops notifications from the conversation of a post, also from posts that are written later. Raises NotFound."""
    post = (await get_post_view(tx, post_id, viewer.id)).shown  # not locked: the first post of a conversation is locked first
    await marking.insert_mute(tx, viewer.id, post.conversation_id)
    if await marking.lock_shown(tx, viewer.id, post.conversation_id) is not None:  # else the first post was deleted
        await marking.add_mark(tx, viewer.id, post.conversation_id, Mark.MUTED)
    return await get_fresh_view(tx, post.id, viewer.id)


async def unmute_conversation(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Raises NotFound."""
    shown_id = await begin_taking_back(tx, viewer, post_id, Mark.MUTED)
    conversation_id = await marking.get_conversation_id(tx, shown_id)
    await marking.delete_mute(tx, viewer.id, conversation_id)
    await marking.remove_mark(tx, viewer.id, conversation_id, Mark.MUTED)
    return await get_view_taken_back(tx, shown_id, viewer.id)
