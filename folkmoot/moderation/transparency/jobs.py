"""The timed job of transparency. `moderation/assembly.py` registers it."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.config import Settings
from folkmoot.moderation.transparency import queries
from folkmoot.moderation.transparency.actions import publish_month
from folkmoot.moderation.transparency.counting import count_month
from folkmoot.moderation.transparency.monthly import SETTLES_FOR, State, month_of, months_before, months_from
from folkmoot.moderation.transparency.reading import first_month


async def publish_months(database: Database, *, settings: Settings) -> int:
    """Publishes the months that are over and not published yet, oldest first; returns how many."""
    async with database.read() as conn:
        known = {one.month for one in await queries.list_months(conn)}
        first = await first_month(conn)
    if first is None:
        return 0
    last = months_before(month_of(clock.now() - SETTLES_FOR), 1)
    count = 0
    for month in months_from(first, last):
        if month not in known:
            async with database.read() as conn:
                figures = await count_month(conn, settings, month, State.FINAL, clock.now())
            async with database.write() as tx:
                count += await publish_month(tx, figures)
    return count
