"""What the public pages show: published months, the ones that are not final, and notes. Kept in memory for a few minutes, so that a flood
of readers costs the database little."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, ReadConn
from folkmoot.base.errors import NotFound
from folkmoot.config import Settings
from folkmoot.moderation.measurement.model import FiguresOfMonth
from folkmoot.moderation.measurement.queries import figures_of_month, list_measured_months
from folkmoot.moderation.transparency import queries
from folkmoot.moderation.transparency.counting import count_month, count_span
from folkmoot.moderation.transparency.model import Span
from folkmoot.moderation.transparency.monthly import (
    Figures,
    Note,
    Published,
    State,
    month_of,
    months_before,
    months_from,
    name_of,
    parse_month,
    state_of,
)
from folkmoot.moderation.transparency.table import as_json

KEPT_FOR = timedelta(minutes=5)
MONTHS_FOR_HOSTS = 3


class Report(msgspec.Struct, kw_only=True):
    """Everything that is public, as of `made_at`. `months`: oldest first, the last one is running; `recent`: the last complete months
    together, or all days of a younger network; `measured`: estimates from judged samples, by month; `rendered`: parts of pages."""

    made_at: datetime
    months: list[Figures]
    published: dict[str, Published]
    notes: list[Note]
    recent: Figures
    measured: dict[str, FiguresOfMonth] = {}
    rendered: dict[Any, Any] = {}

    @property
    def newest(self) -> Figures:
        """The newest month that is over, or the first one while it runs."""
        return next((one for one in reversed(self.months) if one.state is not State.RUNNING), self.months[-1])

    def month(self, name: str) -> Figures:
        """Raises NotFound."""
        for one in self.months:
            if one.month == name:
                return one
        raise NotFound

    def notes_of(self, name: str) -> Sequence[Note]:
        month = parse_month(name)
        return [one for one in self.notes if one.month == month]

    def content_of(self, name: str) -> bytes:
        """The month as JSON; a published one byte for byte as it was published."""
        published = self.published.get(name)
        return published.content if published else as_json(self.month(name))


class ReportCache:
    """The report of a process. Requests that come while it is made wait for it."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._report: Report | None = None
        self._making = asyncio.Lock()

    async def get(self) -> Report:
        async with self._making:
            if self._report is None or not timedelta(0) <= clock.now() - self._report.made_at < KEPT_FOR:
                async with self._database.read() as conn:
                    self._report = await read_report(conn, self._settings)
            return self._report


async def read_report(conn: ReadConn, settings: Settings) -> Report:
    now = clock.now()
    published = {one.month: one for one in await queries.list_months(conn)}
    this = month_of(now)
    first = await first_month(conn) or this
    months = []
    for month in months_from(min([first, *published]), this):
        found = published.get(month)
        months.append(found.figures if found else await count_month(conn, settings, month, state_of(month, now), now))
    return Report(
        made_at=now, months=months, published={name_of(month): one for month, one in published.items()},
        notes=await queries.list_notes(conn), measured=await _list_measured(conn),
        recent=await _count_recent(conn, settings, first, this, now),
    )


async def first_month(conn: ReadConn) -> date | None:
    """The month in which the network began."""
    found = await queries.find_first_id(conn)
    return None if found is None else month_of(ids.time_of(found))


async def _list_measured(conn: ReadConn) -> dict[str, FiguresOfMonth]:
    """Of the last year, by name of the month."""
    found = [await figures_of_month(conn, month) for month in await list_measured_months(conn, 12)]
    return {name_of(one.month): one for one in found if one}


async def _count_recent(conn: ReadConn, settings: Settings, first: date, this: date, now: datetime) -> Figures:
    """The last complete months. While there is none, the days since the network began."""
    begin = max(first, months_before(this, MONTHS_FOR_HOSTS))
    last = this - timedelta(days=1) if begin < this else now.date()
    return await count_span(conn, settings, Span(begin, last), State.PRELIMINARY, now)
