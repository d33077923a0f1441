"""The timed job that records the activity of weeks and months. `app.py` registers it."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.network.activity.model import recorded_months, shown_weeks
from folkmoot.network.activity.queries import list_recorded, record_month, record_week


async def record(database: Database) -> None:
    """Counts the present and the last week and month, and earlier weeks that have never been counted."""
    now = clock.now()
    mondays = shown_weeks(now)
    async with database.read() as conn:
        recorded = await list_recorded(conn, mondays[2:])
    for monday in mondays:
        if monday not in recorded:
            async with database.write() as tx:
                await record_week(tx, monday)
    for month in recorded_months(now):
        async with database.write() as tx:
            await record_month(tx, month)
