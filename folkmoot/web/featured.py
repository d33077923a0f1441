"""Pages of hashtags on profiles: choosing one's own, and what an account wrote about one."""

from folkmoot.base.errors import Invalid, NotFound
from folkmoot.base.text import clean_line
from folkmoot.base.tokens import hashtag_key, is_hashtag
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import find_account_by_handle
from folkmoot.network.featured import actions
from folkmoot.network.featured.queries import list_featured
from folkmoot.network.filters.matching import apply_filters
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.posts.queries import list_account_post_ids
from folkmoot.network.search.queries import list_used_hashtags
from folkmoot.network.timelines.queries import list_entries
from folkmoot.web.request import Request
from folkmoot.web.timelines import page_links

_SUGGESTED = 10


async def show_own(request: Request) -> Reply:
    return await _own_page(request, {})


async def add(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await actions.feature_hashtag(tx, request.account, request.form.text("name"))
    except Invalid as problem:
        return await _own_page(request, request.problems(problem), 422)
    return request.redirect("/settings/hashtags?saved=1")


async def remove(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.unfeature_hashtag(tx, request.account, request.id())
    return request.redirect("/settings/hashtags?saved=1")


async def tagged(request: Request) -> Reply:
    """The posts of an account with a hashtag."""
    name = clean_line(request.value("hashtag"))
    if not is_hashtag(name):
        raise NotFound
    page = request.page()
    async with request.database.read() as conn:
        account = await find_account_by_handle(conn, request.value("name"), request.context.settings.domain)
        if account is None or account.effect >= AccountEffect.SUSPENDED:
            raise NotFound
        ids = await list_account_post_ids(
            conn, account.id, request.viewer_id, page, hashtag=hashtag_key(name), without_boosts=True, without_direct=True
        )
        entries = await list_entries(conn, ids, request.viewer_id)
    views = apply_filters(request.filters, FilterContext.ACCOUNT, await request.chosen_views(entries))
    return await request.show("accounts/tagged.html", account=account, hashtag=name, views=views, **page_links(page, ids))


async def _own_page(request: Request, errors: dict[str, str], status: int = 200) -> Reply:
    async with request.database.read() as conn:
        featured = await list_featured(conn, request.viewer.id)
        used = await list_used_hashtags(conn, request.viewer.id, _SUGGESTED)
    keys = {one.key for one in featured}
    return await request.show(
        "settings/hashtags.html", status, featured=featured, suggested=[one for one in used if one.key not in keys], errors=errors,
        name=request.form.text("name"),
    )


ROUTES = [
    Route("GET", "/settings/hashtags", show_own, Access.MEMBER),
    Route("POST", "/settings/hashtags", add, Access.MEMBER),
    Route("POST", "/settings/hashtags/{id}/remove", remove, Access.MEMBER),
    Route("GET", "/@{name}/tagged/{hashtag}", tagged, Access.PUBLIC),
]
