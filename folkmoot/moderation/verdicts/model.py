"""What a verdict is. No input or output."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.events import Event
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.restrictions.model import Kind

UNDO_LASTS = timedelta(seconds=30)  # the decider may undo the verdict, and nobody is notified yet
LONGEST_EXPLANATION = 2000
USUAL_DAYS = 7
MOST_DAYS = 365
STRIKE_LASTS = timedelta(days=365)  # a breach counts against its author until then


class Action(StrEnum):
    """The possible decisions, mildest first. Stored."""

    KEEP = "keep"
    WARN = "warn"  # the author: nothing is restricted
    LABEL = "label"
    LIMIT = "limit"  # the reach, for a time
    HIDE = "hide"  # for a time
    REMOVE = "remove"
    FREEZE = "freeze"  # the author, for a time; the post is removed too
    SUSPEND = "suspend"  # the author; the post is removed too

    def kinds(self, subject: Subject) -> tuple[Kind, ...]:
        """The restrictions of this action on this kind of subject."""
        if self is Action.KEEP:
            return ()
        if self is Action.LIMIT and subject is Subject.POST:
            return (Kind.LIMIT_POST,)
        kind = Kind(self.value)
        if kind in (Kind.FREEZE, Kind.SUSPEND) and subject is Subject.POST:
            return (Kind.REMOVE, kind)
        return (kind,)

    def fits(self, subject: Subject, *, is_deleted: bool = False) -> bool:
        """Whether this can be decided about such a subject. A post that its author has deleted can be neither covered nor hidden."""
        if subject is Subject.ACCOUNT:
            return self in (Action.KEEP, Action.WARN, Action.LIMIT, Action.FREEZE, Action.SUSPEND)
        return not is_deleted or self not in (Action.LABEL, Action.LIMIT, Action.HIDE)


ALSO = (Kind.WARN, Kind.LIMIT, Kind.FREEZE)  # measures on the author that a decision about a post can add


def measures_of(action: Action, also: Sequence[Kind], subject: Subject) -> tuple[Kind, ...]:
    """All restrictions of a decision, each once. A warning is contained in any other measure on the author."""
    found = dict.fromkeys([*action.kinds(subject), *also])
    if any(kind in found for kind in (Kind.LIMIT, Kind.FREEZE, Kind.SUSPEND)):
        found.pop(Kind.WARN, None)
    return tuple(found)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The input of a verdict. `also`: kinds of measures beside the action, for the same reason. `clause` is a key; `days` applies to
    timed measures. `seen_edited_at` and `seen_words`: which version
    of the post or the profile was on the page."""

    action: str
    also: tuple[str, ...] = ()
    clause: str = ""
    explanation: str = ""
    days: int = USUAL_DAYS
    seen_edited_at: datetime | None = None
    seen_words: str | None = None


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A ready sentence for explanations."""

    id: int
    title: str
    text: str


class DeciderKind(StrEnum):
    """Stored."""

    PERSON = "person"
    JURY = "jury"
    SYSTEM = "system"


class Decider(msgspec.Struct, frozen=True):
    """Who reached a verdict: a person (account id), a jury (the id of its case), or the system (no id). Who sat on a jury is written
    nowhere but in its seats."""

    kind: DeciderKind
    id: int | None = None

    @property
    def account_id(self) -> int | None:
        return self.id if self.kind is DeciderKind.PERSON else None

    @classmethod
    def person(cls, account_id: int) -> "Decider":
        return cls(DeciderKind.PERSON, account_id)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """In force until it is undone (by its decider, within UNDO_LASTS) or overturned on appeal."""

    id: int
    case_id: int
    decider: Decider
    action: Action
    clause: str
    policy: str
    explanation: str
    until: datetime | None
    made_at: datetime
    batch_id: int | None = None  # the verdict that this one repeats about another post with the same words
    measures: tuple[Kind, ...] = ()  # empty for `keep`, and in verdicts of releases that knew one measure only
    undone_at: datetime | None = None
    settled_at: datetime | None = None
    overturned_by_id: int | None = None

    def is_strike(self, now: datetime) -> bool:
        """Whether this breach still counts against its author, when the next one is decided."""
        return (
            self.action is not Action.KEEP and self.settled_at is not None and self.undone_at is None
            and self.overturned_by_id is None and now < self.made_at + STRIKE_LASTS
        )

    @property
    def is_removal(self) -> bool:
        """Whether a post is hidden or removed by it, and its author has been told."""
        is_in_force = self.settled_at is not None and self.undone_at is None and self.overturned_by_id is None
        return is_in_force and (self.action is Action.HIDE or Kind.REMOVE in self.action.kinds(Subject.POST))

    @property
    def undo_until(self) -> datetime:
        return self.made_at + UNDO_LASTS

    def is_confirmed_by(self, later: "Verdict") -> bool:
        """Whether a verdict on appeal has the same result: not with another clause or a shorter time."""
        if self.action is not later.action or (self.measures and set(self.measures) != set(later.measures)):
            return False
        if self.until and later.until and later.until - later.made_at < self.until - self.made_at:
            return False
        return self.action is Action.KEEP or self.clause == later.clause


class Repeat(msgspec.Struct, frozen=True):
    """The payload of the job that repeats an approved verdict."""

    verdict_id: int


class Settle(msgspec.Struct, frozen=True):
    """The payload of the job that settles a verdict."""

    verdict_id: int


class VerdictReached(Event, frozen=True, kw_only=True):
    kind = "verdict.reached"
    verdict_id: int
    case_id: int


class VerdictSettled(Event, frozen=True, kw_only=True):
    """The verdict can no longer be undone, and everybody concerned was notified."""

    kind = "verdict.settled"
    verdict_id: int
    case_id: int
    appealed_verdict_id: int | None = None
