"""Notifications and their groups. No input or output.

A group holds the notifications of one kind about one post (or the follows) within one span of time. Its key is computed
from the fields of a notification, so nothing is stored, and old notifications are grouped like new ones.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.base.events import Event
from folkmoot.base.ids import MAX_ID
from folkmoot.network.accounts.model import Account, AccountStamp
from folkmoot.network.posts.model import PostView


class Kind(StrEnum):
    """The reason of a notification. Stored."""

    MENTION = "mention"  # also a reply
    BOOST = "boost"
    FAVOURITE = "favourite"
    FOLLOW = "follow"
    FOLLOW_REQUEST = "follow_request"
    POLL = "poll"  # a poll that the recipient wrote or voted in has ended
    POST = "post"  # of an account whose every post the recipient wants to hear of
    UPDATE = "update"  # a post that the recipient boosted was edited
    QUOTE = "quote"  # somebody quotes a post of the recipient; it has the quoting post
    QUOTED_UPDATE = "quoted_update"  # a post that the recipient quotes was edited; it has the recipient's own post
    # From the network itself, about the statement, report or appeal `reference_id`. The sender is the recipient.
    STATEMENT = "statement"  # the recipient got a statement of reasons
    LIFTED = "lifted"  # the restriction of such a statement has ended
    REPORT = "report"  # a report of the recipient has an outcome
    APPEAL = "appeal"  # an appeal of the recipient was decided
    EXPORT = "export"  # an archive that the recipient asked for is ready
    UNPUBLISHED = "unpublished"  # the scheduled post `reference_id` of the recipient could not be published
    SIGN_UP = "sign_up"  # of operators: people wait for approval
    JURY = "jury"  # of jurors: cases wait for the recipient
    RING = "ring"  # of operators: the answers of the jurors in the ring `reference_id` look arranged
    KEPT = "kept"  # a post that the recipient has deleted is kept for the open case `reference_id`


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    kind: Kind
    sender: Account
    post: PostView | None = None
    reference_id: int | None = None
    created_at: datetime


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A notification without what its sender and its post say."""

    id: int
    kind: Kind
    sender: AccountStamp
    post_id: int | None
    reference_id: int | None
    created_at: datetime


class NotificationsArrived(Event, frozen=True, kw_only=True):
    """New notifications, (account, notification), of accounts with a subscription to web push. Others are not reported."""

    kind = "notifications.arrived"
    arrived: tuple[tuple[int, int], ...]


class Treatment(IntEnum):
    """What a policy says of a notification; the largest number decides. Stored."""

    ACCEPT = 0
    FILTER = 1  # it waits in the request of its sender
    DROP = 2  # it is not created


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How a member treats notifications from accounts that they do not follow, by what is known of the sender (decision 0113)."""

    for_not_following: Treatment = Treatment.ACCEPT
    for_not_followers: Treatment = Treatment.ACCEPT  # those who follow for less than `NEW_FOLLOWER` count as not following
    for_new_accounts: Treatment = Treatment.ACCEPT  # younger than `NEW_ACCOUNT`
    for_private_mentions: Treatment = Treatment.ACCEPT  # except answers to the member's own
    for_limited_accounts: Treatment = Treatment.ACCEPT  # limited by moderators
    for_bots: Treatment = Treatment.ACCEPT


NEW_FOLLOWER = timedelta(days=3)
NEW_ACCOUNT = timedelta(days=30)
# Kinds that a policy applies to: acts of others. Polls, edits and what the network itself says always arrive.
TREATED = (Kind.MENTION, Kind.BOOST, Kind.FAVOURITE, Kind.FOLLOW, Kind.FOLLOW_REQUEST, Kind.POST, Kind.QUOTE)


class PendingCounts(msgspec.Struct, frozen=True):
    """What waits in requests: senders, at most `MOST_REQUESTS`, and notifications, at most `MOST_FILTERED`."""

    requests: int = 0
    notifications: int = 0


MOST_REQUESTS = 100
MOST_FILTERED = 1000


class NotificationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The filtered notifications of one sender. `count`: at most `MOST_REQUESTS`; `last_post`: of the newest mention, or else of
    the newest other notification."""

    id: int
    sender: Account
    count: int
    first_at: datetime
    newest_at: datetime
    last_post: PostView | None = None


class RequestsAccepted(Event, frozen=True, kw_only=True):
    """Filtered notifications were merged into the others. `message_ids`: the direct posts that they were about."""

    kind = "notifications.accepted"
    account_id: int
    message_ids: tuple[int, ...]


class Inserted(NamedTuple):
    """A new notification; the id is 0 if it was filtered. `wakes`: the account has a subscription to web push."""

    account_id: int
    id: int
    wakes: bool


GROUPED = (Kind.FAVOURITE, Kind.BOOST, Kind.FOLLOW)
_SPAN = 12 * 3600  # seconds


def group_key(kind: str, post_id: int | None, notification_id: int, created_at: datetime, grouped: Collection[Kind] = GROUPED) -> str:
    """The key of a group, the same for all its notifications. `kind`: a Kind, or its value, as the database has it."""
    if kind not in grouped:
        return f"ungrouped-{notification_id}"
    return f"{kind}-{post_id or 0}-{int(created_at.timestamp()) // _SPAN}"


class GroupWindow(msgspec.Struct, frozen=True):
    """The filter that selects a group: one notification, or those of a kind and a post within a span."""

    only_id: int | None = None
    kind: str = ""
    post_id: int | None = None
    begins_at: datetime = datetime.min
    ends_at: datetime = datetime.max


def window_of(key: str) -> GroupWindow | None:
    """The filter that a key stands for; None if it is no key."""
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
    """Notifications that are shown as one. `sender_ids`: the newest ones first, limited in number."""

    key: str
    kind: Kind
    count: int
    newest_id: int
    oldest_id: int
    newest_at: datetime
    sender_ids: tuple[int, ...]
    post_id: int | None = None
    reference_id: int | None = None


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """How far a member has read a timeline. `version` counts the changes."""

    timeline: str
    last_read_id: int
    version: int
    updated_at: datetime


MERGED = -1


TOPICS = "notifications"  # the family of live topics, one for each account


def topic(account_id: int) -> str:
    """The live topic of one account's notifications. The message is the id of the newest, 0 if only counts have changed, or `MERGED`
    after filtered notifications were accepted."""
    return f"{TOPICS}:{account_id}"
