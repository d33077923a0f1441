"""Maintains warm homes: pushing, merging, removing, rebuilding, trimming. All writes go through `CacheTx`.

A home is a cache: every function here may run twice, late, concurrently with the others, or be lost in a crash. Each one
checks its precondition again after it has written, so the order of jobs does not matter.
"""

from datetime import timedelta

from folkmoot.base.db import CacheTx
from folkmoot.network.posts.events import PostCreated
from folkmoot.network.posts.model import Visibility
from folkmoot.network.timelines.model import KEPT_DAYS, PUSH_AT_ONCE, PUSH_BATCH
from folkmoot.network.timelines.queries import homes


async def push_post(cache: CacheTx, post: PostCreated) -> None:
    """Stores a new post or boost in the warm homes of its author's followers.

    Posts of authors with very many followers are not stored, but pulled by their readers.
    """
    if post.visibility == Visibility.DIRECT:
        await homes.insert_direct_entries(cache, post.post_id, post.account_id)
    else:
        followers, is_pulled = await homes.get_reach(cache, post.account_id)
        if is_pulled:
            return
        if followers <= PUSH_AT_ONCE:
            await homes.insert_entries(cache, post.post_id, post.account_id)
        else:
            await _push_in_batches(cache, post)
    await homes.delete_entries_of_post(cache, post.post_id, post.account_id, only_if_deleted=True)  # deleted while it was pushed


async def _push_in_batches(cache: CacheTx, post: PostCreated) -> None:
    last: int | None = 0
    while last is not None:
        last = await homes.insert_some_entries(cache, post.post_id, post.account_id, last, PUSH_BATCH)


async def push_to_mentioned(cache: CacheTx, post_id: int, author_id: int) -> None:
    """After an edit: stores a direct post in the homes of newly mentioned accounts. Other posts keep their readers."""
    await homes.insert_direct_entries(cache, post_id, author_id)


async def merge_author(cache: CacheTx, account_id: int) -> None:
    """After a follow: stores the author's posts, and others' replies to the author, in the home if it is warm."""
    await _fill(cache, account_id)


async def remove_author(cache: CacheTx, account_id: int, author_id: int) -> None:
    """After an unfollow: removes the author's posts and boosts from the home, unless the author is followed again."""
    if await homes.delete_entries_of_unfollowed(cache, account_id, author_id):
        await _fill(cache, account_id)


async def remove_post(cache: CacheTx, post_id: int, author_id: int) -> None:
    """After a deletion: removes the post from all homes."""
    await homes.delete_entries_of_post(cache, post_id, author_id)


async def rebuild_home(cache: CacheTx, account_id: int) -> None:
    """Builds a home from follows and posts. The `homes` row is inserted first, so posts pushed meanwhile are stored too."""
    await homes.insert_home(cache, account_id)
    await _fill(cache, account_id)


async def _fill(cache: CacheTx, account_id: int) -> None:
    """Fills a home; repeats while another transaction changes it."""
    while not await homes.fill_home(cache, account_id) and await homes.has_home(cache, account_id):
        pass


async def trim_homes(cache: CacheTx) -> None:
    """Deletes the homes of members without a visit for 14 days, and the oldest entries of the others."""
    await homes.delete_idle_homes(cache, timedelta(days=KEPT_DAYS))
    await homes.delete_far_entries(cache)
