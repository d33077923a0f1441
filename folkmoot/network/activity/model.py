"""The activity of a week, figures of days, and which days and months are counted. No input or output."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import msgspec

SHOWN_WEEKS = 12
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
RECORDED_DAYS = 60  # before the first count of days, as far as they can still be counted


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """`begins_on` is a Monday, in UTC. `members`: who visited or posted; `posts`: without boosts."""

    begins_on: date
    posts: int = 0
    members: int = 0
    sign_ups: int = 0

    @property
    def begins_at(self) -> datetime:
        return start_of(self.begins_on)


def monday_of(moment: datetime) -> date:
    """The first day of the week of this moment."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def shown_weeks(now: datetime) -> list[date]:
    """The Mondays of the weeks that are shown, newest first."""
    newest = monday_of(now)
    return [newest - number * WEEK for number in range(SHOWN_WEEKS)]


def recorded_months(now: datetime) -> list[date]:
    """The first days of this month and of the last one: a visit shortly before midnight is counted after it."""
    this = now.astimezone(UTC).date().replace(day=1)
    return [this, (this - timedelta(days=1)).replace(day=1)]


def month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def recorded_days(now: datetime) -> list[date]:
    """The days that are counted, today first."""
    today = now.astimezone(UTC).date()
    return [today - number * DAY for number in range(RECORDED_DAYS)]


class Period(msgspec.Struct, frozen=True):
    """Whole days in UTC, from the first to the last, which belongs to it."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        return [self.first + number * DAY for number in range(self.length)]

    @property
    def length(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    @property
    def before(self) -> "Period":
        """The period of the same length directly before it."""
        return Period(self.first - self.length * DAY, self.first - DAY)

    @property
    def begins_at(self) -> datetime:
        return start_of(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return start_of(self.last + DAY)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a period and of its days. `previous`: of the period before it. A day that was not counted is missing, and so is a period
    (None) with such a day."""

    total: int
    previous: int | None
    days: dict[date, int]

    @staticmethod
    def added(period: Period, counts: Mapping[date, int]) -> "Figure":
        """Of what can be added up; a day that is missing in `counts` has none. `counts` are of the period and of the one before it."""
        days = {day: counts.get(day, 0) for day in period.days}
        return Figure(total=sum(days.values()), previous=sum(counts.get(day, 0) for day in period.before.days), days=days)


class Share(msgspec.Struct, frozen=True):
    """One of the most frequent values of something. `name`: empty for none."""

    name: str
    count: int


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed up in a day or month: how many of them were still here later. `began_on`: the first day of the later one."""

    signed_up_on: date
    began_on: date
    sign_ups: int
    stayed: int
