"""Received notices for moderators' programs, and the register of verified contacts for those of operators: the same as the pages
`/moderate/notices` and `/moderate/contacts`. Not part of the Mastodon API; `notices.py` has the API for their senders."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from folkmoot.api import moderation_entities as entities
from folkmoot.api.account_shapes import Id, Moment, Shape
from folkmoot.api.endpoints import endpoint
from folkmoot.api.network_shapes import Nothing
from folkmoot.api.parameters import Id as IdParameter
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.contacts.actions import end_contact, register_contact
from folkmoot.moderation.contacts.model import MOST_SENDERS, Contact, ContactDraft
from folkmoot.moderation.contacts.queries import list_contacts, list_contacts_by_id
from folkmoot.moderation.notices.actions import add_addresses, answer_by_hand, vouch_for_sender
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import LONGEST_REASON, MOST_PLACES, Notice, Outcome
from folkmoot.moderation.notices.queries import list_waiting
from folkmoot.moderation.workspace.received import ReceivedNotice, read_received

_LISTED = 100


class MorePlaces(Parameters, frozen=True, kw_only=True):
    addresses: Annotated[tuple[str, ...], about("The addresses of posts and accounts of this network.", maxItems=MOST_PLACES)]


class RealSender(Parameters, frozen=True, kw_only=True):
    contact_id: Annotated[IdParameter, about("The registered contact that has sent it, as you have found out on another way.")]


class AnswerInWords(Parameters, frozen=True, kw_only=True):
    answer: Annotated[str, about("The sender gets exactly these words.", maxLength=LONGEST_REASON)]


class NewContact(Parameters, frozen=True, kw_only=True):
    """A contact has at least one sender or a key."""

    kind: Annotated[Literal["provider", "authority", "trusted_flagger"], about("Sets the deadline of its notices.")]
    name: str
    senders: Annotated[
        tuple[str, ...], about("Mail domains and complete addresses, which it confirms with each notice.", maxItems=MOST_SENDERS)
    ] = ()
    key: Annotated[str, about("Its Ed25519 public key in PEM or Base64, for signed notices.")] = ""
    country: Annotated[str, about("Of an authority: two letters of an EU Member State.")] = ""


class WaitingNotice(Shape, kw_only=True):
    """`contact`: the verified sender. `is_confirmed`: whether the address of the sender is confirmed."""

    id: Id
    number: str
    state: Literal["open", "unread", "answered"]
    door: Literal["form", "mail", "api"]
    urgency: Literal["order", "contact", "other"]
    contact: str | None
    is_confirmed: bool
    received_at: Moment
    due_at: Moment


class PlaceOfNotice(Shape, kw_only=True):
    """`case_id`, `action` and `rule` are null for what was not found; the last two also until it is decided."""

    address: str
    found: Literal["found", "foreign", "unknown"]
    case_id: Id | None
    action: str | None
    rule: str | None


class ReceivedNoticeDetails(Shape, kw_only=True):
    """`mail`: as it came; empty without one. `files`: names of attached files, which are only in the mailbox. `signed_by`: domains with a
    valid DKIM signature. `is_sender_shown`: false while nothing can be written, because the journal records who has seen a sender."""

    notice: WaitingNotice
    name: str
    email: str
    is_sender_shown: bool
    reference: str | None
    signed_by: list[str]
    reason: str
    mail: str
    files: list[str]
    places: list[PlaceOfNotice]
    answer: str
    answered_at: Moment | None


class VerifiedContact(Shape, kw_only=True):
    id: Id
    kind: Literal["provider", "authority", "trusted_flagger"]
    name: str
    senders: list[str]
    key: Annotated[str, Meta(description="Base64 of the Ed25519 public key; empty without one.")]
    country: str
    registered_at: Moment


async def index(request: Request) -> Reply:
    """Notices without an answer, the earliest deadline first."""
    async with request.database.read() as conn:
        waiting = await list_waiting(conn, _LISTED)
        contacts = await list_contacts_by_id(conn, [one.contact_id for one in waiting if one.contact_id])
    return request.json([_waiting(one, contacts.get(one.contact_id or 0)) for one in waiting])


async def show(request: Request) -> Reply:
    """A notice with its sender. The journal records that you have read it."""
    return await _details(request)


async def name_subject(request: Request, params: MorePlaces) -> Reply:
    """Says what a notice is about. Each post and account gets its case; 422 if nothing is found there."""
    async with request.database.write() as tx:
        await add_addresses(tx, Intake.of(request.context.settings), request.viewer, request.id(), params.addresses[:100])
    return await _details(request)


async def vouch(request: Request, params: RealSender) -> Reply:
    """Confirms that a notice comes from a registered contact. From then on it has the deadline of this contact."""
    async with request.database.write() as tx:
        await vouch_for_sender(tx, Intake.of(request.context.settings), request.viewer, request.id(), params.contact_id)
    return await _details(request)


async def answer(request: Request, params: AnswerInWords) -> Reply:
    """Answers a notice that is about nothing here, and closes it. 409 if it has a case or an answer."""
    async with request.database.write() as tx:
        await answer_by_hand(tx, Intake.of(request.context.settings), request.viewer, request.id(), params.answer)
    return await _details(request)


async def contacts(request: Request) -> Reply:
    """The register of verified contacts."""
    async with request.database.read() as conn:
        return request.json([_contact(one) for one in await list_contacts(conn)])


async def register(request: Request, params: NewContact) -> Reply:
    """Registers a contact. 409 if another one has this key."""
    draft = ContactDraft(kind=params.kind, name=params.name, senders=params.senders, key=params.key, country=params.country)
    async with request.database.write() as tx:
        return request.json(_contact(await register_contact(tx, draft, request.viewer.id)))


async def end(request: Request) -> Reply:
    """Ends the registration of a contact. Its earlier notices stay as they are."""
    async with request.database.write() as tx:
        await end_contact(tx, request.id(), request.viewer.id)
    return request.json(Nothing())


def _waiting(one: Notice, contact: Contact | None) -> WaitingNotice:
    return WaitingNotice(
        id=str(one.id), number=one.number, state=one.state.value, door=one.door.value, urgency=one.urgency.value,
        contact=contact.name if contact else None, is_confirmed=one.is_confirmed, received_at=moment(one.received_at),
        due_at=moment(one.due_at),
    )


async def _details(request: Request) -> Reply:
    found = await read_received(request.database, request.viewer, request.id())
    one = found.notice
    return request.json(ReceivedNoticeDetails(
        notice=_waiting(one, found.contact), name=one.name, email=one.email, is_sender_shown=found.is_recorded, reference=one.reference,
        signed_by=list(one.signed_by), reason=one.reason, mail=found.mail, files=list(found.files), places=list(_places(found)),
        answer=one.answer, answered_at=moment(one.answered_at) if one.answered_at else None,
    ))


def _places(found: ReceivedNotice) -> list[PlaceOfNotice]:
    outcomes: dict[tuple[object, object], Outcome] = {(one.subject, one.subject_id): one for one in found.outcomes}
    places = []
    for place in found.notice.places:
        outcome = outcomes.get((place.subject, place.subject_id))
        places.append(PlaceOfNotice(
            address=place.address, found=place.finding.value, case_id=str(outcome.case_id) if outcome else None,
            action=outcome.action if outcome else None, rule=entities.rule(outcome.clause) if outcome and outcome.clause else None,
        ))
    return places


def _contact(one: Contact) -> VerifiedContact:
    return VerifiedContact(
        id=str(one.id), kind=one.kind.value, name=one.name, senders=list(one.senders), key=one.key_text, country=one.country,
        registered_at=moment(one.registered_at),
    )


_BASE = "/api/folkmoot/v1/moderation"
_READ, _WRITE = "admin:read:reports", "admin:write:reports"
_CHANGED: dict[str, Any] = {"answer": ReceivedNoticeDetails, "may_conflict": True}
ROUTES = [
    endpoint("GET", f"{_BASE}/notices", index, Access.MODERATOR, _READ, answer=list[WaitingNotice]),
    endpoint("GET", f"{_BASE}/notices/{{id}}", show, Access.MODERATOR, _READ, answer=ReceivedNoticeDetails),
    endpoint("POST", f"{_BASE}/notices/{{id}}/addresses", name_subject, Access.MODERATOR, _WRITE, params=MorePlaces, **_CHANGED),
    endpoint("POST", f"{_BASE}/notices/{{id}}/vouch", vouch, Access.MODERATOR, _WRITE, params=RealSender, **_CHANGED),
    endpoint("POST", f"{_BASE}/notices/{{id}}/answer", answer, Access.MODERATOR, _WRITE, params=AnswerInWords, **_CHANGED),
    endpoint("GET", f"{_BASE}/contacts", contacts, Access.OPERATOR, _READ, answer=list[VerifiedContact]),
    endpoint("POST", f"{_BASE}/contacts", register, Access.OPERATOR, _WRITE, params=NewContact, answer=VerifiedContact, may_conflict=True),
    endpoint("DELETE", f"{_BASE}/contacts/{{id}}", end, Access.OPERATOR, _WRITE, answer=Nothing),
]
