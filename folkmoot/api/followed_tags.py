"""Followed hashtags through the client API, and the entity of a hashtag as a member sees it."""

from collections.abc import Sequence

from folkmoot.api.activity_shapes import Tag
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Cursors, UpTo200
from folkmoot.api.request import Request
from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import NotFound
from folkmoot.base.text import clean_line
from folkmoot.base.tokens import hashtag_key, is_hashtag
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.featured.queries import find_featured
from folkmoot.network.followed_tags import actions
from folkmoot.network.followed_tags.queries import find_followed, list_followed_tags
from folkmoot.network.search.model import Hashtag
from folkmoot.network.search.queries import find_hashtag
from folkmoot.network.trends.model import Kind
from folkmoot.network.trends.queries import list_histories


class PageOfTags(Cursors, frozen=True, kw_only=True):
    limit: UpTo200 = 100


async def index(request: Request, params: PageOfTags) -> Reply:
    """The hashtags that the member follows, the latest followed first."""
    async with request.database.read() as conn:
        found = await list_followed_tags(conn, request.viewer.id, params.page_of(params.limit))
        tags = await tags_of(conn, request, [Hashtag(key=one.key, name=one.name) for one in found])
    return request.listed([(one.id, tag) for one, tag in zip(found, tags, strict=True)])


async def follow(request: Request) -> Reply:
    """Follows a hashtag: public statuses with it are in the home timeline."""
    async with request.database.write() as tx:
        await actions.follow_hashtag(tx, request.account, hashtag_name(request))
        return request.json(await _tag(tx, request))


async def unfollow(request: Request) -> Reply:
    """Ends following a hashtag."""
    async with request.database.write() as tx:
        await actions.unfollow_hashtag(tx, request.account, hashtag_name(request))
        return request.json(await _tag(tx, request))


async def show(request: Request) -> Reply:
    """A hashtag."""
    async with request.database.read() as conn:
        return request.json(await _tag(conn, request))


def hashtag_name(request: Request) -> str:
    """The hashtag in the path. Raises NotFound for what is none."""
    name = clean_line(request.value("name"))
    if not is_hashtag(name):
        raise NotFound
    return name


async def _tag(conn: ReadConn, request: Request) -> Tag:
    name = hashtag_name(request)
    found = await find_hashtag(conn, name) or Hashtag(key=hashtag_key(name), name=name)
    [tag] = await tags_of(conn, request, [found])
    return tag


async def tags_of(conn: ReadConn, request: Request, hashtags: Sequence[Hashtag]) -> list[Tag]:
    """The wire shapes of hashtags, with how much they were used and what the viewer does with them: three statements, one for
    visitors."""
    keys = [hashtag.key for hashtag in hashtags]
    followed = await find_followed(conn, request.viewer_id, keys)
    featured = await find_featured(conn, request.viewer_id, keys)
    histories = await list_histories(conn, Kind.HASHTAG, keys, clock.now())
    return [
        request.entities.hashtag(
            one, request.viewer_id, histories[one.key], is_featured=one.key in featured, is_followed=one.key in followed
        )
        for one in hashtags
    ]


_READ, _WRITE = "read:follows", "write:follows"
ROUTES = [
    endpoint("GET", "/api/v1/followed_tags", index, Access.MEMBER, _READ, params=PageOfTags, answer=list[Tag]),
    endpoint("GET", "/api/v1/tags/{name}", show, Access.PUBLIC, "read", answer=Tag),
    endpoint("POST", "/api/v1/tags/{name}/follow", follow, Access.MEMBER, _WRITE, answer=Tag),
    endpoint("POST", "/api/v1/tags/{name}/unfollow", unfollow, Access.MEMBER, _WRITE, answer=Tag),
]
