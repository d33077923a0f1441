"""What cases hear of and do by the clock. `app.py` subscribes these."""

from folkmoot.base.db import Database
from folkmoot.moderation.cases import actions
from folkmoot.network.accounts.model import AccountDeleted
from folkmoot.network.posts.model import PostDeleted


async def withdraw_deleted(database: Database, event: PostDeleted) -> None:
    async with database.write() as tx:
        await actions.withdraw_cases_of_post(tx, event.post_id)


async def withdraw_of_deleted_account(database: Database, event: AccountDeleted) -> None:
    async with database.write() as tx:
        await actions.withdraw_cases_of_account(tx, event.account_id)


async def watch_deadlines(database: Database) -> None:
    """By the clock. In transactions of a few hundred, so that a backlog holds up nobody."""
    while True:
        async with database.write() as tx:
            if not await actions.note_deadlines(tx):
                return
