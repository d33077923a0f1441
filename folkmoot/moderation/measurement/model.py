"""The types of measurement: figures and their periods, and the items of the sample that people label. No input or output.

A figure is an estimate with a 95 % interval. `docs/moderate/measurement.md` says in plain words what each one means; a name that is
stored or published never changes its meaning.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.base import ids

FEWEST_LABELS = 200  # of a sample that is estimated from: no interval covers rightly with fewer, if breaches are rare
FEWEST_JURORS = 5  # whose answers are counted together: of fewer, a figure could say how one of them answers
FEWEST_OF_CAMP = 20  # decisions about authors of each camp, whose errors are compared
ITEMS_KEPT = timedelta(days=400)  # for corrections
WITH_JURORS = timedelta(days=3)  # an item, after the first of them has answered; then moderators label it
LABELS_WAIT = timedelta(days=14)  # for people, after the end of the period; then its figures are final


class Unit(StrEnum):
    """Stored."""

    DAY = "day"
    MONTH = "month"


class Period(NamedTuple):
    """A day or a month, UTC."""

    unit: Unit
    starts_on: date

    @classmethod
    def of_month(cls, day: date) -> "Period":
        """The month of this day."""
        return cls(Unit.MONTH, day.replace(day=1))

    @property
    def end(self) -> date:
        """The day after the last one."""
        return (self.starts_on + timedelta(days=31)).replace(day=1) if self.unit is Unit.MONTH else self.starts_on + timedelta(days=1)

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.starts_on, time(), UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.end, time(), UTC)

    @property
    def ids(self) -> tuple[int, int]:
        """The ids of this period: from the first one to below the second one."""
        return ids.first_id(self.begins_at), ids.first_id(self.ends_at)

    def __str__(self) -> str:
        return self.starts_on.isoformat()[: 7 if self.unit is Unit.MONTH else 10]


class Name(StrEnum):
    """What a figure says. Stored and published."""

    VIEWS = "views"  # a count: deliveries of posts to members, as far as they are counted
    VIEWS_LOST = "views.lost"  # the share that could not be drawn any more
    LABELLED = "sample.labelled"  # the share of the sample that has an answer
    PREVALENCE = "prevalence"  # the share of views that broke a rule; scope: the rule
    DETECTOR_PRECISION = "detector.precision"  # of what the detector queued, by views: the share that broke its rule
    DETECTOR_RECALL = "detector.recall"  # of what broke its rule, by views: the share that it queued
    REPORTS_PRECISION = "reports.precision"
    REPORTS_RECALL = "reports.recall"
    VERDICTS_PRECISION = "verdicts.precision"
    VERDICTS_RECALL = "verdicts.recall"
    MEDIAN_HOURS = "time_to_action.median"  # from the opening of a case to its decision; scope: a lane
    SLOWEST_HOURS = "time_to_action.p90"
    IN_TIME = "decided_in_time"  # the share of cases that were decided before their deadline; scope: a lane
    APPEALS_OVERTURNED = "appeals.overturned"  # of decided appeals
    VERDICTS_OVERTURNED = "verdicts.overturned"  # of all verdicts
    GOLD_ACCURACY = "gold.accuracy"  # of answers to questions whose answer is known
    ESCALATED = "jury.escalated"  # the share of juries' cases that staff had to decide
    ERROR_GAP = "jury.error_gap"  # between the cases of the two camps
    JURORS_FLIPPED = "pairs.flipped_by_jurors"  # such pairs of which a juror takes one text for a breach and the other not
    FLIPPED = "pairs.flipped"  # counterfactual pairs that the detector treats differently; scope: a language

    @property
    def is_in_hours(self) -> bool:
        return self in (Name.MEDIAN_HOURS, Name.SLOWEST_HOURS)

    @property
    def is_share(self) -> bool:
        return not self.is_in_hours and self is not Name.VIEWS


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`low` and `high`: the 95 % interval; None for a mere count, and `high` for a time that is longer than could be observed. `size`:
    the number of observations. `scope`: key of a clause, a lane or a language; empty: everything."""

    name: Name
    scope: str = ""
    value: float
    low: float | None = None
    high: float | None = None
    size: int


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class Correction(msgspec.Struct, frozen=True):
    """Why a published period was computed again."""

    revision: int
    computed_at: datetime
    reason: str


class FiguresOfMonth(msgspec.Struct, frozen=True, kw_only=True):
    """The newest revision. What is not in `figures` was not measured. `is_final`: published; only a further revision can differ."""

    month: date
    revision: int
    computed_at: datetime
    is_final: bool
    figures: tuple[Figure, ...]
    corrections: tuple[Correction, ...] = ()

    def find(self, name: Name, scope: str = "") -> Figure | None:
        return next((one for one in self.figures if one.name is name and one.scope == scope), None)

    def scopes(self, name: Name) -> list[Figure]:
        """The figures of this name about parts: rules, lanes or languages."""
        return [one for one in self.figures if one.name is name and one.scope]


class Stratum(IntEnum):
    """How the drawn views divide by what is known before people look. Stored. The first one that applies."""

    CASED = 1  # its post has or had a case
    SUSPECTED = 2  # the detector would give it one
    UNSURE = 3
    QUIET = 4


class LabelledBy(StrEnum):
    """Stored."""

    MODERATOR = "moderator"
    JURY = "jury"


class SampleItem(msgspec.Struct, frozen=True, kw_only=True):
    """A post that people label: which clauses does it break? `edited_at` is the version of its text. Whoever labels it must not
    see stratum or score."""

    id: int
    day: date
    post_id: int
    edited_at: datetime | None
    stratum: Stratum
    draws: int
    score: float
    is_queued: bool
