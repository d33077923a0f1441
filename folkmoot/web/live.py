"""Live updates for a page that is open: new posts and notices wait behind a button, announced by server-sent events.

Nothing is pushed into the page: it learns how many there are, and which posts it should not show any longer. At most
five such connections per member and process; one that is left open ends with the session.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
from starlette.responses import StreamingResponse

from folkmoot.base.errors import TooMany
from folkmoot.base.limits import address_key
from folkmoot.http.routing import Access, Route
from folkmoot.network.notifications.model import topic
from folkmoot.network.notifications.queries import count_unread
from folkmoot.network.posts.actions import WITHDRAWN_TOPIC
from folkmoot.network.posts.model import Withdrawn
from folkmoot.network.relations.queries import list_followed_among
from folkmoot.network.sessions.model import login_topic
from folkmoot.network.timelines.live import home_feed
from folkmoot.web.request import Request

_MOST = 5
_MOST_OF_AN_ADDRESS = 20
_MOST_GONE = 500  # posts that are told of at once
_BEAT = 15  # seconds between signs of life
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
    viewer_id, live = request.viewer.id, request.database.live
    places: tuple[object, object] = viewer_id, address_key(request.address)
    changed, ended, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
    withdrawn: list[Withdrawn] = []

    def withdraw(body: bytes) -> None:
        if len(withdrawn) < _MOST_GONE:
            withdrawn.append(msgspec.json.decode(body, type=Withdrawn))
        gone.set()

    stops = [
        live.subscribe(topic(viewer_id), lambda _body: changed.set()),
        live.subscribe(login_topic(viewer_id), lambda _body: ended.set()),
        live.subscribe(WITHDRAWN_TOPIC, withdraw),
    ]
    _open.update(places)
    waiting = 0
    try:
        async with home_feed(request.database, viewer_id) as feed:
            yield b": here\n\n"
            while not ended.is_set():
                posts = asyncio.create_task(feed.next_entries(_BEAT))
                others = [asyncio.create_task(event.wait()) for event in (changed, ended, gone)]
                try:
                    await asyncio.wait([posts, *others], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in others:
                        task.cancel()
                    await asyncio.gather(*others, return_exceptions=True)
                if changed.is_set():
                    changed.clear()
                    yield await _notices(request)
                if gone.is_set():
                    gone.clear()
                    found, withdrawn[:] = list(withdrawn), []
                    ids = await _for_them(request, found)
                    if ids:
                        yield _event("withdrawn", {"ids": ids, "words": request.sentence("This post is not here any longer.")})
                entries = await posts if posts.done() else []
                if not posts.done():
                    posts.cancel()
                    await asyncio.gather(posts, return_exceptions=True)
                waiting += len([entry for entry in entries if entry.is_visible])
                if entries:
                    words = request.translator.plural("%(count)s new post", "%(count)s new posts", waiting)
                    yield _event("posts", {"count": waiting, "words": words})
                else:
                    yield b": here\n\n"
    finally:
        _open.subtract(places)
        for place in places:
            if not _open[place]:
                del _open[place]
        for stop in stops:
            stop()


async def _for_them(request: Request, found: list[Withdrawn]) -> list[str]:
    """The ids that this reader may hear of: of open posts, and of people whom they follow."""
    others = {one.account_id for one in found if not one.is_open}
    followed: set[int] = set()
    if others:
        async with request.database.read() as conn:
            followed = await list_followed_among(conn, request.viewer.id, list(others))
    return [str(one.post_id) for one in found if one.is_open or one.account_id in followed]


async def _notices(request: Request) -> bytes:
    async with request.database.read() as conn:
        count = await count_unread(conn, request.viewer.id)
    return _event("notices", {"count": count})


def _event(name: str, data: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


ROUTES = [Route("GET", "/live/home", home, Access.MEMBER)]
