"""Pages of quotes: who quotes a post, taking one's words out of a quote, and who may quote a post. The composer is in `writing.py`."""

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.posts import actions
from folkmoot.network.posts.model import PostView, QuotePolicy, Visibility
from folkmoot.network.posts.queries import get_post_view, list_quoting_ids
from folkmoot.network.timelines.queries import list_entries
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links

_POLICIES = {str(int(policy)): policy for policy in QuotePolicy}


async def index(request: Request) -> Reply:
    """The posts that quote a post."""
    page = request.page()
    async with request.database.read() as conn:
        quoted = (await get_post_view(conn, request.id(), request.viewer.id)).shown
        ids = await list_quoting_ids(conn, quoted.id, request.viewer.id, page)
        entries = await list_entries(conn, ids, request.viewer.id)
    return await request.show(
        "posts/quotes.html", quoted=quoted, is_own=quoted.author.id == request.viewer.id, views=await request.chosen_views(entries),
        **page_links(page, ids),
    )


async def ask_revoke(request: Request) -> Reply:
    quoted = (await _own(request)).post
    return await request.show("posts/revoke.html", quoted=quoted, quoting_id=request.id("quoting_id"))


async def revoke(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.revoke_quote(tx, request.account, request.id(), request.id("quoting_id"))
    return request.redirect(f"/posts/{request.id()}/quotes")


async def show_policy(request: Request) -> Reply:
    return await request.show("posts/quoting.html", view=await _own(request, is_open=True), errors={})


async def save_policy(request: Request) -> Reply:
    view = await _own(request, is_open=True)
    policy = _POLICIES.get(request.form.text("quote_policy"))
    if policy is None:
        errors = {"quote_policy": request.sentence("There is no such choice.")}
        return await request.show("posts/quoting.html", 422, view=view, errors=errors)
    async with request.database.write() as tx:
        await actions.set_quote_policy(tx, request.account, request.id(), policy)
    return request.redirect(f"/@{request.account.acct}/{view.post.id}")


async def _own(request: Request, *, is_open: bool = False) -> PostView:
    """A post of the viewer. `is_open`: one that others can quote."""
    async with request.database.read() as conn:
        view = await get_post_view(conn, request.id(), request.viewer.id)
    post = view.post
    if post.author.id != request.viewer.id or post.boost_of_id or (is_open and post.visibility > Visibility.UNLISTED):
        raise NotFound
    return view


_ONE = "/posts/{id}"
ROUTES = [
    Route("GET", f"{_ONE}/quotes", index, Access.MEMBER),
    Route("GET", f"{_ONE}/quotes/{{quoting_id}}/revoke", ask_revoke, Access.MEMBER),
    Route("POST", f"{_ONE}/quotes/{{quoting_id}}/revoke", revoke, Access.MEMBER),
    Route("GET", f"{_ONE}/quoting", show_policy, Access.MEMBER),
    Route("POST", f"{_ONE}/quoting", save_policy, Access.MEMBER),
]
