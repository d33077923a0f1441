"""Subscribers of appeals. `moderation/assembly.py` subscribes them."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.appeals.actions import close_appeals
from folkmoot.moderation.appeals.clearing import clear_removed_posts, delete_decided_accounts
from folkmoot.moderation.appeals.model import OPEN_FOR
from folkmoot.moderation.appeals.queries import blank_reasons
from folkmoot.moderation.cases.model import CaseWithdrawn
from folkmoot.moderation.evidence import actions
from folkmoot.moderation.verdicts.model import VerdictSettled
from folkmoot.moderation.verdicts.queries import get_verdict
from folkmoot.network.accounts.model import AccountDeleted


async def close_settled(database: Database, event: VerdictSettled) -> None:
    if event.appealed_verdict_id is None:
        return
    async with database.write() as tx:
        await close_appeals(tx, event.case_id, await get_verdict(tx, event.verdict_id))


async def close_withdrawn(database: Database, event: CaseWithdrawn) -> None:
    async with database.write() as tx:
        await close_appeals(tx, event.case_id, None)


async def clear_evidence(database: Database) -> None:
    """Deletes what was kept for decisions that nobody can appeal against any more. Timed; at most 100 cases in a transaction."""
    while True:
        async with database.write() as tx:
            if not await actions.clear_evidence(tx, clock.now() - OPEN_FOR):
                return


async def clear_removed(database: Database) -> None:
    """Deletes for good what was removed and can no longer be appealed. Timed; at most 50 posts in a transaction."""
    while True:
        async with database.write() as tx:
            if not await clear_removed_posts(tx):
                break
    async with database.write() as tx:
        await delete_decided_accounts(tx)


async def forget_words(database: Database, event: AccountDeleted) -> None:
    """The appeal stays; the text of the appellant is deleted (decision 0046)."""
    async with database.write() as tx:
        await blank_reasons(tx, event.account_id)
