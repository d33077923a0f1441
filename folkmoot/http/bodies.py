"""Parses the query and the body of a request (form, multipart or JSON) into one tree of parameters.

`poll[options][]`, `rows[0][name]` and JSON objects become the same tree. Size, depth, number of values and time are limited.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from folkmoot.base.errors import Malformed, Problem
from folkmoot.http.params import File, Params, unreadable

MOST_VALUES = 300
MAX_DEPTH = 32
BODY_SECONDS = 30
MIN_BYTES_PER_SECOND = 16 * 1024  # of a body that takes longer than BODY_SECONDS
_KEY = re.compile(r"\[([^\[\]]*)\]")


class TooLarge(Problem):
    """A body above the limit of its route."""

    code = "too_large"
    message = "This is larger than we accept."


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
                return Params(nested([(key, await _text_or_file(value)) for key, value in pairs]))
            body = b"".join([chunk async for chunk in chunks])
        if kind == "application/x-www-form-urlencoded":  # of raw bytes, because programs such as curl do not encode UTF-8 further
            return Params(nested(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MOST_VALUES)))
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
        _check_size(tree, 0)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(log_text=f"JSON: {error}") from error
    if not isinstance(tree, dict):
        raise Malformed(log_text="the JSON is not an object")
    return Params(tree)


async def whole_body(receive: Any, headers: Headers, most_bytes: int) -> bytes:
    """A body as it was sent. Raises Malformed, TooLarge."""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > most_bytes:
        raise TooLarge
    try:
        async with asyncio.timeout(BODY_SECONDS) as clock:
            return b"".join([chunk async for chunk in _chunks(receive, most_bytes, clock)])
    except TimeoutError:
        raise Malformed(log_text="the body took too long") from None


def replay(body: bytes) -> Any:
    """What receives a body that was read already."""

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The tree for parameter names with brackets."""
    tree: dict[str, Any] = {}
    for count, (key, value) in enumerate(pairs):
        if count >= MOST_VALUES:
            raise Malformed(log_text="too many values")
        head, _, _ = key.partition("[")
        path = [head, *_KEY.findall(key[len(head) :])]
        while path[-2:] == ["", ""]:  # `id[][]`, as Mastodon.py writes `id[]`
            path.pop()
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
    elif rest[0] == "":  # `a[][b]`: a new group begins when a name is repeated
        groups = _child(tree, name, list)
        if not groups or not isinstance(groups[-1], dict) or (rest[1] in groups[-1] and len(rest) == 2):
            groups.append({})
        _put(groups[-1], rest[1:], value)
    else:
        _put(_child(tree, name, dict), rest, value)


def _child(tree: dict[str, Any], name: str, kind: type[Any]) -> Any:
    child = tree.setdefault(name, kind())
    if not isinstance(child, kind):
        raise unreadable(name)
    return child


def _check_size(tree: Any, depth: int) -> None:
    """Limits the depth and the length of lists and objects. Raises Malformed."""
    if depth > MAX_DEPTH:
        raise Malformed(log_text="JSON is too deep")
    if isinstance(tree, dict | list):
        if len(tree) > MOST_VALUES:
            raise Malformed(log_text="JSON is too wide")
        for item in tree.values() if isinstance(tree, dict) else tree:
            _check_size(item, depth + 1)


async def _text_or_file(value: str | UploadFile) -> str | File:
    if isinstance(value, str):
        return value
    try:
        return File(value.filename or "", await value.read())
    finally:
        await value.close()


async def _chunks(receive: Any, most_bytes: int, clock: asyncio.Timeout) -> Any:
    """The body in chunks. Each chunk extends the deadline, so a large picture on a slow line arrives, but a trickle does not."""
    size = 0
    until = clock.when() or 0.0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed(log_text="the client disconnected")
        size += len(message.get("body", b""))
        if size > most_bytes:
            raise TooLarge
        clock.reschedule(until + size / MIN_BYTES_PER_SECOND)
        yield message.get("body", b"")
        more = message.get("more_body", False)
    yield b""
