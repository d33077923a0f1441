"""What the timelines hear of, and what they do by the clock. `app.py` subscribes these."""

import asyncio

from folkmoot.base.db import Database
from folkmoot.network.posts.model import PostCreated, PostDeleted
from folkmoot.network.relations.model import AccountBlocked, AccountMuted, FollowEnded, FollowStarted
from folkmoot.network.timelines import actions
from folkmoot.network.timelines.model import PUSH_AT_MOST, PUSH_AT_ONCE

# Rebuilding is work of 15 to 44 ms: a crowd that returns after a crash must not take the database from the others.
_rebuilds = asyncio.Semaphore(2)
_rebuilding: set[int] = set()


def author_topic(account_id: int) -> str:
    """The live topic of one author's new posts."""
    return f"posts:{account_id}"


def relations_topic(account_id: int) -> str:
    """The live topic of whom somebody follows."""
    return f"relations:{account_id}"


async def push_to_homes(database: Database, post: PostCreated) -> None:
    """A new post goes into its followers' homes, and whoever is reading hears of it."""
    async with database.cache() as cache:
        followers = await cache.fetchval("SELECT followers FROM account_counts WHERE account_id = $1", post.account_id) or 0
        if followers <= PUSH_AT_MOST:
            await actions.push_post(cache, post, in_batches=followers > PUSH_AT_ONCE)
    database.live.publish(author_topic(post.account_id), post)


async def choose_push_or_pull(database: Database) -> None:
    """Authors with more followers than we push to are pulled by their readers, and back."""
    async with database.write() as tx:
        await tx.execute(
            """
            UPDATE follows SET is_pulled = true FROM account_counts AS c JOIN followers AS fo USING (account_id)
            WHERE c.followers > $1 AND NOT is_pulled
              AND follows.account_id = fo.follower_id AND follows.target_id = fo.account_id
            """,
            PUSH_AT_MOST,
        )
        await tx.execute(
            """
            UPDATE follows SET is_pulled = false FROM account_counts AS c
            WHERE is_pulled AND c.account_id = follows.target_id AND c.followers <= $1
            """,
            PUSH_AT_MOST,
        )


async def merge_followed(database: Database, event: FollowStarted) -> None:
    async with database.cache() as cache:
        await actions.merge_author(cache, event.account_id, event.target_id)
    database.live.publish(relations_topic(event.account_id), None)


async def remove_unfollowed(database: Database, event: FollowEnded) -> None:
    async with database.cache() as cache:
        await actions.remove_author(cache, event.account_id, event.target_id, words_too=False)
    database.live.publish(relations_topic(event.account_id), None)


async def remove_muted(database: Database, event: AccountMuted) -> None:
    async with database.cache() as cache:
        await actions.remove_author(cache, event.account_id, event.target_id, words_too=True)


async def remove_blocked(database: Database, event: AccountBlocked) -> None:
    async with database.cache() as cache:
        await actions.remove_author(cache, event.account_id, event.target_id, words_too=True)
        await actions.remove_author(cache, event.target_id, event.account_id, words_too=True)


async def remove_deleted(database: Database, event: PostDeleted) -> None:
    async with database.cache() as cache:
        await actions.remove_post(cache, event.post_id, event.account_id)


async def trim(database: Database) -> None:
    async with database.cache() as cache:
        await actions.trim_homes(cache)


async def rebuild_when_idle(database: Database, account_id: int) -> None:
    """Builds the home of somebody who is reading right now; two at a time per process, each account once."""
    if account_id in _rebuilding:
        return
    _rebuilding.add(account_id)
    try:
        async with _rebuilds, database.cache() as cache:
            await actions.rebuild_home(cache, account_id)
    finally:
        _rebuilding.discard(account_id)
