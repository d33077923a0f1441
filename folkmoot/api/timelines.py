"""Timelines through the client API."""

import asyncio

from folkmoot.api.request import Request
from folkmoot.base.formatting import hashtag_key
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.timelines.jobs import rebuild_when_idle
from folkmoot.network.timelines.queries import get_hashtag, get_home, get_public

_rebuilds: set[asyncio.Task[None]] = set()


async def home(request: Request) -> Reply:
    """206 while the home is being built: the page is right already, and clients come again."""
    page = request.page(20)
    async with request.database.read() as conn:
        timeline = await get_home(conn, request.viewer.id, page)
    if timeline.is_partial and not request.context.is_standby:
        task = asyncio.create_task(rebuild_when_idle(request.database, request.viewer.id))
        _rebuilds.add(task)
        task.add_done_callback(_rebuilds.discard)
    return await request.timeline(timeline, 206 if timeline.is_partial else 200)


async def public(request: Request) -> Reply:
    """Everybody's posts, or this network's. Of others (`remote`) none are heard here yet."""
    query = request.query
    if query.flag("remote"):
        return request.json([])
    async with request.database.read() as conn:
        timeline = await get_public(
            conn, request.viewer_id, request.page(20), is_local=query.flag("local"), only_media=query.flag("only_media")
        )
    return await request.timeline(timeline)


async def hashtag(request: Request) -> Reply:
    query = request.query
    any_of = [request.value("hashtag"), *query.texts("any")]
    async with request.database.read() as conn:
        timeline = await get_hashtag(
            conn, request.viewer_id, request.page(20), [hashtag_key(name) for name in any_of],
            all_of=[hashtag_key(name) for name in query.texts("all")], none_of=[hashtag_key(name) for name in query.texts("none")],
            is_local=query.flag("local"), only_media=query.flag("only_media"),
        )
    return await request.timeline(timeline)


ROUTES = [
    Route("GET", "/api/v1/timelines/home", home, Access.MEMBER, "read:statuses"),
    Route("GET", "/api/v1/timelines/public", public, Access.PUBLIC, "read:statuses"),
    Route("GET", "/api/v1/timelines/tag/{hashtag}", hashtag, Access.PUBLIC, "read:statuses"),
]
