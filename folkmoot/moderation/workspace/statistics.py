"""Figures of the queue by day or week, and by lane: what came in, how fast it was decided, and what was taken back. No input or output.

Nothing is stored for them: they are counted from cases and verdicts, whose ids are ordered by time. Days are those of UTC. How many cases
are open is for operators; moderators are not shown a backlog.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.moderation.cases.model import Lane


class Unit(StrEnum):
    DAY = "day"
    WEEK = "week"  # from Monday

    @property
    def span(self) -> timedelta:
        return timedelta(days=1 if self is Unit.DAY else 7)

    @property
    def shown(self) -> int:
        """How many periods are shown."""
        return 14 if self is Unit.DAY else 12


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one period, and one lane or (None) all. `decided`: without what was undone within half a minute. `median` and `slowest`: seconds
    from opening to decision of half and of nine tenths of these. `appeals`: decisions on appeal, of which `overturned` changed the first.
    """

    start: date
    lane: Lane | None
    opened: int = 0
    decided: int = 0
    in_time: int = 0
    undone: int = 0
    appeals: int = 0
    overturned: int = 0
    median: float | None = None
    slowest: float | None = None

    @property
    def share_in_time(self) -> float | None:
        return self.in_time / self.decided if self.decided else None

    @property
    def share_undone(self) -> float | None:
        made = self.decided + self.undone
        return self.undone / made if made else None

    @property
    def share_overturned(self) -> float | None:
        return self.overturned / self.appeals if self.appeals else None


class OpenCases(msgspec.Struct, frozen=True, kw_only=True):
    """Of one lane, now. `late`: at least 80 percent of the time to decide has passed, but not all."""

    lane: Lane
    open: int
    late: int
    overdue: int
    oldest_at: datetime
    next_due_at: datetime


def starts(unit: Unit, today: date) -> list[date]:
    """The first days of the periods that are shown, oldest first; the last one is not over yet."""
    last = today if unit is Unit.DAY else today - timedelta(days=today.weekday())
    return [last - unit.span * back for back in reversed(range(unit.shown))]


def complete(found: Iterable[Figures], periods: Iterable[date]) -> list[Figures]:
    """A row for each period with all lanes together and with each lane, also where nothing happened."""
    known = {(one.start, one.lane): one for one in found}
    return [known.get((start, lane), Figures(start=start, lane=lane)) for start in periods for lane in (None, *Lane)]
