"""The operators' page of verified contacts: whose notices get a short deadline."""

from collections.abc import Mapping

from folkmoot.base.errors import Conflict, Invalid, NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.contacts.actions import end_contact, register_contact
from folkmoot.moderation.contacts.model import ContactDraft, Kind
from folkmoot.moderation.contacts.queries import list_contacts
from folkmoot.web.request import Request


async def show(request: Request) -> Reply:
    return await _page(request)


async def register(request: Request) -> Reply:
    form = request.form
    draft = ContactDraft(
        kind=form.text("kind"), name=form.text("name"), senders=tuple(form.text("senders").replace(",", " ").split()[:100]),
        key=form.text("key"), country=form.text("country"),
    )
    try:
        async with request.database.write() as tx:
            contact = await register_contact(tx, draft, request.viewer.id)
    except (Invalid, Conflict) as problem:
        return await _page(request, 422, draft=draft, errors=request.problems(problem, "key"))
    return request.redirect(f"/moderate/contacts?added={contact.id}")


async def end(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await end_contact(tx, request.id(), request.viewer.id)
    except NotFound:  # sent twice
        return request.redirect("/moderate/contacts")
    return request.redirect("/moderate/contacts?ended=1")


async def _page(
    request: Request, status: int = 200, *, draft: ContactDraft | None = None, errors: Mapping[str, str] | None = None
) -> Reply:
    async with request.database.read() as conn:
        contacts = await list_contacts(conn)
    return await request.show(
        "moderate/contacts.html", status, contacts=contacts, draft=draft or ContactDraft(kind=Kind.PROVIDER, name=""), errors=errors or {}
    )


ROUTES = [
    Route("GET", "/moderate/contacts", show, Access.OPERATOR),
    Route("POST", "/moderate/contacts", register, Access.OPERATOR),
    Route("POST", "/moderate/contacts/{id}/end", end, Access.OPERATOR),
]
