"""Search through the client API. A pasted address of an account or a post finds exactly that one."""

import re
from typing import NamedTuple

from folkmoot.api.request import Request
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import NotFound, Unauthorized
from folkmoot.base.formatting import hashtag_key, is_hashtag
from folkmoot.base.ids import parse_id
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.posts.model import PostView
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.search import queries
from folkmoot.network.search.model import Hashtag

_ADDRESS = re.compile(r"/(?:@|users/)(?P<name>\w{1,60})(?:/(?:statuses/)?(?P<post>[0-9]{1,19}))?/?")


class Found(NamedTuple):
    accounts: list[Account]
    posts: list[PostView]
    hashtags: list[Hashtag]


async def search(request: Request) -> Reply:
    """Accounts, statuses and hashtags. Posts are found by members only; so is what `resolve` and `offset` ask for."""
    query = request.query
    text = query.required("q").strip()
    if request.viewer_id is None and query.flag("resolve"):
        raise Unauthorized("Search queries that resolve remote resources are not supported without authentication")
    if request.viewer_id is None and request.offset():
        raise Unauthorized("Search queries pagination is not supported without authentication")
    async with request.database.read() as conn:
        found = await _pasted(conn, request, text) if text.startswith(("http://", "https://")) else None
        if found is None:
            found = await _searched(conn, request, text)
    return request.json({
        "accounts": [request.entities.account(account) for account in found.accounts],
        "statuses": request.statuses(found.posts),
        "hashtags": [request.entities.hashtag(hashtag, request.viewer_id) for hashtag in found.hashtags],
    })


async def _searched(conn: ReadConn, request: Request, text: str) -> Found:
    query, viewer_id = request.query, request.viewer_id
    wanted, limit, offset = query.text("type"), request.page(20).limit, request.offset()
    found = Found([], [], [])
    if wanted in ("", "accounts"):
        found.accounts.extend(await queries.search_accounts(
            conn, viewer_id, without_own_domain(text, request), limit=limit, offset=offset,
            only_followed=query.flag("following") and viewer_id is not None,
        ))
    if wanted in ("", "hashtags"):
        found.hashtags.extend(await queries.search_hashtags(conn, text, limit=limit, offset=offset))
    if wanted in ("", "statuses") and viewer_id is not None:
        found.posts.extend(await queries.search_posts(
            conn, viewer_id, text, limit=limit, offset=offset, max_id=query.id("max_id"), min_id=query.id("min_id"),
            author_id=(query.id("account_id") or 0) if query.text("account_id") else None,
        ))
    return found


async def _pasted(conn: ReadConn, request: Request, text: str) -> Found | None:
    """What an address of this network stands for; None for an address of elsewhere, which is a text like others."""
    base = request.context.settings.base_url
    address = _ADDRESS.fullmatch(text.removeprefix(base)) if text.startswith(f"{base}/") else None
    if address is None:
        return None
    wanted = request.query.text("type")
    if address["post"]:
        id_ = parse_id(address["post"])
        views = await list_post_views(conn, [id_], request.viewer_id) if id_ and wanted in ("", "statuses") else []
        return Found([], [view for view in views if view.post.author.username.lower() == address["name"].lower()], [])
    account = await find_account_by_name(conn, address["name"]) if wanted in ("", "accounts") else None
    return Found([account] if account and account.effect < AccountEffect.SUSPENDED else [], [], [])


def without_own_domain(text: str, request: Request) -> str:
    """`@jana@this.network` is `jana`: people of this network are stored without a domain."""
    name, at, domain = text.removeprefix("@").rpartition("@")
    return name if at and domain.lower() == request.context.settings.domain.lower() else text


async def show_hashtag(request: Request) -> Reply:
    name = request.value("name")
    if not is_hashtag(name):
        raise NotFound
    async with request.database.read() as conn:
        found = await queries.find_hashtag(conn, name)
    return request.json(request.entities.hashtag(found or Hashtag(key=hashtag_key(name), name=name), request.viewer_id))


ROUTES = [
    Route("GET", "/api/v2/search", search, Access.PUBLIC, "read:search", limit="search"),
    Route("GET", "/api/v1/tags/{name}", show_hashtag, Access.PUBLIC, "read"),
]
