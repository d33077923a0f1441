"""Who may appeal against which verdict. No input or output."""

from datetime import datetime

from folkmoot.moderation.appeals.model import OPEN_FOR, Side
from folkmoot.moderation.notices.model import Notice
from folkmoot.moderation.verdicts.model import Action, Verdict


def can_appeal(side: Side, verdict: Verdict, now: datetime) -> bool:
    """An author may appeal against a measure, reporters and notifiers against `keep`; from settlement on, for half a year."""
    if verdict.settled_at is None or verdict.undone_at or verdict.overturned_by_id or now > verdict.settled_at + OPEN_FOR:
        return False
    return (verdict.action is Action.KEEP) == (side is not Side.AUTHOR)


def can_object(notice: Notice) -> bool:
    """Whether the sender of a notice may appeal: the address is confirmed, or none had to be given (DSA Art. 16(2)(c))."""
    return notice.is_confirmed or not notice.email
