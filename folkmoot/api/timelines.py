"""Timelines through the client API."""

from typing import Annotated

from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import PageOf20, about
from folkmoot.api.request import Request
from folkmoot.api.status_shapes import Status
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.base.tokens import hashtag_key
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.cards.addresses import normal_address
from folkmoot.network.lists.queries import get_list
from folkmoot.network.timelines.jobs import rebuild_soon
from folkmoot.network.timelines.queries import get_hashtag, get_link, get_list_timeline, get_public


class PublicTimeline(PageOf20, frozen=True, kw_only=True):
    local: Annotated[bool, about("Only posts of this network.")] = False
    remote: Annotated[bool, about("Only posts of other networks. Always empty: there is no federation yet.")] = False
    only_media: Annotated[bool, about("Only posts with pictures.")] = False


class HashtagTimeline(PageOf20, frozen=True, kw_only=True):
    any: Annotated[tuple[str, ...], about("Further hashtags: posts with any of them are shown too.")] = ()
    all: Annotated[tuple[str, ...], about("Only posts that have all of these hashtags.")] = ()
    none: Annotated[tuple[str, ...], about("No posts that have one of these hashtags.")] = ()
    local: Annotated[bool, about("Only posts of this network.")] = False
    only_media: Annotated[bool, about("Only posts with pictures.")] = False


class LinkTimeline(PageOf20, frozen=True, kw_only=True):
    url: Annotated[str, about("The address as the status has it.")]


async def home(request: Request, params: PageOf20) -> Reply:
    """The home timeline. 206 while it is being built: the page is complete, and clients request it again."""
    timeline = await request.context.homes.get(request.viewer.id, params.page)
    if timeline.is_partial:
        rebuild_soon(request.database, request.viewer.id)
    return await request.timeline(timeline, 206 if timeline.is_partial else 200)


async def public(request: Request, params: PublicTimeline) -> Reply:
    """Everybody's public posts, newest first."""
    if params.remote:
        return request.json([])
    async with request.database.read() as conn:
        timeline = await get_public(
            conn, request.viewer_id, params.page, is_local=params.local, only_media=params.only_media
        )
    return await request.timeline(timeline)


async def of_list(request: Request, params: PageOf20) -> Reply:
    """The posts of the accounts in a list."""
    async with request.database.read() as conn:
        await get_list(conn, request.viewer.id, request.id())
        timeline = await get_list_timeline(conn, request.viewer.id, request.id(), params.page)
    return await request.timeline(timeline)


async def hashtag(request: Request, params: HashtagTimeline) -> Reply:
    """Public posts with a hashtag."""
    any_of = [request.value("hashtag"), *params.any]
    async with request.database.read() as conn:
        timeline = await get_hashtag(
            conn, request.viewer_id, params.page, [hashtag_key(name) for name in any_of],
            all_of=[hashtag_key(name) for name in params.all], none_of=[hashtag_key(name) for name in params.none],
            is_local=params.local, only_media=params.only_media,
        )
    return await request.timeline(timeline)


async def link(request: Request, params: LinkTimeline) -> Reply:
    """Public statuses with a preview card of an address, of accounts that want to be found. 404 if there are none."""
    address = normal_address(params.url)
    if address is None:
        raise NotFound
    async with request.database.read() as conn:
        timeline = await get_link(conn, request.viewer_id, params.page, address)
    if not timeline.entries and params.page == Page(limit=params.limit):
        raise NotFound
    return await request.timeline(timeline)


ROUTES = [
    endpoint(
        "GET", "/api/v1/timelines/home", home, Access.MEMBER, "read:statuses", params=PageOf20, answer=list[Status],
        further={206: "while it is being built"}
    ),
    endpoint("GET", "/api/v1/timelines/public", public, Access.PUBLIC, "read:statuses", params=PublicTimeline, answer=list[Status]),
    endpoint(
        "GET", "/api/v1/timelines/tag/{hashtag}", hashtag, Access.PUBLIC, "read:statuses", params=HashtagTimeline, answer=list[Status]
    ),
    endpoint("GET", "/api/v1/timelines/link", link, Access.PUBLIC, "read:statuses", params=LinkTimeline, answer=list[Status]),
    endpoint("GET", "/api/v1/timelines/list/{id}", of_list, Access.MEMBER, "read:lists", params=PageOf20, answer=list[Status]),
]
