"""Pages for logging in and out, signing up, confirming an address and setting a new password."""

import re
from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from folkmoot.base import i18n
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Forbidden, Invalid, NotFound, Problem, TooMany, Unauthorized
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.accounts.actions import username_errors
from folkmoot.network.accounts.queries import list_taken_names
from folkmoot.network.sessions import actions, known_browsers
from folkmoot.network.sessions.known_browsers import KnownBrowser
from folkmoot.network.sessions.model import Login
from folkmoot.network.sessions.password_change import ask_for_reset, reset_password
from folkmoot.web.leaving import stays
from folkmoot.web.request import Request, local_path
from folkmoot.web.waiting import show_waiting


async def show_log_in(request: Request) -> Reply:
    where = local_path(request.query.text("next"))
    if request.signed_in and not request.query.flag("again"):
        return request.redirect(where or "/")
    return await request.show("sessions/log_in.html", name="", where=where, error="")


async def log_in(request: Request) -> Reply:
    """Always starts a new session. A wrong name and a wrong password return the same error."""
    form = request.form
    where = local_path(form.text("next"))
    try:
        request.require_allowance()
        secret, login = await actions.log_in(
            request.database, form.text("name"), form.text("password"), agent=request.headers.get("user-agent", ""),
            address=request.address, multiplier=request.context.settings.limits.multiplier, browser=_browser(request),
        )
    except actions.Obstructed as problem:
        if problem.login.disabled_at is None:
            return await show_waiting(request, problem.login)
        return await request.show("sessions/log_in.html", 422, name=form.text("name"), where=where, error=request.sentence(problem.message))
    except (Unauthorized, Forbidden, TooMany) as problem:
        sentence = request.over_limit(problem) if isinstance(problem, TooMany) else request.sentence(problem.message)
        return await request.show("sessions/log_in.html", 422, name=form.text("name"), where=where, error=sentence)
    _remember_browser(request, login.account_id)
    if await stays(request, login.account_id):
        where = where or "/settings/delete?stayed=1"
    return _redirect_with_session(request, secret, where or "/")


