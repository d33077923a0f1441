"""The moderators' page of the random sample: posts that members have seen, judged one at a time for the figures of the network."""

from contextlib import suppress

from folkmoot.base.errors import Conflict
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.measurement.actions.label import label_item
from folkmoot.moderation.workspace.sampling import read_item
from folkmoot.web.moderate.samples import moment_of
from folkmoot.web.request import Request


async def show(request: Request) -> Reply:
    return await _page(request)


async def answer(request: Request) -> Reply:
    """Goes on to the next one, also if somebody else was quicker."""
    form = request.form
    number = form.integer("clause")
    clause = current().numbered(number) if number else None
    if not form.flag("unsure") and number != 0 and clause is None:
        return await _page(request, 422, error=request.sentence("Choose a rule, or that it breaks none, or that you can’t say."))
    clauses = None if form.flag("unsure") else [clause.key] if clause else []
    with suppress(Conflict):
        async with request.database.write() as tx:
            await label_item(tx, request.viewer, request.id(), moment_of(form.text("edited_at")), clauses)
    return request.redirect("/moderate/measure")


async def _page(request: Request, status: int = 200, *, error: str = "") -> Reply:
    """The post that waits longest, without its author's name."""
    async with request.database.read() as conn:
        found = await read_item(conn, request.viewer)
    errors = {"clause": error} if error else {}
    return await request.show("moderate/measure.html", status, found=found, policy=current(), errors=errors)


ROUTES = [
    Route("GET", "/moderate/measure", show, Access.MODERATOR),
    Route("POST", "/moderate/measure/{id}", answer, Access.MODERATOR),
]
