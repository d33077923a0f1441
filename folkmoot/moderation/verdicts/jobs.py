"""Jobs of verdicts. `moderation/assembly.py` registers them."""

from folkmoot.base import ids
from folkmoot.base.db import Database
from folkmoot.moderation.proposals.model import Kind
from folkmoot.moderation.proposals.queries import list_proposals_of_case
from folkmoot.moderation.reports.weighing import weigh_again
from folkmoot.moderation.verdicts import actions, two_people
from folkmoot.moderation.verdicts.alike import repeat_verdict
from folkmoot.moderation.verdicts.model import Repeat, Settle
from folkmoot.moderation.verdicts.queries import get_first_case_id, get_verdict, lock_verdict


async def repeat(database: Database, order: Repeat) -> None:
    """Repeats an approved verdict about the posts that were written before it was proposed, a few in each transaction. A verdict that
    was undone or overturned meanwhile is not repeated any further: its row is locked, so undoing it finds what was repeated."""
    last: int | None = 0
    while last is not None:
        async with database.write() as tx:
            verdict = await lock_verdict(tx, order.verdict_id)
            proposed = [one for one in await list_proposals_of_case(tx, verdict.case_id) if one.kind is Kind.REPEAT]
            if not proposed or verdict.undone_at or verdict.overturned_by_id:
                return
            last = await repeat_verdict(tx, verdict, ids.first_id(proposed[0].proposed_at), last)


async def settle(database: Database, order: Settle) -> None:
    async with database.write() as tx:
        await actions.settle_verdict(tx, order.verdict_id)
    async with database.write() as tx:
        verdict = await get_verdict(tx, order.verdict_id)
        if verdict.settled_at:
            await weigh_again(tx, await get_first_case_id(tx, verdict.case_id))


async def expire(database: Database) -> None:
    """Ends proposals that nobody has answered, and holds whose time is over. Timed."""
    while True:
        async with database.write() as tx:
            if not await two_people.expire(tx):
                return
