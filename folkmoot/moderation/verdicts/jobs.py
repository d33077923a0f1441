"""Jobs of verdicts. `app.py` registers them."""

from folkmoot.base.db import Database
from folkmoot.moderation.verdicts import actions
from folkmoot.moderation.verdicts.model import Settle


async def settle(database: Database, order: Settle) -> None:
    async with database.write() as tx:
        await actions.settle_verdict(tx, order.verdict_id)
