"""The monthly figures that everybody can read. No input or output.

Each figure counts events by the moment when they happened (a decision by its day, an appeal by the day when it was closed), so a month
that is over does not change when something happens later. Nothing in them names anybody, and what could point at one
person is not shown exactly: see `few` (decision 0110).
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from folkmoot.moderation.transparency.model import Span
from folkmoot.network.activity.model import month_after

FEWER_THAN = 5
Few = Literal["<5"]
FEW: Few = "<5"
Count = int | Few
SETTLES_FOR = timedelta(days=4)  # after its end, until a month is published for good: what is late in a month is known by then
LONGEST_NOTE = 5000
ALL = "all"
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)


class State(StrEnum):
    """How final the figures of a month are. Stored."""

    RUNNING = "running"  # the month is not over
    PRELIMINARY = "preliminary"  # it is over, and figures can still change
    FINAL = "final"  # published, and in the journal


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went wrong on a day. `of`: the kind of deadline, or why there was a pause. `kind`: late, covered, overturned,
    detector_reverted, detector_paused, reader_paused, journal_damaged or journal_moved. A pause counts on the day when it began."""

    day: date
    kind: str
    of: str = ""
    count: int = 1


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """First decisions, without those on appeal. `by_clause`: of the policy, whether a breach was found or not. `by_decider`: person,
    jury or system."""

    total: int = 0
    by_clause: dict[str, Count] = {}
    by_action: dict[str, Count] = {}
    by_decider: dict[str, int] = {}


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """From the opening of a case to its first decision, in hours: half and nine tenths of the decisions were at least that fast."""

    decided: int = 0
    median: float | None = None
    nine_tenths: float | None = None


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """How deadlines ended. `covered`: nobody had decided, and the post was hidden until somebody did; `late`: neither."""

    in_time: int = 0
    covered: int = 0
    late: int = 0

    @property
    def total(self) -> int:
        return self.in_time + self.covered + self.late


class Appeals(msgspec.Struct, frozen=True, kw_only=True):
    """`overturned`: the first decision was wrong; `changed`: another measure replaced it. These and `upheld` count by the day of the
    decision on appeal."""

    lodged: int = 0
    upheld: int = 0
    changed: int = 0
    overturned: int = 0

    @property
    def decided(self) -> int:
        return self.upheld + self.changed + self.overturned


class Detected(msgspec.Struct, frozen=True, kw_only=True):
    """What a program pointed out. `cases`: in which it did; `hidden`: of these, with a post that it hid until people decided; `decided`:
    cases with its signal that people decided in this time, of which they found a breach in `agreed`. The last two again of hidden posts."""

    cases: Count = 0
    hidden: Count = 0
    decided: Count = 0
    agreed: Count = 0
    hidden_decided: Count = 0
    hidden_agreed: Count = 0


class Hiding(msgspec.Struct, frozen=True, kw_only=True):
    """From the writing of a post to its hiding by a program, in seconds."""

    posts: int = 0
    median: float | None = None
    nine_tenths: float | None = None


class Pauses(msgspec.Struct, frozen=True, kw_only=True):
    """Times of more than a minute in which new posts were not examined, or the reader was not asked. `count`: that began in this time;
    `minutes`: of this time; `posts`: written in those that began in this time, and examined later or not at all."""

    count: int = 0
    minutes: float = 0
    posts: int = 0


class JournalEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The newest published head of the journal before the end of the time (`/journal/heads` has its signature)."""

    position: int
    hash: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a month, or of another span of days (`month` is empty). `cases`: opened. Keys of `speed`: all, demand, threat,
    other; of `notices`: order, contact, other; of `deadlines`: these as `notice_order` and so on, and threat, other and appeal; of
    `detected`: all, detector, reader, lists, rules; of `pauses`: detector, and reader if it was away. `pauses` is None for a time in which
    none were recorded."""

    network: str
    address: str
    month: str
    first: date
    last: date
    state: State
    made_at: datetime
    fewer_than: int = FEWER_THAN
    members: int | None = None
    reports: int = 0
    cases: int = 0
    notices: dict[str, int] = {}
    decisions: Decisions = Decisions()
    speed: dict[str, Speed] = {}
    deadlines: dict[str, Deadlines] = {}
    appeals: Appeals = Appeals()
    detected: dict[str, Detected] = {}
    hiding: Hiding = Hiding()
    pauses: dict[str, Pauses] | None = None
    policies: list[str] = []
    journal: JournalEnd | None = None
    incidents: list[Incident] = []

    @property
    def deadlines_of_all(self) -> Deadlines:
        ended = self.deadlines.values()
        return Deadlines(
            in_time=sum(one.in_time for one in ended), covered=sum(one.covered for one in ended), late=sum(one.late for one in ended)
        )


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Words of the operator about a month. They are never edited; a withdrawn note has no words, and its place stays."""

    id: int
    month: date
    language: str
    text: str | None
    written_at: datetime
    withdrawn_at: datetime | None = None


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A month as it was published: `content` is the JSON that everybody gets, byte for byte; its SHA-256 is in the journal."""

    month: date
    content: bytes
    sha256: bytes
    published_at: datetime

    @property
    def figures(self) -> Figures:
        return msgspec.json.decode(self.content, type=Figures)


def few(counts: Mapping[str, int]) -> dict[str, Count]:
    """The parts of a total that is shown exactly, with each number below FEWER_THAN, zero included, as FEW.

    Zero is hidden too, and never a single number: otherwise the total less the numbers that are shown would be the one that is not.
    """
    hidden = {key for key, count in counts.items() if count < FEWER_THAN}
    if len(hidden) == 1 and len(counts) > 1:
        hidden.add(min((key for key in counts if key not in hidden), key=lambda key: counts[key]))
    return {key: FEW if key in hidden else count for key, count in counts.items()}


def name_of(month: date) -> str:
    return f"{month:%Y-%m}"


def parse_month(text: str) -> date | None:
    """The first day of a month such as 2026-11."""
    found = _MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found else None


def month_of(moment: datetime) -> date:
    """The first day of the month of this moment, in UTC."""
    return moment.date().replace(day=1)


def span_of(month: date) -> Span:
    return Span(month, month_after(month) - timedelta(days=1))


def months_from(first: date, last: date) -> list[date]:
    """The first days of these months, oldest first."""
    found = []
    while first <= last:
        found.append(first)
        first = month_after(first)
    return found


def months_before(month: date, count: int) -> date:
    for _ in range(count):
        month = (month - timedelta(days=1)).replace(day=1)
    return month


def state_of(month: date, now: datetime) -> State:
    """The state of a month that is not published."""
    return State.RUNNING if now < span_of(month).ends_at else State.PRELIMINARY
