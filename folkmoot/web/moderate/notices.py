"""Pages of received notices, for moderators: which ones wait, and what only a person can do with one.

Opening a notice shows the name and the address of its sender, so the journal records it. Where nothing can be written, on a
standby or during a move, the sender is not shown.
"""

from collections.abc import Mapping

from folkmoot.base.errors import Conflict, FieldError, Invalid, TooMany, Unavailable, WritesPaused
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.contacts.queries import list_contacts_by_id
from folkmoot.moderation.notices.actions import add_addresses, answer_by_hand, vouch_for_sender
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.queries import list_waiting
from folkmoot.moderation.workspace.received import read_received
from folkmoot.web.request import Request

_LISTED = 100


async def index(request: Request) -> Reply:
    async with request.database.read() as conn:
        waiting = await list_waiting(conn, _LISTED)
        contacts = await list_contacts_by_id(conn, [notice.contact_id for notice in waiting if notice.contact_id])
    return await request.show("moderate/notices.html", notices=waiting, contacts=contacts)


async def show(request: Request) -> Reply:
    return await _page(request)


async def name_subject(request: Request) -> Reply:
    """Says what a notice is about."""
    text = request.form.text("addresses")
    try:
        async with request.database.write() as tx:
            await add_addresses(tx, Intake.of(request.context.settings), request.viewer, request.id(), tuple(text.split()[:100]))
    except (Invalid, Conflict, TooMany, WritesPaused, Unavailable) as problem:
        return await _page(request, 422, addresses=text, errors=request.problems(problem, "addresses"))
    return request.redirect(f"/moderate/notices/{request.id()}")


async def vouch(request: Request) -> Reply:
    """Says which registered contact has sent a notice."""
    try:
        contact_id = request.form.id("contact")
        if contact_id is None:
            raise Invalid(FieldError("contact", "blank", "Please choose who this is."))
        async with request.database.write() as tx:
            await vouch_for_sender(tx, Intake.of(request.context.settings), request.viewer, request.id(), contact_id)
    except (Invalid, Conflict) as problem:
        return await _page(request, 422, errors=request.problems(problem, "contact"))
    return request.redirect(f"/moderate/notices/{request.id()}")


async def answer(request: Request) -> Reply:
    text = request.form.text("answer")
    try:
        async with request.database.write() as tx:
            await answer_by_hand(tx, Intake.of(request.context.settings), request.viewer, request.id(), text)
    except (Invalid, Conflict, TooMany, WritesPaused, Unavailable) as problem:
        return await _page(request, 422, answer=text, errors=request.problems(problem, "answer"))
    return request.redirect("/moderate/notices")


async def _page(
    request: Request, status: int = 200, *, addresses: str = "", answer: str = "", errors: Mapping[str, str] | None = None
) -> Reply:
    found = await read_received(request.database, request.viewer, request.id())
    return await request.show(
        "moderate/notice.html", status, notice=found.notice, outcomes={(one.subject, one.subject_id): one for one in found.outcomes},
        contacts=found.contacts, contact=found.contact, raw=found.mail, files=found.files, addresses=addresses, answer=answer,
        errors=errors or {},
    )


_NOTICE = "/moderate/notices/{id}"
ROUTES = [
    Route("GET", "/moderate/notices", index, Access.MODERATOR),
    Route("GET", _NOTICE, show, Access.MODERATOR),
    Route("POST", f"{_NOTICE}/addresses", name_subject, Access.MODERATOR),
    Route("POST", f"{_NOTICE}/vouch", vouch, Access.MODERATOR),
    Route("POST", f"{_NOTICE}/answer", answer, Access.MODERATOR),
]
