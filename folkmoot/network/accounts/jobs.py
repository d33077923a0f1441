"""A job of accounts: making their words for search again, after a release has changed how they are made."""

import msgspec

from folkmoot.base.db import Database
from folkmoot.network.accounts.actions import search_words_of
from folkmoot.network.accounts.queries import lock_next_accounts, update_search

INDEX_JOB = "accounts.index_again"
_STEP = 200  # accounts that are locked for a moment


class IndexAgain(msgspec.Struct, frozen=True):
    """`after`: the last account that is done."""

    after: int = 0


async def index_again(database: Database, wanted: IndexAgain) -> None:
    """A step of the job: the next accounts, and a job for those behind them."""
    async with database.write() as tx:
        found = await lock_next_accounts(tx, wanted.after, _STEP)
        for account in found:
            await update_search(tx, account.id, search_words_of(account))
        if len(found) == _STEP:
            tx.enqueue(INDEX_JOB, IndexAgain(found[-1].id))
