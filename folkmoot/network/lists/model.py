"""Lists, and which replies they show. No input or output."""

from enum import StrEnum

import msgspec

LONGEST_TITLE = 100
MOST_LISTS = 50
MOST_MEMBERS = 500  # a page of the timeline looks up the newest posts of each


class Replies(StrEnum):
    """Which replies of its members a list shows, besides those to themselves and to its owner."""

    LIST = "list"  # to other members of the list
    FOLLOWED = "followed"  # to accounts that the owner follows
    NONE = "none"


class List(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    title: str
    replies: Replies = Replies.LIST


class ListDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a list; None leaves a value."""

    title: str | None = None
    replies: Replies | None = None
