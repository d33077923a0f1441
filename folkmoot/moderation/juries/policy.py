"""Which cases go to a jury, and how long an invitation lasts. No input or output."""

from datetime import datetime

from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.juries.model import INVITED_AT_LEAST, INVITED_AT_MOST, INVITED_SHARE, LEAST_TIME, Docket, Reason


def find_reason(docket: Docket, now: datetime) -> Reason | None:
    """Why moderators decide a case without asking a jury; None if a jury can."""
    reasons = (
        (docket.subject is Subject.ACCOUNT, Reason.ACCOUNT), (docket.is_deleted, Reason.DELETED), (docket.is_private, Reason.PRIVATE),
        (docket.has_order, Reason.ORDER), (docket.is_of_author, Reason.AUTHOR),
        (docket.is_late or docket.due_at - now < LEAST_TIME, Reason.DEADLINE),
    )
    return next((reason for applies, reason in reasons if applies), None)


def invited_until(due_at: datetime, now: datetime) -> datetime:
    """Until when somebody who is drawn now can open the item."""
    return now + min(INVITED_AT_MOST, max(INVITED_AT_LEAST, (due_at - now) / INVITED_SHARE))
