"""Pages for one's e-mail address: changing it, the links in the mails to the new and to the old one, and which mails are sent."""

import msgspec

from folkmoot.base.errors import Invalid, NotFound, TooMany
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.sessions.actions import change_preferences
from folkmoot.network.sessions.email_change import ask_for_new_email, confirm_new_email, keep_old_email
from folkmoot.web.request import Request


async def show(request: Request) -> Reply:
    return await _page(request)


async def ask(request: Request) -> Reply:
    email = request.form.text("email")
    try:
        request.require_allowance("email")
        is_changed = await ask_for_new_email(
            request.database, request.viewer, email, request.form.text("password"), request.context.sign_up_policy, request.address
        )
    except Invalid as problem:
        return await _page(request, 422, errors=request.problems(problem), email=email)
    except TooMany as problem:
        return await _page(request, 422, errors={"email": request.over_limit(problem)}, email=email)
    if is_changed:
        return request.redirect("/settings/email?saved=1")
    return await _page(request, sent_to=email)


async def choose_mails(request: Request) -> Reply:
    """Whether outcomes of one's reports are mailed. What the law or the account needs is always mailed."""
    preferences = msgspec.structs.replace(request.viewer.login.preferences, outcome_mails=request.form.flag("outcome_mails"))
    async with request.database.write() as tx:
        await change_preferences(tx, request.viewer, preferences, request.viewer.login.language)
    return request.redirect("/settings/email?saved=1")


async def _page(
    request: Request, status: int = 200, *, errors: dict[str, str] | None = None, email: str = "", sent_to: str = ""
) -> Reply:
    return await request.show("settings/email.html", status, errors=errors or {}, email=email, sent_to=sent_to)


async def show_change(request: Request) -> Reply:
    """A page with a button, as for every mailed link: mail programs open links by themselves."""
    return await request.show("sessions/change_email.html", code=request.value("code"), error="")


async def change(request: Request) -> Reply:
    try:
        async with request.database.write() as tx:
            await confirm_new_email(tx, request.value("code"))
    except (Invalid, NotFound) as problem:
        return await request.show(
            "sessions/change_email.html", 422, code=request.value("code"), error=request.sentence(problem.message)
        )
    return request.redirect("/settings/email?saved=1" if request.signed_in else "/log_in?confirmed=1")


async def show_keep(request: Request) -> Reply:
    return await request.show("sessions/keep_email.html", code=request.value("code"), done="", error="")


async def keep(request: Request) -> Reply:
    try:
        is_undone = await keep_old_email(request.database, request.value("code"))
    except (Invalid, NotFound) as problem:
        return await request.show(
            "sessions/keep_email.html", 422, code=request.value("code"), done="", error=request.sentence(problem.message)
        )
    return await request.show("sessions/keep_email.html", code="", done="undone" if is_undone else "stopped", error="")


ROUTES = [
    Route("GET", "/settings/email", show, Access.MEMBER, for_suspended=True),
    Route("POST", "/settings/email", ask, Access.MEMBER, for_suspended=True, keeps_form=True),
    Route("POST", "/settings/email/mails", choose_mails, Access.MEMBER, for_suspended=True),
    Route("GET", "/email/change/{code}", show_change, Access.PUBLIC, for_suspended=True),
    Route("POST", "/email/change/{code}", change, Access.PUBLIC, for_suspended=True),
    Route("GET", "/email/keep/{code}", show_keep, Access.PUBLIC, for_suspended=True),
    Route("POST", "/email/keep/{code}", keep, Access.PUBLIC, for_suspended=True),
]
