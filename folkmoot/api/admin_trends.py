"""Mastodon's admin API: hashtags, and what many talk about. The same acts as on the page `/moderate/trends`: a hashtag or a link is held
back from the trends, or let in again. A status restricts its author, so it needs a case and a statement (decision 0118)."""

from collections.abc import Sequence
from typing import Annotated, TypeVar
from urllib.parse import quote

import msgspec

from folkmoot.api.admin_shapes import AdminTag, AdminTrendingCard, AdminTrendingStatus
from folkmoot.api.endpoints import endpoint
from folkmoot.api.followed_tags import hashtag_name, tags_of
from folkmoot.api.parameters import Offset, Parameters, UpTo40, UpTo200, about
from folkmoot.api.request import Request, encode
from folkmoot.api.status_shapes import Status
from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.base.tokens import hashtag_key
from folkmoot.http.replies import JSON, Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.cases.queries import list_with_open_case
from folkmoot.moderation.members.measures import limit_reach, restore_reach
from folkmoot.moderation.restrictions.queries import list_limited_posts
from folkmoot.moderation.trends.actions import hold_back, let_in
from folkmoot.network.posts.card import Card
from folkmoot.network.posts.queries import get_post_view
from folkmoot.network.search.model import Hashtag
from folkmoot.network.search.queries import find_hashtag, list_hashtags
from folkmoot.network.timelines.queries import list_entries
from folkmoot.network.trends import queries as trends
from folkmoot.network.trends.model import KEPT_OF_A_KIND, POST_SPAN, Kind

_MOST_HELD_BACK = 200
_KEPT = "Hashtags are held back from the trends or not; nothing else can be changed about them."
_T = TypeVar("_T")


class PageOfHashtags(Parameters, frozen=True, kw_only=True):
    """Ids of hashtags are words, so the bounds are words too: those of the `Link` header."""

    max_id: Annotated[str, about("Only hashtags before it.")] = ""
    min_id: Annotated[str, about("Only hashtags after it; returns those directly after it.")] = ""
    limit: UpTo200 = 100


class HashtagChanges(Parameters, frozen=True, kw_only=True):
    """`trendable` holds a hashtag back from the trends, or lets it in. A change of anything else is refused with 422."""

    trendable: bool | None = None
    usable: bool | None = None
    listable: bool | None = None
    display_name: str | None = None

    def require_possible(self, tag: Hashtag) -> None:
        """Raises Invalid."""
        for name in ("usable", "listable"):
            if getattr(self, name) is False:
                raise Invalid(FieldError(name, "inclusion", _KEPT))
        if self.display_name not in (None, "", tag.name):
            raise Invalid(FieldError("display_name", "inclusion", _KEPT))


class OfTrends(Parameters, frozen=True, kw_only=True):
    limit: UpTo40 = 10
    offset: Offset = 0

    def part(self, found: Sequence[_T]) -> list[_T]:
        return list(found[self.offset : self.offset + self.limit])


async def hashtags(request: Request, params: PageOfHashtags) -> Reply:
    """Hashtags of public statuses, ordered by their ids, the last first."""
    async with request.database.read() as conn:
        found = await list_hashtags(conn, hashtag_key(params.max_id), hashtag_key(params.min_id), params.limit)
        shown = await _tags(conn, request, found)
    return Reply(encode(shown), 200, JSON, request.links([quote(tag.key, safe="") for tag in found]))


async def hashtag(request: Request) -> Reply:
    """A hashtag of public statuses, or one that is held back."""
    return await _show(request)


async def update(request: Request, params: HashtagChanges) -> Reply:
    """Changes whether a hashtag can be a trend. In the journal, like every such step."""
    async with request.database.write() as tx:
        params.require_possible(await _get(tx, request))
        if params.trendable is not None:
            await (let_in if params.trendable else hold_back)(tx, request.viewer, f"#{hashtag_name(request)}")
    return await _show(request)


async def approve(request: Request) -> Reply:
    """A hashtag that was held back may be a trend again, from the next count on."""
    async with request.database.write() as tx:
        await let_in(tx, request.viewer, f"#{hashtag_name(request)}")
    return await _show(request)


async def reject(request: Request) -> Reply:
    """From now on a hashtag is in no trends. Statuses with it stay as they are."""
    async with request.database.write() as tx:
        await hold_back(tx, request.viewer, f"#{hashtag_name(request)}")
    return await _show(request)


async def trending_hashtags(request: Request, params: OfTrends) -> Reply:
    """Hashtags that are trends now, then those that are held back."""
    async with request.database.read() as conn:
        shown = await trends.list_hashtags(conn, KEPT_OF_A_KIND)
        found = params.part([*shown, *await trends.list_refused_hashtags(conn, _MOST_HELD_BACK)])
        return request.json(await _tags(conn, request, found))


async def trending_links(request: Request, params: OfTrends) -> Reply:
    """Links that are trends now, then those that are held back."""
    async with request.database.read() as conn:
        shown = await trends.list_links(conn, KEPT_OF_A_KIND)
        found = params.part([*shown, *await trends.list_refused_links(conn, _MOST_HELD_BACK)])
        return request.json(await _cards(conn, request, found))


async def approve_link(request: Request) -> Reply:
    """A link that was held back may be a trend again, from the next count on."""
    return await _decide_link(request, is_shown=True)


async def reject_link(request: Request) -> Reply:
    """From now on a link is in no trends. Statuses with it stay as they are."""
    return await _decide_link(request, is_shown=False)


