"""The activity of a week, and which months are counted. No input or output."""

from datetime import UTC, date, datetime, time, timedelta

import msgspec

SHOWN_WEEKS = 12
WEEK = timedelta(weeks=1)


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
