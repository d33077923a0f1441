"""A moderator's own preferences: which topics are left to others, and a daily limit."""

from collections.abc import Mapping

from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.workspace.actions import set_preferences
from folkmoot.moderation.workspace.model import Preferences
from folkmoot.moderation.workspace.queries import get_preferences
from folkmoot.web.request import KEEPING_FORM, Request


async def show(request: Request) -> Reply:
    async with request.database.read() as conn:
        preferences = await get_preferences(conn, request.viewer.id)
    return await _page(request, preferences, is_saved=request.query.flag("saved"))


async def save(request: Request) -> Reply:
    form = request.form
    asked = form.integer("daily_limit")
    preferences = Preferences(avoided=tuple(form.texts("avoided")), daily_limit=asked)
    try:
        request.require_allowance("daily_limit")
        async with request.database.write() as tx:
            await set_preferences(tx, request.viewer, preferences)
    except KEEPING_FORM as problem:
        return await _page(request, preferences, 422, errors=request.problems(problem, "daily_limit"))
    return request.redirect("/moderate/preferences?saved=1")


async def _page(
    request: Request, preferences: Preferences, status: int = 200, *, errors: Mapping[str, str] | None = None, is_saved: bool = False
) -> Reply:
    return await request.show(
        "moderate/preferences.html", status, preferences=preferences, clauses=current().clauses, errors=errors or {}, is_saved=is_saved,
        limit=request.context.settings.moderation.cases_per_day,
    )


ROUTES = [
    Route("GET", "/moderate/preferences", show, Access.MODERATOR),
    Route("POST", "/moderate/preferences", save, Access.MODERATOR, keeps_form=True),
]
