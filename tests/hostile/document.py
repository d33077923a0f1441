"""Requests made from the served OpenAPI document, for Hypothesis: such as it allows, and such as it does not.

Nothing here reads our code, only the document, so what the document says wrongly is found as well. A request fits in the
simplest case; most have one thing wrong: a value of another type or beyond its range, a broken or mislabelled body, a
hostile address or header.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis.strategies as st

from tests.hostile.values import BODIES, PATHS, TREES, VALUES, beyond

_LONGEST = 4000  # of a value in a query; longer ones are for bodies
_FILES = [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg onload=alert(1)>", b"\xff\xd8\xff" + b"\x00" * 50, b"address,notify\nx,\xff"]
_TEXTS = ["", " ", "jana", "@karel #kasna https://noviny.example", "public", "0.5,-1", "2026-12-24T18:00:00Z", "cs", "1"]
_WRONG = ("value", "value", "beyond", "name", "body", "address", "header")


@dataclass(frozen=True)
class Attempt:
    """One request. The long ones are cut in messages."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        body = self.body if self.body is None or len(self.body) < 1500 else self.body[:1500] + b"..."
        return f"{self.method} {self.path[:300]} {body!r} {({name: value[:100] for name, value in self.headers.items()})}"


def attempts(described: dict[str, Any], method: str, path: str, address: str, ids: list[str]) -> st.SearchStrategy[Attempt]:
    """Requests to one operation of the document. `address`: its path with a valid id. `ids`: of what the caller has."""
    operation = described["paths"][path][method.lower()]
    in_query = {one["name"].removesuffix("[]"): one["schema"] for one in operation["parameters"] if one["in"] == "query"}
    required = [one["name"].removesuffix("[]") for one in operation["parameters"] if one["in"] == "query" and one.get("required")]
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = {"type": "object", "properties": in_query, "required": required}
    if content:
        [name] = {one["schema"]["$ref"].rpartition("/")[2] for one in content.values()}
        schema = described["components"]["schemas"][name]
    return _attempts(method, address, "{" in path, schema, list(content), ids)


@st.composite
def _attempts(
    draw: st.DrawFn, method: str, address: str, has_id: bool, schema: dict[str, Any], kinds: list[str], ids: list[str]
) -> Attempt:
    wrong = draw(st.sampled_from(("", *_WRONG)))
    tree = draw(_fitting(schema, ids))
    names = list(schema["properties"])
    headers: dict[str, str] = {}
    base, _, fixed = address.partition("?")
    if wrong == "value" and names:
        tree[draw(st.sampled_from(names))] = draw(_ODD)
    elif wrong == "beyond" and names:
        name = draw(st.sampled_from(names))
        tree[name] = draw(st.sampled_from(beyond(schema["properties"][name])))
    elif wrong == "name":
        tree[draw(st.sampled_from(["x", "", "id", "limit", "max_id", "a[b", "[]", "\x00", "access_token"]))] = draw(_ODD)
    elif wrong == "address" and has_id:
        base = base.rpartition("/")[0] + "/" + draw(st.sampled_from([*PATHS, *ids, "12345"]))
    elif wrong == "header":
        headers = draw(_HEADERS)
    if not kinds:
        pairs = _flat(tree)
        query = "&".join(f"{quote(name)}={quote(str(text)[:_LONGEST], errors='surrogatepass')}" for name, text in pairs)
        query = "&".join(filter(None, ["" if tree.keys() & set(schema["required"]) else fixed, query]))
        return Attempt(method, f"{base}?{query}" if query else base, headers=headers)
    if wrong == "body":
        body, kind = draw(st.sampled_from(BODIES) | _mislabelled(tree, kinds))
    else:
        kind = draw(st.sampled_from(kinds))
        body, kind = _encoded(tree, kind)
    return Attempt(method, base, body, {"content-type": kind, **headers})


