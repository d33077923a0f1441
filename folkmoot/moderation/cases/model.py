"""What a case is, its lifecycle and that of its seats, and how urgent it is. No input or output."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

import msgspec

from folkmoot.base.events import Event
from folkmoot.base.states import Lifecycle

LEASE = timedelta(minutes=10)  # a seat is held that long, and longer by activity
# Urgency is expected harm that doubles every 48 hours on the way to the deadline and beyond it. All cases grow at the same
# rate, so the order of any two is the same at any moment, and the index cases_urgency can carry it.
DOUBLES_IN = timedelta(hours=48)
SMALLEST_HARM = 0.000001  # what is not weighed yet has a place in the order too
_COUNTED_REPORTERS = 5  # at most: a thousand reports are no more likely to be right than five


class Subject(StrEnum):
    """What a case is about. Stored."""

    POST = "post"
    ACCOUNT = "account"


class State(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"  # its subject is gone: there is nothing to decide


LIFECYCLE = Lifecycle("case", {
    State.OPEN: (State.DECIDED, State.WITHDRAWN),
    State.DECIDED: (State.OPEN,),  # a verdict that is taken back at once
    State.WITHDRAWN: (),
})


class SeatKind(StrEnum):
    """Stored."""

    MODERATOR = "moderator"
    JUROR = "juror"


class SeatState(StrEnum):
    FREE = "free"
    HELD = "held"  # until its lease ends
    DECIDED = "decided"


SEAT_LIFECYCLE = Lifecycle("seat", {
    SeatState.FREE: (SeatState.HELD,),
    SeatState.HELD: (SeatState.FREE, SeatState.DECIDED),
    SeatState.DECIDED: (SeatState.FREE,),  # a verdict that is taken back at once
})


class Seat(msgspec.Struct, frozen=True, array_like=True):
    """Somebody's place in a case. There is one for a moderator, with the number 1."""

    kind: SeatKind
    number: int
    account_id: int
    state: SeatState
    leased_until: datetime

    def is_held(self, now: datetime) -> bool:
        """A lease that lasts longer than any is of a clock that was set back since, and has ended."""
        return self.state is SeatState.HELD and now < self.leased_until <= now + LEASE


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`account_id` wrote the subject, or is it. `barred_ids`: who reported it or decided it before; others are barred
    by what they have to do with it (`queries.is_concerned`)."""

    id: int
    subject: Subject
    subject_id: int
    account_id: int
    state: State
    clause: str
    severity: float
    probability: float
    harm: float
    appealed_verdict_id: int | None
    barred_ids: tuple[int, ...]
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    seats: tuple[Seat, ...] = ()

    @property
    def is_appeal(self) -> bool:
        return self.appealed_verdict_id is not None

    @property
    def moderator_seat(self) -> Seat | None:
        return next((seat for seat in self.seats if seat.kind is SeatKind.MODERATOR), None)

    def is_held(self, now: datetime) -> bool:
        return self.moderator_seat is not None and self.moderator_seat.is_held(now)

    def seat_of(self, account_id: int, now: datetime) -> Seat | None:
        """The seat that somebody holds at this moment."""
        return next((seat for seat in self.seats if seat.account_id == account_id and seat.is_held(now)), None)

    def share_used(self, now: datetime) -> float:
        """How much of the time to decide has gone, in percent: 0 to 100."""
        return min(100.0, max(0.0, 100 * (now - self.opened_at) / (self.due_at - self.opened_at)))


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a decision. `overdue`: beyond its time; `late`: beyond 80 percent of it, and not over yet."""

    open: int
    late: int
    overdue: int
    next_due_at: datetime | None


class Share(IntEnum):
    """How much of the time to decide has gone when it is noted, in percent. Stored."""

    HALF = 50
    LATE = 80
    OVER = 100


class CaseWithdrawn(Event, frozen=True, kw_only=True):
    """What a case was about is gone. Only `case_id` was told before."""

    kind = "case.withdrawn"
    case_id: int
    subject: Subject | None = None
    subject_id: int | None = None
    account_id: int | None = None


class CaseDeadlineNeared(Event, frozen=True, kw_only=True):
    """An open case has used this share of its time. Told once for each case and share."""

    kind = "case.deadline_neared"
    case_id: int
    share: int
    due_at: datetime


def probability_of(signal: float, accuracies: Sequence[float]) -> float:
    """That people would find a clause broken: what detector and reporters say, as if they were independent.

    `accuracies`: of the reporters, each the share of their reports that people agreed with.
    """
    doubt = 1 - min(max(signal, 0.0), 1.0)
    for accuracy in sorted(accuracies, reverse=True)[:_COUNTED_REPORTERS]:
        doubt *= 1 - accuracy
    return 1 - doubt


def accuracy_of(right: int, decided: int) -> float:
    """Of a reporter: the share of reports that led to something, starting from a third for somebody new."""
    return (right + 1) / (decided + 3)


def reach_of(followers: int, boosts: int) -> float:
    """How many may read it: 1 for nobody, 2 for a hundred thousand."""
    return 1 + math.log10(1 + followers + 20 * boosts) / 5
