"""Subscribers and timed jobs of statements. `moderation/assembly.py` registers them."""

from datetime import timedelta

from folkmoot.base.db import Database
from folkmoot.base.queue.model import Timed
from folkmoot.moderation.statements import actions
from folkmoot.moderation.statements.queries import blank_quotes
from folkmoot.network.accounts.model import AccountDeleted


async def forget_words(database: Database, event: AccountDeleted) -> None:
    """The statement stays; the quoted text is deleted (decision 0046)."""
    async with database.write() as tx:
        await blank_quotes(tx, event.account_id)


async def mail_authors(database: Database) -> None:
    """Timed. One batch for each run, so that other mails are not delayed."""
    async with database.write() as tx:
        await actions.mail_authors(tx)


TIMED = [Timed("statements.mail_authors", timedelta(minutes=1), mail_authors)]
