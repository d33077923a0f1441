"""Event subscribers of conversations. `app.py` registers them."""

from collections.abc import Sequence

from folkmoot.base.db import Database
from folkmoot.network.conversations import queries
from folkmoot.network.conversations.model import topic
from folkmoot.network.notifications.model import RequestsAccepted
from folkmoot.network.posts.events import PostCreated, PostDeleted, PostEdited
from folkmoot.network.posts.model import Visibility


async def add_direct_post(database: Database, event: PostCreated) -> None:
    if event.visibility == Visibility.DIRECT:
        await _add_post(database, event.post_id)


async def add_newly_mentioned(database: Database, event: PostEdited) -> None:
    if event.visibility == Visibility.DIRECT and event.newly_mentioned_ids:
        await _add_post(database, event.post_id, event.newly_mentioned_ids)


async def add_accepted(database: Database, event: RequestsAccepted) -> None:
    """Adds messages that had been filtered to the conversations of their recipient."""
    for post_id in event.message_ids:
        await _add_post(database, post_id, [event.account_id])


async def remove_deleted_post(database: Database, event: PostDeleted) -> None:
    """Lists the conversation with its previous post; repeats if that post was deleted meanwhile."""
    async with database.write() as tx:
        deleted = [event.post_id]
        while deleted:
            deleted = await queries.list_deleted(tx, await queries.refresh_after_deletion(tx, deleted))


async def _add_post(database: Database, post_id: int, newcomer_ids: Sequence[int] | None = None) -> None:
    """Adds a direct post to conversations, and notifies the open streams of their participants."""
    async with database.write() as tx:
        for account_id, conversation_id in await queries.refresh_after_post(tx, post_id, newcomer_ids):
            tx.publish(topic(account_id), conversation_id)
