"""Members who are jurors, in two camps. Their records are inserted, because it is not the training that is measured."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.juries.queries import replace_places
from folkmoot.moderation.jurors.model import Choices, Juror, State
from folkmoot.moderation.jurors.queries import insert_juror, update_juror
from folkmoot.network.accounts.model import Account
from tests.village import settle

_CAME_BEFORE = timedelta(days=60)
_APART = timedelta(minutes=3)  # who signs up in the same minute counts as known to each other


async def gather_jurors(database: Database, count: int) -> list[Account]:
    accounts = []
    now = clock.now()
    for number in range(count):
        with clock.stopped_at(now - _CAME_BEFORE - _APART * number):
            accounts.append(await settle(database, f"juror_{number:04d}"))
    async with database.write() as tx:
        for account in accounts:
            record = Juror(
                account_id=account.id, state=State.JUROR, changed_at=now, counted_from=now, passed_at=now,
                choices=Choices(languages=("en", "cs")),
            )
            await insert_juror(tx, record)
            await update_juror(tx, record)
        await replace_places(tx, {account.id: 1.0 if number % 2 else -1.0 for number, account in enumerate(accounts)})
        await tx.execute("ANALYZE")
    return accounts
