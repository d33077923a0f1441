"""Actions on conversations: marking as read, removing from the list."""

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.conversations import queries
from folkmoot.network.conversations.model import Conversation


async def mark_conversation(tx: WriteTx, account_id: int, conversation_id: int, *, is_unread: bool) -> Conversation:
    """Marks a conversation as read or unread. Raises NotFound unless the account takes part in it."""
    if not await queries.update_unread(tx, account_id, conversation_id, is_unread):
        raise NotFound
    return await queries.get_conversation(tx, account_id, conversation_id)


async def remove_conversation(tx: WriteTx, account_id: int, conversation_id: int) -> None:
    """Removes a conversation from the account's list. Its posts stay; a new one lists it again. Raises NotFound."""
    if not await queries.delete_conversation(tx, account_id, conversation_id):
        raise NotFound
