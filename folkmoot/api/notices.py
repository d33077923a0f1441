"""Notices of illegal content by an API, for contacts whose key is registered.

Not part of the Mastodon API. Requests are signed (decision 0083). The reference of the sender makes a repeated request
harmless, so a recorded one gains nothing.
"""

from typing import Annotated, Literal

from folkmoot.api.account_shapes import Moment, Shape, Url
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.errors import Forbidden, NotFound, Unauthorized
from folkmoot.base.http_signatures import SignedRequest, read_signature, require_valid
from folkmoot.base.ids import parse_id
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.appeals.actions import lodge_objection
from folkmoot.moderation.appeals.objections import list_open_to_objection
from folkmoot.moderation.appeals.queries import list_objections
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.contacts.model import Contact
from folkmoot.moderation.contacts.queries import get_contact
from folkmoot.moderation.notices.actions import receive_notice
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import Door, Notice, NoticeDraft
from folkmoot.moderation.notices.queries import find_notice_by_reference, get_notice_by_number, list_outcomes


class NewNotice(Parameters, frozen=True, kw_only=True):
    """The request has a signature (RFC 9421) with the Ed25519 key of a registered contact; `keyid` is the number of the contact.
    It covers `@method`, `@target-uri` and `content-digest`; `created` is at most 5 minutes off."""

    reference: Annotated[str, about("Your own reference. A second notice with the same reference returns the first one.")]
    addresses: Annotated[tuple[str, ...], about("The exact addresses of posts and accounts.", maxItems=20)]
    reason: Annotated[str, about("Why it is illegal.")]
    rule: Annotated[str, about("The number of the rule that it is about, as in `/api/v1/instance/rules`. Empty: it breaks the law.")] = ""
    email: Annotated[str, about("Where the answer is mailed to. Empty: nowhere.")] = ""
    in_good_faith: Annotated[bool, about("That the notice is correct and complete; must be true.")] = False


class NewAppeal(Parameters, frozen=True, kw_only=True):
    """The request is signed like a new notice."""

    addresses: Annotated[tuple[str, ...], about("Addresses of the notice, whose decision you appeal against. Empty: all that stay.")] = ()
    reason: Annotated[str, about("What was misunderstood; at most 1,000 characters. Optional.")] = ""


class NoticePlace(Shape, kw_only=True):
    """`action` and `rule` are null until it is decided. `appeal`: what became of yours; null if you have not appealed."""

    address: str
    found: Literal["found", "foreign", "unknown"]
    action: str | None
    rule: str | None
    decided_at: Moment | None
    appeal: Literal["lodged", "upheld", "overturned", "changed", "withdrawn"] | None


class NoticeState(Shape, kw_only=True):
    """`package_url`: the evidence package, once it is answered."""

    number: str
    reference: str | None
    state: Literal["open", "unread", "answered"]
    received_at: Moment
    due_at: Moment
    answered_at: Moment | None
    answer: str
    places: list[NoticePlace]
    status_url: Url
    package_url: Url | None


async def create(request: Request, params: NewNotice) -> Reply:
    """Sends a notice of illegal content."""
    intake = Intake.of(request.context.settings)
    clause = current().numbered(int(params.rule)) if params.rule.isdecimal() and len(params.rule) < 3 else None
    draft = NoticeDraft(
        door=Door.API, addresses=params.addresses, reason=params.reason, email=params.email, reference=params.reference,
        clause=clause.key if clause else params.rule, in_good_faith=params.in_good_faith,
        language=request.context.settings.network.language,
    )
    async with request.database.write() as tx:
        contact = await _contact(request, tx, await request.body(), ("@method", "@target-uri", "content-digest"))
        known = await find_notice_by_reference(tx, contact.id, params.reference)
        notice = known or await receive_notice(tx, intake, draft, contact=contact)
        shape = await _shape(request, tx, notice)
    return request.json(shape, 200 if known else 201)


