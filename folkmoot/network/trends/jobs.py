"""The timed job that counts what is talked about. `app.py` registers it."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.network.trends import queries
from folkmoot.network.trends.model import Day, shown_days


async def count(database: Database) -> None:
    """Counts today and yesterday anew, and scores what was used lately. Nothing is added up, so nothing can drift."""
    now = clock.now()
    days = shown_days(now)
    async with database.write() as tx:
        for day in days[:2]:
            await queries.count_day(tx, Day(day=day))
        await queries.delete_days_before(tx, days[-1])
        await queries.replace_trends(tx, now)
