"""What somebody can listen to, and what is then heard. No input or output."""

from typing import TypeAlias

import msgspec

from folkmoot.network.timelines.model import Feed


class Topic(msgspec.Struct, frozen=True):
    """A feed of new posts; with `hashtag`, a folded key, the posts under it."""

    feed: Feed
    hashtag: str = ""


HOME = Topic(Feed.HOME)


class PostHeard(msgspec.Struct, frozen=True):
    """A new post, or boost, that the listener may see and wants."""

    topic: Topic
    post_id: int


class NoticeHeard(msgspec.Struct, frozen=True):
    """A notification of the listener's; 0 when only the number of unread ones has changed."""

    notification_id: int


class PostWithdrawn(msgspec.Struct, frozen=True):
    """A post that should not be shown any longer."""

    post_id: int


class LoginChanged(msgspec.Struct, frozen=True):
    """Log-out, another password, suspension: the listener asks whether its session still stands."""


class LookAgain(msgspec.Struct, frozen=True):
    """Something may have been missed: whoever needs certainty reads the database."""


Heard: TypeAlias = PostHeard | NoticeHeard | PostWithdrawn | LoginChanged | LookAgain
