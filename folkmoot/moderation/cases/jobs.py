"""Subscribers and timed jobs of cases. `moderation/assembly.py` registers them."""

from folkmoot.base.db import Database
from folkmoot.moderation.cases import actions, calls
from folkmoot.moderation.cases.queries import blank_notes, list_open_cases_of_account
from folkmoot.network.accounts.model import AccountDeleted


async def withdraw_of_deleted_account(database: Database, event: AccountDeleted) -> None:
    """Closes the open cases about a deleted account and its posts, of which nothing is left (decision 0049), and blanks the notes
    about them."""
    async with database.write() as tx:
        await actions.withdraw_cases(tx, await list_open_cases_of_account(tx, event.account_id))
        await blank_notes(tx, event.account_id)


async def call_people(database: Database, callees: calls.Callees) -> None:
    """Timed."""
    async with database.write() as tx:
        await calls.call_people(tx, callees)


async def call_webhook(callees: calls.Callees, _database: Database, call: calls.Call) -> None:
    await calls.call_webhook(callees, call)


async def watch_deadlines(database: Database) -> None:
    """Timed. Works in transactions of at most 200 cases, so that a backlog holds no long locks."""
    while True:
        async with database.write() as tx:
            if not await actions.note_deadlines(tx):
                return
