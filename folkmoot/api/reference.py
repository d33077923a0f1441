"""The reference page of the client API, as Markdown, made from the declarations of its endpoints.

`moot routes --reference` prints it; a test refuses a `docs/reference/client-api.md` that is not up to date.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import NODEFAULT

from folkmoot.api.endpoints import Endpoint
from folkmoot.api.openapi import REFUSALS, shapes_of
from folkmoot.api.parameters import ParameterField, on_the_wire
from folkmoot.base.limits import TABLE

_HEAD = """# The client API

Made by `moot routes --reference` from the code: do not edit. The same as OpenAPI 3.1: `/api/openapi.json`.

Mastodon's clients know this API. Ids are texts, moments are UTC. Parameters may come in the query; where the table says
"body", also as a form, multipart or JSON. Lists are named with brackets in forms and queries (`id[]`), without them in
JSON. JSON null counts as absent; an empty text is a value. Lists are paged by the `Link` header: `next` is older, `prev`
is newer, an empty page has none. Every answer carries `X-RateLimit-Limit`, `-Remaining` and `-Reset` of the limit that is
closest. Errors are `{"error": "…"}`, of single fields also `details`.
"""
_BOUNDS = {
    "minimum": "at least {}", "maximum": "at most {}", "maxLength": "at most {} characters", "minItems": "at least {} values",
    "maxItems": "at most {} values",
}


def reference(endpoints: Sequence[Endpoint]) -> str:
    """The whole page."""
    answers, shapes = shapes_of(endpoints)
    described = zip(endpoints, answers, strict=True)
    lines = [_HEAD]
    lines += ["| error | means |", "|---|---|", *(f"| {status} | {sentence} |" for status, sentence in REFUSALS.items()), ""]
    order = sorted(described, key=lambda pair: (pair[0].family, pair[0].path, pair[0].about, pair[0].method))
    for family, members in groupby(order, lambda pair: pair[0].family):
        lines += [f"## {family.capitalize()}", ""]
        for _, same in groupby(members, lambda pair: (pair[0].path, pair[0].params, pair[0].about)):
            pairs = list(same)
            lines += [*_described(", ".join(one.method for one, _ in pairs), *pairs[0]), ""]
    lines += ["# Shapes", "", "A key with a question mark may be absent.", ""]
    for name in sorted(shapes):
        lines += [*_shape(name, shapes[name]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _described(methods: str, endpoint: Endpoint, answer: dict[str, Any]) -> Iterator[str]:
    yield f"### {methods} {endpoint.path}"
    yield ""
    yield " ".join(filter(None, [endpoint.about, endpoint.rule]))
    yield ""
    limit = f", limit {_limit(endpoint.limit)}" if endpoint.limit else ""
    scope = f", scope `{endpoint.scope.replace('|', '` or `')}`" if endpoint.scope else ""
    old = " Deprecated." if endpoint.deprecated_at else ""
    yield f"Access: {endpoint.access}{scope}{limit}.{old}"
    if endpoint.fields:
        yield ""
        yield f"| {'query or body' if endpoint.reads_body else 'query'} | type | default | |"
        yield "|---|---|---|---|"
        for name, field in on_the_wire(endpoint.fields):
            yield f"| `{name}` | {_words(field.schema)} | {_default(field)} | {_sentence(field.schema)} |"
    yield ""
    media = "" if endpoint.media_type == "application/json" else f" as `{endpoint.media_type}`"
    partial = ", 206 while it is being built" if endpoint.may_be_partial else ""
    paged = ", paged" if endpoint.is_paged else ""
    yield f"Answer: {_words(answer)}{media}{paged}{partial}. Errors: {', '.join(map(str, endpoint.refusals()))}."


def _limit(name: str) -> str:
    limit = TABLE[name]
    span = f"{limit.seconds // 3600} h" if limit.seconds >= 3600 else f"{limit.seconds // 60} min"
    return f"{limit.times} in {span}"


def _default(field: ParameterField) -> str:
    if field.is_required:
        return "required"
    if field.default in (NODEFAULT, None, ()):
        return ""
    return "empty" if field.default == "" else f"`{str(field.default).lower()}`"


def _sentence(schema: dict[str, Any]) -> str:
    bounds = ", ".join(words.format(schema[key]) for key, words in _BOUNDS.items() if key in schema)
    return " ".join(filter(None, [schema.get("description", ""), f"{bounds[0].upper()}{bounds[1:]}." if bounds else ""]))


def _shape(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if "description" in schema:
        yield schema["description"]
        yield ""
    if not schema["properties"]:
        yield "No keys."
        return
    yield "| key | type | |"
    yield "|---|---|---|"
    required = schema.get("required", ())
    for key, part in schema["properties"].items():
        mark = "" if key in required else "?"
        yield f"| `{key}`{mark} | {_words(part)} | {part.get('description', '')} |"


def _words(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_words(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("pattern", "").startswith("^["):
        return "id"
    kind: str = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_words(schema['items'])}" if schema.get("items") else "list"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object of {_words(values)}" if isinstance(values, dict) and values else "object"
    names: dict[str, str] = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
    formats: dict[str, str] = {"date-time": "moment", "date": "date", "uri": "address", "binary": "file"}
    return formats.get(schema.get("format", ""), names.get(kind, kind))


