"""Who may appeal against which verdict. No input or output."""

from datetime import datetime

from folkmoot.moderation.appeals.model import OPEN_FOR, Side
from folkmoot.moderation.verdicts.model import Action, Verdict


def can_appeal(side: Side, verdict: Verdict, now: datetime) -> bool:
    """An author may appeal against a measure, a reporter against `keep`; from settlement on, for half a year."""
    if verdict.settled_at is None or verdict.undone_at or verdict.overturned_by_id or now > verdict.settled_at + OPEN_FOR:
        return False
    return (verdict.action is Action.KEEP) == (side is Side.REPORTER)
