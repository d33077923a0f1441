"""What a jury, its seats and a review are, their lifecycles, and the numbers of drawing and waiting. No input or output.

    jury:  sitting ──▶ decided | staff | closed
    seat:  offered ──▶ opened ──▶ answered ──(the words were changed)──▶ offered
               └──────────┴──▶ declined | expired | void

A case has at most one jury, so the id of the jury is that of its case. An appeal is a case of its own.
"""

from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

import msgspec

from folkmoot.base.errors import Conflict
from folkmoot.base.states import Lifecycle
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.evidence.model import Version
from folkmoot.moderation.jurors.model import Finding, Sureness
from folkmoot.moderation.jury.model import MOST_ITEMS_A_DAY, MOST_SEATS, Answer, Camp, Weights

# Juries sit once there are this many jurors: the most seats of a case and of the appeal against its verdict, whose jury is a
# different one. With fewer, a jury could decide what nobody could review.
ENOUGH_JURORS = 2 * MOST_SEATS
LEAST_TIME = timedelta(hours=4)  # until the deadline, for a jury to begin: three rounds and the half hour to open each
INVITED_AT_MOST, INVITED_AT_LEAST = timedelta(hours=12), timedelta(minutes=30)
INVITED_SHARE = 4  # an invitation lasts this part of the time until the deadline, so that there are as many rounds
LEASE = timedelta(minutes=10)  # of an opened item; reading it again renews it
LONGEST_LEASE = timedelta(minutes=40)  # with all renewals
COUNTED_WITHIN = 30  # seconds after an answer, at random: the time of a count does not tell whose answer was the last
MOST_INVITATIONS = 10  # of one juror at the same time
MOST_SAMPLED = MOST_ITEMS_A_DAY // 5  # posts of the daily sample among the items of one juror in a day
MOST_DRAWN = 4 * MOST_SEATS  # seats of one case, with all that were lost
MOST_RESTARTS = 2  # because the author has changed the words
TIED_WITHIN = timedelta(days=90)  # since a mention of each other
SIGNED_UP_TOGETHER = timedelta(minutes=1)
INVITED_TOGETHER = timedelta(hours=1)  # sign-ups by the same invitation
KEPT_AFTER = timedelta(days=7)  # the answers, after the end of the time to appeal


class State(StrEnum):
    """Of a jury. Stored."""

    SITTING = "sitting"
    DECIDED = "decided"
    STAFF = "staff"  # moderators decide; `Jury.reason` says why
    CLOSED = "closed"  # a moderator has decided first, or there was nothing left to decide


LIFECYCLE = Lifecycle("jury", {
    State.SITTING: (State.DECIDED, State.STAFF, State.CLOSED), State.DECIDED: (), State.STAFF: (), State.CLOSED: (),
})


class Reason(StrEnum):
    """Why moderators decide a case. Stored, also in the journal."""

    FEW_JURORS = "few_jurors"  # of this network
    FEW_FOR_CASE = "few_for_case"  # who know its language, judge its topic and know nobody in it
    ORDER = "order"  # a removal order
    DEADLINE = "deadline"  # too near
    ACCOUNT = "account"  # the case is about an account, which nobody can judge without its history
    PRIVATE = "private"  # not everybody may read the post
    DELETED = "deleted"  # by its author
    AUTHOR = "author"  # an appeal against a measure on the account
    EDITED = "edited"  # too often
    UNANSWERED = "unanswered"  # by too many
    LATE = "late"  # little time is left
    RULES = "rules"  # the clause that the jurors named was dropped
    JURORS_DISAGREE = "jurors disagree"  # after the most answers; as in `stopping.next_step`
    CAMPS_DISAGREE = "camps disagree"


class SeatState(StrEnum):
    """Stored."""

    OFFERED = "offered"
    OPENED = "opened"
    ANSWERED = "answered"
    DECLINED = "declined"
    EXPIRED = "expired"
    VOID = "void"  # the juror knows somebody in the case by now, or is no juror any more


SEAT_LIFECYCLE = Lifecycle("jury seat", {
    SeatState.OFFERED: (SeatState.OPENED, SeatState.DECLINED, SeatState.EXPIRED, SeatState.VOID),
    SeatState.OPENED: (SeatState.OPENED, SeatState.ANSWERED, SeatState.DECLINED, SeatState.EXPIRED, SeatState.VOID),
    SeatState.ANSWERED: (SeatState.OFFERED, SeatState.VOID),
    SeatState.DECLINED: (), SeatState.EXPIRED: (), SeatState.VOID: (),
})
OUTSTANDING = (SeatState.OFFERED, SeatState.OPENED)


