"""The timed jobs of reviewing."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.jurors.queries import delete_unanswered_gold
from folkmoot.moderation.reviewing import calls, queries
from folkmoot.moderation.reviewing.model import OFFERED_FOR, SETTLED_FOR

_MOST_GOLD = 500


async def call_jurors(database: Database) -> None:
    async with database.write() as tx:
        await calls.call_jurors(tx)


async def choose_gold(database: Database) -> None:
    """Chooses settled cases as gold questions, and drops those that are unfit by now."""
    now = clock.now()
    async with database.write() as tx:
        await delete_unanswered_gold(tx, now - OFFERED_FOR)
        await queries.delete_gold_cases(tx, now - OFFERED_FOR)
        await queries.insert_gold_cases(tx, now - OFFERED_FOR, now - SETTLED_FOR, _MOST_GOLD, now)
