"""A scheduled post, its limits, and the reasons why it was not published. No input or output."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.network.posts.model import PostDraft

MOST_SCHEDULED = 300
MOST_PER_DAY = 25  # that are due on the same day, in UTC
SOONEST = timedelta(minutes=5)
LATEST = timedelta(days=5 * 365)
MOST_TRIES = 3  # after unexpected errors


class Failure(StrEnum):
    """Why a scheduled post was not published. Stored."""

    FROZEN = "frozen"  # the account may not write, or its log-in is disabled
    REPLY = "reply"  # the answered post is gone, or the author may not see it any more
    PICTURES = "pictures"  # a picture is gone
    INVALID = "invalid"  # the draft breaks a limit that was wider before, or names nobody who would get it
    ERROR = "error"  # a fault of ours, several times


class ScheduledPost(msgspec.Struct, frozen=True, kw_only=True):
    """A draft and when it is due. With a `failure` it is not tried again until its author changes it.

    The draft has its visibility, so that the author sees who will read it, and no idempotency key.
    """

    id: int
    account_id: int
    due_at: datetime
    draft: PostDraft
    idempotency_key: str | None = None
    tries: int = 0
    failure: Failure | None = None
    created_at: datetime
