"""What is counted, and by which numbers. No input or output."""

from datetime import UTC, date, datetime, timedelta
from enum import IntEnum

import msgspec

from folkmoot.network.activity.model import Figure

LEAST_ACCOUNTS = 3  # who talk about it; fewer are no trend
SHOWN_DAYS = 7
SCORED_SPAN = timedelta(days=2)
HALVED_AFTER_HOURS = 6.0  # the weight of an account that has used it
POST_SPAN = timedelta(days=3)
POST_HALVED_AFTER_HOURS = 12.0
KEPT_OF_A_KIND = 40


class Kind(IntEnum):
    """Stored. A link is the address of a page; what is held back of this kind can also be a host: all pages of a site."""

    HASHTAG = 1
    LINK = 2
    POST = 3


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """How much something was used on a day, in UTC."""

    day: date
    accounts: int = 0
    uses: int = 0

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.day, datetime.min.time(), UTC)


class TagFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How much a hashtag was used in a period. `servers`: from how many networks, with this one."""

    uses: Figure
    accounts: Figure
    servers: Figure


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What moderators hold back. `name`: the hashtag with its sign, the address of a page, or the host of a site."""

    kind: Kind
    name: str
    refused_at: datetime

    @property
    def is_site(self) -> bool:
        return self.kind is Kind.LINK and "://" not in self.name


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The host of links that are much talked about, or that are held back since `refused_at`."""

    host: str
    refused_at: datetime | None


def shown_days(now: datetime) -> list[date]:
    """The days of a history, today first."""
    today = now.astimezone(UTC).date()
    return [today - timedelta(days=number) for number in range(SHOWN_DAYS)]
