"""What a case is, its lifecycle, and how urgent it is. No input or output."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.events import Event
from folkmoot.base.states import Lifecycle

LEASE = timedelta(minutes=10)  # a claim, renewed by activity
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


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`account_id` wrote the subject, or is it. `barred_ids` may not decide it."""

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
    holder_id: int | None
    held_until: datetime | None
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None

    @property
    def is_appeal(self) -> bool:
        return self.appealed_verdict_id is not None

    def is_held(self, now: datetime) -> bool:
        return self.held_until is not None and self.held_until > now

    def is_held_by(self, moderator_id: int, now: datetime) -> bool:
        return self.holder_id == moderator_id and self.is_held(now)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a decision. `stuck`: cases in which every moderator has a part."""

    open: int
    overdue: int
    stuck: int
    next_due_at: datetime | None


class CaseWithdrawn(Event, frozen=True, kw_only=True):
    """The author deleted what a case was about."""

    kind = "case.withdrawn"
    case_id: int


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
