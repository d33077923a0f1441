"""The topics of the hub and the items that listeners get. No input or output."""

from datetime import datetime
from typing import TypeAlias

import msgspec

from folkmoot.moderation.clauses.model import ReactionCounted
from folkmoot.network.timelines.model import Entry, Feed


class Topic(msgspec.Struct, frozen=True):
    """A feed of new posts; with `hashtag` (a folded key), the posts with that hashtag."""

    feed: Feed
    hashtag: str = ""
    only_media: bool = False  # only posts with pictures
    list_id: int = 0


HOME = Topic(Feed.HOME)


class _PostOfTopic(msgspec.Struct, frozen=True):
    """A post that the viewer may see and wants, with its counts and the viewer's marks."""

    topic: Topic
    entry: Entry
    is_direct: bool = False

    @property
    def post_id(self) -> int:
        return self.entry.id


class PostHeard(_PostOfTopic, frozen=True):
    """A new post or boost."""


class PostChanged(_PostOfTopic, frozen=True):
    """An edited post."""


class NoticeHeard(msgspec.Struct, frozen=True):
    """A notification for the viewer; 0 if only counts have changed, and `MERGED` after filtered ones were accepted."""

    notification_id: int


class ConversationHeard(msgspec.Struct, frozen=True):
    """A conversation of the viewer with a new message."""

    conversation_id: int


class ReactionHeard(msgspec.Struct, frozen=True):
    """The new number of reactions to the announcement of new rules."""

    reaction: ReactionCounted


class RulesHeard(msgspec.Struct, frozen=True):
    """New rules were published: a version of the policy."""

    version: str


class RulesEnded(msgspec.Struct, frozen=True):
    """Rules are new no longer: their announcement is over for those who joined before they came into force."""

    version: str
    in_force_at: datetime


class PostWithdrawn(msgspec.Struct, frozen=True):
    """A post that must no longer be shown."""

    post_id: int


class FiltersChanged(msgspec.Struct, frozen=True):
    """The viewer's filters have a new version."""

    version: int


class LoginChanged(msgspec.Struct, frozen=True):
    """Log-out, new password or suspension: the listener checks whether its session is still valid."""


class AddressShutOut(msgspec.Struct, frozen=True):
    """No request from the address of this listener is answered any more: it ends."""


class LookAgain(msgspec.Struct, frozen=True):
    """Items may have been lost: the listener reads the database again."""


Heard: TypeAlias = (
    PostHeard | PostChanged | NoticeHeard | ConversationHeard | ReactionHeard | RulesHeard | RulesEnded | PostWithdrawn
    | FiltersChanged | LoginChanged | AddressShutOut | LookAgain
)
