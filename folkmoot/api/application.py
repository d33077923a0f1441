"""The client API application: finds the route, identifies and authorises the caller, and turns errors into responses.

Errors have the shape that clients know (`{"error": "..."}`) with exact codes, and the language of the reader, except those that
clients know by their words. Every response has the rate-limit headers
of the limit with the fewest requests left, and CORS headers for apps that run in browsers.
"""

import logging
from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers

from folkmoot.api.endpoints import Endpoint
from folkmoot.api.entities import Entities
from folkmoot.api.identification import find_holder, require_unspent
from folkmoot.api.request import Request, encode
from folkmoot.api.status_fragments import Fragment
from folkmoot.api.stream_connection import Rendering
from folkmoot.api.websocket import StreamingSocket
from folkmoot.base import i18n
from folkmoot.base.errors import (
    Invalid,
    NotFound,
    Overloaded,
    Problem,
    TooMany,
    Unauthorized,
    WritesPaused,
)
from folkmoot.base.i18n import Translator
from folkmoot.base.limits import Allowance
from folkmoot.http.admission import Caller, PersonMissing, RoleMissing, ScopeMissing, Suspended, admit
from folkmoot.http.context import Context
from folkmoot.http.counting import count_exactly, count_request
from folkmoot.http.fragments import FragmentCache
from folkmoot.http.problems import REFUSAL, WrongMethod, status_of
from folkmoot.http.replies import JSON, Reply
from folkmoot.http.routing import Route, Router
from folkmoot.moderation.clauses.published import current
from folkmoot.network.sessions.model import TokenHolder

log = logging.getLogger(__name__)
# Error texts that clients expect, by ours: in every language, and in English.
_FIXED = {
    NotFound.message: "Record not found",
    Unauthorized.message: "The access token is invalid",
    ScopeMissing.message: "This action is outside the authorized scopes",
    PersonMissing.message: "This method requires an authenticated user",
    Suspended.message: "Your login is currently disabled.",
    RoleMissing.message: "This action is not allowed",
}
# And ours that are theirs: by these, apps know what a new member has to do.
_FIXED |= {own: own for own in ("Your login is missing a confirmed e-mail address.", "Your login is currently pending approval.")}
_WIRE = {
    **_FIXED,
    "This picture is part of a post.": "Media attachment is currently used by a status",
    "A poll needs at least two answers.": "Choices must have more than one item",
    "A poll can have at most %(limit)d answers.": "Choices can't contain more than %(limit)d items",
    "An answer has at most %(limit)d characters.": "Choices cannot be longer than %(limit)d characters each",
    "The answers of a poll are all different.": "Choices contain duplicate items",
    "A poll lasts at least five minutes.": "Deadline is too soon",
    "A poll lasts at most a month.": "Deadline is too far into the future",
    "You have already voted in this poll.": "You have already voted on this poll",
    "This poll takes one answer.": "You have already voted on this poll",
    "You cannot vote in your own poll.": "You cannot vote in your own polls",
    "There is no such answer.": "The chosen vote option does not exist",
    "The poll has already ended.": "The poll has already ended",
}
_EXPOSED = (
    b"Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Retry-After, Deprecation, Mastodon-Async-Refresh"
)
_CORS = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED)]
_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, *"),
    (b"access-control-max-age", b"86400"),
]
_PRIVATE = [(b"vary", b"Authorization"), (b"cache-control", b"private, no-store")]
_SHARED = [(b"vary", b"Authorization"), (b"cache-control", b"public, max-age=2")]  # decision 0101


