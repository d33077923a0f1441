"""Event subscribers and timed jobs of timelines. `app.py` registers them."""

import asyncio
from contextlib import suppress

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable, WritesPaused
from folkmoot.base.gathering import Gathering
from folkmoot.network.posts.events import PostCreated, PostDeleted, PostEdited, QuoteRevoked
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations.model import FollowEnded, FollowStarted
from folkmoot.network.relations.queries import delete_pulled_authors, insert_pulled_authors
from folkmoot.network.timelines import actions
from folkmoot.network.timelines.model import EDITED_POSTS_TOPIC, NEW_POSTS_TOPIC, PUSH_AGAIN, PUSH_AT_MOST, NewPost
from folkmoot.network.timelines.queries.homes import mark_unbuilt

# A rebuild takes 15 to 44 ms: many members returning after a crash must not take the database from the others.
_rebuilds = asyncio.Semaphore(2)
_rebuilding: set[int] = set()
_tasks: set[asyncio.Task[None]] = set()  # a task without a reference can be garbage-collected


async def push_to_homes(database: Database, post: PostCreated) -> None:
    """Stores a new post in the followers' homes, then notifies open pages and streams. Posts that arrive together are stored
    together, except those with many readers, which would delay the others."""
    if post.visibility == Visibility.DIRECT or await _pushing.add(database, (post.post_id, post.account_id)):
        async with database.cache() as cache:
            await actions.push_post(cache, post)
    database.live.publish(NEW_POSTS_TOPIC, NewPost(post.post_id))


async def _push_together(database: Database, posts: list[tuple[int, int]]) -> dict[tuple[int, int], bool]:
    """For each post (post, author) whether it has too many readers."""
    async with database.cache() as cache:
        large = await actions.push_posts(cache, posts)
    return {post: post[0] in large for post in posts}


_pushing = Gathering(_push_together)


async def push_edited(database: Database, event: PostEdited) -> None:
    """Stores an edited post in the homes of newly mentioned accounts, then notifies open streams."""
    async with database.cache() as cache:
        await actions.push_to_mentioned(cache, event.post_id, event.account_id)
    database.live.publish(EDITED_POSTS_TOPIC, NewPost(event.post_id))


async def show_revoked(database: Database, event: QuoteRevoked) -> None:
    """Sends a post whose quote was revoked to open streams, without the quoted post."""
    database.live.publish(EDITED_POSTS_TOPIC, NewPost(event.post_id))


async def remove_deleted(database: Database, event: PostDeleted) -> None:
    async with database.cache() as cache:
        await actions.remove_post(cache, event.post_id, event.account_id)


async def merge_followed(database: Database, event: FollowStarted) -> None:
    async with database.cache() as cache:
        await actions.merge_author(cache, event.account_id)


async def remove_unfollowed(database: Database, event: FollowEnded) -> None:
    async with database.cache() as cache:
        await actions.remove_author(cache, event.account_id, event.target_id)


async def choose_push_or_pull(database: Database) -> None:
    """Switches authors with too many followers from push to pull, and back. A timed job."""
    async with database.write() as tx:
        await insert_pulled_authors(tx, PUSH_AT_MOST)
        await mark_unbuilt(tx, await delete_pulled_authors(tx, PUSH_AGAIN))


async def trim(database: Database) -> None:
    """Trims the warm homes. A timed job."""
    async with database.cache() as cache:
        await actions.trim_homes(cache)


def rebuild_soon(database: Database, account_id: int) -> None:
    """Builds the home of a viewer in the background, after the response."""
    task = asyncio.create_task(_rebuild_quietly(database, account_id))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _rebuild_quietly(database: Database, account_id: int) -> None:
    with suppress(WritesPaused, Unavailable):  # the viewer has a response; the next request tries again
        await rebuild_when_idle(database, account_id)


async def rebuild_when_idle(database: Database, account_id: int) -> None:
    """Builds a home; at most two at a time per process, and each account once."""
    if account_id in _rebuilding:
        return
    _rebuilding.add(account_id)
    try:
        async with _rebuilds, database.cache() as cache:
            await actions.rebuild_home(cache, account_id)
    finally:
        _rebuilding.discard(account_id)
