"""What a verdict is. No input or output."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.events import Event
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.restrictions.model import Kind

UNDO_LASTS = timedelta(seconds=30)  # in which who decided may take it back, and nobody has been told
LONGEST_EXPLANATION = 2000
USUAL_DAYS = 7
MOST_DAYS = 365


class Action(StrEnum):
    """What can be decided, mildest first. Stored."""

    KEEP = "keep"
    LABEL = "label"
    HIDE = "hide"  # for a time
    REMOVE = "remove"
    FREEZE = "freeze"  # the author, for a time; the post goes too
    SUSPEND = "suspend"  # the author; the post goes too

    def kinds(self, subject: Subject) -> tuple[Kind, ...]:
        """The restrictions that it means for this kind of subject."""
        if self is Action.KEEP:
            return ()
        kind = Kind(self.value)
        if kind.subject is Subject.ACCOUNT and subject is Subject.POST:
            return (Kind.REMOVE, kind)
        return (kind,)

    @property
    def is_timed(self) -> bool:
        return self in (Action.HIDE, Action.FREEZE)

    def fits(self, subject: Subject) -> bool:
        return subject is Subject.POST or self in (Action.KEEP, Action.FREEZE, Action.SUSPEND)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen. `clause` is a key; `days` count for what is timed. `seen_edited_at`: which words of the post were
    on the page; `seen_words`: of a profile."""

    action: str
    clause: str = ""
    explanation: str = ""
    days: int = USUAL_DAYS
    seen_edited_at: datetime | None = None
    seen_words: str | None = None


class DeciderKind(StrEnum):
    """Stored."""

    PERSON = "person"
    JURY = "jury"
    SYSTEM = "system"


class Decider(msgspec.Struct, frozen=True):
    """Who reached a verdict: a person by their account, a jury by its own id, or the system, without one."""

    kind: DeciderKind
    id: int | None = None

    @classmethod
    def person(cls, account_id: int) -> "Decider":
        return cls(DeciderKind.PERSON, account_id)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """It stands until it is undone (by who decided, at once) or overturned on appeal."""

    id: int
    case_id: int
    decider: Decider
    action: Action
    clause: str
    policy: str
    explanation: str
    until: datetime | None
    made_at: datetime
    undone_at: datetime | None = None
    settled_at: datetime | None = None
    overturned_by_id: int | None = None

    @property
    def undo_until(self) -> datetime:
        return self.made_at + UNDO_LASTS

    def says_the_same(self, later: "Verdict") -> bool:
        """Whether a second look confirms this one: not with another rule, and not with a shorter time."""
        if self.action is not later.action:
            return False
        if self.until and later.until and later.until - later.made_at < self.until - self.made_at:
            return False
        return self.action is Action.KEEP or self.clause == later.clause


class Settle(msgspec.Struct, frozen=True):
    """The order to tell everybody of a verdict, if it still stands."""

    verdict_id: int


class VerdictReached(Event, frozen=True, kw_only=True):
    kind = "verdict.reached"
    verdict_id: int
    case_id: int


class VerdictSettled(Event, frozen=True, kw_only=True):
    """It stands, and those whom it concerns have been told."""

    kind = "verdict.settled"
    verdict_id: int
    case_id: int
    appealed_verdict_id: int | None = None
