"""One member's connection: HTTP/1.1 over a socket, kept open, opened again at the network's present address."""

import asyncio
import json
import socket
from dataclasses import dataclass, field
from typing import Any

HOST = "folkmoot.test"
_LONGEST_REQUEST = 30.0  # seconds
# A stream mostly waits. It notices within 5 seconds that its host is gone, as a phone does when its network changes.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 2), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 3))
_FAILURES = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, TimeoutError)


class Lost(Exception):
    """The connection failed before the complete answer."""


@dataclass
class Name:
    """The public name of the network: the address that new connections take."""

    address: str
    port: int


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def retry_after(self) -> float:
        return float(self.headers.get("retry-after", 1))


@dataclass
class Client:
    """`source`: the address of the member."""

    name: Name
    token: str
    source: str
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)

    async def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Sends a request and reads its answer. Raises Lost."""
        try:
            async with asyncio.timeout(_LONGEST_REQUEST):
                return await self._exchange(method, path, body, headers)
        except _FAILURES as error:
            self.close()
            raise Lost(str(error)) from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def open(self, path: str, **headers: str) -> tuple[Answer, asyncio.StreamReader, asyncio.StreamWriter]:
        """Sends a GET on a new connection and reads the head of its answer; the rest is the caller's. Raises Lost."""
        try:
            async with asyncio.timeout(_LONGEST_REQUEST):
                reader, writer = await self._connect()
                for option, value in _KEEPALIVE:
                    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, option, value)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                writer.write(self._head("GET", path, headers))
                return await _head_of(reader), reader, writer
        except _FAILURES as error:
            raise Lost(str(error)) from error

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self._streams is None:
            self._streams = await self._connect()
        reader, writer = self._streams
        writer.write(self._head(method, path, {"content-length": str(len(body)), **headers}) + body)
        answer = await _head_of(reader)
        if "chunked" in answer.headers.get("transfer-encoding", ""):
            while size := int(await reader.readuntil(b"\r\n"), 16):
                answer.body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        else:
            answer.body = await reader.readexactly(int(answer.headers["content-length"]))
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.name.address, self.name.port, local_addr=(self.source, 0), limit=2**22)

    def _head(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
        return f"{method} {path} HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Bearer {self.token}\r\n{''.join(lines)}\r\n".encode()


async def _head_of(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return Answer(int(first.split(" ")[1]), headers, b"")