async def log_out(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.end_sessions(tx, request.viewer, only=request.viewer.session_id)
    cookies = request.shared.cookies
    request.new_cookies += [cookies.delete(cookies.session), cookies.set_for_script(cookies.logged_out, "1")]
    return request.redirect("/")


async def show_sign_up(request: Request) -> Reply:
    if request.signed_in:
        return request.redirect("/")
    invitation = request.query.text("invitation")
    where = local_path(request.query.text("next"))
    return await _sign_up_page(request, actions.SignUp("", "", "", False, invitation=invitation), where=where)


async def sign_up(request: Request) -> Reply:
    form = request.form
    draft = actions.SignUp(
        username=form.text("username"), email=form.text("email"), password=form.text("password"), agrees=form.flag("agrees"),
        language=request.language, reason=form.text("reason"), invitation=form.text("invitation"),
    )
    where = local_path(form.text("next"))
    try:
        request.require_allowance()
        login, secret = await actions.sign_up(
            request.database, draft, request.context.sign_up_policy, request.address, enter=partial(_enter, request)
        )
    except Invalid as problem:
        is_taken = any((error.field, error.code) == ("username", "taken") for error in problem.errors)
        free = await _free_names(request, draft) if is_taken else []
        return await _sign_up_page(request, draft, request.problems(problem), 422, where, free)
    except TooMany as problem:
        return await _sign_up_page(request, draft, {"username": request.over_limit(problem)}, 422, where)
    if not secret:
        return await show_waiting(request, login)
    _remember_browser(request, login.account_id)
    return _redirect_with_session(request, secret, where or "/explore")


async def _enter(request: Request, tx: WriteTx, login: Login) -> str:
    """The secret of a session for a new member; empty if the log-in cannot be used yet."""
    if login.obstacle:
        return ""
    return await actions.start_session(tx, login, request.headers.get("user-agent", ""), request.address)


async def invited(request: Request) -> Reply:
    return request.redirect(f"/sign_up?invitation={quote(request.value('code'))}")


async def confirm(request: Request) -> Reply:
    """A page with a button, because a mail program that opens links must not confirm the address."""
    return await request.show("sessions/confirm.html", code=request.value("code"))


async def confirmed(request: Request) -> Reply:
    async with request.database.write() as tx:
        await actions.confirm_email(tx, request.value("code"))
    return request.redirect("/log_in?confirmed=1")


async def show_reset(request: Request) -> Reply:
    return await request.show("sessions/reset.html", email="", is_sent=False, error="")


async def reset(request: Request) -> Reply:
    """The reply does not reveal whether there is such an account."""
    email = request.form.text("email")
    try:
        request.require_allowance()
        await ask_for_reset(
            request.database, email, request.context.settings.base_url, address=request.address,
            multiplier=request.context.settings.limits.multiplier,
        )
    except TooMany as problem:
        return await request.show("sessions/reset.html", 422, email=email, is_sent=False, error=request.over_limit(problem))
    return await request.show("sessions/reset.html", email=email, is_sent=True, error="")


async def show_new_password(request: Request) -> Reply:
    return await request.show("sessions/new_password.html", code=request.value("code"), error="")


async def new_password(request: Request) -> Reply:
    try:
        request.require_allowance("password")
        account_id = await reset_password(request.database, request.value("code"), request.form.text("password"))
    except (Invalid, NotFound) as problem:
        return await request.show("sessions/new_password.html", 422, code=request.value("code"), error=_sentence(request, problem))
    _remember_browser(request, account_id)
    return request.redirect("/log_in?reset=1")


async def choose_language(request: Request) -> Reply:
    language = request.form.text("language")
    if language in i18n.LANGUAGES:
        if request.signed_in:
            async with request.database.write() as tx:
                await actions.change_preferences(tx, request.viewer, request.viewer.login.preferences, language)
        request.new_cookies.append(request.shared.cookies.set(request.shared.cookies.language, language))
    return request.back()


async def _sign_up_page(
    request: Request, draft: actions.SignUp, errors: dict[str, str] | None = None, status: int = 200, where: str = "",
    free: Sequence[str] = (),
) -> Reply:
    policy = request.context.sign_up_policy
    return await request.show("sessions/sign_up.html", status, draft=draft, errors=errors or {}, policy=policy, where=where, free=free)


async def _free_names(request: Request, draft: actions.SignUp) -> list[str]:
    """Up to three names that are free and similar to the taken one."""
    name, parts = draft.username.strip().removeprefix("@"), re.findall(r"[A-Za-z0-9]+", draft.email.partition("@")[0])
    ideas = ["_".join(parts), f"{name}_{parts[-1][0]}" if parts else "", *(f"{name}_{number}" for number in range(1, 10))]
    ideas = [idea for idea in dict.fromkeys(ideas) if idea and not username_errors(idea)]
    async with request.database.read() as conn:
        taken = await list_taken_names(conn, ideas)
    return [idea for idea in ideas if idea.lower() not in taken][:3]


def _browser(request: Request) -> KnownBrowser:
    return KnownBrowser(request.context.settings.secret, request.cookies.get(request.shared.cookies.known, ""))


def _remember_browser(request: Request, account_id: int) -> None:
    cookies = request.shared.cookies
    request.new_cookies.append(cookies.set(cookies.known, _browser(request).with_mark(account_id), known_browsers.SECONDS))


def _redirect_with_session(request: Request, secret: str, where: str) -> Reply:
    request.new_cookies.append(request.shared.cookies.set(request.shared.cookies.session, secret))
    return request.redirect(where)


def _sentence(request: Request, problem: Problem) -> str:
    return request.translator.sentence(problem.message, dict(problem.params))


ROUTES = [
    Route("GET", "/log_in", show_log_in, Access.PUBLIC, for_suspended=True),
    Route("POST", "/log_in", log_in, Access.PUBLIC, for_suspended=True, keeps_form=True),
    Route("POST", "/log_out", log_out, Access.MEMBER, for_suspended=True),
    Route("GET", "/sign_up", show_sign_up, Access.PUBLIC),
    Route("POST", "/sign_up", sign_up, Access.PUBLIC, keeps_form=True),
    Route("GET", "/invite/{code}", invited, Access.PUBLIC),
    Route("GET", "/confirm/{code}", confirm, Access.PUBLIC),
    Route("POST", "/confirm/{code}", confirmed, Access.PUBLIC),
    Route("GET", "/reset", show_reset, Access.PUBLIC),
    Route("POST", "/reset", reset, Access.PUBLIC, keeps_form=True),
    Route("GET", "/reset/{code}", show_new_password, Access.PUBLIC),
    Route("POST", "/reset/{code}", new_password, Access.PUBLIC, keeps_form=True),
    Route("POST", "/language", choose_language, Access.PUBLIC, for_suspended=True, form_is_open=True),
]
