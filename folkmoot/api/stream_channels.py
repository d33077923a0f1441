"""The channels of the streaming API: their names on the wire, what each receives, and the scopes that it needs."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from folkmoot.base.errors import Malformed
from folkmoot.base.formatting import hashtag_key
from folkmoot.http.admission import ScopeMissing
from folkmoot.network.sessions import scopes
from folkmoot.network.timelines.model import Feed
from folkmoot.streaming.model import HOME, Topic

Topics = tuple[Topic, ...]
STATUSES, NOTIFICATIONS = "read:statuses", "read:notifications"


class Channel(NamedTuple):
    """A subscription of a client. `stream` is its name in frames, with the argument. `topics` selects its posts."""

    stream: tuple[str, ...]
    topics: Topics = ()
    has_notifications: bool = False
    has_conversations: bool = False


_USER = "user"
# `public:remote` is silent, because there is no federation yet.
_PLAIN = {
    "public": (Topic(Feed.PUBLIC),),
    "public:media": (Topic(Feed.PUBLIC, only_media=True),),
    "public:local": (Topic(Feed.LOCAL),),
    "public:local:media": (Topic(Feed.LOCAL, only_media=True),),
    "public:remote": (),
    "public:remote:media": (),
}
# The topic of the channels with a hashtag. All posts are local, because there is no federation yet.
_HASHTAG: dict[str, Callable[[str], Topic]] = {name: lambda key: Topic(Feed.HASHTAG, key) for name in ("hashtag", "hashtag:local")}


def channel_of(name: str, tag: str, granted: Collection[str]) -> Channel:
    """The channel with this name for a token with these scopes. Raises Malformed, ScopeMissing."""
    may_read = {scope: scopes.covers(frozenset(granted), scope) for scope in (STATUSES, NOTIFICATIONS)}
    if not may_read[NOTIFICATIONS if name == "user:notification" else STATUSES]:
        raise ScopeMissing
    if name == _USER:
        return Channel((name,), (HOME,), has_notifications=may_read[NOTIFICATIONS])
    if name == "user:notification":
        return Channel((name,), has_notifications=True)
    if name == "direct":
        return Channel((name,), has_conversations=True)
    if name in _PLAIN:
        return Channel((name,), _PLAIN[name])
    if name in _HASHTAG:
        key = hashtag_key(tag)
        if not key:
            raise Malformed("Missing tag name parameter")
        return Channel((name, tag), (_HASHTAG[name](key),))
    raise Malformed("Unknown channel requested")