class Severity(IntEnum):
    """How grave a breach is. Stored."""

    SLIGHT = 1
    CLEAR = 2
    GRAVE = 3


class QuestionKind(StrEnum):
    """Where a question for a juror comes from. Jurors cannot tell."""

    CASE = "case"
    GOLD = "gold"
    SAMPLE = "sample"


class Jury(msgspec.Struct, frozen=True, kw_only=True):
    """`side`: the camp of the author; `wanted`: the number of answers after which they are counted."""

    case_id: int
    state: State
    formed_at: datetime
    reason: Reason | None = None
    side: Camp | None = None
    is_agreed: bool = False
    wanted: int = 0
    restarts: int = 0
    closed_at: datetime | None = None


class Docket(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a case before its jury is drawn. `place`: of its author on the axis of the camps; `at_most`: the action of the
    decision against which the author appeals; `is_of_author`: that decision has a measure on the account; `is_held`: the post is hidden at
    the deadline if nobody has decided, or is hidden since then, and nobody outside waits for an answer."""

    case_id: int
    account_id: int
    subject: Subject
    due_at: datetime
    clause: str
    language: str | None
    has_pictures: bool
    is_private: bool
    is_deleted: bool
    has_order: bool
    is_agreed: bool
    is_late: bool
    is_held: bool
    place: float | None
    at_most: str
    is_of_author: bool


class SampledPost(msgspec.Struct, frozen=True, kw_only=True):
    """What matters of a post of the daily sample for its draw. `suspected`: key of the rule that comes to mind, as that of a case."""

    item_id: int
    post_id: int
    account_id: int
    language: str | None
    has_pictures: bool
    suspected: str


class AnySeat(msgspec.Struct, frozen=True, kw_only=True):
    """A place for one juror's answer: in a case, or at a post of the daily sample. `version`: the key of the words that the juror has
    read."""

    id: int
    account_id: int
    state: SeatState
    drawn_at: datetime
    until: datetime
    opened_at: datetime | None = None
    version: str = ""
    answer: Answer | None = None
    clause: str = ""
    severity: Severity | None = None
    sureness: Sureness | None = None
    answered_at: datetime | None = None

    @property
    def is_outstanding(self) -> bool:
        return self.state in OUTSTANDING


class Seat(AnySeat, frozen=True, kw_only=True):
    """A place in a case. `number` names it in the journal."""

    case_id: int
    number: int
    camp: Camp


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What a juror says about an item. `severity`: of a breach; `seen_key`: `Item.seen_key` of the words on the juror's screen."""

    finding: Finding
    seen_key: str
    severity: Severity | None = None

    @property
    def answer(self) -> Answer:
        if self.finding.clause is None:
            return Answer.UNSURE
        return Answer.BREACH if self.finding.clause else Answer.HARMLESS


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it is put to a juror. `id` is random and tells nothing. The page shows `version` without its author."""

    id: int
    kind: QuestionKind
    case: Case
    version: Version
    until: datetime

    @property
    def seen_key(self) -> str:
        return self.version.key


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a case that a juror has answered. `action` and `found`: the measure and the clause ("": none) of the decision that
    holds after all appeals."""

    item_id: int
    case_id: int
    answer: Answer
    clause: str
    severity: Severity | None
    answered_at: datetime
    action: str
    found: str
    settled_at: datetime

    @property
    def is_agreed(self) -> bool | None:
        """Whether the juror and the decision say the same; None for "can't say"."""
        if self.answer is Answer.UNSURE:
            return None
        return (self.answer is Answer.BREACH) == bool(self.found)


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the weights, without those of the jurors."""

    version: int
    base: int
    newcomer: Weights


UNFITTED = Fit(version=0, base=0, newcomer=Weights((1556, 1020, 1533), (1020, 1556, 1533)))  # what `fitting.fit` gives without answers


class Advance(msgspec.Struct, frozen=True):
    """The payload of the job that replaces lost seats of a jury, and counts its answers once all are there."""

    case_id: int


class LeaseEnded(Conflict):
    """The time for an item is over, and somebody else was asked."""

    code = "lease_ended"
    message = "The time for this one was over, so somebody else was asked. Thank you all the same."


class AlreadyDecided(Conflict):
    code = "decided"
    message = "This has been decided in the meantime. Thank you for looking at it."


class TextChanged(Conflict):
    """The words are other ones than on the juror's screen. The item comes again with the new words."""

    code = "text_changed"
    message = "The text was changed while you were reading it. Please look at it once more."


class NoLongerYours(Conflict):
    """The juror knows somebody in the case by now."""

    code = "tied"
    message = "Somebody else answers this one. Thank you."
