"""Live updates for an open page, as server-sent events.

The page receives no content: only the numbers of new posts and of what waits for the member, and the ids of posts that
it must no longer show. The connections of a page have one event id, of the moment of the first: a browser that connects
again sends it back, so that its new posts are counted from the first connection on, and none is missed in between.
At most five connections per member and process. A connection ends with its session: at once when the end is announced,
otherwise when the hub notices it, within two seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import msgspec

from folkmoot.base import ids
from folkmoot.base.errors import Unavailable
from folkmoot.base.ids import parse_id
from folkmoot.base.paging import Page
from folkmoot.http.event_stream import EventStream
from folkmoot.http.routing import Access, Route
from folkmoot.network.attention.queries import count_waiting
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.sessions.queries import is_session_open_unscoped
from folkmoot.network.timelines.model import Entry
from folkmoot.network.timelines.queries import get_home
from folkmoot.streaming.hub import Listener
from folkmoot.streaming.log_ins import LogIn
from folkmoot.streaming.model import (
    HOME,
    AddressShutOut,
    ConversationHeard,
    FiltersChanged,
    Heard,
    LoginChanged,
    LookAgain,
    NoticeHeard,
    PostHeard,
    PostWithdrawn,
)
from folkmoot.streaming.places import Places
from folkmoot.web.request import Request

_MAX_COUNTED = 40  # new posts that are counted after lost messages
HEARTBEAT_SECONDS = 15.0
_RETRY_MS = 2000  # after which a browser connects again
_places = Places(per_member=5, per_address=20)


async def home(request: Request) -> EventStream:
    return EventStream(_events(request), _places.take(request.viewer.id, request.address))


async def _events(request: Request) -> AsyncGenerator[bytes, None]:
    """`posts`: the number of new ones; `waiting`: the counts in the head of the page; `withdrawn`: the ids of posts to hide."""
    known = parse_id(request.headers.get("last-event-id", ""))
    began = known or ids.make_id(0)
    log_in = LogIn(session_id=request.viewer.session_id, address=request.address)
    with request.context.hub.listen(request.viewer.id, [HOME], log_in) as listener:
        if known:
            listener.tell(LookAgain())
        yield b": here\nretry: %d\nid: %d\n\n" % (_RETRY_MS, began)
        async for line in _lines(request, listener, began):
            yield line


async def _lines(request: Request, listener: Listener, began: int) -> AsyncIterator[bytes]:
    """The events for the page, until its session ends."""
    waiting = 0
    while True:
        heard = await listener.next(HEARTBEAT_SECONDS)
        if AddressShutOut() in heard:
            return
        if any(isinstance(one, LoginChanged | LookAgain) for one in heard) and not await _is_session_open(request):
            return
        if not heard:
            yield b": here\n\n"
            continue
        try:
            waiting, lines = await _describe(request, heard, waiting, began)
        except Unavailable:  # no database: the messages are handled later
            await asyncio.sleep(1)
            for one in heard:
                listener.tell(one)
            continue
        for line in lines:
            yield line


async def _is_session_open(request: Request) -> bool:
    """True also when the database is unavailable: the hub looks again."""
    try:
        async with request.database.read() as conn:
            return await is_session_open_unscoped(conn, request.viewer.id, request.viewer.session_id or 0)
    except Unavailable:
        return True


async def _describe(request: Request, heard: list[Heard], waiting: int, began: int) -> tuple[int, list[bytes]]:
    """The number of new posts so far, and the events about what has changed."""
    must_count = any(isinstance(one, LookAgain) for one in heard)
    before, lines = waiting, []
    for change in (one for one in heard if isinstance(one, FiltersChanged)):
        request.filters = await request.context.filters.of(request.viewer.id, change.version)
    waiting += await _count(request, [one.entry for one in heard if isinstance(one, PostHeard) and not one.is_direct])
    if must_count:
        async with request.database.read() as conn:
            found = await get_home(conn, request.viewer.id, Page(limit=_MAX_COUNTED, since_id=began), with_direct=False)
        waiting = max(waiting, await _count(request, found.entries))
    if must_count or any(isinstance(one, NoticeHeard | ConversationHeard) for one in heard):
        async with request.database.read() as conn:
            counts = await count_waiting(conn, request.viewer.id)
        lines.append(_event("waiting", msgspec.to_builtins(await request.without_hidden(counts))))
    withdrawn = [str(one.post_id) for one in heard if isinstance(one, PostWithdrawn)]
    if withdrawn:
        lines.append(_event("withdrawn", {"ids": withdrawn, "words": request.sentence("This post is no longer here.")}))
    if waiting > before:
        words = request.translator.plural("%(count)s new post", "%(count)s new posts", waiting)
        lines.append(_event("posts", {"count": waiting, "words": words}))
    return waiting, lines


async def _count(request: Request, entries: Sequence[Entry]) -> int:
    """How many of these posts the home page shows."""
    if not request.filters or not request.filters.hides_in(FilterContext.HOME):
        return len(entries)
    return len(await request.views(entries, FilterContext.HOME))


def _event(name: str, data: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


ROUTES = [Route("GET", "/live/home", home, Access.MEMBER)]
