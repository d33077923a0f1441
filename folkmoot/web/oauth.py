"""The page on which a member authorises an app (RFC 6749 4.1.1, RFC 7636). The endpoints for apps are in api/apps.py."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from folkmoot.base.errors import Forbidden, NotFound
from folkmoot.http.params import Params
from folkmoot.http.replies import Reply, redirect
from folkmoot.http.routing import Access, Route
from folkmoot.network.sessions import apps, queries, scopes
from folkmoot.network.sessions.model import OUT_OF_BAND, App, digest
from folkmoot.web.request import Request

_MAX_STATE_LENGTH = 4000  # it is sent in a header
_MODES = ("query", "fragment")  # how the app gets the answer (OAuth 2.0 Multiple Response Types 2.1)
_LOG_IN_AGAIN = {"login", "select_account"}  # values of `prompt` (OpenID Connect Core 3.1.2.1)


class Authorization(NamedTuple):
    """A valid request of an app for authorization."""

    app: App
    redirect_uri: str
    scopes: frozenset[str]
    state: str
    challenge: str
    response_mode: str


async def show(request: Request) -> Reply:
    """Asks whether the app may have access. Without a session, or if the app wants it, the member logs in first."""
    wanted = await _read_request(request, request.query)
    prompts = set(request.query.text("prompt").split())
    if "none" in prompts:  # this page always asks, so an app that wants no question gets no code
        error = "interaction_required" if request.signed_in else "login_required"
        return _redirect_to_app(wanted, error=error, error_description="This network asks its members before it lets an app in.")
    if not request.signed_in or request.query.flag("force_login") or prompts & _LOG_IN_AGAIN:
        return redirect("/log_in?" + urlencode({"next": _address_after_log_in(request), "again": "1"}))
    return await request.show(
        "oauth/authorize.html", wanted=wanted, form_targets=_target(wanted.redirect_uri), host=_host(wanted.redirect_uri),
        out_of_band=OUT_OF_BAND, scope_text=scopes.text(wanted.scopes),
    )


async def decide(request: Request) -> Reply:
    """Sends the app its code, or the refusal."""
    wanted = await _read_request(request, request.form)
    if not request.form.flag("allow"):
        description = "The resource owner or authorization server denied the request."
        return _redirect_to_app(wanted, error="access_denied", error_description=description)
    async with request.database.write() as tx:
        code = await apps.authorize_app(tx, request.viewer, wanted.app, wanted.redirect_uri, wanted.scopes, wanted.challenge)
    if wanted.redirect_uri == OUT_OF_BAND:
        return redirect("/oauth/authorize/native?" + urlencode({"code": code, "client_id": wanted.app.client_id}))
    return _redirect_to_app(wanted, code=code)


async def show_code(request: Request) -> Reply:
    """Shows the code for copying. It is in the address too, where apps that open their own browser read it."""
    code = request.query.text("code")
    async with request.database.read() as conn:
        app = await queries.find_app(conn, request.query.text("client_id"))
        # A link with another member's code would connect the viewer's app to that member's account.
        if app is None or not await queries.has_authorization_code(conn, digest(code), app.id, request.viewer.id):
            raise NotFound
    return await request.show("oauth/code.html", code=code, app=app)


async def _read_request(request: Request, params: Params) -> Authorization:
    """Raises Forbidden, without a redirect, for a request that does not match the registration: an address that was not
    registered must learn nothing (RFC 6749 4.1.2.1)."""
    async with request.database.read() as conn:
        app = await queries.find_app(conn, params.text("client_id"))
    if app is None:
        raise Forbidden("This app is not registered here.")
    uri = params.text("redirect_uri")
    if uri not in app.redirect_uris:
        raise Forbidden("The app asks to be answered at an address that it has not registered.")
    mode = params.text("response_mode") or "query"
    if params.text("response_type") != "code" or mode not in _MODES:
        raise Forbidden("The app asks in a way that this network does not understand.")
    if len(params.text("state")) > _MAX_STATE_LENGTH:
        raise Forbidden("The app asks in a way that this network does not understand.")
    challenge = params.text("code_challenge")
    if challenge and not (params.text("code_challenge_method") == "S256" and apps.is_challenge(challenge)):
        raise Forbidden("The app asks in a way that this network does not understand.")
    wanted_scopes = scopes.parse(params.text("scope"))
    if not all(scopes.covers(frozenset(app.scopes.split()), scope) for scope in wanted_scopes):
        raise Forbidden("The app asks for more than it has registered for.")
    return Authorization(app, uri, wanted_scopes, params.text("state"), challenge, mode)


def _redirect_to_app(wanted: Authorization, **answer: str) -> Reply:
    if wanted.redirect_uri == OUT_OF_BAND:
        return redirect("/")
    if wanted.state:
        answer["state"] = wanted.state
    joint = "#" if wanted.response_mode == "fragment" else "&" if urlsplit(wanted.redirect_uri).query else "?"
    return redirect(wanted.redirect_uri + joint + urlencode(answer), 302)


def _address_after_log_in(request: Request) -> str:
    """The address of this request without what asks for the log-in, so that it is not asked for again."""
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return "/oauth/authorize?" + urlencode([(name, value) for name, value in given if name not in ("force_login", "prompt")])


def _target(uri: str) -> str:
    """The redirect target that the page's policy must allow."""
    split = urlsplit(uri)
    if uri == OUT_OF_BAND or not split.scheme:
        return ""
    return f" {split.scheme}://{split.netloc}" if split.scheme in ("http", "https") else f" {split.scheme}:"


def _host(uri: str) -> str:
    return urlsplit(uri).hostname or urlsplit(uri).scheme


ROUTES = [
    Route("GET", "/oauth/authorize", show, Access.PUBLIC),
    Route("POST", "/oauth/authorize", decide, Access.MEMBER),
    Route("GET", "/oauth/authorize/native", show_code, Access.MEMBER),
]
