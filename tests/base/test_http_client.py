"""The guarded fetcher: what it refuses, and that it refuses at every step of the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpcore
import pytest

from folkmoot.base.errors import Unavailable
from folkmoot.base.http_client import MOST_BYTES, Refused, fetch, is_public

PUBLIC = "93.184.215.14"
INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1",
    "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::", "3fff::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "fe80::1%eth0",
    "localhost", "", "0x7f.1", "2130706433",
]
HOSTILE = [
    "file:///etc/passwd", "gopher://example.org/", "ftp://example.org/", "//example.org/", "example.org", "",
    "http://example.org:22/", "http://example.org:8420/", "https://example.org:99999/", "http://me:secret@example.org/",
    "http://example.org@127.0.0.1/", "http://exa mple.org/", "http://example.org/\r\nHost: inside", "http://[::1", "http:///path",
    "http://example.org/" + "a" * 2000,
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "2a00:1450:4014::1"])
def test_what_is_outside_is_public(address: str) -> None:
    assert is_public(address)


class _SeenAsPublic:
    """A real connection to a server of this test that says it leads to a public address."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def get_extra_info(self, info: str) -> Any:
        return (PUBLIC, 80) if info == "server_addr" else self._stream.get_extra_info(info)


@pytest.fixture
async def server() -> AsyncIterator[int]:
    """Answers by path: /to/URL redirects, /large never ends, /slow waits, anything else says hello."""

    busy: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        busy.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # the fetcher has hung up, as it should
            await say(reader, writer, (await reader.readuntil(b"\r\n\r\n")).split()[1].decode())
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
        if target.startswith("/to/"):
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {target[4:]}\r\nContent-Length: 0\r\n\r\n".encode())
        elif target == "/large":
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for _ in range(MOST_BYTES // 1024 + 100):
                writer.write(b"x" * 1024)
                await writer.drain()
        elif target == "/slow":
            await reader.read()  # until the other side goes away
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nAhoj!")
        await writer.drain()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    async with asyncio.timeout(5):  # a fetcher that keeps a connection open keeps us here, and fails the test
        await asyncio.gather(*(task for task in busy if task))


class Way:
    """Name server and connections of a test; remembers where the fetcher went."""

    def __init__(self, port: int, names: dict[str, list[str]] | None = None, *, is_honest: bool = False) -> None:
        self._port = port
        self._names = names or {}
        self._is_honest = is_honest
        self.resolved: list[str] = []
        self.connected: list[tuple[str, int]] = []

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.resolved.append(host)
        return self._names.get(host, [host] if host[0].isdigit() or ":" in host else [PUBLIC])

    async def connect(self, address: str, port: int) -> Any:
        self.connected.append((address, port))
        stream = await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self._port)
        return stream if self._is_honest else _SeenAsPublic(stream)

    async def fetch(self, url: str) -> bytes:
        return (await fetch(url, resolve=self.resolve, connect=self.connect)).body


async def test_a_public_page_is_fetched(server: int) -> None:
    way = Way(server)
    assert await way.fetch("http://example.org/page?x=1") == b"Ahoj!"
    assert way.connected == [(PUBLIC, 80)]
    assert await way.fetch("http://example.org/to/http://other.example/there") == b"Ahoj!"
    assert way.resolved == ["example.org", "example.org", "other.example"]


@pytest.mark.parametrize("url", HOSTILE)
async def test_what_is_no_plain_url_is_refused_before_anything_is_asked(server: int, url: str) -> None:
    way = Way(server)
    with pytest.raises(Refused):
        await way.fetch(url)
    assert not way.resolved
    assert not way.connected


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
async def test_a_name_that_leads_inside_is_refused(server: int, address: str) -> None:
    for names in ([address], [PUBLIC, address], [address, PUBLIC]):
        way = Way(server, {"trap.example": names})
        with pytest.raises(Refused):
            await way.fetch("http://trap.example/")
        assert not way.connected


async def test_a_name_without_addresses_is_refused(server: int) -> None:
    with pytest.raises(Refused):
        await Way(server, {"empty.example": []}).fetch("http://empty.example/")


async def test_every_redirect_is_checked_anew(server: int) -> None:
    for inside in ("http://127.0.0.1/", "http://[::1]/", "file:///etc/passwd", "http://trap.example/", "http://example.org:22/"):
        way = Way(server, {"trap.example": ["10.1.2.3"], "127.0.0.1": ["127.0.0.1"], "::1": ["::1"]})
        with pytest.raises(Refused):
            await way.fetch(f"http://example.org/to/{inside}")
        assert way.connected == [(PUBLIC, 80)]


async def test_it_is_not_sent_round_in_circles(server: int) -> None:
    way = Way(server)
    with pytest.raises(Unavailable):
        await way.fetch("http://example.org" + "/to/" * 5 + "/end")
    assert len(way.connected) == 4


async def test_what_is_connected_is_checked_not_what_was_promised(server: int) -> None:
    """A name server that answers differently the second time gains nothing: see who is at the other end."""
    way = Way(server, is_honest=True)
    with pytest.raises(Refused):
        await way.fetch("http://example.org/")


async def test_too_much_is_cut_off(server: int) -> None:
    with pytest.raises(Unavailable):
        await Way(server).fetch("http://example.org/large")


async def test_too_slow_is_cut_off(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.base.http_client.SECONDS", 0.2)
    with pytest.raises(Unavailable):
        await Way(server).fetch("http://example.org/slow")
