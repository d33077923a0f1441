"""Minimal ASGI responses. `file_reply.py` sends files."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json; charset=utf-8"
HTML = b"text/html; charset=utf-8"


class Reply:
    """A body with status and headers; the applications append to `headers` before it is sent."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes, status: int = 200, media_type: bytes = JSON, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.body = body
        self.status = status
        self.headers: Headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body)), *headers]

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def redirect(url: str, status: int = 303) -> Reply:
    return Reply(b"", status, HTML, [(b"location", header_url(url))])


def header_url(url: str) -> bytes:
    """A URL for a header. Unsafe characters are percent-encoded: a line break would start another header (injection), and
    browsers read a backslash as a slash."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~").encode("ascii")
