"""What conversations hear of. `app.py` subscribes these."""

from folkmoot.base.db import Database
from folkmoot.network.conversations import queries
from folkmoot.network.posts.model import PostCreated, PostDeleted, PostEdited, Visibility


async def add_direct_post(database: Database, event: PostCreated) -> None:
    if event.visibility == Visibility.DIRECT:
        async with database.write() as tx:
            await queries.refresh_after_post(tx, event.post_id)


async def add_newly_mentioned(database: Database, event: PostEdited) -> None:
    if event.visibility == Visibility.DIRECT and event.newly_mentioned_ids:
        async with database.write() as tx:
            await queries.refresh_after_post(tx, event.post_id, event.newly_mentioned_ids)


async def remove_deleted_post(database: Database, event: PostDeleted) -> None:
    """The conversation shows the post before it, as long as that is not deleted at the same moment."""
    async with database.write() as tx:
        gone = [event.post_id]
        while gone:
            gone = await queries.list_gone(tx, await queries.refresh_after_deletion(tx, gone))
