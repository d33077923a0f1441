"""A member who listens: a stream that is opened again when it ends, and what it shows."""

import asyncio
import base64
import contextlib
import os
import re
import time
from collections.abc import AsyncGenerator

from tests.hosts.members.client import Client, Lost
from tests.hosts.members.journal import Stream

SOCKET, EVENTS = "socket", "events"
_KEY = re.compile(rb"w[0-9a-f]+n\d+n\d+e")
_AGAIN = 0.5  # seconds between two attempts
_SILENCE = 20.0  # seconds; the network sends something every 15, so it has hung
_PAGE = 40
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10  # RFC 6455 5.2


class Listener:
    """Shows the home timeline of one member."""

    def __init__(self, stream: Stream, client: Client) -> None:
        self.stream = stream
        self._client = client
        self.is_open = asyncio.Event()

    async def listen(self) -> None:
        """Until it is cancelled."""
        lost_at = 0.0
        while True:
            try:
                async with contextlib.aclosing(self._socket() if self.stream.kind == SOCKET else self._events()) as pieces:
                    async for piece in pieces:
                        if piece is None:
                            await self._is_back(lost_at)
                        else:
                            self._show(piece)
            except (Lost, OSError, asyncio.IncompleteReadError, TimeoutError):
                pass
            if self.is_open.is_set():
                lost_at = time.monotonic()
                self.is_open.clear()
            await asyncio.sleep(_AGAIN)

    async def _is_back(self, lost_at: float) -> None:
        if lost_at:
            await self._catch_up()
            self.stream.breaks.append((lost_at, time.monotonic()))
        else:
            self.stream.opened_at = time.monotonic()
        self.is_open.set()

    async def _catch_up(self) -> None:
        """Reads the newest pages of the home timeline, until one has nothing new. Raises Lost."""
        path = f"/api/v1/timelines/home?limit={_PAGE}"
        while True:
            answer = await self._client.request("GET", path)
            if answer.status not in (200, 206):
                raise Lost
            before = len(self.stream.shown)
            self._show(answer.body)
            page = answer.json
            if len(page) < _PAGE or len(self.stream.shown) == before:
                return
            path = f"/api/v1/timelines/home?limit={_PAGE}&max_id={page[-1]['id']}"

    def _show(self, piece: bytes) -> None:
        now = time.monotonic()
        for key in _KEY.findall(piece):
            self.stream.shown.setdefault(key.decode(), now)

    async def _events(self) -> AsyncGenerator[bytes | None, None]:
        """The lines of server-sent events; None when the stream is open."""
        answer, reader, writer = await self._client.open("/api/v1/streaming/user", accept="text/event-stream")
        try:
            if answer.status != 200:
                raise Lost
            async for line in _lines(reader):
                if line == b":)":
                    yield None
                elif line.startswith(b"data:"):
                    yield line
        finally:
            writer.close()

    async def _socket(self) -> AsyncGenerator[bytes | None, None]:
        """The texts of a WebSocket; None when it is open."""
        key = base64.b64encode(os.urandom(16)).decode()
        answer, reader, writer = await self._client.open(
            "/api/v1/streaming?stream=user", connection="Upgrade", upgrade="websocket", sec_websocket_version="13", sec_websocket_key=key
        )
        try:
            if answer.status != 101:
                raise Lost
            yield None
            while True:
                async with asyncio.timeout(_SILENCE):
                    kind, text = await _frame(reader)
                if kind == _PING:
                    writer.write(_masked(_PONG, text))
                elif kind == _CLOSE:
                    return
                elif kind == _TEXT:
                    yield text
        finally:
            writer.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    """The lines of a chunked response (RFC 9112 7.1), until it is complete. Its connection then stays open."""
    rest = b""
    while True:
        async with asyncio.timeout(_SILENCE):
            size = int(await reader.readuntil(b"\r\n"), 16)
            chunk = (await reader.readexactly(size + 2))[:-2]
        if not size:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, length = await reader.readexactly(2)
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
    return first & 15, await reader.readexactly(length)


def _masked(kind: int, content: bytes) -> bytes:
    """A short frame of a client, with a mask of zeros."""
    return bytes([0x80 | kind, 0x80 | len(content)]) + bytes(4) + content
