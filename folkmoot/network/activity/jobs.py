"""The timed job that records the activity of each week. `app.py` registers it."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.network.activity.model import shown_weeks
from folkmoot.network.activity.queries import list_recorded, record_week


async def record(database: Database) -> None:
    """Counts the present and the last week, and the earlier ones that have never been counted."""
    mondays = shown_weeks(clock.now())
    async with database.read() as conn:
        recorded = await list_recorded(conn, mondays[2:])
    for monday in mondays:
        if monday not in recorded:
            async with database.write() as tx:
                await record_week(tx, monday)
