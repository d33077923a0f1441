"""What a juror is, the lifecycle, and the numbers of standing and training. No input or output.

    applied ──▶ training ──(passed)──▶ juror ◀──▶ paused
       any of these ──▶ left ──▶ applied            any ──▶ excluded ──▶ left

Being a juror is a record, not a role: the log-in, the profile and the API say nothing of it. Only the member reads the record, on
their own page and in their own archive.
"""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

import msgspec

from folkmoot.base.states import Lifecycle

MIN_AGE = timedelta(days=14)  # of an account that applies
CLEAN_FOR = timedelta(days=90)  # since its last breach of a rule
MOST_APPLICATIONS = 3
APPLICATIONS_WITHIN = timedelta(days=90)
LONGEST_REASON = 2000

QUESTIONS = 10  # of one training
MOST_MISSES = 2  # with which it is passed
FEWEST_BREACHES, MOST_BREACHES = 4, 6  # of these questions; drawn, so that nobody can count them out
SECOND_TRY_AFTER = timedelta(days=1)
PAIR = "pair/"  # how the keys of questions begin that are halves of counterfactual pairs: pair/<language>/<name>/<0 or 1>
LATER_TRY_AFTER = timedelta(days=7)


class State(StrEnum):
    """Stored."""

    APPLIED = "applied"
    TRAINING = "training"
    JUROR = "juror"
    PAUSED = "paused"
    LEFT = "left"  # only the counts are kept, for as long as applications are counted
    EXCLUDED = "excluded"  # by an operator


LIFECYCLE = Lifecycle("juror", {
    State.APPLIED: (State.TRAINING, State.LEFT, State.EXCLUDED),
    State.TRAINING: (State.JUROR, State.LEFT, State.EXCLUDED),
    State.JUROR: (State.PAUSED, State.LEFT, State.EXCLUDED),
    State.PAUSED: (State.JUROR, State.LEFT, State.EXCLUDED),
    State.LEFT: (State.APPLIED, State.EXCLUDED),
    State.EXCLUDED: (State.LEFT,),
})


class Sureness(IntEnum):
    """How sure a juror is. Stored."""

    LITTLE = 1
    QUITE = 2
    ENTIRELY = 3


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What a juror judges. `avoided`: keys of clauses whose cases others judge."""

    languages: tuple[str, ...] = ()
    avoided: tuple[str, ...] = ()
    without_pictures: bool = False


class Juror(msgspec.Struct, frozen=True, kw_only=True):
    """The record. `attempts`: trainings that were begun since `counted_from`; `failed_at`: when the last of them was not passed."""

    account_id: int
    state: State
    changed_at: datetime
    choices: Choices
    counted_from: datetime
    applications: int = 1
    attempts: int = 0
    failed_at: datetime | None = None
    passed_at: datetime | None = None
    reason: str = ""
    excluded_by_id: int | None = None

    @property
    def is_active(self) -> bool:
        return self.state not in (State.LEFT, State.EXCLUDED)

    @property
    def next_try_at(self) -> datetime | None:
        """The earliest time of the next training; None without a failed one."""
        if self.failed_at is None:
            return None
        return self.failed_at + (SECOND_TRY_AFTER if self.attempts == 1 else LATER_TRY_AFTER)

    @property
    def counted_until(self) -> datetime:
        """Until when the applications so far count."""
        return self.counted_from + APPLICATIONS_WITHIN


class Turns(msgspec.Struct, frozen=True, kw_only=True):
    """How items come to a juror, and calls. `cases_to_gold`: how many cases come before the next gold question, None before that was
    drawn; `called_at`: since when a call is open; `mailed_at`: of the last mail about one."""

    cases_to_gold: int | None = None
    called_at: datetime | None = None
    mailed_at: datetime | None = None
    wants_mails: bool = True


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a juror says: the broken clause, "" for none, None for "can't say"."""

    clause: str | None
    sureness: Sureness | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a training, and the answer once there is one. `answer`: as in a finding. `expected`: the right clause, or ""."""

    attempt: int
    position: int
    question: str
    language: str
    expected: str
    answer: str | None = None
    sureness: Sureness | None = None
    is_right: bool | None = None
    answered_at: datetime | None = None

    @property
    def is_answered(self) -> bool:
        return self.answered_at is not None


class GoldItem(msgspec.Struct, frozen=True, kw_only=True):
    """A gold question among cases: a settled case, or a question of the file. `expected`: key of the broken clause, or "";
    `suspected`: of the one that comes to mind."""

    id: int
    account_id: int
    case_id: int | None
    question: str
    language: str
    expected: str
    suspected: str
    opened_at: datetime
    leased_until: datetime
    answer: str | None = None
    sureness: Sureness | None = None
    severity: int | None = None
    is_right: bool | None = None
    answered_at: datetime | None = None


class Training(msgspec.Struct, frozen=True):
    """The questions of one attempt, in their order."""

    asked: tuple[Asked, ...]

    @property
    def current(self) -> Asked | None:
        """The first question without an answer."""
        return next((one for one in self.asked if not one.is_answered), None)

    @property
    def right(self) -> int:
        return sum(one.is_right is True for one in self.asked)

    @property
    def is_passed(self) -> bool:
        return self.current is None and len(self.asked) - self.right <= MOST_MISSES