async def object_to(request: Request, params: NewAppeal) -> Reply:
    """Appeals against decisions to keep something that you sent a notice about. Somebody else decides again."""
    async with request.database.write() as tx:
        contact = await _contact(request, tx, await request.body(), ("@method", "@target-uri", "content-digest"))
        notice = await _own_notice(request, tx, contact)
        named = {(place.subject, place.subject_id) for place in notice.places if not params.addresses or place.address in params.addresses}
        kept = [one for one in await list_open_to_objection(tx, notice) if (one.subject, one.subject_id) in named]
        if not kept:
            raise Forbidden("This decision can no longer be appealed.")
        for outcome in kept:
            await lodge_objection(tx, notice, outcome.verdict_id or 0, params.reason)
        shape = await _shape(request, tx, notice)
    return request.json(shape)


async def show(request: Request) -> Reply:
    """What has become of a notice. The signature covers `@method` and `@target-uri`."""
    async with request.database.read() as conn:
        contact = await _contact(request, conn, b"", ("@method", "@target-uri"))
        shape = await _shape(request, conn, await _own_notice(request, conn, contact))
    return request.json(shape)


async def _own_notice(request: Request, conn: ReadConn, contact: Contact) -> Notice:
    notice = await get_notice_by_number(conn, request.value("number"))
    if notice.contact_id != contact.id:
        raise NotFound
    return notice


async def _contact(request: Request, conn: ReadConn, body: bytes, required: tuple[str, ...]) -> Contact:
    """The contact that has signed a request. Raises Unauthorized: an unknown contact and a wrong signature give the same answer."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    signature = read_signature(headers)
    try:
        contact = await get_contact(conn, parse_id(signature.key_id) or 0)
    except NotFound:
        contact = None
    query = request.scope["query_string"].decode("latin-1")
    url = f"{request.context.settings.base_url}{request.scope['raw_path'].decode('latin-1')}{'?' + query if query else ''}"
    if contact is None or contact.key is None:
        raise Unauthorized("The signature does not match the request.")
    require_valid(signature, SignedRequest(request.scope["method"], url, headers, body), contact.key, required, clock.now())
    return contact


async def _shape(request: Request, conn: ReadConn, notice: Notice) -> NoticeState:
    outcomes = await list_outcomes(conn, notice.id)
    objections = {(one.subject, one.subject_id): one.appeal.state for one in await list_objections(conn, notice.id)}
    by_subject = {(one.subject, one.subject_id): one for one in outcomes}
    status_url = request.context.settings.base_url + Intake.of(request.context.settings).receipts.path(notice.number)
    places = []
    for place in notice.places:
        outcome = by_subject.get((place.subject, place.subject_id)) if place.subject and place.subject_id else None
        places.append(NoticePlace(
            address=place.address, found=place.finding.value, action=outcome.action if outcome else None,
            rule=str(clause_of(outcome.clause).number) if outcome and outcome.action and outcome.clause else None,
            decided_at=moment(outcome.settled_at) if outcome and outcome.settled_at else None,
            appeal=appeal.value if outcome and (appeal := objections.get((outcome.subject, outcome.subject_id))) else None,
        ))
    return NoticeState(
        number=notice.number, reference=notice.reference, state=notice.state.value, received_at=moment(notice.received_at),
        due_at=moment(notice.due_at), answered_at=moment(notice.answered_at) if notice.answered_at else None, answer=notice.answer,
        places=places, status_url=status_url, package_url=f"{status_url}/package" if notice.answered_at and outcomes else None,
    )


ROUTES = [
    endpoint(
        "POST", "/api/folkmoot/v1/notices", create, Access.PUBLIC, params=NewNotice, answer=NoticeState, is_signed=True,
    ),
    endpoint(
        "POST", "/api/folkmoot/v1/notices/{number}/appeal", object_to, Access.PUBLIC, params=NewAppeal, answer=NoticeState,
        is_signed=True,
    ),
    endpoint("GET", "/api/folkmoot/v1/notices/{number}", show, Access.PUBLIC, answer=NoticeState),
]
