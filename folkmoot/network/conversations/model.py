"""What a conversation is. No input or output."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import PostView


class ConversationLine(NamedTuple):
    """A conversation without its people and messages, for whom has these in memory. `people_ids`: the other participants, without
    suspended ones. `shown_id`: the newest message that the viewer may see now."""

    id: int
    last_post_id: int
    people_ids: Sequence[int]
    is_unread: bool
    shown_id: int


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A thread of direct posts as one participant sees it. `people` are the other participants, without
    suspended ones; there may be none."""

    id: int
    people: tuple[Account, ...]
    last_post: PostView
    is_unread: bool


TOPICS = "conversations"  # the family of live topics, one for each account


def topic(account_id: int) -> str:
    """The live topic of one account's conversations; the message is the id of one with a new message."""
    return f"{TOPICS}:{account_id}"