async def trending_statuses(request: Request, params: OfTrends) -> Reply:
    """Statuses that are trends now, then those of the last three days that would be if a decision did not limit their reach."""
    async with request.database.read() as conn:
        shown = await trends.list_post_ids(conn, None, KEPT_OF_A_KIND)
        limited = await list_limited_posts(conn, clock.now() - POST_SPAN)
        found = params.part([*shown, *await trends.list_limited_ids(conn, limited, _MOST_HELD_BACK)])
        entries = await list_entries(conn, found, request.viewer_id)
        open_ids = await list_with_open_case(conn, Subject.POST, found)
    written = await request.statuses(entries)
    return request.json([
        AdminTrendingStatus(
            **{name: getattr(status, name) for name in Status.__struct_fields__}, trendable=entry.id not in limited,
            requires_review=entry.id in open_ids and status.account.id != str(request.viewer_id),
        )
        for entry, status in zip(entries, msgspec.json.decode(written, type=list[Status]), strict=True)
    ])


async def approve_status(request: Request) -> Reply:
    """Ends the limits on the reach of a status, so that it may be a trend again. 409 while an appeal decides about it."""
    translator = request.entities.translator(request.viewer.login.language)
    async with request.database.write() as tx:
        await restore_reach(tx, request.viewer, request.id(), translator)
    return await _status(request)


async def reject_status(request: Request) -> Reply:
    """Limits the reach of a status, with a statement of reasons for its author, by a decision about its open case. 409 without one: who
    finds something reports it, and somebody else decides."""
    async with request.database.write() as tx:
        await limit_reach(tx, request.viewer, request.id())
    return await _status(request)


async def _get(conn: ReadConn, request: Request) -> Hashtag:
    """The hashtag in the path. Raises NotFound for one that neither is in a public post nor held back."""
    name = hashtag_name(request)
    found = await find_hashtag(conn, name)
    if found is None and hashtag_key(name) not in await trends.find_refused(conn, Kind.HASHTAG, [hashtag_key(name)]):
        raise NotFound
    return found or Hashtag(key=hashtag_key(name), name=name)


async def _show(request: Request) -> Reply:
    async with request.database.read() as conn:
        [shown] = await _tags(conn, request, [await _get(conn, request)])
    return request.json(shown)


async def _tags(conn: ReadConn, request: Request, found: Sequence[Hashtag]) -> list[AdminTag]:
    refused = await trends.find_refused(conn, Kind.HASHTAG, [tag.key for tag in found])
    return [
        AdminTag(
            **msgspec.structs.asdict(shown), trendable=tag.key not in refused, usable=True, listable=True, requires_review=False
        )
        for tag, shown in zip(found, await tags_of(conn, request, found), strict=True)
    ]


async def _cards(conn: ReadConn, request: Request, found: Sequence[Card]) -> list[AdminTrendingCard]:
    urls = [card.url for card in found]
    refused = await trends.find_refused(conn, Kind.LINK, urls)
    histories = await trends.list_histories(conn, Kind.LINK, urls, clock.now())
    return [
        AdminTrendingCard(
            **msgspec.structs.asdict(request.entities.trending_card(card, histories[card.url])), id=str(card.id),
            trendable=card.url not in refused, requires_review=False,
        )
        for card in found
    ]


async def _decide_link(request: Request, *, is_shown: bool) -> Reply:
    async with request.database.write() as tx:
        card = await trends.get_card(tx, request.id())
        await (let_in if is_shown else hold_back)(tx, request.viewer, card.url)
        [shown] = await _cards(tx, request, [card])
    return request.json(shown)


async def _status(request: Request) -> Reply:
    async with request.database.read() as conn:
        return request.json(request.entities.status(await get_post_view(conn, request.id(), request.viewer_id), request.viewer_id))


_BASE = "/api/v1/admin"
_TRENDS = f"{_BASE}/trends"
_READ, _WRITE = (Access.MODERATOR, "admin:read"), (Access.MODERATOR, "admin:write")
ROUTES = [
    endpoint("GET", f"{_BASE}/tags", hashtags, *_READ, params=PageOfHashtags, answer=list[AdminTag]),
    endpoint("GET", f"{_BASE}/tags/{{name}}", hashtag, *_READ, answer=AdminTag),
    endpoint("PUT", f"{_BASE}/tags/{{name}}", update, *_WRITE, params=HashtagChanges, answer=AdminTag),
    endpoint("PATCH", f"{_BASE}/tags/{{name}}", update, *_WRITE, params=HashtagChanges, answer=AdminTag),
    endpoint("GET", f"{_TRENDS}/tags", trending_hashtags, *_READ, params=OfTrends, answer=list[AdminTag]),
    endpoint("POST", f"{_TRENDS}/tags/{{name}}/approve", approve, *_WRITE, answer=AdminTag),
    endpoint("POST", f"{_TRENDS}/tags/{{name}}/reject", reject, *_WRITE, answer=AdminTag),
    endpoint("GET", f"{_TRENDS}/links", trending_links, *_READ, params=OfTrends, answer=list[AdminTrendingCard]),
    endpoint("POST", f"{_TRENDS}/links/{{id}}/approve", approve_link, *_WRITE, answer=AdminTrendingCard),
    endpoint("POST", f"{_TRENDS}/links/{{id}}/reject", reject_link, *_WRITE, answer=AdminTrendingCard),
    endpoint("GET", f"{_TRENDS}/statuses", trending_statuses, *_READ, params=OfTrends, answer=list[AdminTrendingStatus]),
    endpoint("POST", f"{_TRENDS}/statuses/{{id}}/approve", approve_status, *_WRITE, answer=Status, may_conflict=True),
    endpoint("POST", f"{_TRENDS}/statuses/{{id}}/reject", reject_status, *_WRITE, answer=Status, may_conflict=True),
]
