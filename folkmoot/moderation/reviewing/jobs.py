"""The jobs and timed jobs of reviewing. `moderation/assembly.py` registers them."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.queue.model import Job
from folkmoot.config import Moderation
from folkmoot.moderation.juries.actions.pool import Pool
from folkmoot.moderation.juries.actions.sitting import are_juries_sitting
from folkmoot.moderation.jurors.queries import delete_unanswered_gold
from folkmoot.moderation.reviewing import calls, queries
from folkmoot.moderation.reviewing.labelling import advance_item
from folkmoot.moderation.reviewing.model import AGREED, ASKED_FOR, OFFERED_FOR, SEATS_KEPT, SETTLED_FOR, LabelSample
from folkmoot.moderation.reviewing.queries import sample
from folkmoot.moderation.reviewing.sampling import LABEL

_MOST_GOLD = 500
_AT_ONCE = 50  # items of the sample in one run


class Sampling:
    """The background work of the daily sample. `halves`: the key of the random halves, as `juries` has it."""

    def __init__(self, settings: Moderation, halves: str) -> None:
        self._settings = settings
        self._halves = halves

    def jobs(self) -> list[Job]:
        return [Job(LABEL, LabelSample, self.label)]

    async def offer(self, database: Database) -> int:
        """Draws jurors for the posts of the sample that wait, where juries sit, and labels those on which they agree; returns how many
        posts were looked at. A transaction for each."""
        now = clock.now()
        async with database.read() as conn:
            if not await are_juries_sitting(conn, self._settings):
                return 0
            items = await sample.list_to_offer(conn, (now - ASKED_FOR).date(), AGREED, _AT_ONCE, now)
            pool = await Pool.read(conn, self._halves, now) if items else None
        for item_id in items:
            async with database.write() as tx:
                await advance_item(tx, item_id, pool, now)
        return len(items)

    async def label(self, database: Database, order: LabelSample) -> None:
        """Labels an item if its jurors agree; otherwise one more is drawn by the next `offer`."""
        async with database.write() as tx:
            await advance_item(tx, order.item_id, None, clock.now())


async def call_jurors(database: Database) -> None:
    async with database.write() as tx:
        await calls.call_jurors(tx)


async def choose_gold(database: Database) -> None:
    """Chooses settled cases as gold questions, drops those that are unfit by now, and forgets who labelled the sample."""
    now = clock.now()
    async with database.write() as tx:
        await sample.delete_seats(tx, now - SEATS_KEPT)
        await delete_unanswered_gold(tx, now - OFFERED_FOR)
        await queries.delete_gold_cases(tx, now - OFFERED_FOR)
        await queries.insert_gold_cases(tx, now - OFFERED_FOR, now - SETTLED_FOR, _MOST_GOLD, now)