def _fitting(schema: dict[str, Any], ids: list[str]) -> st.SearchStrategy[Any]:
    """Values that a schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            required = schema.get("required", ())
            parts = {name: _fitting(part, ids) for name, part in schema["properties"].items()}
            return st.fixed_dictionaries(
                {name: part for name, part in parts.items() if name in required},
                optional={name: part for name, part in parts.items() if name not in required},
            )
        case "array":
            return st.lists(_fitting(schema["items"], ids), max_size=min(3, schema.get("maxItems", 3)))
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 10**6))
        case "boolean":
            return st.booleans()
    if schema.get("format") == "binary":
        return st.sampled_from(_FILES)
    if schema.get("pattern", "").startswith("^[0-9]"):
        return st.sampled_from(ids) | st.integers(1, 10**19 - 1).map(str)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    most = schema.get("maxLength", 40)
    return st.sampled_from([text[:most] for text in _TEXTS]) | st.text(max_size=min(most, 40))


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20)
_ODD: st.SearchStrategy[Any] = st.sampled_from([*VALUES, *TREES, "\udfff", ["\ud800"], 1.5]) | st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "name", "0", "", "options"]), inner, max_size=3),
    max_leaves=8,
)
_HEADERS: st.SearchStrategy[dict[str, str]] = st.dictionaries(
    st.sampled_from([
        "idempotency-key", "accept-language", "accept", "authorization", "content-type", "content-length", "host", "cookie", "origin",
        "if-none-match", "if-modified-since", "range", "last-event-id", "x-forwarded-for", "user-agent", "signature",
    ]),
    st.sampled_from(["", "x", "0", "-1", "\xff", "x" * 5000, "Bearer", "Bearer  ", "Basic eA==", "Basic ////", "bytes=9-1", '"', "a=b;;="])
    | st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=20),
    min_size=1, max_size=2,
)


@st.composite
def _mislabelled(draw: st.DrawFn, tree: dict[str, Any], kinds: list[str]) -> tuple[bytes, str]:
    """A fitting body that is cut, doubled, or sent under another type."""
    body, kind = _encoded(tree, draw(st.sampled_from(kinds)))
    match draw(st.sampled_from(("cut", "twice", "type", "tail"))):
        case "cut":
            return body[: draw(st.integers(0, len(body)))], kind
        case "twice":
            return body + body, kind
        case "type":
            return body, draw(st.sampled_from([*kinds, "", "text/plain", "application/json; charset=utf-16", "*/*", "application/ld+json"]))
    return body + draw(st.binary(max_size=20)), kind


def _encoded(tree: dict[str, Any], kind: str) -> tuple[bytes, str]:
    """A body with its content type. Files can stand in `multipart/form-data` only; elsewhere their bytes are a text."""
    if kind == "application/json":
        return json.dumps(tree, default=lambda content: content.decode("latin-1")).encode(), kind
    pairs = _flat(tree)
    if kind == "application/x-www-form-urlencoded":
        return urlencode(pairs, errors="surrogatepass").encode(), kind
    lines = []
    for name, value in pairs:
        is_file = isinstance(value, bytes)
        content = value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")
        head = f'--frontier\r\nContent-Disposition: form-data; name="{quote(name, safe="[]")}"' + ('; filename="p"' if is_file else "")
        lines.append(head.encode() + b"\r\n\r\n" + content + b"\r\n")
    return b"".join([*lines, b"--frontier--\r\n"]), f"{kind}; boundary=frontier"


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    """(name with brackets, value) of everything in a tree, as forms and queries send it."""
    if isinstance(value, dict):
        return [pair for key, part in value.items() for pair in _flat(part, f"{name}[{key}]" if name else key)]
    if isinstance(value, list):
        return [pair for part in value for pair in _flat(part, f"{name}[]")]
    if value is None or isinstance(value, bool):
        return [(name, json.dumps(value))]
    return [(name, value)]
