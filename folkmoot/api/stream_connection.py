"""One client of the streaming API: its channels, and the events that it gets on them.

Server-sent events (`streaming.py`) and WebSockets (`websocket.py`) send the same events. The hub has already decided, for
all clients with one statement, who may see a post; what remains here is to assemble it from its cached fragment with the
counts and marks that came with it.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from folkmoot.api.announcement_entities import announcement_entity, announcement_id, counted_entity
from folkmoot.api.entities import Entities
from folkmoot.api.status_fragments import Fragment
from folkmoot.api.stream_channels import Channel
from folkmoot.api.warnings import list_warnings, warning_of
from folkmoot.api.words import UNKNOWN_TO_APPS
from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound, Unavailable
from folkmoot.http.fragments import FragmentCache, Quotes
from folkmoot.moderation.clauses.published import news_before, news_for, own
from folkmoot.moderation.clauses.watching import PolicyWatch
from folkmoot.network.conversations.queries import get_conversation
from folkmoot.network.filters.cache import FilterSets
from folkmoot.network.filters.matching import FilterSet, is_hidden
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.notifications.model import MERGED
from folkmoot.network.notifications.queries import get_notification
from folkmoot.network.posts.model import QuoteFacts
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.sessions.queries import is_token_open_unscoped
from folkmoot.network.timelines.model import Entry
from folkmoot.streaming.hub import Listener
from folkmoot.streaming.model import (
    HOME,
    AddressShutOut,
    ConversationHeard,
    FiltersChanged,
    Heard,
    LoginChanged,
    LookAgain,
    NoticeHeard,
    PostChanged,
    PostHeard,
    PostWithdrawn,
    ReactionHeard,
    RulesEnded,
    RulesHeard,
)

HEARTBEAT_SECONDS = 15.0
RETRY_SECONDS = 1.0
SPREAD_SECONDS = 3.0  # after lost messages, clients are disconnected within this time, so that not all return at once
_encode = msgspec.json.Encoder().encode


class Event(NamedTuple):
    """`payload` is JSON, or an id; None for an event that is its name only."""

    stream: tuple[str, ...]
    name: str
    payload: bytes | None


class _QuoteBatch:
    """Pairs of a quoting post and a viewer, for one statement. `found` is None until it has run."""

    def __init__(self) -> None:
        self.wanted: set[tuple[int, int]] = set()
        self.found: Mapping[tuple[int, int | None], tuple[QuoteFacts, Fragment | None]] | None = None


class Rendering:
    """Renders what clients get. One per process, so that a post is read once, whatever the number of clients."""

    def __init__(
        self, database: Database, entities: Entities, fragments: FragmentCache[Fragment], filters: FilterSets, base_url: str
    ) -> None:
        self.database = database
        self.filters = filters
        self._entities = entities
        self._fragments = fragments
        self._base_url = base_url
        self._reading_rules = asyncio.Lock()
        self._gathering = asyncio.Lock()  # the clients after the first find the post in the cache
        self._asking = asyncio.Lock()
        self._next_quotes = _QuoteBatch()

    async def statuses(self, entries: Sequence[Entry], viewer_id: int, filters: FilterSet | None) -> dict[int, bytes]:
        """The JSON of each entry, by its id. One that was deleted meanwhile is absent; one edited meanwhile is the newest."""
        async with self._gathering:
            found = await self._fragments.gather(self.database, entries)
        quotes = await self._quotes([entry.shown_id for entry, shown, _ in found if shown.has_quote], viewer_id)
        entities = self._entities.filtered_by(filters)
        statuses = {one[0].id: entities.spliced_page([one], viewer_id, quotes)[1:-1] for one in found}
        changed = [entry.id for entry in entries if entry.id not in statuses]
        if changed:
            async with self.database.read() as conn:
                views = await list_post_views(conn, changed, viewer_id)
            statuses.update((view.post.id, entities.status_bytes(view, viewer_id)) for view in views)
        return statuses

    async def _quotes(self, quoting: Sequence[int], viewer_id: int) -> Quotes[Fragment]:
        """What a client gets of the posts that these posts quote. Clients that ask while a statement runs share the next one."""
        while quoting:
            batch = self._next_quotes
            batch.wanted.update((post_id, viewer_id) for post_id in quoting)
            async with self._asking:
                if batch is self._next_quotes:
                    self._next_quotes = _QuoteBatch()
                    batch.found = await self._fragments.gather_quotes_of_many(self.database, batch.wanted)
            if batch.found is not None:  # else the client that ran the statement was cut or had no database
                return {post_id: batch.found[post_id, viewer_id] for post_id in quoting if (post_id, viewer_id) in batch.found}
        return {}

    async def notification(self, notification_id: int, viewer_id: int, filters: FilterSet | None) -> bytes | None:
        """None for one that has been removed or is hidden by a filter, and for kinds that apps do not know."""
        try:
            async with self.database.read() as conn:
                found = await get_notification(conn, viewer_id, notification_id)
                warnings = await list_warnings(conn, self._entities, found.sender, [found])
        except NotFound:
            return None
        if found.kind in UNKNOWN_TO_APPS or is_hidden(filters, FilterContext.NOTIFICATIONS, found.post):
            return None
        return _encode(self._entities.filtered_by(filters).notification(found, viewer_id, warning_of(found, warnings)))

    async def conversation(self, conversation_id: int, viewer_id: int, filters: FilterSet | None) -> bytes | None:
        """None for one that has been removed."""
        try:
            async with self.database.read() as conn:
                found = await get_conversation(conn, viewer_id, conversation_id)
        except NotFound:
            return None
        return _encode(self._entities.filtered_by(filters).conversation(found, viewer_id))

    async def announcements(self, version: str, viewer: Viewer) -> list[tuple[str, bytes]]:
        """(event, payload): new rules, and before them the end of the announcement that they replace. Nothing for who joined later."""
        async with self._reading_rules:  # a process otherwise reads them up to a second later
            if all(one.version != version for one in own()):
                await PolicyWatch(self.database).refresh()
        joined_at = viewer.account.created_at
        news, replaced = news_for(joined_at), news_before(version, joined_at)
        if news is None or news.version != version:
            return []
        entity = announcement_entity(self._entities.translator(viewer.login.language), self._base_url, news, ())
        ended = [("announcement.delete", announcement_id(replaced.version).encode())] if replaced else []
        return [*ended, ("announcement", _encode(entity))]


class Connection:
    """`listener` is that of the client's member; its topics follow the channels."""

    __slots__ = ("_channels", "_filters_version", "_listener", "_rendering", "_token_id", "_viewer", "_viewer_id")

    def __init__(self, rendering: Rendering, listener: Listener, viewer: Viewer, token_id: int, channels: Iterable[Channel] = ()) -> None:
        self._rendering = rendering
        self._listener = listener
        self._viewer = viewer
        self._viewer_id = viewer.id
        self._filters_version = viewer.filters_version
        self._token_id = token_id
        self._channels: dict[tuple[str, ...], Channel] = {}
        for channel in channels:
            self.subscribe(channel)

    @property
    def streams(self) -> Collection[tuple[str, ...]]:
        return self._channels.keys()

    def subscribe(self, channel: Channel) -> None:
        self._channels[channel.stream] = channel
        self._follow_channels()

    def unsubscribe(self, stream: tuple[str, ...]) -> None:
        self._channels.pop(stream, None)
        self._follow_channels()

    def _follow_channels(self) -> None:
        self._listener.topics = frozenset(topic for channel in self._channels.values() for topic in channel.topics)

    async def events(self) -> AsyncGenerator[list[Event], None]:
        """The events; an empty list is a heartbeat. Ends when the token is no longer valid, which the hub notices within two seconds,
        and after lost messages: the client then reads its timelines when it returns, instead of missing posts without a sign."""
        sent_at = clock.monotonic()
        while True:
            heard = await self._listener.next(HEARTBEAT_SECONDS)
            if AddressShutOut() in heard or (LoginChanged() in heard and not await self._is_token_open()):
                return
            is_due = clock.monotonic() - sent_at >= HEARTBEAT_SECONDS
            if LookAgain() in heard:
                await asyncio.sleep(clock.draw(1000) / 1000 * SPREAD_SECONDS)
                return
            try:
                events = await self._events_of(heard)
            except Unavailable:  # no database: they are handled later
                await asyncio.sleep(RETRY_SECONDS)
                for one in heard:
                    self._listener.tell(one)
                continue
            if events or is_due:
                sent_at = clock.monotonic()
                yield events

    async def _is_token_open(self) -> bool:
        """True also when the database is unavailable: the hub looks again."""
        try:
            async with self._rendering.database.read() as conn:
                return await is_token_open_unscoped(conn, self._token_id)
        except Unavailable:
            return True

    async def _events_of(self, heard: list[Heard]) -> list[Event]:
        filters = await self._filters(heard)
        entries = [one.entry for one in heard if isinstance(one, PostHeard | PostChanged)]
        statuses = await self._rendering.statuses(entries, self._viewer_id, filters) if entries else {}
        events: list[Event] = []
        for one in heard:
            name, payload, channels = "", b"", list(self._channels.values())
            match one:
                case PostHeard() | PostChanged():
                    name = "update" if isinstance(one, PostHeard) else "status.update"
                    payload = statuses.get(one.post_id, b"")
                    channels = [channel for channel in channels if one.topic in channel.topics]
                case PostWithdrawn():
                    name, payload = "delete", b"%d" % one.post_id
                    channels = [channel for channel in channels if channel.topics]
                case NoticeHeard() if one.notification_id == MERGED:
                    name, payload, channels = "notifications_merged", b"1", [channel for channel in channels if channel.has_notifications]
                case NoticeHeard() if one.notification_id:
                    name, channels = "notification", [channel for channel in channels if channel.has_notifications]
                    if channels:
                        payload = await self._rendering.notification(one.notification_id, self._viewer_id, filters) or b""
                case ConversationHeard():
                    name, channels = "conversation", [channel for channel in channels if channel.has_conversations]
                    if channels:
                        payload = await self._rendering.conversation(one.conversation_id, self._viewer_id, filters) or b""
                case ReactionHeard() | RulesHeard() | RulesEnded() | FiltersChanged():
                    at_home = [channel for channel in channels if HOME in channel.topics]
                    events += [Event(channel.stream, *event) for event in await self._at_home(one) for channel in at_home]
            if payload:
                events += [Event(channel.stream, name, payload) for channel in channels]
        return events

    async def _at_home(self, heard: ReactionHeard | RulesHeard | RulesEnded | FiltersChanged) -> Sequence[tuple[str, bytes | None]]:
        """(event, payload) of what only the member's home timeline carries, beside posts."""
        match heard:
            case ReactionHeard():
                return [("announcement.reaction", _encode(counted_entity(heard.reaction)))]
            case RulesHeard():
                return await self._rendering.announcements(heard.version, self._viewer)
            case RulesEnded():
                is_told = self._viewer.account.created_at < heard.in_force_at
                return [("announcement.delete", announcement_id(heard.version).encode())] if is_told else []
            case FiltersChanged():
                return [("filters_changed", None)]

    async def _filters(self, heard: list[Heard]) -> FilterSet | None:
        """The viewer's filters, after the changes among these items."""
        self._filters_version = max([self._filters_version, *(one.version for one in heard if isinstance(one, FiltersChanged))])
        return await self._rendering.filters.of(self._viewer_id, self._filters_version) if self._filters_version else None
