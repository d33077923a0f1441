"""The page of accounts that a member could follow."""

from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.suggestions import actions
from folkmoot.network.suggestions.queries import list_suggestions
from folkmoot.web.request import PAGE_SIZE, Request


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        found = await list_suggestions(conn, request.viewer.id, PAGE_SIZE)
    return await request.show("accounts/suggestions.html", suggestions=found)


async def dismiss(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.dismiss_suggestion(tx, request.viewer.id, request.id())
    return request.redirect("/suggestions?dismissed=1")


ROUTES = [
    Route("GET", "/suggestions", index, Access.MEMBER),
    Route("POST", "/suggestions/{id}/dismiss", dismiss, Access.MEMBER),
]
