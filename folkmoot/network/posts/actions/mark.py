"""What a viewer does with a post for oneself: favourite, bookmark, pin, mute its conversation. All can be repeated."""

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.network.accounts.model import Account
from folkmoot.network.counters import Counter, add_deltas
from folkmoot.network.posts.model import Mark, Post, PostFavourited, PostView
from folkmoot.network.posts.policy import MOST_PINNED, can_pin, require_can_write
from folkmoot.network.posts.queries import get_fresh_view, get_post_view


async def favourite_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Tells post.favourited, the first time. Raises NotFound."""
    require_can_write(viewer)
    post = await _shown(tx, viewer, post_id)
    if await _insert(tx, "favourites", viewer, post.id):
        await set_mark(tx, viewer, post.id, Mark.FAVOURITE)
        await add_deltas(tx, [(post.id, Counter.POST_FAVOURITES, 1)])
        tx.tell(PostFavourited(post_id=post.id, account_id=viewer.id, author_id=post.author.id))
    return await get_fresh_view(tx, post.id, viewer.id)


async def unfavourite_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    post = await _shown(tx, viewer, post_id)
    if await tx.execute("DELETE FROM favourites WHERE account_id = $1 AND post_id = $2", viewer.id, post.id):
        await set_mark(tx, viewer, post.id, Mark.FAVOURITE, is_on=False)
        await add_deltas(tx, [(post.id, Counter.POST_FAVOURITES, -1)])
    return await get_fresh_view(tx, post.id, viewer.id)


async def bookmark_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Nobody else learns of it. Raises NotFound."""
    post = await _shown(tx, viewer, post_id)
    if await _insert(tx, "bookmarks", viewer, post.id):
        await set_mark(tx, viewer, post.id, Mark.BOOKMARK)
    return await get_fresh_view(tx, post.id, viewer.id)


async def unbookmark_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    post = await _shown(tx, viewer, post_id)
    if await tx.execute("DELETE FROM bookmarks WHERE account_id = $1 AND post_id = $2", viewer.id, post.id):
        await set_mark(tx, viewer, post.id, Mark.BOOKMARK, is_on=False)
    return await get_fresh_view(tx, post.id, viewer.id)


async def pin_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """Shows a post first in one's profile. Raises NotFound, Invalid for others' posts and for a sixth one."""
    post = await _shown(tx, viewer, post_id)
    if not can_pin(viewer, post):
        raise Invalid(FieldError("post", "invalid", "Only your own posts that are not direct can be pinned."))
    await tx.fetchval("SELECT pg_advisory_xact_lock(hashtextextended($1, 7021))", f"pins:{viewer.id}")
    pinned = await tx.fetchval(
        "SELECT count(*) FROM marks WHERE account_id = $1 AND bits & $2::smallint > 0 AND post_id <> $3",
        viewer.id, int(Mark.PINNED), post.id,
    )
    if pinned >= MOST_PINNED:
        raise Invalid(FieldError("post", "too_many", "At most %(limit)d posts can be pinned.", {"limit": MOST_PINNED}))
    await set_mark(tx, viewer, post.id, Mark.PINNED)
    return await get_fresh_view(tx, post.id, viewer.id)


async def unpin_post(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    post = await _shown(tx, viewer, post_id)
    await set_mark(tx, viewer, post.id, Mark.PINNED, is_on=False)
    return await get_fresh_view(tx, post.id, viewer.id)


async def mute_conversation(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    """No more notifications from the conversation of a post that one wrote or is mentioned in."""
    post = await _shown(tx, viewer, post_id)
    await _mark_conversation(tx, viewer, post, is_on=True)
    return await get_fresh_view(tx, post.id, viewer.id)


async def unmute_conversation(tx: WriteTx, viewer: Account, post_id: int) -> PostView:
    post = await _shown(tx, viewer, post_id)
    await _mark_conversation(tx, viewer, post, is_on=False)
    return await get_fresh_view(tx, post.id, viewer.id)


async def set_mark(tx: WriteTx, viewer: Account, post_id: int, mark: Mark, *, is_on: bool = True) -> None:
    """Sets or clears one bit of what the viewer did with the post."""
    if is_on:
        await tx.execute(
            "INSERT INTO marks (account_id, post_id, bits) VALUES ($1, $2, $3)"
            " ON CONFLICT (account_id, post_id) DO UPDATE SET bits = marks.bits | excluded.bits",
            viewer.id, post_id, int(mark),
        )
    else:
        await tx.execute(
            "UPDATE marks SET bits = bits & ~$3::smallint WHERE account_id = $1 AND post_id = $2", viewer.id, post_id, int(mark)
        )


async def _mark_conversation(tx: WriteTx, viewer: Account, post: Post, *, is_on: bool) -> None:
    first_is_there = await tx.fetchval("SELECT true FROM posts WHERE id = $1", post.conversation_id)
    if not first_is_there:
        raise NotFound
    await set_mark(tx, viewer, post.conversation_id, Mark.MUTED, is_on=is_on)


async def _shown(tx: WriteTx, viewer: Account, post_id: int) -> Post:
    return (await get_post_view(tx, post_id, viewer.id)).shown


async def _insert(tx: WriteTx, table: str, viewer: Account, post_id: int) -> bool:
    assert table in ("favourites", "bookmarks")
    return bool(await tx.execute(
        f"INSERT INTO {table} (account_id, id, post_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        viewer.id, ids.make_id(ids.shard_of(viewer.id)), post_id,
    ))
