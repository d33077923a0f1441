"""Reading conversations, and putting them away."""

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.conversations import queries
from folkmoot.network.conversations.model import Conversation


async def mark_conversation(tx: WriteTx, account_id: int, conversation_id: int, *, is_unread: bool) -> Conversation:
    """Raises NotFound for one that is not one's own."""
    if not await queries.update_unread(tx, account_id, conversation_id, is_unread):
        raise NotFound
    return await queries.get_conversation(tx, account_id, conversation_id)


async def put_away(tx: WriteTx, account_id: int, conversation_id: int) -> None:
    """Takes a conversation off one's list; its posts stay, and a new one brings it back. Raises NotFound."""
    if not await queries.delete_conversation(tx, account_id, conversation_id):
        raise NotFound
