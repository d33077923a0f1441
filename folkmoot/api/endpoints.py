"""Endpoints: routes of the client API that also declare their parameters and responses.

`params` is the struct of the parameters; the handler receives it filled. `answer` is the type of the JSON response.
The reference page, the OpenAPI document and the hostile tests are generated from these declarations.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from folkmoot.api.account_shapes import Shape
from folkmoot.api.activity_shapes import Count, Search
from folkmoot.api.network_shapes import Error, ValidationError
from folkmoot.api.parameters import Cursors, P, ParameterField, Parameters, fields_of, fill
from folkmoot.api.request import Request
from folkmoot.api.words import PARAMETER_OF
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Handler, Route


@dataclass(frozen=True)
class Endpoint(Route):
    """`other_answer`: the type of the response to some parameters. `about`: one sentence for the reference. `reads_body`: whether
    parameters may come in a body. `media_type`: of a response that is not plain JSON. `further`: other statuses of
    success, and when they are answered. `may_conflict`: 409. `refusal`: the shape of errors. `faulty`: parameters by the
    fields of errors of the action, where neither has the same name nor `words.PARAMETER_OF` knows it. `limits_of_act`: further rows of
    `base/limits.py`, which the action counts once the input is correct.
    """

    params: type[Parameters] | None = None
    answer: Any = None
    other_answer: Any = None
    about: str = ""
    reads_body: bool = True
    media_type: str = "application/json"
    further: Mapping[int, str] = field(default_factory=dict)
    may_conflict: bool = False
    refusal: type[Shape] = Error
    faulty: Mapping[str, str] = field(default_factory=dict)
    limits_of_act: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[ParameterField, ...]:
        return fields_of(self.params) if self.params else ()

    @property
    def rule(self) -> str:
        """The docstring of the struct, which describes all parameters together; may be empty."""
        return " ".join((vars(self.params).get("__doc__") or "").split()) if self.params else ""

    @property
    def limits(self) -> tuple[str, ...]:
        """All limits beside those that count every request."""
        return (self.limit, *self.limits_of_act) if self.limit else self.limits_of_act

    @property
    def is_paged(self) -> bool:
        """Whether the response has a Link header to the next and previous page."""
        return self.params is not None and issubclass(self.params, Cursors) and self.answer not in (Count, Search)

    @property
    def family(self) -> str:
        """The part of the API that the endpoint belongs to: the name of its module."""
        return self.handler.__module__.rpartition(".")[2].replace("_", " ")

    def parameter_of(self, field: str) -> str:
        """The parameter that an error of the action is about. Actions have our words, clients have theirs."""
        if field in self.faulty:
            return self.faulty[field]
        return field if any(one.name == field for one in self.fields) else PARAMETER_OF.get(field, field)

    def refusals(self) -> dict[int, type[Shape]]:
        """The status codes of its errors, with the shape of each. 404: of what the path or a parameter names, or a change needs."""
        is_write, is_open = self.method != "GET", self.access is Access.PUBLIC
        names_something = "{" in self.path or any(one.is_required for one in self.fields)
        found = {
            400: True, 401: True, 403: not is_open or bool(self.scope) or self.refusal is not Error, 404: names_something or is_write,
            409: self.may_conflict, 413: self.reads_body, 422: not is_open or is_write, 429: True, 503: True, 507: True,
        }
        shapes: dict[int, type[Shape]] = {400: self.refusal, 401: self.refusal, 403: self.refusal, 422: ValidationError}
        return {status: shapes.get(status, Error) for status, can_be in found.items() if can_be}


def endpoint(
    method: str, path: str, handler: Callable[..., Awaitable[Reply]], access: Access, scope: str = "", *,
    params: type[Parameters] | None = None, answer: Any, about: str = "", reads_body: bool | None = None, is_signed: bool = False,
    **more: Any,
) -> Endpoint:
    """Creates an endpoint. For a GET only the query is read, unless `reads_body` is set because some clients send a body.
    `is_signed`: the handler also needs the body as it was sent."""
    reads_body = method != "GET" if reads_body is None else reads_body
    sentence = about or (handler.__doc__ or "").strip().partition("\n\n")[0].replace("\n    ", " ")
    filled = handler if params is None else _filled(handler, params, reads_body=reads_body, is_signed=is_signed)
    return Endpoint(
        method, path, filled, access, scope, params=params, answer=answer, about=sentence,
        reads_body=reads_body and params is not None, **more,
    )


def _filled(handler: Callable[[Request, P], Awaitable[Reply]], kind: type[P], *, reads_body: bool, is_signed: bool) -> Handler:
    """Wraps the handler for the router, which passes only the request."""
    if reads_body:

        @wraps(handler)
        async def handle(request: Request) -> Reply:
            if is_signed:
                await request.body()
            return await handler(request, fill(kind, await request.params()))

        return handle

    @wraps(handler)
    def handle_query(request: Request) -> Awaitable[Reply]:
        return handler(request, fill(kind, request.query))

    return handle_query
