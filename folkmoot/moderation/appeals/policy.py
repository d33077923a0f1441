"""Who may appeal against what: small and pure."""

from datetime import datetime

from folkmoot.moderation.appeals.model import OPEN_FOR, Side
from folkmoot.moderation.verdicts.model import Action, Verdict


def can_appeal(side: Side, verdict: Verdict, now: datetime) -> bool:
    """An author against what was done, a reporter against what was not; once people were told, for half a year."""
    if verdict.settled_at is None or verdict.undone_at or verdict.overturned_by_id or now > verdict.settled_at + OPEN_FOR:
        return False
    return (verdict.action is Action.KEEP) == (side is Side.REPORTER)
