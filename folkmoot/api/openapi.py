"""The client API as an OpenAPI 3.1 document, generated from the declarations of its endpoints."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from folkmoot import __version__
from folkmoot.api.endpoints import Endpoint
from folkmoot.api.network_shapes import Error, OAuthError, ValidationError
from folkmoot.api.parameters import ParameterField, json_schema, on_the_wire
from folkmoot.base.limits import TABLE
from folkmoot.http.routing import Access
from folkmoot.network.sessions.scopes import KNOWN

_SCHEMAS = "#/components/schemas/"
_BODIES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
_INTRODUCTION = """The client API of Folkmoot, compatible with Mastodon's clients.

Ids are strings. Times are UTC. Lists are paged by the `Link` header; an empty page has none. Parameters are sent in the
query, or in a body as a form, multipart or JSON; list names have brackets in forms and queries (`id[]`). JSON null counts
as absent. Every response has the headers of the rate limit with the fewest requests left. `x-access` tells who may call
an operation, `x-limit` its own rate limit, `x-further-limits` what it also counts against. `x-limits` of the document count all requests:
of an account, of a token, and without an account of an address."""
_OF_ALL = ("account", "token", "address")
REFUSALS = {
    400: "A parameter is missing or malformed.", 401: "The token is missing or invalid.",
    403: "The token's scopes do not cover this, or the member may not do it.",
    404: "It does not exist, or the viewer may not see it.",
    409: "Somebody else was faster, or what it is about has changed meanwhile.",
    413: "The body is too large.",
    422: "The input is invalid, or the token belongs to no member.",
    429: "A rate limit is exceeded; `Retry-After` tells when to try again.",
    503: "Writes are paused during a move, a component is unavailable, or there is more to do than the server can; try again.",
    507: "There is no room left on the server. Reading may continue.",
}
_RATE_HEADERS = {
    "X-RateLimit-Limit": {"description": "The number of requests that the limit allows.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "The number of requests left.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "The time when the limit is reset.", "schema": {"type": "string", "format": "date-time"}},
}
_LINK = {
    "description": "The neighbouring pages (RFC 8288): `next` is older, `prev` is newer. Absent when the page is empty.",
    "schema": {"type": "string"},
}
_HEADERS = "#/components/headers/"
_RATE = {name: {"$ref": f"{_HEADERS}{name}"} for name in _RATE_HEADERS}
_RETRY = {"description": "Seconds.", "schema": {"type": "integer"}}


def shapes_of(endpoints: Sequence[Endpoint]) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """(the JSON Schema of each response, in the order of the endpoints; the shapes that these and the errors use)."""
    answers = [endpoint.answer for endpoint in endpoints]
    others = [(place, endpoint.other_answer) for place, endpoint in enumerate(endpoints) if endpoint.other_answer]
    types = [*answers, *(other for _, other in others), Error, ValidationError, OAuthError]
    schemas, components = msgspec.json.schema_components(types, ref_template=_SCHEMAS + "{name}")
    found = list(schemas[: len(answers)])
    for (place, _), schema in zip(others, schemas[len(answers) :], strict=False):
        found[place] = {"anyOf": [found[place], schema]}
    return found, components


def document(endpoints: Sequence[Endpoint], base_url: str) -> dict[str, Any]:
    answers, shapes = shapes_of(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint, answer in zip(endpoints, answers, strict=True):
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, answer)
        if endpoint.reads_body and endpoint.params:
            name = endpoint.params.__name__
            body = json_schema(endpoint.fields)
            if shapes.setdefault(name, body) != body:
                raise ValueError(f"two schemas have the name {name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Folkmoot", "version": __version__, "description": _INTRODUCTION,
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": base_url}],
        "x-limits": [_limit(name) for name in _OF_ALL],
        "paths": paths,
        "components": {
            "schemas": shapes,
            "responses": _refusals(endpoints),
            "securitySchemes": {"oauth": _oauth(base_url)},
            "headers": {**_RATE_HEADERS, "Link": _LINK, "Retry-After": _RETRY},
        },
    }


def _operation(endpoint: Endpoint, answer: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "tags": [endpoint.family],
        "summary": endpoint.about,
        "security": _security(endpoint),
        "parameters": [*_path_parameters(endpoint.path), *([] if endpoint.reads_body else _query_parameters(endpoint.fields))],
        "responses": _responses(endpoint, answer),
    }
    if endpoint.reads_body and endpoint.params:
        schema = {"$ref": f"{_SCHEMAS}{endpoint.params.__name__}"}
        operation["requestBody"] = {"content": {kind: {"schema": schema} for kind in _BODIES}}
    operation["x-access"] = str(endpoint.access)
    if endpoint.limits:
        operation["x-limit"] = _limit(endpoint.limits[0])
    if endpoint.limits[1:]:
        operation["x-further-limits"] = [_limit(name) for name in endpoint.limits[1:]]
    if endpoint.rule:
        operation["description"] = endpoint.rule
    if endpoint.deprecated_at:
        operation["deprecated"] = True
    return operation


def _limit(name: str) -> dict[str, Any]:
    return {"name": name, "requests": TABLE[name].times, "seconds": TABLE[name].seconds}


def _operation_id(endpoint: Endpoint) -> str:
    words = re.findall(r"[A-Za-z0-9]+", endpoint.path.removeprefix("/api"))
    return "_".join([endpoint.method.lower(), *words])


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    allowed = [{"oauth": [scope]} for scope in endpoint.scope.split("|")] if endpoint.scope else [{"oauth": []}]
    return [{}, *allowed] if endpoint.access is Access.PUBLIC else allowed


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(fields: Iterable[ParameterField]) -> Iterable[dict[str, Any]]:
    schemas = json_schema(fields)["properties"]
    for name, field in on_the_wire(fields):
        schema = {key: value for key, value in schemas[field.name].items() if key != "description"}
        parameter: dict[str, Any] = {"name": name, "in": "query", "schema": schema}
        if field.is_required:
            parameter["required"] = True
        if "description" in field.schema:
            parameter["description"] = field.schema["description"]
        yield parameter


def _responses(endpoint: Endpoint, answer: dict[str, Any]) -> dict[str, Any]:
    paged = {**_RATE, "Link": {"$ref": f"{_HEADERS}Link"}} if endpoint.is_paged else _RATE
    content = {endpoint.media_type: {"schema": answer}}
    responses: dict[str, Any] = {"200": {"description": endpoint.about, "headers": paged, "content": content}}
    for further, when in endpoint.further.items():
        responses[str(further)] = {"description": when.capitalize() + ".", "headers": paged, "content": content}
    for status, shape in endpoint.refusals().items():
        responses[str(status)] = {"$ref": f"#/components/responses/{shape.__name__}{status}"}
    return responses


def _refusals(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The error responses, each declared once."""
    every = {(shape.__name__, status) for endpoint in endpoints for status, shape in endpoint.refusals().items()}
    return {
        f"{name}{status}": {
            "description": REFUSALS[status],
            "headers": {**_RATE, "Retry-After": {"$ref": f"{_HEADERS}Retry-After"}} if status in (429, 503) else _RATE,
            "content": {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{name}"}}},
        }
        for name, status in sorted(every)
    }


def _oauth(base_url: str) -> dict[str, Any]:
    described = {scope: scope.replace(":", " ") for scope in sorted(KNOWN)}
    token_url = f"{base_url}/oauth/token"
    return {
        "type": "oauth2",
        "description": "Register the app at `POST /api/v1/apps` first.",
        "flows": {
            "authorizationCode": {"authorizationUrl": f"{base_url}/oauth/authorize", "tokenUrl": token_url, "scopes": described},
            "clientCredentials": {"tokenUrl": token_url, "scopes": described},
        },
    }
