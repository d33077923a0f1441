"""The outermost ASGI application: adds a request id and security headers and calls the application for the path."""

import logging
from itertools import count
from typing import Any

from folkmoot.base import clock
from folkmoot.base.errors import Overloaded
from folkmoot.base.log import request_id
from folkmoot.base.metrics import Requests
from folkmoot.http.forwarding import Forwarding
from folkmoot.http.from_peer import FROM_PEER, is_probe, mark_refusals, restore_client
from folkmoot.http.host_record import RECORD_PATH
from folkmoot.http.overload import NO_PLACE, Overload, Place, retry_after
from folkmoot.http.passing import IS_COMPLETE
from folkmoot.http.problems import REFUSAL
from folkmoot.http.routing import Router
from folkmoot.network.barriers.model import AddressBarred
from folkmoot.network.barriers.shut_out import ShutOut

log = logging.getLogger(__name__)
_STRICTEST_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"), (b"x-frame-options", b"DENY")]
_PAGE_HEADERS = [
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()"),
]
_OPENER_POLICY = (b"cross-origin-opener-policy", b"same-origin")
_NO_OPENER_POLICY = (b"cross-origin-opener-policy", b"unsafe-none")
# Apps that run in browsers open the pages of OAuth in a popup and wait for its answer. Every page and every redirect on the
# way must leave the popup connected to its opener (`same-origin-allow-popups` would disconnect it too).
_POPUP_PATHS = ("/oauth/", "/log_in", "/sign_up", "/language")
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_API_PREFIXES = ("/oauth/", "/.well-known/", "/nodeinfo/", "/health")
_STATIC = "/static/"
_HEALTH = frozenset(["/livez", "/readyz", "/metrics"])


class Front:
    """Dispatches to the API, the pages, the health checks and the record of this host."""

    def __init__(
        self, api: Any, pages: Any, health: Any, api_router: Router, *, is_secure: bool, forwarding: Forwarding | None = None,
        answer_probe: Any = None, host_record: Any = None, shut_out: ShutOut | None = None, overload: Overload | None = None,
    ) -> None:
        self._shut_out = shut_out
        self._overload = overload
        self._forwarding = forwarding
        self._answer_probe = answer_probe
        self._api = api
        self._pages = pages
        self._health = health
        self._host_record = host_record
        self._api_router = api_router
        headers = [*_HEADERS, _HSTS] if is_secure else _HEADERS
        self._headers = {"api": headers, "health": headers, "pages": [*headers, *_PAGE_HEADERS, _OPENER_POLICY]}
        self._popup_headers = [*headers, *_PAGE_HEADERS, _NO_OPENER_POLICY]
        self._requests = Requests()
        self._process, self._numbers = clock.token(6), count(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        id_ = f"{self._process}-{next(self._numbers)}"  # marks log lines; not a secret
        request_id.set(id_)
        if FROM_PEER in scope:
            if is_probe(scope):
                await self._answer_probe(scope, receive, send)
                return
            restore_client(scope)
        await self._mark_shut_out(scope)
        if scope["type"] == "websocket":
            await self._answer_socket(scope, receive, send)
            return
        started = clock.monotonic()
        name, application = self._application(scope["path"])
        headers = self._popup_headers if name == "pages" and scope["path"].startswith(_POPUP_PATHS) else self._headers[name]
        status = 500
        place = await self._enter(name, scope)
        receive = place.noting(scope, receive)

        async def send_with_headers(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                place.give_back()
                if not message.pop(IS_COMPLETE, False):
                    message["headers"] = _checked_headers([*message["headers"], *headers, (b"x-request-id", id_.encode())])
            await send(message)

        try:
            if FROM_PEER in scope:
                await application(scope, receive, mark_refusals(send_with_headers))
            elif self._forwarding is None or isinstance(scope.get(REFUSAL), Overloaded) or self._forwarding.is_needless(scope):
                await application(scope, receive, send_with_headers)
            else:
                await self._forwarding.answer(application, scope, receive, send_with_headers)
        finally:
            place.give_back()
            seconds = clock.monotonic() - started
            self._requests.note(name, status, seconds)
            log.debug("%s %s %d %.1f ms", scope["method"], scope["path"], status, 1000 * seconds)

    async def _mark_shut_out(self, scope: Any) -> None:
        """The applications refuse a request from a network that is kept out. Health checks are answered."""
        client = scope.get("client")
        if self._shut_out and client and scope["path"] not in _HEALTH and await self._shut_out.contains(client[0]):
            scope[REFUSAL] = AddressBarred()

    async def _enter(self, name: str, scope: Any) -> Place:
        """The place of a request that costs more than its refusal would. If there is none, the applications refuse it. What the peer
        sends has waited there."""
        is_cheap = name == "health" or scope.get("method") == "OPTIONS" or scope["path"].startswith(_STATIC)
        if self._overload is None or is_cheap or FROM_PEER in scope:
            return NO_PLACE
        place = await self._overload.enter(name, scope)
        if place is None:
            scope[REFUSAL] = Overloaded(retry_after=retry_after())
        return place or NO_PLACE

    async def _answer_socket(self, scope: Any, receive: Any, send: Any) -> None:
        place = await self._enter("api", scope)

        async def send_and_give_back(message: Any) -> None:
            place.give_back()
            await send(message)

        try:
            if self._forwarding is None or FROM_PEER in scope or isinstance(scope.get(REFUSAL), Overloaded):
                await self._api(scope, receive, send_and_give_back)
            else:
                await self._forwarding.answer_socket(self._api, scope, receive, send_and_give_back)
        finally:
            place.give_back()

    def _application(self, path: str) -> tuple[str, Any]:
        if path.startswith("/api/") or (path.startswith(_API_PREFIXES) and self._api_router.find(path)[0]):
            return "api", self._api
        if path in _HEALTH:
            return "health", self._health
        if path == RECORD_PATH and self._host_record:
            return "health", self._host_record
        return "pages", self._pages


def _checked_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers, with the strictest content policy if there is none. Raises ValueError for a line break in a value, which
    would start another header (a second protection)."""
    names, values = zip(*headers, strict=True)
    together = b"".join(values)
    if len(together.translate(None, b"\n\r\x00")) < len(together):
        raise ValueError("a control character in a header")
    if b"content-security-policy" not in names:
        return [*headers, _STRICTEST_POLICY]
    policy = values[names.index(b"content-security-policy")]
    if b"frame-ancestors *" in policy:  # the older header would forbid what this page allows
        return [header for header in headers if header[0] != b"x-frame-options"]
    return headers
