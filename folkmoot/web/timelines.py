"""Pages of timelines: home, explore, hashtags, bookmarks, favourites."""

from contextlib import suppress
from typing import Any

from folkmoot.base.errors import NotFound, WritesPaused
from folkmoot.base.ids import time_of
from folkmoot.base.paging import Page
from folkmoot.base.text import clean_line
from folkmoot.base.tokens import hashtag_key, is_hashtag
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route
from folkmoot.network.filters.matching import apply_filters
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.followed_tags.queries import find_followed
from folkmoot.network.notifications.actions import mark_read
from folkmoot.network.notifications.model import Marker
from folkmoot.network.notifications.queries import list_markers
from folkmoot.network.posts.model import PostView
from folkmoot.network.posts.queries import list_marked_ids
from folkmoot.network.timelines.jobs import rebuild_soon
from folkmoot.network.timelines.queries import get_hashtag, get_home, get_public, list_entries
from folkmoot.network.trends import queries as trends
from folkmoot.web.request import PAGE_SIZE, Request
from folkmoot.web.rules import find_news, reactions_to

_TRENDING_TAGS, _TRENDING_LINKS = 8, 3
_KEPT_FOR = 2.0  # seconds after which visitors without an account see new posts


async def front(request: Request) -> Reply:
    """The home timeline; without a session the newest public posts."""
    return await (home(request) if request.signed_in else explore(request))


async def home(request: Request) -> Reply:
    page = request.page()
    async with request.database.read() as conn:
        timeline = await get_home(conn, request.viewer.id, page, with_direct=False)
        markers = await list_markers(conn, request.viewer.id, ["home"])
    if timeline.is_partial:
        rebuild_soon(request.database, request.viewer.id)
    views = await request.views(timeline.entries, FilterContext.HOME)
    marker = markers[0] if markers else None
    news = find_news(request)
    reply = await request.show(
        "timelines/home.html", views=views, marker=marker, news=news, reactions=await reactions_to(request, news),
        mark_below=_mark_below(views, marker),
        **page_links(page, timeline.ids),
    )
    if views and page.max_id is None and (marker is None or views[0].post.id > marker.last_read_id):
        with suppress(WritesPaused):  # the page can still be read
            async with request.database.write(waits=False) as tx:
                await mark_read(tx, request.viewer.id, "home", views[0].post.id)
    return reply


def _mark_below(views: list[PostView], marker: Marker | None) -> int | None:
    """The id of the last new post, below which the read mark stands; None if no post or every post is new."""
    if marker is None:
        return None
    fresh = [view.post.id for view in views if view.post.id > marker.last_read_id]
    return fresh[-1] if 0 < len(fresh) < len(views) else None


async def explore(request: Request) -> Reply:
    """The public posts of this network, newest first."""
    page = request.page()
    async with request.database.read() as conn:
        timeline = await get_public(conn, request.viewer_id, page, is_local=True)
        is_first = page.max_id is None and page.min_id is None
        tags = await trends.list_hashtags(conn, _TRENDING_TAGS) if is_first else []
        links = await trends.list_links(conn, _TRENDING_LINKS) if is_first else []
    views = await request.views(timeline.entries, FilterContext.PUBLIC)
    request.note_shown(views, kept_for=_KEPT_FOR)
    return await request.show("timelines/explore.html", views=views, tags=tags, links=links, **page_links(page, timeline.ids))


async def liked(request: Request) -> Reply:
    """The posts of the last days that most people have liked or boosted."""
    async with request.database.read() as conn:
        ids = await trends.list_post_ids(conn, request.viewer_id, PAGE_SIZE)
        entries = await list_entries(conn, ids, request.viewer_id)
    views = apply_filters(request.filters, FilterContext.PUBLIC, await request.chosen_views(entries))
    request.note_shown(views, kept_for=_KEPT_FOR)
    return await request.show("timelines/liked.html", views=views)


async def hashtag(request: Request) -> Reply:
    name = clean_line(request.value("hashtag"))
    if not is_hashtag(name):
        raise NotFound
    page = request.page()
    async with request.database.read() as conn:
        timeline = await get_hashtag(conn, request.viewer_id, page, [hashtag_key(name)])
        is_followed = bool(await find_followed(conn, request.viewer_id, [hashtag_key(name)]))
    views = await request.views(timeline.entries, FilterContext.PUBLIC)
    request.note_shown(views, kept_for=_KEPT_FOR)
    return await request.show(
        "timelines/hashtag.html", views=views, hashtag=name, is_followed=is_followed, **page_links(page, timeline.ids)
    )


def _marked(table: str) -> Handler:
    """The page of bookmarked or favourited posts, in the order of the marks; at its end those that the viewer may no longer see."""

    async def handle(request: Request) -> Reply:
        page = request.page()
        async with request.database.read() as conn:
            rows = await list_marked_ids(conn, table, request.viewer.id, page)
            entries = await list_entries(conn, [post_id for _, post_id in rows], request.viewer.id)
        views = await request.chosen_views(entries)
        shown = {view.post.id for view in views}
        withheld = [(post_id, time_of(post_id)) for _, post_id in rows if post_id not in shown]
        return await request.show(
            "timelines/marked.html", views=views, withheld=withheld, table=table, **page_links(page, [row_id for row_id, _ in rows])
        )

    return handle


def page_links(page: Page, cursors: list[int]) -> dict[str, Any]:
    """The cursors of the links `older` and `newer`; None for no link. `cursors`: all ids of the page."""
    is_full = len(cursors) >= page.limit
    return {
        "older": cursors[-1] if cursors and (is_full or page.min_id is not None) else None,
        "newer": cursors[0] if cursors and (page.max_id is not None or (page.min_id is not None and is_full)) else None,
    }


ROUTES = [
    Route("GET", "/", front, Access.PUBLIC, is_open=True),
    Route("GET", "/explore", explore, Access.PUBLIC, is_open=True),
    Route("GET", "/explore/liked", liked, Access.PUBLIC, is_open=True),
    Route("GET", "/tags/{hashtag}", hashtag, Access.PUBLIC, is_open=True),
    Route("GET", "/bookmarks", _marked("bookmarks"), Access.MEMBER),
    Route("GET", "/favourites", _marked("favourites"), Access.MEMBER),
]