class ApiApplication:
    """The ASGI application for `/api/...` and the endpoints of OAuth for apps."""

    def __init__(self, context: Context, router: Router) -> None:
        self._context = context
        self._router = router
        self._entities = Entities(context.urls, i18n.load(context.settings.network.time_zone))
        self._fragments: FragmentCache[Fragment] = FragmentCache(
            self._entities.fragment, rules=lambda: current().version
        )
        self._rendering = Rendering(context.database, self._entities, self._fragments, context.filters, context.settings.base_url)
        self._busy = encode({"error": Overloaded.message})
        self._socket = StreamingSocket(context, self._rendering, _refusal)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if isinstance(refusal := scope.get(REFUSAL), Overloaded):
            await self._busy_reply(refusal)(scope, receive, send)
            return
        routes, values = self._router.find(scope["path"])
        method = scope["method"]
        if method == "OPTIONS":
            await Reply(b"", 204, JSON, [*_CORS, *_PREFLIGHT])(scope, receive, send)
            return
        route = routes.get("GET" if method == "HEAD" else method)
        address = scope["client"][0] if scope.get("client") else ""
        allowance: Allowance | None = None
        holder: TokenHolder | None = None
        try:
            if REFUSAL in scope:
                raise scope[REFUSAL]
            try:
                holder = await find_holder(self._context.viewers, scope)
            finally:  # an attempt with a wrong token counts too
                allowance = count_request(self._context, route, Caller.by_token(holder), address)
                require_unspent(allowance)
            if route is None:
                raise WrongMethod(method=method) if routes else NotFound
            caller = admit(route, Caller.by_token(holder))
            holder = caller.holder
            allowance = await count_exactly(self._context, route, caller, address) or allowance
            require_unspent(allowance)
            filters = await self._context.filters.of_viewer(holder.viewer if holder else None)
            request = Request(
                scope, receive, route, values, self._context, self._entities, self._fragments, self._rendering, holder, filters
            )
            reply = await route.handler(request)
        except Exception as error:
            reply = await self._error_reply(error, method, route, self._translator(scope, holder))
        reply.headers += _CORS
        reply.headers += _SHARED if holder is None and method in ("GET", "HEAD") and reply.status == 200 else _PRIVATE
        if allowance:
            reply.headers += _rate_headers(allowance)
        if reply.status == 405:
            reply.headers.append((b"allow", ", ".join(sorted({*routes, "OPTIONS"})).encode()))
        if route and route.deprecated_at:
            reply.headers.append((b"deprecation", b"@%d" % route.deprecated_at))
        await reply(scope, receive, send)

    def _translator(self, scope: Any, holder: TokenHolder | None) -> Translator | None:
        """For the reader of an error: in the language of the parameter `lang`, else that which the member has chosen, or that the client
        accepts. None for English."""
        accepted = Headers(scope=scope).get("accept-language", "")
        usual = holder.viewer.login.language if holder and holder.viewer else i18n.choose(accepted, "en")
        language = i18n.asked_for(scope["query_string"]) or usual
        return None if language == "en" else self._entities.translator(language)

    def _busy_reply(self, problem: Overloaded) -> Reply:
        """Costs next to nothing: there are thousands when it is needed."""
        return Reply(self._busy, status_of(problem), JSON, [_retry_after(problem), *_CORS, *_PRIVATE])

    async def _error_reply(self, error: Exception, method: str, route: Route | None, translator: Translator | None) -> Reply:
        what = f"{method} {route.path if route else '?'}"
        problem = await self._context.explain(error)
        if problem is None:
            log.exception("%s failed", what)
            return Reply(b'{"error":"We failed at this. It is in our log."}', 500)
        if problem.log_text:
            log.info("%s: %s", what, problem.log_text)
        return _refusal(problem, route, translator)


def _refusal(problem: Problem, route: Route | None = None, translator: Translator | None = None) -> Reply:
    status = status_of(problem)
    answer: dict[str, Any] = {"error": _sentence(problem.message, problem.params, translator)}
    headers: list[tuple[bytes, bytes]] = []
    if isinstance(problem, Invalid) and problem.errors:
        sentences = [_sentence(error.message, dict(error.params or {}), translator) for error in problem.errors]
        answer = {"error": " ".join(sentences) if translator else "Validation failed: " + ", ".join(sentences), "details": {}}
        for error, sentence in zip(problem.errors, sentences, strict=True):
            entry = {"error": f"ERR_{error.code.upper()}", "description": sentence}
            name = route.parameter_of(error.field) if isinstance(route, Endpoint) else error.field
            answer["details"].setdefault(name, []).append(entry)
    if isinstance(problem, TooMany | WritesPaused | Overloaded):
        headers.append(_retry_after(problem))
    return Reply(encode(answer), status, JSON, headers)


def _sentence(message: str, params: dict[str, Any], translator: Translator | None) -> str:
    if translator and message not in _FIXED:
        return translator.sentence(message, params)
    text = _WIRE.get(message, message)
    return text % params if params else text


def _retry_after(problem: TooMany | WritesPaused | Overloaded) -> tuple[bytes, bytes]:
    return b"retry-after", b"%d" % max(1, round(problem.retry_after))


@lru_cache(maxsize=64)
def _reset_header(reset: int) -> bytes:
    return Allowance(0, 0, reset).reset_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def _rate_headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % max(0, allowance.remaining)),
        (b"x-ratelimit-reset", _reset_header(allowance.reset)),
    ]
