"""Search through the client API. A URL of an account or a post finds exactly that one."""

import re
from typing import Annotated, Literal, NamedTuple, cast

import msgspec

from folkmoot.api import account_shapes
from folkmoot.api import activity_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.followed_tags import tags_of
from folkmoot.api.parameters import Cursors, Id, Offset, Parameters, UpTo40, UpTo80, about
from folkmoot.api.request import Request
from folkmoot.api.status_shapes import Status
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import Unauthorized
from folkmoot.base.handles import handle_of, own_path
from folkmoot.base.ids import parse_id
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import find_account_by_handle
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.search import queries
from folkmoot.network.search.model import Hashtag
from folkmoot.network.timelines.queries import list_entries

_PATH = re.compile(r"/(?:@|users/)(?P<name>[\w.@:-]{1,300})(?:/(?:statuses/)?(?P<post>[0-9]{1,19}))?/?")


_SUGGESTED = 10  # hashtags


class Found(NamedTuple):
    accounts: list[Account]
    post_ids: list[int]
    hashtags: list[Hashtag]


class Query(Cursors, frozen=True, kw_only=True):
    q: str
    type: Annotated[str, about("`accounts`, `statuses` or `hashtags`; empty: all of them.")] = ""
    limit: UpTo40 = 20
    offset: Offset = 0
    resolve: Annotated[bool, about("For members only; without effect, because there is no federation yet.")] = False
    following: Annotated[bool, about("Only accounts that the member follows.")] = False
    account_id: Annotated[Id | None, about("Only statuses of this account.")] = None

    def wants(self, kind: str) -> bool:
        return self.type in ("", kind)


async def search(request: Request, params: Query) -> Reply:
    """Accounts, statuses and hashtags. Statuses, `resolve` and `offset` are for members only."""
    text = params.q.strip()
    if request.viewer_id is None and params.resolve:
        raise Unauthorized("Search queries that resolve remote resources are not supported without authentication")
    if request.viewer_id is None and params.offset:
        raise Unauthorized("Search queries pagination is not supported without authentication")
    async with request.database.read() as conn:
        found = await _found_by_url(conn, request, params, text) if "//" in text else None
        if found is None:
            found = await _found_by_text(conn, request, params, text)
        hashtags = await tags_of(conn, request, found.hashtags)
        entries = await list_entries(conn, found.post_ids, request.viewer_id)
    statuses = cast(list[Status], msgspec.Raw(await request.statuses(entries)))  # rendered already
    return request.json(shapes.Search(accounts=request.entities.accounts(found.accounts), statuses=statuses, hashtags=hashtags))


async def _found_by_text(conn: ReadConn, request: Request, params: Query, text: str) -> Found:
    viewer_id, limit, offset = request.viewer_id, params.limit, params.offset
    found = Found([], [], [])
    if params.wants("accounts"):
        found.accounts.extend(await queries.search_accounts(
            conn, viewer_id, text, own_domain=request.context.settings.domain, limit=limit, offset=offset,
            only_followed=params.following and viewer_id is not None,
        ))
    if params.wants("hashtags"):
        found.hashtags.extend(await queries.search_hashtags(conn, text, limit=limit, offset=offset))
    if params.wants("statuses") and viewer_id is not None:
        found.post_ids.extend(await queries.search_post_ids(
            conn, viewer_id, text, params.page_of(limit), offset=offset, author_id=params.account_id
        ))
    return found


async def _found_by_url(conn: ReadConn, request: Request, params: Query, text: str) -> Found | None:
    """The account or post of a URL of this network; None for other URLs, which are searched as text."""
    own = own_path(text, request.context.settings.base_url)
    path = _PATH.fullmatch(own) if own else None
    if path is None:
        return None
    if path["post"]:
        id_ = parse_id(path["post"])
        views = await list_post_views(conn, [id_], request.viewer_id) if id_ and params.wants("statuses") else []
        handle = handle_of(path["name"], request.context.settings.domain)
        authors = {view.post.id: (view.post.author.username.lower(), view.post.author.domain) for view in views}
        return Found([], [post_id for post_id, author in authors.items() if author == handle], [])
    account = await find_account_by_handle(conn, path["name"], request.context.settings.domain) if params.wants("accounts") else None
    return Found([account] if account and account.effect < AccountEffect.SUSPENDED else [], [], [])


class Directory(Parameters, frozen=True, kw_only=True):
    limit: UpTo80 = 40
    offset: Offset = 0
    order: Annotated[Literal["active", "new"], about("By the newest post, or the newest accounts first.")] = "active"
    local: Annotated[bool, about("Only accounts of this network.")] = False


async def directory(request: Request, params: Directory) -> Reply:
    """Accounts that want to be found."""
    async with request.database.read() as conn:
        found = await queries.list_directory(
            conn, request.viewer_id, by_activity=params.order == "active", is_local=params.local, limit=params.limit, offset=params.offset
        )
    return request.json(request.entities.accounts(found))


async def own_hashtags(request: Request) -> Reply:
    """The hashtags that the member uses most, without those on the profile."""
    async with request.database.read() as conn:
        found = await queries.list_used_hashtags(conn, request.viewer.id, _SUGGESTED)
        tags = await tags_of(conn, request, found)
    return request.json([tag for tag in tags if not tag.featuring])


ROUTES = [
    endpoint("GET", "/api/v2/search", search, Access.PUBLIC, "read:search", limit="search", params=Query, answer=shapes.Search),
    endpoint(
        "GET", "/api/v1/directory", directory, Access.PUBLIC, limit="search", params=Directory, answer=list[account_shapes.Account]
    ),
    endpoint("GET", "/api/v1/featured_tags/suggestions", own_hashtags, Access.MEMBER, "read:accounts", answer=list[shapes.Tag]),
]
