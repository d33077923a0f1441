"""The page of trends: what is shown now, and what moderators hold back."""

from folkmoot.base.errors import Invalid
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.trends.actions import hold_back, let_in
from folkmoot.network.trends.queries import list_hashtags, list_links, list_refusals
from folkmoot.web.request import Request

_SHOWN, _SHOWN_REFUSALS = 20, 200


async def index(request: Request) -> Reply:
    return await _page(request, {})


async def refuse(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await hold_back(tx, request.viewer, request.form.text("what"))
    except Invalid as problem:
        return await _page(request, request.problems(problem), 422)
    return request.redirect("/moderate/trends?done=1")


async def allow(request: Request) -> Reply:
    async with request.database.write() as tx:
        await let_in(tx, request.viewer, request.form.text("what"))
    return request.redirect("/moderate/trends?done=1")


async def _page(request: Request, errors: dict[str, str], status: int = 200) -> Reply:
    async with request.database.read() as conn:
        tags, links = await list_hashtags(conn, _SHOWN), await list_links(conn, _SHOWN)
        refusals = await list_refusals(conn, _SHOWN_REFUSALS)
    return await request.show(
        "moderate/trends.html", status, tags=tags, links=links, refusals=refusals, errors=errors, what=request.form.text("what")
    )


ROUTES = [
    Route("GET", "/moderate/trends", index, Access.MODERATOR),
    Route("POST", "/moderate/trends", refuse, Access.MODERATOR),
    Route("POST", "/moderate/trends/allow", allow, Access.MODERATOR),
]
