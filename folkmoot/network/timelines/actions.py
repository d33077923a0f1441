"""Maintains warm homes: pushing, merging, removing, rebuilding, trimming. All writes go through `CacheTx`.

A home is a cache: every function here may run twice, late, concurrently with the others, or be lost in a crash. Each one
checks its precondition again after it has written, so the order of jobs does not matter.
"""

from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base.db import CacheTx
from folkmoot.network.posts.events import PostCreated
from folkmoot.network.posts.model import Visibility
from folkmoot.network.timelines.model import KEPT_DAYS, PUSH_AT_ONCE, PUSH_BATCH
from folkmoot.network.timelines.queries import homes


async def push_posts(cache: CacheTx, posts: Sequence[tuple[int, int]]) -> list[int]:
    """Stores new posts and boosts, each (post, author), in the warm homes of their authors' followers; no direct ones.

    Posts of authors with very many followers are not stored, but pulled by their readers. Returns those with so many followers that
    `push_post` has to store them.
    """
    large = await homes.insert_entries(cache, posts, PUSH_AT_ONCE)
    await homes.delete_entries_of_deleted(cache, posts)  # deleted while they were pushed
    return large


async def push_post(cache: CacheTx, post: PostCreated) -> None:
    """The same for one post, whatever its visibility and its number of readers. A direct post goes to whom it mentions."""
    key = (post.post_id, post.account_id)
    if post.visibility == Visibility.DIRECT:
        await homes.insert_direct_entries(cache, *key)
    elif await push_posts(cache, [key]):
        last: int | None = 0
        while last is not None:
            last = await homes.insert_some_entries(cache, *key, last, PUSH_BATCH)
    await homes.delete_entries_of_deleted(cache, [key])


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
