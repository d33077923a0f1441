"""Live updates for a page that is open: new posts and notices wait behind a button, announced by server-sent events.

Nothing is pushed into the page: it learns how many there are, and which posts it should not show any longer. At most
five such connections per member and process. One that is left open ends with its session: at once when that is
announced, and else at the next heartbeat.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
from starlette.responses import StreamingResponse

from folkmoot.base import clock, ids
from folkmoot.base.errors import TooMany, Unavailable
from folkmoot.base.limits import address_key
from folkmoot.base.paging import Page
from folkmoot.http.routing import Access, Route
from folkmoot.network.notifications.queries import count_unread
from folkmoot.network.sessions.queries import is_session_open_unscoped
from folkmoot.network.timelines.queries import get_home
from folkmoot.streaming.hub import Listener
from folkmoot.streaming.model import HOME, Heard, LoginChanged, LookAgain, NoticeHeard, PostHeard, PostWithdrawn
from folkmoot.web.request import Request

_MOST = 5
_MOST_OF_AN_ADDRESS = 20
_MOST_COUNTED = 40  # new posts that are counted when the page looks again
BEAT = 15.0  # seconds between signs of life
_open: Counter[object] = Counter()  # by account, and by address


async def home(request: Request) -> StreamingResponse:
    if _is_full(request):
        raise TooMany(retry_after=60)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(request), media_type="text/event-stream", headers=headers)


def _is_full(request: Request) -> bool:
    return _open[request.viewer.id] >= _MOST or _open[address_key(request.address)] >= _MOST_OF_AN_ADDRESS


async def _events(request: Request) -> AsyncIterator[bytes]:
    """`posts`: how many new ones wait; `notices`: how many are unread; `withdrawn`: which are gone; with the words to show."""
    if _is_full(request):  # several asked at the same moment
        return
    counted: tuple[object, object] = request.viewer.id, address_key(request.address)
    _open.update(counted)
    try:
        with request.context.hub.listen(request.viewer.id, [HOME]) as listener:
            yield b": here\n\n"
            async for line in _lines(request, listener):
                yield line
    finally:
        _open.subtract(counted)
        for one in counted:
            if not _open[one]:
                del _open[one]


async def _lines(request: Request, listener: Listener) -> AsyncIterator[bytes]:
    """What the page is told, until its session ends."""
    began, waiting, asked_at = ids.make_id(0), 0, clock.monotonic()
    while True:
        heard = await listener.next(BEAT)
        if clock.monotonic() - asked_at >= BEAT or not heard or any(isinstance(one, LoginChanged | LookAgain) for one in heard):
            asked_at = clock.monotonic()
            if not await _is_session_open(request):
                return
        if not heard:
            yield b": here\n\n"
            continue
        try:
            waiting, lines = await _told(request, heard, waiting, began)
        except Unavailable:  # the database is away: what was heard is told when it is back
            await asyncio.sleep(1)
            for one in heard:
                listener.tell(one)
            continue
        for line in lines:
            yield line


async def _is_session_open(request: Request) -> bool:
    """A database that is away ends no session: the next heartbeat asks again."""
    try:
        async with request.database.read() as conn:
            return await is_session_open_unscoped(conn, request.viewer.id, request.viewer.session_id or 0)
    except Unavailable:
        return True


async def _told(request: Request, heard: list[Heard], waiting: int, began: int) -> tuple[int, list[bytes]]:
    """How many new posts wait now, and the lines that say what has changed."""
    must_look = any(isinstance(one, LookAgain) for one in heard)
    before, lines = waiting, []
    waiting += sum(isinstance(one, PostHeard) for one in heard)
    if must_look:
        async with request.database.read() as conn:
            found = await get_home(conn, request.viewer.id, Page(limit=_MOST_COUNTED, since_id=began))
        waiting = max(waiting, len(found.entries))
    if must_look or any(isinstance(one, NoticeHeard) for one in heard):
        async with request.database.read() as conn:
            lines.append(_event("notices", {"count": await count_unread(conn, request.viewer.id)}))
    gone = [str(one.post_id) for one in heard if isinstance(one, PostWithdrawn)]
    if gone:
        lines.append(_event("withdrawn", {"ids": gone, "words": request.sentence("This post is not here any longer.")}))
    if waiting > before:
        words = request.translator.plural("%(count)s new post", "%(count)s new posts", waiting)
        lines.append(_event("posts", {"count": waiting, "words": words}))
    return waiting, lines


def _event(name: str, data: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


ROUTES = [Route("GET", "/live/home", home, Access.MEMBER)]
