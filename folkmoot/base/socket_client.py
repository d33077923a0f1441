"""HTTP/1.1 over a UNIX socket of this machine, on connections that are kept, to a server that may be behind a relay.

The relay accepts connections whether or not the server behind it can be reached, so a connection is checked before it
carries a request: with a small request of its own when it is new, and again after a pause. What fails before the request
is sent is `NotReached`, and the request can be sent again. What fails later is `Broken`: its outcome is unknown.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpcore

from folkmoot.base import clock

Headers = list[tuple[bytes, bytes]]
CHECK_SECONDS = 2.0  # for the answer to a check
_PAUSE_SECONDS = 1.0  # without use, after which a connection is checked again
_SLOT_SECONDS = 10.0  # until a connection is free
_KEPT_SECONDS = 30.0  # a server closes its connections after 75
_ORIGIN = httpcore.Origin(b"http", b"peer", 80)
_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError)


class NotReached(Exception):
    """The request was not sent."""


class NotHttp(Exception):
    """The request breaks a rule of HTTP, for example with two `Host` headers. It was not sent completely, so it does not run."""


class Broken(Exception):
    """The request was sent, and there is no complete response."""


@dataclass(frozen=True)
class SocketRequest:
    """`target`: path and query, as on the wire. `seconds`: between two parts of the response."""

    method: str
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | None = None
    seconds: float = 90.0


@dataclass(frozen=True)
class SocketResponse:
    """`chunks` raises Broken."""

    status: int
    headers: Headers
    chunks: AsyncGenerator[bytes, None]


class SocketClient:
    """`check` returns the target of the request that checks a connection; the server must answer it with 200."""

    def __init__(self, socket: Path, check: Callable[[], bytes], most: int) -> None:
        self._socket = socket
        self._check = check
        self._permits = asyncio.Semaphore(most)
        self._kept: list[tuple[float, httpcore.AsyncHTTPConnection]] = []

    @asynccontextmanager
    async def send(self, request: SocketRequest) -> AsyncIterator[SocketResponse]:
        """Raises NotReached, NotHttp and Broken."""
        async with self._slot():
            connection = await self._ready_connection()
            try:
                try:
                    response = await connection.handle_async_request(_outgoing(request))
                except httpcore.LocalProtocolError as error:
                    raise NotHttp(str(error)) from error
                except _FAILURES as error:
                    raise Broken(f"{type(error).__name__}: {error}") from error
                try:
                    yield SocketResponse(response.status, response.headers, _chunks(response))
                finally:
                    await response.aclose()
            finally:
                await self._keep(connection)

    async def check(self) -> bool:
        """Whether the server answers the check with 200 now."""
        try:
            async with self._slot():
                await self._keep(await self._ready_connection(is_forced=True))
        except NotReached:
            return False
        return True

    async def close(self) -> None:
        kept, self._kept = self._kept, []
        for _, connection in kept:
            await connection.aclose()

    async def _ready_connection(self, *, is_forced: bool = False) -> httpcore.AsyncHTTPConnection:
        while self._kept:
            used_at, connection = self._kept.pop()
            if connection.has_expired() or connection.is_closed():
                await connection.aclose()
            elif (not is_forced and clock.monotonic() - used_at < _PAUSE_SECONDS) or await self._is_good(connection):
                return connection
        connection = httpcore.AsyncHTTPConnection(_ORIGIN, keepalive_expiry=_KEPT_SECONDS, uds=str(self._socket))
        if not await self._is_good(connection):
            raise NotReached
        return connection

    async def _is_good(self, connection: httpcore.AsyncHTTPConnection) -> bool:
        """Whether the server answers on this connection, which is closed if not. Raises NotReached for an answer that is not 200."""
        is_answered = False
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                response = await connection.handle_async_request(_outgoing(SocketRequest("GET", self._check(), [(b"host", b"peer")])))
                await response.aread()
                await response.aclose()
            is_answered = True
        except (*_FAILURES, TimeoutError):
            return False
        finally:
            if not is_answered:
                await connection.aclose()
        if response.status != 200:
            await self._keep(connection)
            raise NotReached(f"the check was answered with {response.status}")
        return True

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Raises NotReached if all connections stay in use."""
        try:
            async with asyncio.timeout(_SLOT_SECONDS):
                await self._permits.acquire()
        except TimeoutError as error:
            raise NotReached("all connections are in use") from error
        try:
            yield
        finally:
            self._permits.release()

    async def _keep(self, connection: httpcore.AsyncHTTPConnection) -> None:
        if connection.is_idle():
            self._kept.append((clock.monotonic(), connection))
        else:
            await connection.aclose()


def _outgoing(request: SocketRequest) -> httpcore.Request:
    return httpcore.Request(
        request.method, httpcore.URL(scheme=b"http", host=b"peer", port=80, target=request.target), headers=request.headers,
        content=request.body, extensions={"timeout": {"connect": CHECK_SECONDS, "write": request.seconds, "read": request.seconds}},
    )


async def _chunks(response: httpcore.Response) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in response.aiter_stream():
            yield chunk
    except _FAILURES as error:
        raise Broken(f"{type(error).__name__}: {error}") from error
