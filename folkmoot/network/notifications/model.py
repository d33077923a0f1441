"""What a notification is, and which of them belong together. No input or output.

A group is what happened to one post (or: who followed) within one span of time. Its key is made from the facts of the
notification alone, so nothing is stored, and old notifications are grouped like new ones.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.base.ids import MAX_ID
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import PostView


class Kind(StrEnum):
    """Why somebody is told. Stored."""

    MENTION = "mention"  # also: an answer
    BOOST = "boost"
    FAVOURITE = "favourite"
    FOLLOW = "follow"
    FOLLOW_REQUEST = "follow_request"
    POLL = "poll"  # one that I wrote or voted in is over
    POST = "post"  # by somebody whose every post I want to hear of
    UPDATE = "update"  # a post that I boosted was edited
    # From the network itself; `reference_id` says of what. The sender is the one who is told.
    STATEMENT = "statement"  # a statement of reasons was issued to me
    LIFTED = "lifted"  # what such a statement told of is over: the post is back
    REPORT = "report"  # a report of mine has an outcome
    APPEAL = "appeal"  # an appeal of mine was decided


FROM_NETWORK = (Kind.STATEMENT, Kind.LIFTED, Kind.REPORT, Kind.APPEAL)


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    kind: Kind
    sender: Account
    post: PostView | None = None
    reference_id: int | None = None
    created_at: datetime


GROUPED = (Kind.FAVOURITE, Kind.BOOST, Kind.FOLLOW)
_SPAN = 12 * 3600  # seconds


def group_key(kind: Kind, post_id: int | None, notification_id: int, created_at: datetime, grouped: Collection[Kind] = GROUPED) -> str:
    """What all notifications of a group have in common."""
    if kind not in grouped:
        return f"ungrouped-{notification_id}"
    return f"{kind}-{post_id or 0}-{int(created_at.timestamp()) // _SPAN}"


class GroupWindow(msgspec.Struct, frozen=True):
    """Where a group is found: one notification, or those of a kind and a post within a span."""

    only_id: int | None = None
    kind: str = ""
    post_id: int | None = None
    begins_at: datetime = datetime.min
    ends_at: datetime = datetime.max


def window_of(key: str) -> GroupWindow | None:
    """What a key stands for; None for what is no key."""
    found = re.fullmatch(r"([a-z_]+)-([0-9]{1,19})(?:-([0-9]{1,7}))?", key)
    if found is None:
        return None
    word, number, span = found[1], int(found[2]), found[3]
    if word == "ungrouped" and span is None:
        return GroupWindow(only_id=min(number, MAX_ID))
    if word not in GROUPED or span is None:
        return None
    begins_at = datetime.fromtimestamp(int(span) * _SPAN, UTC)
    return GroupWindow(None, word, min(number, MAX_ID) or None, begins_at, begins_at + timedelta(seconds=_SPAN))


class NotificationGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Notifications that are shown as one. Senders newest first, not all of many."""

    key: str
    kind: Kind
    count: int
    newest_id: int
    oldest_id: int
    newest_at: datetime
    senders: tuple[Account, ...]
    post: PostView | None = None


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """How far somebody has read one of their timelines. `version` counts the changes."""

    timeline: str
    last_read_id: int
    version: int
    updated_at: datetime


def topic(account_id: int) -> str:
    """The live topic of one account's notifications; the message is the id of the newest."""
    return f"notifications:{account_id}"
