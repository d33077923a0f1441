"""Finds the token of a request and its holder, and refuses callers who are over a limit."""

from typing import Any

from folkmoot.base.errors import TooMany, Unauthorized
from folkmoot.base.limits import Allowance
from folkmoot.http.bodies import from_query
from folkmoot.network.sessions.cache import Viewers
from folkmoot.network.sessions.model import TokenHolder

_STREAMING = "/api/v1/streaming"


async def find_holder(viewers: Viewers, scope: Any) -> TokenHolder | None:
    """The holder of the request's token; None without a token. Raises Unauthorized for an invalid token."""
    token = token_of(scope)
    if token is None:
        return None
    holder = await viewers.by_token(token)
    if holder is None:
        raise Unauthorized
    return holder


def token_of(scope: Any) -> str | None:
    """The token in the headers. Streams take it in the query too, and WebSockets as a subprotocol, because browsers cannot
    send other headers with them; elsewhere an address never holds a token."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if kind.lower() == "bearer" else None  # HTTP Basic of an app at /oauth/token
    if not scope["path"].startswith(_STREAMING):
        return None
    token = from_query(scope["query_string"]).text("access_token")
    return token or next(iter(scope.get("subprotocols") or ()), None)


def require_unspent(allowance: Allowance) -> None:
    if allowance.is_spent:
        raise TooMany("Too many requests", retry_after=allowance.retry_after)
