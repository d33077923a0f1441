"""The channels of the streaming API: their names on the wire, what each receives, and the scopes that it needs."""

from typing import NamedTuple

from folkmoot.base.db import Database
from folkmoot.base.errors import Malformed
from folkmoot.base.ids import parse_id
from folkmoot.base.tokens import hashtag_key
from folkmoot.http.admission import ScopeMissing
from folkmoot.network.lists.queries import get_list
from folkmoot.network.sessions import scopes
from folkmoot.network.timelines.model import Feed
from folkmoot.streaming.model import HOME, Topic

_STATUSES, _NOTIFICATIONS, _LISTS = "read:statuses", "read:notifications", "read:lists"
SCOPE = f"{_STATUSES}|{_NOTIFICATIONS}|{_LISTS}"  # of the connection; each channel then needs one of them


class Channel(NamedTuple):
    """A subscription of a client. `stream` is its name in frames, with the argument; `topics` selects its posts."""

    stream: tuple[str, ...]
    topics: tuple[Topic, ...] = ()
    has_notifications: bool = False
    has_conversations: bool = False


# There is no federation yet: the channels of other networks are silent, and all posts with a hashtag are local.
_PUBLIC = {
    "public": (Topic(Feed.PUBLIC),),
    "public:media": (Topic(Feed.PUBLIC, only_media=True),),
    "public:local": (Topic(Feed.LOCAL),),
    "public:local:media": (Topic(Feed.LOCAL, only_media=True),),
    "public:remote": (),
    "public:remote:media": (),
}
_HASHTAG = ("hashtag", "hashtag:local")


async def find_channel(database: Database, viewer_id: int, granted: frozenset[str], name: str, tag: str, list_id: str) -> Channel:
    """The channel with this name, for a member's token with these scopes. Raises Malformed, ScopeMissing, and NotFound for a
    list of another member."""
    if name != "list":
        return _channel_of(name, tag, granted)
    if not scopes.covers(granted, _LISTS):
        raise ScopeMissing
    async with database.read() as conn:
        found = await get_list(conn, viewer_id, parse_id(list_id) or 0)
    return Channel((name, str(found.id)), (Topic(Feed.LIST, list_id=found.id),))


def _channel_of(name: str, tag: str, granted: frozenset[str]) -> Channel:
    if not scopes.covers(granted, _NOTIFICATIONS if name == "user:notification" else _STATUSES):
        raise ScopeMissing
    if name == "user":
        return Channel((name,), (HOME,), has_notifications=scopes.covers(granted, _NOTIFICATIONS))
    if name == "user:notification":
        return Channel((name,), has_notifications=True)
    if name == "direct":
        return Channel((name,), has_conversations=True)
    if name in _PUBLIC:
        return Channel((name,), _PUBLIC[name])
    if name in _HASHTAG:
        key = hashtag_key(tag)
        if not key:
            raise Malformed("Missing tag name parameter")
        return Channel((name, tag), (Topic(Feed.HASHTAG, key),))
    raise Malformed("Unknown channel requested")
