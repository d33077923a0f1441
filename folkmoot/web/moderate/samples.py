"""The moderators' page of samples: public posts that were drawn so that the detector learns, one at a time."""

from contextlib import suppress
from datetime import datetime

from folkmoot.base.errors import Conflict, FieldError, Invalid
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.learning.actions import answer_sample
from folkmoot.moderation.learning.model import Answer
from folkmoot.moderation.workspace.sampling import read_sample
from folkmoot.web.request import Request


async def show(request: Request) -> Reply:
    """The oldest sample that waits, without its author's name."""
    async with request.database.read() as conn:
        found = await read_sample(conn, request.viewer)
    return await request.show("moderate/samples.html", sample=found.sample, text=found.text, left=found.left)


async def answer(request: Request) -> Reply:
    """Goes on to the next one, also if somebody else was quicker."""
    given = request.form.text("answer")
    if given not in list(Answer):
        raise Invalid(FieldError("answer", "inclusion", "Choose one of the answers."))
    with suppress(Conflict):
        async with request.database.write() as tx:
            await answer_sample(tx, request.viewer, request.id(), moment_of(request.form.text("edited_at")), Answer(given))
    return request.redirect("/moderate/samples")


def moment_of(text: str) -> datetime | None:
    """The version of a post in a form; None for the first one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


ROUTES = [
    Route("GET", "/moderate/samples", show, Access.MODERATOR),
    Route("POST", "/moderate/samples/{id}", answer, Access.MODERATOR),
]
