"""Dismissing suggestions."""

from folkmoot.base.db import WriteTx
from folkmoot.network.suggestions import queries


async def dismiss_suggestion(tx: WriteTx, account_id: int, target_id: int) -> None:
    """Never suggests an account to a member again. What is no account is ignored."""
    await queries.insert_dismissed(tx, account_id, target_id)
