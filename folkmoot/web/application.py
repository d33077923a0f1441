"""The web application: finds the route, identifies the viewer, checks forms, and shows problems as pages."""

import logging
from typing import Any
from urllib.parse import quote

from folkmoot.base.errors import (
    Forbidden,
    NotFound,
    NotHereYet,
    Overloaded,
    TooMany,
    Unauthorized,
    WritesPaused,
)
from folkmoot.base.limits import Allowance
from folkmoot.base.log import request_id
from folkmoot.http.admission import Caller, RoleMissing, Suspended, admit
from folkmoot.http.context import Context
from folkmoot.http.counting import count_exactly, count_request
from folkmoot.http.problems import REFUSAL, status_of
from folkmoot.http.replies import Reply, redirect
from folkmoot.http.routing import USUAL_BYTES, Access, Route, Router
from folkmoot.network.sessions.model import Viewer
from folkmoot.web.busy_pages import BusyPages
from folkmoot.web.open_pages import OpenPages, is_open
from folkmoot.web.page_context import PageContext
from folkmoot.web.rendering import Templates
from folkmoot.web.request import Request, address_of
from folkmoot.web.security import StaleForm, cookies_of, is_same_origin
from folkmoot.web.sent_form import find_sent_form
from folkmoot.web.static_files import StaticFiles

log = logging.getLogger(__name__)
_PRIVATE = (b"cache-control", b"private, no-cache")
_SAFE = ("GET", "HEAD")
_MAX_FORMS_OVER_LIMIT = 100  # showing a form again costs more than an error page


async def _not_found(_request: Request) -> Reply:
    raise NotFound


_NOT_FOUND = Route("GET", "/", _not_found, Access.PUBLIC)  # used when no route matches


class WebApplication:
    """The ASGI application for HTML pages."""

    def __init__(self, context: Context, router: Router) -> None:
        self._context = context
        self._router = router
        self.static = StaticFiles()
        self._shared = PageContext(context, Templates(context.settings, context.urls, self.static))
        self._open_pages = OpenPages(context.database)
        self._busy_pages = BusyPages(self._shared)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        method, path = scope["method"], scope["path"]
        if path.startswith("/static/"):
            await self._static(scope, receive, send)
            return
        if isinstance(refusal := scope.get(REFUSAL), Overloaded):
            await self._busy_pages.reply(scope, refusal)(scope, receive, send)
            return
        routes, values = self._router.find(path)
        route = routes.get("GET" if method == "HEAD" else method)
        has_page = method in _SAFE or "GET" in routes
        request = Request(scope, receive, route or _NOT_FOUND, values, self._shared, cookies_of(scope), has_page=has_page)
        try:
            if REFUSAL in scope:
                raise scope[REFUSAL]
            request.signed_in = await self._viewer(request.cookies)
            caller = Caller(request.signed_in)
            self._check_limit(request, count_request(self._context, route, caller, request.address))
            if route is None:
                raise NotFound
            caller = admit(route, caller)
            request.signed_in = caller.viewer
            request.filters = await self._context.filters.of_viewer(caller.viewer)
            request.read_query()
            if method not in _SAFE:
                await self._check_form(request)
            self._check_limit(request, await count_exactly(self._context, route, caller, request.address))
            request.is_open_page = is_open(request)
            reply = await (self._open_pages.answer(request) if request.is_open_page else route.handler(request))
        except Exception as error:
            reply = await self._error_reply(request, error)
        if isinstance(reply, Reply):
            refusal = request.refusal or request.too_many
            if refusal and reply.status in (422, 429):
                reply.status = status_of(refusal)
                reply.headers = [header for header in reply.headers if header[0] != b"retry-after"]
                if isinstance(refusal, TooMany | WritesPaused):
                    reply.headers.append(_retry_after(refusal))
            reply.headers += request.new_cookies
            if not any(name == b"cache-control" for name, _ in reply.headers):
                reply.headers.append(_PRIVATE)
        await reply(scope, receive, send)

    async def _static(self, scope: Any, receive: Any, send: Any) -> None:
        takes_gzip = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
        try:
            reply = self.static.reply(scope["path"].removeprefix("/static/"), takes_gzip=takes_gzip)
        except NotFound:
            reply = Reply(b"", 404)
        await reply(scope, receive, send)

    async def _viewer(self, cookies: dict[str, str]) -> Viewer | None:
        secret = cookies.get(self._shared.cookies.session)
        return await self._context.viewers.by_session(secret) if secret else None

    def session_of(self, scope: Any) -> str | None:
        """The session in the cookies of a request."""
        return cookies_of(scope).get(self._shared.cookies.session)

    def _check_limit(self, request: Request, allowance: Allowance | None) -> None:
        """Raises TooMany over a limit. On a route that keeps its form, the handler shows the form again instead."""
        if allowance is None or not allowance.is_spent:
            return
        request.too_many = TooMany(retry_after=allowance.retry_after)
        is_flood = allowance.remaining < -_MAX_FORMS_OVER_LIMIT
        if is_flood or not request.route.keeps_form or request.scope["method"] in _SAFE:
            raise request.too_many

    async def _check_form(self, request: Request) -> None:
        """Reads the form. Raises Forbidden for one that another site has sent, StaleForm for one without a token of this browser."""
        form = await request.read_form()
        token = form.text("form_token") or request.headers.get("x-form-token", "")
        if not is_same_origin(dict(request.headers), self._context.settings.base_url):
            raise Forbidden("This form was sent from another site. Nothing was done.")
        if request.route.form_is_open and not token and not request.signed_in:
            if request.headers.get("origin") != self._context.settings.base_url:  # which no page of another site can send
                raise StaleForm
            return
        if not request.shared.tokens.is_valid(request.browser, token):
            raise StaleForm

    async def _error_reply(self, request: Request, error: Exception) -> Reply:
        what = f"{request.scope['method']} {request.route.path if request.route else '?'}"
        problem = await self._context.explain(error)
        if problem is None:
            log.exception("%s failed", what)
            return request.render("errors/failed.html", 500, code=request_id.get(), again=await find_sent_form(request))
        if problem.log_text:
            log.info("%s: %s", what, problem.log_text)
        if isinstance(problem, RoleMissing):
            problem = NotFound()  # without the role, the page does not seem to exist
        status = status_of(problem)
        if isinstance(problem, Unauthorized) and not request.signed_in and request.scope["method"] in _SAFE:
            return redirect(f"/log_in?next={quote(address_of(request.scope))}")
        sentence = request.translator.sentence(problem.message, dict(problem.params))
        if request.wants_part:
            reply = Reply(sentence.encode(), status, b"text/plain; charset=utf-8")
        elif isinstance(problem, Suspended):
            reply = request.render("errors/suspended.html", status)
        else:
            again = None
            if isinstance(problem, Unauthorized):
                again = await find_sent_form(request, USUAL_BYTES)
            elif status >= 500 or isinstance(problem, StaleForm):
                again = await find_sent_form(request)
            reply = request.render("errors/refused.html", status, sentence=sentence, number=status, again=again)
        if isinstance(problem, TooMany | WritesPaused | NotHereYet):
            reply.headers.append(_retry_after(problem))
        return reply


def _retry_after(problem: TooMany | WritesPaused | NotHereYet) -> tuple[bytes, bytes]:
    return b"retry-after", b"%d" % max(1, round(problem.retry_after))
