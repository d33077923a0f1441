"""Parameters of a request, whatever they came as: query, form, multipart or JSON, flat or nested.

`poll[options][]`, `rows[0][name]` and JSON objects become one tree, and a `Params` reads it with types:
what cannot be read as asked is Malformed, with the name of the parameter. Sizes, depth and counts are bounded.
"""

import asyncio
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from folkmoot.base.errors import Malformed, Problem
from folkmoot.base.ids import parse_id

MOST_VALUES = 300
MOST_ITEMS = 100
DEEPEST = 32
BODY_SECONDS = 30
SLOWEST = 16 * 1024  # bytes per second: what a body must bring after that
_SURROGATES = re.compile("[\ud800-\udfff]")
_KEY = re.compile(r"\[([^\[\]]*)\]")
_YES = frozenset("true 1 on t yes".split())
_NO = frozenset(["false", "0", "off", "f", "no", ""])


class TooLarge(Problem):
    """A body above the limit of its route."""

    code = "too_large"
    message = "This is larger than we accept."


@dataclass(frozen=True)
class File:
    """An uploaded file, read whole: its route bounds its size."""

    name: str
    content: bytes


class Params:
    """Reads one level of the tree. What is absent or empty gives None, or the default."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Mapping[str, Any] | None = None) -> None:
        self._tree = tree or {}

    def __contains__(self, name: str) -> bool:
        return name in self._tree

    def text(self, name: str) -> str:
        """The text, or an empty one."""
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """The text, which may be empty; None when it was not given."""
        value = self._tree.get(name)
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return _sound(str(value), name)
        raise _unreadable(name)

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise Malformed("Validation failed: %(name)s can't be blank", name=name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.optional_flag(name)
        return default if value is None else value

    def optional_flag(self, name: str) -> bool | None:
        text = self.optional_text(name)
        if text is None:
            return None
        if text.lower() in _YES:
            return True
        if text.lower() in _NO:
            return False
        raise _unreadable(name)

    def integer(self, name: str) -> int | None:
        text = self.text(name)
        if not text:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise _unreadable(name)
        return int(text)

    def number(self, name: str) -> float | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            raise _unreadable(name) from None
        if not math.isfinite(value):
            raise _unreadable(name)
        return value

    def id(self, name: str) -> int | None:
        """An id; one that can be none gives None: it finds nothing."""
        return parse_id(self.text(name))

    def texts(self, name: str) -> list[str]:
        """A list of texts; a single one counts as a list."""
        found = []
        for value in self._items(name):
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise _unreadable(name)
            found.append(_sound(str(value), name))
        return found

    def ids(self, name: str) -> list[int]:
        return [id_ for text in self.texts(name) if (id_ := parse_id(text)) is not None]

    def child(self, name: str) -> "Params | None":
        value = self._tree.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise _unreadable(name)
        return Params(value)

    def children(self, name: str) -> list["Params"]:
        """A list of groups, as a list or with numbers for names."""
        items = self._items(name)
        if not all(isinstance(item, dict) for item in items):
            raise _unreadable(name)
        return [Params(item) for item in items]

    def file(self, name: str) -> File | None:
        """An uploaded file; None when nothing was chosen."""
        value = self._tree.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, File):
            raise _unreadable(name)
        return value if value.name or value.content else None

    def tree(self) -> dict[str, Any]:
        return dict(self._tree)

    def _items(self, name: str) -> list[Any]:
        value = self._tree.get(name)
        if value is None:
            return []
        if isinstance(value, dict):
            value = list(value.values())
        items = value if isinstance(value, list) else [value]
        if len(items) > MOST_ITEMS:
            raise Malformed("%(name)s has more than %(limit)d values.", name=name, limit=MOST_ITEMS)
        return items


class LenientParams(Params):
    """For forms: what cannot be read counts as not given, so that the form comes back with everything else in it."""

    __slots__ = ()

    def optional_text(self, name: str) -> str | None:
        value = self._tree.get(name)
        if not isinstance(value, str):
            return super().optional_text(name) if isinstance(value, bool | int | float) else None
        return _SURROGATES.sub("", value.replace("\x00", ""))

    def optional_flag(self, name: str) -> bool | None:
        text = self.optional_text(name)
        return None if text is None else text.lower() in _YES

    def integer(self, name: str) -> int | None:
        """A number; -1, which no form has room for, for what is none."""
        try:
            return super().integer(name)
        except Malformed:
            return -1

    def texts(self, name: str) -> list[str]:
        items = [item for item in self._items(name) if isinstance(item, str)]
        return [_SURROGATES.sub("", item.replace("\x00", "")) for item in items]

    def file(self, name: str) -> File | None:
        return super().file(name) if isinstance(self._tree.get(name), File) else None


def from_query(query: bytes) -> Params:
    if not query:
        return Params()
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_VALUES, errors="strict")
    except ValueError as error:
        raise Malformed(log_text=f"query: {error}") from error
    return Params(nested(pairs))


async def from_body(receive: Any, headers: Headers, most_bytes: int) -> Params:
    """The parameters in a body. Raises Malformed, TooLarge."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > most_bytes:
        raise TooLarge
    try:
        async with asyncio.timeout(BODY_SECONDS) as clock:
            chunks = _chunks(receive, most_bytes, clock)
            if kind == "multipart/form-data":
                parser = MultiPartParser(headers, chunks, max_files=10, max_fields=MOST_VALUES,
                                         max_part_size=1024 * 1024)
                pairs = (await parser.parse()).multi_items()
                return Params(nested([(key, await _taken(value)) for key, value in pairs]))
            if kind == "application/x-www-form-urlencoded":
                form = await FormParser(headers, chunks).parse()
                return Params(nested(form.multi_items()))
            body = b"".join([chunk async for chunk in chunks])
    except MultiPartException as error:
        raise Malformed(log_text=f"multipart: {error.message}") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise Malformed(log_text=f"form: {error}") from error
    except TimeoutError:
        raise Malformed(log_text="the body took too long") from None
    if not body:
        return Params()
    if kind and not kind.endswith("json"):
        raise Malformed(log_text=f"a body of type {kind!r}")
    try:
        tree = msgspec.json.decode(body)
        _measure(tree, 0)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(log_text=f"JSON: {error}") from error
    if not isinstance(tree, dict):
        raise Malformed(log_text="the JSON is no object")
    return Params(tree)


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The tree that names with brackets mean."""
    tree: dict[str, Any] = {}
    for count, (key, value) in enumerate(pairs):
        if count >= MOST_VALUES:
            raise Malformed(log_text="too many values")
        head, _, _ = key.partition("[")
        path = [head, *_KEY.findall(key[len(head) :])]
        if len(path) > 5:
            raise Malformed("%(name)s is nested too deeply.", name=head[:40])
        _put(tree, path, value)
    return tree


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    name, rest = path[0], path[1:]
    if not rest:
        tree[name] = value
    elif rest == [""]:
        _child(tree, name, list).append(value)
    elif rest[0] == "":  # `a[][b]`: a new group begins when a name comes again
        groups = _child(tree, name, list)
        if not groups or not isinstance(groups[-1], dict) or (rest[1] in groups[-1] and len(rest) == 2):
            groups.append({})
        _put(groups[-1], rest[1:], value)
    else:
        _put(_child(tree, name, dict), rest, value)


def _child(tree: dict[str, Any], name: str, kind: type[Any]) -> Any:
    child = tree.setdefault(name, kind())
    if not isinstance(child, kind):
        raise _unreadable(name)
    return child


def _measure(tree: Any, depth: int) -> None:
    """Bounds what a handler may meet: depth, and length of lists."""
    if depth > DEEPEST:
        raise Malformed(log_text="JSON is too deep")
    if isinstance(tree, dict | list):
        if len(tree) > MOST_VALUES:
            raise Malformed(log_text="JSON is too wide")
        for item in tree.values() if isinstance(tree, dict) else tree:
            _measure(item, depth + 1)


async def _taken(value: str | UploadFile) -> str | File:
    if isinstance(value, str):
        return value
    try:
        return File(value.filename or "", await value.read())
    finally:
        await value.close()


async def _chunks(receive: Any, most_bytes: int, clock: asyncio.Timeout) -> Any:
    """The body as it comes. Every part of it buys time: a large picture over a slow line arrives, a trickle does not."""
    size = 0
    until = clock.when() or 0.0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed(log_text="the client went away")
        size += len(message.get("body", b""))
        if size > most_bytes:
            raise TooLarge
        clock.reschedule(until + size / SLOWEST)
        yield message.get("body", b"")
        more = message.get("more_body", False)
    yield b""


def _sound(text: str, name: str) -> str:
    """Refuses what PostgreSQL cannot store, and half of a surrogate pair."""
    if "\x00" in text:
        raise _unreadable(name)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _unreadable(name) from None
    return text


def _unreadable(name: str) -> Malformed:
    return Malformed("The parameter %(name)s cannot be read.", name=name[:60])
