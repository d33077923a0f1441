"""Jobs of verdicts. `app.py` registers them."""

from folkmoot.base import ids
from folkmoot.base.db import Database
from folkmoot.moderation.verdicts import actions
from folkmoot.moderation.verdicts.alike import repeat_verdict
from folkmoot.moderation.verdicts.model import Repeat, Settle
from folkmoot.moderation.verdicts.queries import find_batch, get_verdict


async def repeat(database: Database, order: Repeat) -> None:
    """Repeats an approved verdict about the posts that were written before it was proposed, a few in each transaction. A verdict that
    was overturned meanwhile is not repeated any further."""
    last: int | None = 0
    while last is not None:
        async with database.write() as tx:
            verdict = await get_verdict(tx, order.verdict_id)
            batch = await find_batch(tx, order.verdict_id)
            if batch is None or verdict.undone_at or verdict.overturned_by_id:
                return
            last = await repeat_verdict(tx, verdict, ids.first_id(batch.proposed_at), last)


async def settle(database: Database, order: Settle) -> None:
    async with database.write() as tx:
        await actions.settle_verdict(tx, order.verdict_id)
