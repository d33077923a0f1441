"""Sends a stored file: whole, a range of it (RFC 9110 14), or 304 if the browser has it already."""

import re
from typing import Any

from folkmoot.base.file_store import FileName, FileStore

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")  # one range; a request for several gets the whole file


class FileReply:
    """`tag` identifies the content, which never changes."""

    def __init__(self, store: FileStore, name: FileName, size: int, tag: str, media_type: str, headers: dict[str, str]) -> None:
        self._store = store
        self._name = name
        self._size = size
        self._tag = f'"{tag}"'
        self._headers = {"content-type": media_type, "accept-ranges": "bytes", "etag": self._tag, **headers}

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        asked = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if self._is_held(asked.get("if-none-match", "")):
            await self._send(send, 304, {}, None)
            return
        part = None
        if asked.get("if-range", self._tag) == self._tag:
            part = self._part(asked.get("range", ""))
        start, end = part or (0, self._size)
        if start >= end and part:
            await self._send(send, 416, {"content-range": f"bytes */{self._size}", "content-length": "0"}, None)
            return
        more = {"content-length": str(end - start)}
        if part:
            more["content-range"] = f"bytes {start}-{end - 1}/{self._size}"
        await self._send(send, 206 if part else 200, more, (start, end) if scope["method"] != "HEAD" else None)

    def _is_held(self, tags: str) -> bool:
        """Whether the browser has the file: `*`, or its tag among the listed ones (RFC 9110 13.1.2, weak comparison)."""
        return tags.strip() == "*" or self._tag in (tag.strip().removeprefix("W/") for tag in tags.split(","))

    def _part(self, text: str) -> tuple[int, int] | None:
        """(start, end) of the range; an empty one if it is outside the file; None if there is no valid range."""
        found = _RANGE.fullmatch(text.strip())
        if not found or found[1] == found[2] == "":
            return None
        if found[1] == "":  # the last N bytes
            return max(0, self._size - int(found[2])), self._size
        start, last = int(found[1]), int(found[2]) if found[2] else self._size - 1
        if found[2] and last < start:
            return None
        return (start, min(last + 1, self._size)) if start < self._size else (self._size, self._size)

    async def _send(self, send: Any, status: int, more: dict[str, str], part: tuple[int, int] | None) -> None:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in {**self._headers, **more}.items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if part:
            async for chunk in self._store.read(self._name, *part):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
