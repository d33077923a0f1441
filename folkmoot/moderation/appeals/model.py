"""What an appeal is, and its lifecycle. No input or output."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.events import Event
from folkmoot.base.states import Lifecycle
from folkmoot.moderation.cases.model import Subject

OPEN_FOR = timedelta(days=184)  # DSA Art. 20(1): at least six months, whichever these are
LONGEST_REASON = 1000


class Side(StrEnum):
    """Who appeals. Stored."""

    AUTHOR = "author"
    REPORTER = "reporter"
    NOTIFIER = "notifier"  # who sent a notice from outside


class State(StrEnum):
    LODGED = "lodged"
    UPHELD = "upheld"  # the first verdict is confirmed
    OVERTURNED = "overturned"  # it was wrong
    CHANGED = "changed"  # another measure replaces it
    WITHDRAWN = "withdrawn"  # its subject was deleted


LIFECYCLE = Lifecycle("appeal", {
    State.LODGED: (State.UPHELD, State.OVERTURNED, State.CHANGED, State.WITHDRAWN),
    State.UPHELD: (), State.OVERTURNED: (), State.CHANGED: (), State.WITHDRAWN: (),
})


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    """`case_id` is the case in which it is heard, `verdict_id` the verdict that it objects to. An appeal of a notifier has the id of
    the notice instead of an account."""

    id: int
    verdict_id: int
    case_id: int
    appellant_id: int | None
    side: Side
    reason: str
    state: State
    lodged_at: datetime
    closed_at: datetime | None = None
    notice_id: int | None = None


class Clearable(msgspec.Struct, frozen=True):
    """A removed post, or an account to be deleted, about which nobody can appeal any more; with the case and the clause of the
    restriction."""

    subject: Subject
    subject_id: int
    case_id: int
    clause: str


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal of a notifier, as shown on the receipt of the notice: with what it is about, and until when it is decided."""

    appeal: Appeal
    subject: Subject
    subject_id: int
    due_at: datetime


class AppealClosed(Event, frozen=True, kw_only=True):
    kind = "appeal.closed"
    appeal_id: int
    case_id: int
