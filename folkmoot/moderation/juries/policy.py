"""Which cases go to a jury, and how long an invitation lasts. No input or output."""

from datetime import datetime

from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.juries.model import INVITED_AT_LEAST, INVITED_AT_MOST, INVITED_SHARE, LEAST_TIME, Docket, Reason


def find_reason(docket: Docket, now: datetime) -> Reason | None:
    """Why moderators decide a case without asking a jury; None if a jury can."""
    reasons = (
        (docket.subject is Subject.ACCOUNT, Reason.ACCOUNT), (docket.is_deleted, Reason.DELETED), (docket.is_private, Reason.PRIVATE),
        (docket.has_order, Reason.ORDER), (docket.is_of_author, Reason.AUTHOR),
        (not docket.is_held and (docket.is_late or docket.due_at - now < LEAST_TIME), Reason.DEADLINE),
    )
    return next((reason for applies, reason in reasons if applies), None)


def invited_until(docket: Docket, now: datetime) -> datetime:
    """Until when somebody who is drawn now can open the item. What is hidden at its deadline, or since then, need not hurry: whoever is
    asked late in its time has as long as anybody."""
    left = docket.due_at - now
    if docket.is_held and left < LEAST_TIME:
        return now + INVITED_AT_MOST
    return now + min(INVITED_AT_MOST, max(INVITED_AT_LEAST, left / INVITED_SHARE))
