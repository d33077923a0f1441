"""Asks the agent of the peer: messages, and the files that it offers.

Connections are kept, so a message takes one round trip. The TLS context accepts the pinned certificate only. Used by
commands, web processes and the agent alike; each needs the key of this host, which only its owner can read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType

import httpcore
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.channel import CONNECT_SECONDS, SERVER_NAME, SOCKET_OPTIONS, Purpose, client_context, connect, unreachable
from folkmoot.portability.hosts.file_stream import FileStream, FileStreams
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import EPOCH_HEADER, LARGEST_MESSAGE, REFUSED, PeerRefused, PeerUnreachable, Refusal, T
from folkmoot.portability.hosts.peers import Peer, Peers, parse_address

_MOST_CONNECTIONS = 8
_IDLE_SECONDS = 30
_NO_ANSWER = (OSError, TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


class NotPaired(Problem):
    """This host has no peer."""

    code = "not_paired"
    message = "This host is not paired with another one. Start on the primary with: moot host add"


class PeerClient:
    """An `Ask`. `epoch`: the epoch of this host; `learn` is called with the epoch in each answer."""

    def __init__(
        self, directory: DataDirectory, peer: Peer, *, epoch: Callable[[], int], learn: Callable[[int], None] = lambda _epoch: None,
    ) -> None:
        self.peer = peer
        self._epoch = epoch
        self._learn = learn
        host, port = parse_address(peer.address)
        self._host, self._port = host.encode(), port
        context = client_context(get_identity(directory), peer, Purpose.MESSAGES)
        self._files = FileStreams(lambda protocol: connect(peer, context, protocol))
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS, http2=False, socket_options=SOCKET_OPTIONS,
        )

    async def __call__(self, name: str, content: msgspec.Struct, answer: type[T], *, seconds: float = 5) -> T:
        request = self._request("POST", f"/messages/{name}", msgspec.json.encode(content))
        try:
            async with asyncio.timeout(seconds):
                response = await self._pool.handle_async_request(request)
                body = b"".join([piece async for piece in self._pieces(response)])
        except _NO_ANSWER as error:
            raise self._unreachable(error) from error
        self._hear(response.headers)
        try:
            if response.status == REFUSED:
                refusal = msgspec.json.decode(body, type=Refusal)
                raise PeerRefused(refusal.code, refusal.sentence)
            if response.status == 200:
                return msgspec.json.decode(body, type=answer)
        except msgspec.DecodeError as error:
            raise self._failed(name, f"the answer cannot be read ({error})") from error
        raise self._failed(name, f"it answered with status {response.status}")

    @asynccontextmanager
    async def fetch(self, store: str, file: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """The content of a file of the peer, piece by piece; None if the peer does not have it."""
        headers = "".join(f"{name}: {value}\r\n" for name, value in self._headers().items())
        request = f"GET /files/{store}/{file} HTTP/1.1\r\n{headers}\r\n"
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(self._files.ask(request.encode()))
            except _NO_ANSWER as error:
                raise self._unreachable(error) from error
            self._hear(stream.headers.items())
            if stream.status not in (200, 404):
                raise self._failed(f"{store}/{file}", f"it answered with status {stream.status}")
            yield self._checked(stream) if stream.status == 200 else None

    async def aclose(self) -> None:
        self._files.close()
        await self._pool.aclose()

    async def __aenter__(self) -> "PeerClient":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    def _headers(self) -> dict[str, str]:
        return {"host": SERVER_NAME, EPOCH_HEADER: str(self._epoch())}

    def _request(self, method: str, path: str, body: bytes) -> httpcore.Request:
        url = httpcore.URL(scheme=b"https", host=self._host, port=self._port, target=path.encode())
        headers = {**self._headers(), "content-length": str(len(body))}
        return httpcore.Request(
            method, url, headers=[(name.encode(), value.encode()) for name, value in headers.items()], content=body,
            extensions={"timeout": {"connect": CONNECT_SECONDS}, "sni_hostname": SERVER_NAME},
        )

    async def _pieces(self, response: httpcore.Response) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in response.aiter_stream():
                size += len(piece)
                if size > LARGEST_MESSAGE:
                    raise self._failed("a message", f"its answer is larger than {LARGEST_MESSAGE} bytes")
                yield piece
        finally:
            await response.aclose()

    async def _checked(self, stream: FileStream) -> AsyncIterator[bytes]:
        try:
            async for piece in stream.pieces():
                yield piece
        except _NO_ANSWER as error:
            raise self._unreachable(error) from error

    def _hear(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if name.lower() == EPOCH_HEADER.encode() and value.isdigit():
                self._learn(int(value))

    def _unreachable(self, error: BaseException) -> PeerUnreachable:
        return unreachable(self.peer, error)

    def _failed(self, what: str, why: str) -> PeerRefused:
        return PeerRefused("failed", f"The host {self.peer.name} failed at {what}: {why}. Its log says more.")


def open_client(directory: DataDirectory, *, epoch: Callable[[], int], learn: Callable[[int], None] = lambda _epoch: None) -> PeerClient:
    """The client of the only peer. Raises NotPaired."""
    peer = Peers(directory).one()
    if peer is None:
        raise NotPaired
    return PeerClient(directory, peer, epoch=epoch, learn=learn)
