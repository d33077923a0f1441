"""Search through the client API."""

from folkmoot.api.request import Request
from folkmoot.base.errors import NotFound, Unauthorized
from folkmoot.base.formatting import is_hashtag
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.search import queries
from folkmoot.network.search.model import Hashtag


async def search(request: Request) -> Reply:
    """Accounts, statuses and hashtags. Posts are found by members only; so is what `resolve` and `offset` ask for."""
    query, viewer_id = request.query, request.viewer_id
    text = query.required("q").strip()
    if viewer_id is None and (query.flag("resolve") or query.integer("offset")):
        raise Unauthorized("Search queries pagination is not supported without authentication")
    wanted, limit, offset = query.text("type"), min(40, request.page(20).limit), max(0, query.integer("offset") or 0)
    accounts, posts, hashtags = [], [], []
    async with request.database.read() as conn:
        if wanted in ("", "accounts"):
            accounts = await queries.search_accounts(
                conn, viewer_id, text, limit=limit, offset=offset, only_followed=query.flag("following") and viewer_id is not None
            )
        if wanted in ("", "hashtags"):
            hashtags = await queries.search_hashtags(conn, text, limit=limit, offset=offset)
        if wanted in ("", "statuses") and viewer_id is not None:
            posts = await queries.search_posts(
                conn, viewer_id, text, limit=limit, offset=offset, max_id=query.id("max_id"), min_id=query.id("min_id"),
                author_id=query.id("account_id"),
            )
    return request.json({
        "accounts": [request.entities.account(account) for account in accounts],
        "statuses": request.statuses(posts),
        "hashtags": [request.entities.hashtag(hashtag) for hashtag in hashtags],
    })


async def show_hashtag(request: Request) -> Reply:
    name = request.value("name")
    if not is_hashtag(name):
        raise NotFound
    async with request.database.read() as conn:
        found = await queries.find_hashtag(conn, name)
    return request.json(request.entities.hashtag(found or Hashtag(key=name, name=name)))


ROUTES = [
    Route("GET", "/api/v2/search", search, Access.PUBLIC, limit="search"),
    Route("GET", "/api/v1/tags/{name}", show_hashtag, Access.PUBLIC),
]
