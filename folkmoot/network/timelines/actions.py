"""What keeps homes warm: pushing, merging, removing, rebuilding, trimming. All of it through `CacheTx`.

A home is a cache: every function here may run twice, late, beside the others, or be lost with a crash. Each looks again
after it has written whether what it acted on still stands, so the order of jobs does not matter.
"""

from datetime import timedelta

from folkmoot.base.db import CacheTx
from folkmoot.network.posts.model import PostCreated, Visibility
from folkmoot.network.timelines.model import KEPT_DAYS, PUSH_AT_ONCE, PUSH_BATCH
from folkmoot.network.timelines.queries import homes


async def push_post(cache: CacheTx, post: PostCreated) -> None:
    """Stores a new post, or boost, in the homes of those who follow its author and keep a warm home.

    Posts of authors with very many followers are left to be pulled.
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
    await homes.delete_entries_of_post(cache, post.post_id, post.account_id, only_if_gone=True)  # deleted while it was pushed


async def _push_in_batches(cache: CacheTx, post: PostCreated) -> None:
    last: int | None = 0
    while last is not None:
        last = await homes.insert_some_entries(cache, post.post_id, post.account_id, last, PUSH_BATCH)


async def push_to_mentioned(cache: CacheTx, post_id: int, author_id: int) -> None:
    """After an edit: a direct post comes to those whom it mentions now. Of other posts the readers do not change."""
    await homes.insert_direct_entries(cache, post_id, author_id)


async def merge_author(cache: CacheTx, account_id: int) -> None:
    """After a follow: the author's posts, and others' replies to them, come into the home, where it is warm."""
    await _fill(cache, account_id)


async def remove_author(cache: CacheTx, account_id: int, author_id: int) -> None:
    """After an unfollow: what the author wrote or boosted leaves the home, unless the follow has begun anew."""
    if await homes.delete_entries_of_unfollowed(cache, account_id, author_id):
        await _fill(cache, account_id)


async def remove_post(cache: CacheTx, post_id: int, author_id: int) -> None:
    """After a deletion: the post leaves the homes."""
    await homes.delete_entries_of_post(cache, post_id, author_id)


async def rebuild_home(cache: CacheTx, account_id: int) -> None:
    """Builds a home from follows and posts. Posts that are pushed meanwhile find its `homes` row and are not lost."""
    await homes.insert_home(cache, account_id)
    await _fill(cache, account_id)


async def _fill(cache: CacheTx, account_id: int) -> None:
    """Again as long as somebody changes the home at the same moment."""
    while not await homes.fill_home(cache, account_id) and await homes.has_home(cache, account_id):
        pass


async def trim_homes(cache: CacheTx) -> None:
    """Drops the homes of people who have not come for 14 days, and the far ends of the others."""
    await homes.delete_idle_homes(cache, timedelta(days=KEPT_DAYS))
    await homes.delete_far_entries(cache)
