"""The search page."""

from folkmoot.base.paging import Page
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.model import Account
from folkmoot.network.search import queries
from folkmoot.network.search.model import Hashtag
from folkmoot.network.timelines.model import Entry
from folkmoot.network.timelines.queries import list_entries
from folkmoot.web.request import Request

_MAX_POSTS = 20


async def search(request: Request) -> Reply:
    """Accounts and hashtags for everybody, posts for members."""
    text = request.query.text("q").strip()[:200]
    accounts: list[Account] = []
    hashtags: list[Hashtag] = []
    entries: list[Entry] = []
    if text:
        async with request.database.read() as conn:
            accounts = await queries.search_accounts(
                conn, request.viewer_id, text, own_domain=request.context.settings.domain, limit=5
            )
            hashtags = await queries.search_hashtags(conn, text, limit=5)
            if request.signed_in:
                page = Page(limit=_MAX_POSTS, max_id=request.query.cursor("before"))
                ids = await queries.search_post_ids(conn, request.viewer.id, text, page)
                entries = await list_entries(conn, ids, request.viewer.id)
    views = await request.chosen_views(entries)
    older = views[-1].post.id if len(views) == _MAX_POSTS else None
    return await request.show("search/index.html", text=text, accounts=accounts, hashtags=hashtags, views=views, older=older)


ROUTES = [Route("GET", "/search", search, Access.PUBLIC, limit="search")]
