"""Pages for notices of illegal content, without an account: the form, the receipt with the status, confirming an address, and
objecting to the outcome.

Instead of a captcha the form has a field that people do not see, and the time when it was shown. Programs fill in the one
and hurry with the other; a person who is mistaken for one sends the form once more.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, FieldError, Invalid, NotFound, TooMany
from folkmoot.base.limits import address_key
from folkmoot.base.signing import Signer
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.answers.assembling import is_provable, package_of_notice
from folkmoot.moderation.answers.model import Document, Proof
from folkmoot.moderation.appeals.actions import lodge_objection
from folkmoot.moderation.appeals.objections import list_open_to_objection
from folkmoot.moderation.appeals.policy import can_object
from folkmoot.moderation.appeals.queries import list_objections
from folkmoot.moderation.journal.anchors import AnchorKey
from folkmoot.moderation.notices.actions import checked, confirm_address, receive_notice
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import Door, Notice, NoticeDraft, State
from folkmoot.moderation.notices.queries import get_notice_by_number, list_outcomes
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.sessions.addresses import email_key
from folkmoot.network.sessions.limits import spend_mail
from folkmoot.web.request import KEEPING_FORM, Request

_QUICKEST = timedelta(seconds=3)


async def new(request: Request) -> Reply:
    """The form. `?post=ID` or `?account=ID`: what it is about."""
    return await _form(request, addresses=await _prefilled(request), began=_stamp(request))


async def create(request: Request) -> Reply:
    form = request.form
    intake = Intake.of(request.context.settings)
    draft = NoticeDraft(
        door=Door.FORM, addresses=tuple(form.text("addresses").split()[:100]), reason=form.text("reason"), name=form.text("name"),
        email=form.text("email"), clause=form.text("clause"), claims=form.text("claims"), in_good_faith=form.flag("in_good_faith"),
        language=request.language,
    )
    try:
        request.require_allowance("reason")
        draft = checked(draft, intake.own)
        _require_person(request, form)
        may_mail = await _may_mail(request, draft.email)
        async with request.database.write() as tx:
            notice = await receive_notice(tx, intake, draft, may_mail=may_mail)
    except KEEPING_FORM as problem:
        return await _form(
            request, 422, draft, addresses=form.text("addresses"), began=form.text("began"), errors=request.problems(problem, "reason")
        )
    return request.redirect(intake.receipts.path(notice.number) + "?new=1")


async def show(request: Request) -> Reply:
    """The receipt: what was found, until when it is decided, and the outcome."""
    return await _receipt(request, await _own_notice(request))


async def object_to(request: Request) -> Reply:
    """Objects to what was kept. A text that is too long comes back with an error; what was objected to before stays as it is."""
    notice = await _own_notice(request)
    reason = request.form.text("reason")
    wanted = set(request.form.ids("verdict"))
    try:
        request.require_allowance("reason")
        async with request.database.read() as conn:
            kept = [one.verdict_id for one in await list_open_to_objection(conn, notice) if one.verdict_id in wanted]
        if not kept:
            raise Invalid(FieldError("verdict", "blank", "Please choose which decision you object to."))
        for verdict_id in kept:
            with suppress(Conflict):  # sent twice
                async with request.database.write() as tx:
                    await lodge_objection(tx, notice, verdict_id, reason)
    except KEEPING_FORM as problem:
        return await _receipt(request, notice, 422, reason=reason, errors=request.problems(problem, "reason"))
    return request.redirect(f"{Intake.of(request.context.settings).receipts.path(notice.number)}?objected=1")


async def package(request: Request) -> Reply:
    """The evidence package, once the notice is answered."""
    notice = await _own_notice(request)
    settings = request.context.settings

    def render(document: Document, proof: Proof) -> str:
        return request.shared.templates.render(request.language, "notices/package.html", document=document, proof=proof)

    async with request.database.read() as conn:
        outcomes = await list_outcomes(conn, notice.id)
        if notice.state is not State.ANSWERED or not await is_provable(conn, notice, outcomes):
            raise NotFound
        content = await package_of_notice(
            conn, AnchorKey(settings.secret), (settings.network.name, settings.base_url), notice, outcomes, render
        )
    name = f'attachment; filename="{notice.number}.zip"'.encode()
    return Reply(content, media_type=b"application/zip", headers=[(b"content-disposition", name)])


async def find(request: Request) -> Reply:
    """For people who have the number and the key of a receipt on paper."""
    number, key = request.query.text("number").strip().upper(), request.query.text("key").strip()
    if not number and not key:
        return await request.show("notices/find.html", number="", key="", errors={})
    receipts = Intake.of(request.context.settings).receipts
    if receipts.is_key(number, key):
        return request.redirect(receipts.path(number))
    wrong = {"key": request.sentence("This number and this key do not belong together.")}
    return await request.show("notices/find.html", 422, number=number, key=key, errors=wrong)


async def show_confirmation(request: Request) -> Reply:
    """A page with a button, as for every mailed link: mail programs open links by themselves."""
    return await request.show("notices/confirm.html", number=request.value("number"), code=request.value("code"))


async def confirm(request: Request) -> Reply:
    intake = Intake.of(request.context.settings)
    async with request.database.write() as tx:
        notice = await confirm_address(tx, intake, request.value("number"), request.value("code"))
    return request.redirect(intake.receipts.path(notice.number) + "?confirmed=1")


async def _receipt(
    request: Request, notice: Notice, status: int = 200, *, reason: str = "", errors: Mapping[str, str] | None = None
) -> Reply:
    async with request.database.read() as conn:
        outcomes = await list_outcomes(conn, notice.id)
        has_package = notice.state is State.ANSWERED and await is_provable(conn, notice, outcomes)
        objections = await list_objections(conn, notice.id)
        disputable = await list_open_to_objection(conn, notice)
    return await request.show(
        "notices/show.html", status, notice=notice, outcomes={(one.subject, one.subject_id): one for one in outcomes},
        key=request.value("key"), has_package=has_package, is_new=request.query.flag("new"),
        is_confirmed_now=request.query.flag("confirmed"), has_objected=request.query.flag("objected"),
        objections={(one.subject, one.subject_id): one for one in objections}, may_object=can_object(notice),
        disputable={(one.subject, one.subject_id): one for one in disputable}, reason=reason, errors=errors or {},
    )


async def _own_notice(request: Request) -> Notice:
    """The notice of a receipt. Raises NotFound for a wrong key."""
    number = request.value("number")
    if not Intake.of(request.context.settings).receipts.is_key(number, request.value("key")):
        raise NotFound
    async with request.database.read() as conn:
        return await get_notice_by_number(conn, number)


async def _may_mail(request: Request, email: str) -> bool:
    """Whether the address may get a mail. A notice is received also over this limit: only its confirmation must wait."""
    if not email:
        return False
    try:
        await spend_mail(
            request.database, email_key(email), address_key(request.address), request.context.settings.limits.multiplier
        )
    except TooMany:
        return False
    return True


def _stamp(request: Request) -> str:
    """When the form was shown, signed."""
    seconds = str(int(clock.now().timestamp()))
    return f"{seconds}.{Signer(request.context.settings.secret, 'notice form').sign(seconds)}"


def _require_person(request: Request, form: Params) -> None:
    """Raises Invalid for what a program seems to have sent."""
    seconds, _, signature = form.text("began").partition(".")
    is_ours = Signer(request.context.settings.secret, "notice form").is_valid(seconds, signature)
    if form.text("website"):
        raise Invalid(FieldError("website", "inclusion", "Please leave this field empty: it is a trap for programs."))
    if not is_ours or clock.now().timestamp() - int(seconds) < _QUICKEST.total_seconds():
        raise Invalid(FieldError("reason", "too_quick", "That was very quick. Please look at it again, and send it once more."))


async def _prefilled(request: Request) -> str:
    """The address of the post or account from whose page somebody comes."""
    base = request.context.settings.base_url
    if post_id := request.query.id("post"):
        return f"{base}/posts/{post_id}"
    if account_id := request.query.id("account"):
        async with request.database.read() as conn:
            return f"{base}/@{(await get_account(conn, account_id)).acct}"
    return ""


async def _form(
    request: Request, status: int = 200, draft: NoticeDraft | None = None, *, addresses: str, began: str,
    errors: Mapping[str, str] | None = None,
) -> Reply:
    return await request.show(
        "notices/new.html", status, draft=draft or NoticeDraft(door=Door.FORM, addresses=(), reason=""), addresses=addresses,
        began=began, errors=errors or {}, notices=request.context.settings.notices,
    )


_NOTICE = "/notice/{number}/{key}"
ROUTES = [
    Route("GET", "/notice", new, Access.PUBLIC, for_suspended=True),
    Route("POST", "/notice", create, Access.PUBLIC, limit="notice", for_suspended=True, keeps_form=True),
    Route("GET", "/notice/find", find, Access.PUBLIC, for_suspended=True),
    Route("GET", _NOTICE, show, Access.PUBLIC, for_suspended=True),
    Route("POST", f"{_NOTICE}/appeal", object_to, Access.PUBLIC, limit="notice", for_suspended=True, keeps_form=True),
    Route("GET", f"{_NOTICE}/package", package, Access.PUBLIC, for_suspended=True),
    Route("GET", "/notice/{number}/confirm/{code}", show_confirmation, Access.PUBLIC, for_suspended=True),
    Route("POST", "/notice/{number}/confirm/{code}", confirm, Access.PUBLIC, for_suspended=True),
]
