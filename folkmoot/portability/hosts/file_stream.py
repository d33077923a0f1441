"""Fetches files of the peer over kept connections, as fast as the event loop's TLS delivers them.

httpcore reads one TLS record of 16 KiB at a time in Python, which makes it the slowest part of a copy of all pictures. Here
the connection belongs to the event loop, as in the relay, and httptools, which also parses on the other side, takes the
answers apart.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httptools

_BUFFER = 1024 * 1024  # bytes of one file that wait for whoever reads it
_STALLED_SECONDS = 20.0  # between two pieces of a file
_IDLE_SECONDS = 30.0  # the other side closes a connection after 75


class StreamLost(OSError):
    """The connection ended, or its other side answered nothing that can be read."""


class FileStream(asyncio.Protocol):
    """One connection: one request at a time. Public attributes are those of the last answer."""

    status = 0
    headers: dict[bytes, bytes]

    def __init__(self) -> None:
        self._transport: Any = None
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: deque[bytes] = deque()
        self._waiting = 0  # bytes in `_pieces`
        self._is_paused = False
        self._has_headers = self._is_complete = self._is_kept = False
        self._lost: StreamLost | None = None
        self._changed = asyncio.Event()
        self.headers = {}

    @property
    def is_free(self) -> bool:
        """Whether the last answer was read to its end and another request may follow."""
        return self._is_complete and self._is_kept and not self._pieces and self._lost is None

    async def ask(self, request: bytes) -> None:
        """Sends a request and waits for the status and the headers. Raises StreamLost, TimeoutError."""
        self.headers, self._has_headers, self._is_complete = {}, False, False
        self._transport.write(request)
        while not self._has_headers:
            await self._wait()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body. Raises StreamLost, TimeoutError."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._waiting -= len(piece)
                if self._is_paused and self._waiting < _BUFFER:
                    self._is_paused = False
                    self._transport.resume_reading()
                yield piece
            if self._is_complete:
                return
            await self._wait()

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    async def _wait(self) -> None:
        if self._lost:
            raise self._lost
        self._changed.clear()
        async with asyncio.timeout(_STALLED_SECONDS):
            await self._changed.wait()

    # of the connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._lost = StreamLost(f"its answer cannot be read ({error})")
            self._transport.abort()
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._lost is None:
            self._lost = StreamLost()
            self._lost.__cause__ = exc
        self._changed.set()

    # of the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._has_headers = True

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._waiting += len(body)
        if self._waiting >= _BUFFER and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        self._is_complete, self._is_kept = True, self._parser.should_keep_alive()


class FileStreams:
    """The connections of one client. `connect` opens a new one."""

    def __init__(self, connect: Callable[[Callable[[], FileStream]], Awaitable[FileStream]]) -> None:
        self._connect = connect
        self._kept: list[tuple[FileStream, float]] = []  # and when each was used last, the latest at the end

    @asynccontextmanager
    async def ask(self, request: bytes) -> AsyncIterator[FileStream]:
        """The stream with the answer to a request. A kept connection that has ended meanwhile is replaced.

        Raises what `connect` raises, StreamLost, TimeoutError.
        """
        stream = await self._asked(request)
        try:
            yield stream
        finally:
            if stream.is_free:
                self._kept.append((stream, asyncio.get_running_loop().time()))
            else:
                stream.close()

    async def _asked(self, request: bytes) -> FileStream:
        while self._kept:
            stream, used_at = self._kept.pop()
            if stream.is_free and asyncio.get_running_loop().time() - used_at < _IDLE_SECONDS:
                try:
                    await stream.ask(request)
                    return stream
                except StreamLost:
                    continue
                except BaseException:
                    stream.close()
                    raise
            stream.close()
        stream = await self._connect(FileStream)
        try:
            await stream.ask(request)
        except BaseException:
            stream.close()
            raise
        return stream

    def close(self) -> None:
        for stream, _ in self._kept:
            stream.close()
        self._kept.clear()
