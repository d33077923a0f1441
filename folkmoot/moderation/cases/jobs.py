"""Subscribers and timed jobs of cases. `app.py` registers them."""

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
    """Timed. Works in transactions of at most 200 cases, so that a backlog holds no long locks."""
    while True:
        async with database.write() as tx:
            if not await actions.note_deadlines(tx):
                return
