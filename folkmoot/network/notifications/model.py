"""What a notification is. No input or output."""

from datetime import datetime
from enum import StrEnum

import msgspec

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


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    kind: Kind
    sender: Account
    post: PostView | None = None
    created_at: datetime


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """How far somebody has read one of their timelines. `version` counts the changes."""

    timeline: str
    last_read_id: int
    version: int
    updated_at: datetime


def topic(account_id: int) -> str:
    """The live topic of one account's notifications; the message is the id of the newest."""
    return f"notifications:{account_id}"
