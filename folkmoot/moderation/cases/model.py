"""What a case is, its lifecycle and that of its seats, and how urgent it is. No input or output."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

import msgspec

from folkmoot.base.events import Event
from folkmoot.base.states import Lifecycle

LEASE = timedelta(minutes=10)  # of a seat; activity renews it
# Urgency is expected harm that doubles every 48 hours, before the deadline and after it. All cases grow at the same rate, so
# the order of two cases changes only when one is hidden or estimated again, and the index cases_by_harm can store it.
DOUBLING_TIME = timedelta(hours=48)
HELD_HALVINGS = 3  # of the urgency of what is hidden until somebody decides: nobody reads it, so it does less harm
APPEAL_LASTS = timedelta(days=7)  # at most, until an appeal is decided
ASSIGNED_FOR = timedelta(days=1)  # others do not get a case that was handed over, until then
LONGEST_NOTE = 2000
MIN_HARM = 0.000001  # for cases without an estimate
HIDES_AHEAD = timedelta(minutes=1)  # of the deadline: a timed job that is late by less misses no deadline
# The least probability of what is hidden at its deadline. One report of a new reporter has a third; one of somebody whose reports
# were wrong three times, or who has nine open reports, has less.
HIDES_FROM = 0.2
MOST_REPORTERS = 5  # that count: a thousand reports are no more likely to be right than five


class Subject(StrEnum):
    """What a case is about. Stored."""

    POST = "post"
    ACCOUNT = "account"


class State(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"  # its subject was deleted


LIFECYCLE = Lifecycle("case", {
    State.OPEN: (State.DECIDED, State.WITHDRAWN),
    State.DECIDED: (State.OPEN,),  # when the verdict is undone
    State.WITHDRAWN: (),
})


class Lane(IntEnum):
    """The queue has one lane for each kind of urgency. Each lane has its part of the moderators' time (`TURNS`), so that no number of
    cases in one of them delays another."""

    DEMAND = 0  # a verified contact waits for an answer; no number of notices by others is in this lane
    THREAT = 1
    OTHER = 2


THREAT_SEVERITY = 0.8  # of a clause, from which on its cases are in the lane of threats


class Order(IntEnum):
    """Each lane has two orders, so that neither of two floods can fill it: fresh cases do not wait for late ones, nor the other
    way round (decision 0100)."""

    HARM = 0  # expected harm, which grows with time; held cases have less
    DEADLINE = 1  # from `Share.LATE` on: first what is hidden, then what nothing will hide; the oldest deadline first
    ORDERED = 2  # what an authority has ordered to be removed, the earliest deadline first; all of it is in the lane of demands


# Whose turn it is, in ten successive decisions. An empty queue passes its turn on: first to the other orders of its lane, then to the
# next lane in the order of `Lane`, of which what is ordered comes first.
TURNS = (
    (Lane.DEMAND, Order.ORDERED), (Lane.THREAT, Order.HARM), (Lane.OTHER, Order.HARM), (Lane.DEMAND, Order.DEADLINE),
    (Lane.THREAT, Order.HARM), (Lane.DEMAND, Order.ORDERED), (Lane.THREAT, Order.DEADLINE), (Lane.OTHER, Order.DEADLINE),
    (Lane.DEMAND, Order.HARM), (Lane.THREAT, Order.HARM),
)


class SeatKind(StrEnum):
    """Stored."""

    MODERATOR = "moderator"  # jurors have seats of another kind, which nobody sees: `moderation/juries/`


class SeatState(StrEnum):
    FREE = "free"
    HELD = "held"  # until its lease ends
    DECIDED = "decided"


SEAT_LIFECYCLE = Lifecycle("seat", {
    SeatState.FREE: (SeatState.HELD,),
    SeatState.HELD: (SeatState.FREE, SeatState.DECIDED),
    SeatState.DECIDED: (SeatState.FREE,),  # when the verdict is undone
})


class Seat(msgspec.Struct, frozen=True, array_like=True):
    """The place of one decider in a case. A moderator's seat has the number 1."""

    kind: SeatKind
    number: int
    account_id: int
    state: SeatState
    leased_until: datetime

    def is_held(self, now: datetime) -> bool:
        """A lease that ends later than LEASE from now was given before the clock was set back, and counts as expired."""
        return self.state is SeatState.HELD and now < self.leased_until <= now + LEASE


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`account_id` is the author of the post, or the account itself. `barred_ids`: the senders of notices, and the deciders of earlier
    verdicts on it; reporters and others are barred because they are concerned (`queries.is_concerned`). `is_confirmed`: False while
    only an unverified notice speaks of it; nothing is hidden at the deadline then. `is_demanded`: a verified contact has sent
    a notice about it; `is_ordered`: an authority, whose orders have turns of their own."""

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
    is_confirmed: bool = True
    is_demanded: bool = False
    is_ordered: bool = False
    assigned_to_id: int | None = None
    seats: tuple[Seat, ...] = ()

    @property
    def hides_at_deadline(self) -> bool:
        """Whether its post is hidden if nobody decides in time: not an account, not on an unverified word alone, not while people
        have decided once, and not on reports that are most probably wrong."""
        is_hideable = self.subject is Subject.POST and self.is_confirmed and not self.is_appeal
        return is_hideable and (self.is_demanded or self.probability >= HIDES_FROM)

    @property
    def is_appeal(self) -> bool:
        return self.appealed_verdict_id is not None

    @property
    def moderator_seat(self) -> Seat | None:
        return next((seat for seat in self.seats if seat.kind is SeatKind.MODERATOR), None)

    @property
    def lane(self) -> Lane:
        if self.is_demanded:
            return Lane.DEMAND
        return Lane.THREAT if self.severity >= THREAT_SEVERITY else Lane.OTHER

    def is_held(self, now: datetime) -> bool:
        return self.moderator_seat is not None and self.moderator_seat.is_held(now)

    def seat_of(self, account_id: int, now: datetime) -> Seat | None:
        """The seat that an account holds at this moment."""
        return next((seat for seat in self.seats if seat.account_id == account_id and seat.is_held(now)), None)

    def share_used(self, now: datetime) -> float:
        """How much of the time to decide has passed, in percent: 0 to 100."""
        whole = self.due_at - self.opened_at
        if whole <= timedelta(0):
            return 100.0
        return min(100.0, max(0.0, 100 * (now - self.opened_at) / whole))


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a moderator wrote about a case, for those who decide it."""

    id: int
    case_id: int
    author_id: int
    text: str
    written_at: datetime


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of open cases. `overdue`: after the deadline; `late`: at least 80 percent of the time has passed, and not overdue."""

    open: int
    late: int
    overdue: int
    next_due_at: datetime | None


class Share(IntEnum):
    """The shares of the time to decide that are noted, in percent. Stored."""

    HALF = 50
    LATE = 80
    OVER = 100


class CasesToCall(msgspec.Struct, frozen=True):
    """Open cases that have reached the same share of their time. `case_ids`: those with the earliest deadlines."""

    count: int
    next_due_at: datetime
    case_ids: tuple[int, ...]


class CaseWithdrawn(Event, frozen=True, kw_only=True):
    """The subject of a case was deleted. Events of earlier releases have only `case_id`."""

    kind = "case.withdrawn"
    case_id: int
    subject: Subject | None = None
    subject_id: int | None = None
    account_id: int | None = None


class CaseDeadlineNeared(Event, frozen=True, kw_only=True):
    """An open case has used this share of its time. Emitted once for each case and share."""

    kind = "case.deadline_neared"
    case_id: int
    share: int
    due_at: datetime


def in_turns(queues: Mapping[tuple[Lane, Order], Sequence[Case]], turn: int) -> list[Case]:
    """All cases, each once, in the order of their turns, of which the first is number `turn`. Each queue keeps its own order."""
    rest = {key: deque(cases) for key, cases in queues.items()}
    found: dict[int, Case] = {}
    while True:
        lane, order = TURNS[(turn + len(found)) % len(TURNS)]
        case = _first_left(rest, lane, order, found)
        if case is None:
            return list(found.values())
        found[case.id] = case


def _first_left(rest: Mapping[tuple[Lane, Order], deque[Case]], lane: Lane, order: Order, taken: Mapping[int, Case]) -> Case | None:
    for one in (lane, *Lane):
        for by in (order, *Order) if one is lane else (Order.ORDERED, order, *Order):
            cases = rest.get((one, by))
            while cases:
                case = cases.popleft()
                if case.id not in taken:
                    return case
    return None


def probability_of(signal: float, weights: Sequence[float]) -> float:
    """The probability that a clause is broken, from detector and reporters as if they were independent.

    `weights`: for each reporter, the probability that their report is right (`reports/queries/weights.py`).
    """
    doubt = 1 - min(max(signal, 0.0), 1.0)
    for weight in sorted(weights, reverse=True)[:MOST_REPORTERS]:
        doubt *= 1 - weight
    return 1 - doubt


def reach_of(followers: int, boosts: int) -> float:
    """A factor for the number of readers: 1 for none, 2 for a hundred thousand followers."""
    return 1 + math.log10(1 + followers + 20 * boosts) / 5
