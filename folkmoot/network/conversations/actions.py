"""Actions on conversations: marking as read, putting away and back."""

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.conversations import queries
from folkmoot.network.conversations.model import Conversation


async def mark_conversation(tx: WriteTx, account_id: int, conversation_id: int, *, is_unread: bool) -> Conversation:
    """Marks a conversation as read or unread. Raises NotFound unless the account takes part in it."""
    if not await queries.update_unread(tx, account_id, conversation_id, is_unread):
        raise NotFound
    return await queries.get_conversation(tx, account_id, conversation_id)


async def put_away_conversation(tx: WriteTx, account_id: int, conversation_id: int) -> None:
    """Removes a conversation from the account's list. It can be found among those put away; a new message lists it again.

    Raises NotFound unless it is in the list.
    """
    if not await queries.update_put_away(tx, account_id, conversation_id, True):
        raise NotFound


async def put_back_conversation(tx: WriteTx, account_id: int, conversation_id: int) -> None:
    """Lists a conversation again that was put away. Raises NotFound unless it was."""
    if not await queries.update_put_away(tx, account_id, conversation_id, False):
        raise NotFound
