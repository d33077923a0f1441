"""Subscribers of statements. `moderation/assembly.py` subscribes them."""

from folkmoot.base.db import Database
from folkmoot.moderation.statements.queries import blank_quotes
from folkmoot.network.accounts.model import AccountDeleted


async def forget_words(database: Database, event: AccountDeleted) -> None:
    """The statement stays; the quoted text is deleted (decision 0046)."""
    async with database.write() as tx:
        await blank_quotes(tx, event.account_id)
