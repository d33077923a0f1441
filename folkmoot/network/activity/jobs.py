"""The timed job that records the activity of days, weeks and months. `app.py` registers it."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.network.activity.model import recorded_days, recorded_months, shown_weeks
from folkmoot.network.activity.queries import list_recorded, list_recorded_days, record_day, record_month, record_week


async def record(database: Database) -> None:
    """Counts the present and the last day, week and month, and earlier days and weeks that have never been counted."""
    now = clock.now()
    mondays, days = shown_weeks(now), recorded_days(now)
    async with database.read() as conn:
        recorded = await list_recorded(conn, mondays[2:])
        known_days = await list_recorded_days(conn, days[2:])
    for day in days:
        if day not in known_days:
            async with database.write() as tx:
                await record_day(tx, day, is_today=day == days[0])
    for monday in mondays:
        if monday not in recorded:
            async with database.write() as tx:
                await record_week(tx, monday)
    for month in recorded_months(now):
        async with database.write() as tx:
            await record_month(tx, month)
