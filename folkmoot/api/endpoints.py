"""Endpoints: routes of the client API that also declare what they take and what they answer.

`params` is the struct of the parameters; the handler receives it filled. `answer` is the type of the JSON that comes
back. From these declarations come the reference page, the OpenAPI document and the hostile tests.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from folkmoot.api.parameters import P, Parameters, fill
from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route


@dataclass(frozen=True)
class Endpoint(Route):
    """`about`: one sentence for the reference. `reads_body`: whether parameters may come in a body. `media_type`: of an
    answer that is no JSON."""

    params: type[Parameters] | None = None
    answer: Any = None
    about: str = ""
    reads_body: bool = True
    media_type: str = "application/json"


def endpoint(
    method: str, path: str, handler: Callable[..., Awaitable[Reply]], access: Access, scope: str = "", *,
    params: type[Parameters] | None = None, answer: Any, about: str = "", reads_body: bool | None = None, **more: Any,
) -> Endpoint:
    """An endpoint. Of a GET only the query is read, unless `reads_body` says otherwise: some clients send a body."""
    reads_body = method != "GET" if reads_body is None else reads_body
    sentence = about or (handler.__doc__ or "").strip().partition("\n\n")[0].replace("\n    ", " ")
    filled = handler if params is None else _filled(handler, params, reads_body=reads_body)
    return Endpoint(
        method, path, filled, access, scope, params=params, answer=answer, about=sentence,
        reads_body=reads_body and params is not None, **more,
    )


def _filled(handler: Callable[[Request, P], Awaitable[Reply]], kind: type[P], *, reads_body: bool) -> Handler:
    """The handler as the router calls it: with the request alone."""
    if reads_body:

        @wraps(handler)
        async def handle(request: Request) -> Reply:
            return await handler(request, fill(kind, await request.params()))

        return handle

    @wraps(handler)
    def handle_query(request: Request) -> Awaitable[Reply]:
        return handler(request, fill(kind, request.query))

    return handle_query
