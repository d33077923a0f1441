"""What many people talk about at once, through the client API: hashtags, links and statuses."""

from folkmoot.api import activity_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.followed_tags import tags_of
from folkmoot.api.parameters import Offset, Parameters, UpTo20, UpTo40
from folkmoot.api.request import Request
from folkmoot.api.status_shapes import Status
from folkmoot.base import clock
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.timelines.queries import list_entries
from folkmoot.network.trends import queries
from folkmoot.network.trends.model import Kind


class TenTrends(Parameters, frozen=True, kw_only=True):
    limit: UpTo20 = 10
    offset: Offset = 0


class TwentyTrends(Parameters, frozen=True, kw_only=True):
    limit: UpTo40 = 20
    offset: Offset = 0


async def hashtags(request: Request, params: TenTrends) -> Reply:
    """Hashtags that at least three accounts have used in public within two days, weighed by how many and how lately."""
    async with request.database.read() as conn:
        found = await queries.list_hashtags(conn, params.limit, params.offset)
        return request.json(await tags_of(conn, request, found))


async def links(request: Request, params: TenTrends) -> Reply:
    """Links that at least three accounts have shared in public within two days, weighed by how many and how lately."""
    async with request.database.read() as conn:
        found = await queries.list_links(conn, params.limit, params.offset)
        histories = await queries.list_histories(conn, Kind.LINK, [card.url for card in found], clock.now())
    return request.json([request.entities.trending_card(card, histories[card.url]) for card in found])


async def statuses(request: Request, params: TwentyTrends) -> Reply:
    """Public statuses of the last three days that most accounts have liked or boosted, one of each author."""
    async with request.database.read() as conn:
        ids = await queries.list_post_ids(conn, request.viewer_id, params.limit, params.offset)
        entries = await list_entries(conn, ids, request.viewer_id)
    return Reply(await request.statuses(entries))


_READ = "read"
_DEPRECATED_AT = 1648598400  # seconds since 1970
ROUTES = [
    endpoint("GET", "/api/v1/trends/tags", hashtags, Access.PUBLIC, _READ, params=TenTrends, answer=list[shapes.Tag]),
    endpoint(
        "GET", "/api/v1/trends", hashtags, Access.PUBLIC, _READ, params=TenTrends, answer=list[shapes.Tag], deprecated_at=_DEPRECATED_AT
    ),
    endpoint("GET", "/api/v1/trends/links", links, Access.PUBLIC, _READ, params=TenTrends, answer=list[shapes.TrendingCard]),
    endpoint("GET", "/api/v1/trends/statuses", statuses, Access.PUBLIC, _READ, params=TwentyTrends, answer=list[Status]),
]
