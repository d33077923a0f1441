"""The moderators' page of ready sentences for explanations."""

from collections.abc import Mapping
from contextlib import suppress

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.verdicts.queries import list_templates
from folkmoot.moderation.verdicts.templates import add_template, delete_template
from folkmoot.web.request import KEEPING_FORM, Request


async def show(request: Request) -> Reply:
    return await _page(request)


async def add(request: Request) -> Reply:
    title, text = request.form.text("title"), request.form.text("text")
    try:
        request.require_allowance("text")
        async with request.database.write() as tx:
            await add_template(tx, request.viewer, title, text)
    except KEEPING_FORM as problem:
        return await _page(request, 422, title=title, text=text, errors=request.problems(problem, "text"))
    return request.redirect("/moderate/templates")


async def delete(request: Request) -> Reply:
    with suppress(NotFound):  # somebody else has deleted it
        async with request.database.write() as tx:
            await delete_template(tx, request.viewer, request.id())
    return request.redirect("/moderate/templates")


async def _page(
    request: Request, status: int = 200, *, title: str = "", text: str = "", errors: Mapping[str, str] | None = None
) -> Reply:
    async with request.database.read() as conn:
        templates = await list_templates(conn)
    return await request.show("moderate/templates.html", status, templates=templates, title=title, text=text, errors=errors or {})


ROUTES = [
    Route("GET", "/moderate/templates", show, Access.MODERATOR),
    Route("POST", "/moderate/templates", add, Access.MODERATOR, keeps_form=True),
    Route("POST", "/moderate/templates/{id}/delete", delete, Access.MODERATOR),
]
