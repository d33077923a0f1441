"""Subscribers of evidence. `moderation/assembly.py` subscribes them."""

from folkmoot.base.db import Database
from folkmoot.moderation.evidence.actions import forget_evidence_of_account
from folkmoot.network.accounts.model import AccountDeleted


async def forget_words(database: Database, event: AccountDeleted) -> None:
    async with database.write() as tx:
        await forget_evidence_of_account(tx, event.account_id)
