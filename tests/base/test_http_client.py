"""The HTTP client: what it refuses, at every step of a request."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpcore
import pytest

from folkmoot.base.errors import Unavailable
from folkmoot.base.http_client import MOST_BYTES, Answer, Outgoing, Refused, check_url, fetch, is_public, send
from tests.waiting import SECONDS

PUBLIC = "93.184.215.14"
PRIVATE = [
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


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "2a00:1450:4014::1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", [
    *HOSTILE, "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:93.184.215.14]/", "https://2130706433/", "https://0x7f.1/", "https://127.1/",
])
def test_what_no_dns_can_make_right_is_refused_without_sending(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url)
    check_url("https://example.org/x?y=1")
    check_url(f"https://{PUBLIC}/")
    check_url("https://[2606:4700::1111]/")


class SeenAsPublic:
    """A real connection to a server of this test that reports a public address."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def get_extra_info(self, info: str) -> Any:
        return (PUBLIC, 80) if info == "server_addr" else self._stream.get_extra_info(info)


@pytest.fixture
async def server() -> AsyncIterator[int]:
    """Answers by path: /to/URL redirects, /large exceeds the limit, /slow does not answer, any other says hello."""

    busy: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        busy.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # the client has closed the connection, as it should
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
            await reader.read()  # until the client disconnects
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nAhoj!")
        await writer.drain()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    async with asyncio.timeout(SECONDS):  # fails the test if the client keeps a connection open
        await asyncio.gather(*(task for task in busy if task))


class FakeInternet:
    """The DNS and the connections of a test; records what the client resolved and connected to."""

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
        return stream if self._is_honest else SeenAsPublic(stream)

    async def fetch(self, url: str) -> bytes:
        return (await fetch(url, resolve=self.resolve, connect=self.connect)).body

    async def send(self, method: str, url: str, **more: Any) -> Answer:
        return await send(method, url, resolve=self.resolve, connect=self.connect, **more)


async def test_a_public_page_is_fetched(server: int) -> None:
    internet = FakeInternet(server)
    assert await internet.fetch("http://example.org/page?x=1") == b"Ahoj!"
    assert internet.connected == [(PUBLIC, 80)]
    assert await internet.fetch("http://example.org/to/http://other.example/there") == b"Ahoj!"
    assert internet.resolved == ["example.org", "example.org", "other.example"]


@pytest.mark.parametrize("url", HOSTILE)
async def test_an_unsafe_url_is_refused_before_dns_is_queried(server: int, url: str) -> None:
    internet = FakeInternet(server)
    with pytest.raises(Refused):
        await internet.fetch(url)
    assert not internet.resolved
    assert not internet.connected


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
async def test_a_name_with_a_private_address_is_refused(server: int, address: str) -> None:
    for names in ([address], [PUBLIC, address], [address, PUBLIC]):
        internet = FakeInternet(server, {"trap.example": names})
        with pytest.raises(Refused):
            await internet.fetch("http://trap.example/")
        assert not internet.connected


async def test_a_name_without_addresses_is_refused(server: int) -> None:
    with pytest.raises(Refused):
        await FakeInternet(server, {"empty.example": []}).fetch("http://empty.example/")


async def test_every_redirect_is_checked_anew(server: int) -> None:
    for inside in ("http://127.0.0.1/", "http://[::1]/", "file:///etc/passwd", "http://trap.example/", "http://example.org:22/"):
        internet = FakeInternet(server, {"trap.example": ["10.1.2.3"], "127.0.0.1": ["127.0.0.1"], "::1": ["::1"]})
        with pytest.raises(Refused):
            await internet.fetch(f"http://example.org/to/{inside}")
        assert internet.connected == [(PUBLIC, 80)]


async def test_too_many_redirects_are_refused(server: int) -> None:
    internet = FakeInternet(server)
    with pytest.raises(Unavailable):
        await internet.fetch("http://example.org" + "/to/" * 5 + "/end")
    assert len(internet.connected) == 4


async def test_the_address_of_the_connection_is_checked(server: int) -> None:
    """DNS rebinding does not help an attacker: the address of the established connection is checked."""
    internet = FakeInternet(server, is_honest=True)
    with pytest.raises(Refused):
        await internet.fetch("http://example.org/")


async def test_a_body_that_is_too_large_is_cut_off(server: int) -> None:
    with pytest.raises(Unavailable):
        await FakeInternet(server).fetch("http://example.org/large")


async def test_an_answer_that_is_too_slow_is_cut_off(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.base.http_client.SECONDS", 0.2)
    with pytest.raises(Unavailable):
        await FakeInternet(server).fetch("http://example.org/slow")


class Recorder:
    """A server that records requests; /STATUS/URL answers with this status and Location, any other path with 200."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.port = 0
        self._busy: set[asyncio.Task[None] | None] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._busy.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split()
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
            assert len(headers) == sum(bool(line) for line in head[1:]), head  # none twice
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.seen.append((method, target, headers, body))
            redirect = re.match(r"/(30\d)/(.*)", target)
            line = f"{redirect[1]} See\r\nLocation: {redirect[2]}" if redirect else "200 OK"
            writer.write(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    async def ended(self) -> None:
        await asyncio.gather(*(task for task in self._busy if task))


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    listening = await asyncio.start_server(recorder.answer, "127.0.0.1", 0)
    recorder.port = listening.sockets[0].getsockname()[1]
    yield recorder
    listening.close()
    async with asyncio.timeout(SECONDS):
        await recorder.ended()


def _sign(request: Outgoing) -> dict[str, str]:
    """A signature over exactly what is sent."""
    kind = request.headers.get("content-type", "none")
    return {"Signature": f"{request.method} {request.host} {request.target} {len(request.body)} {kind}"}


async def test_a_post_carries_headers_body_and_a_signature_of_what_is_sent(recorder: Recorder) -> None:
    headers = {"Content-Type": "application/activity+json", "Date": "Sun, 29 Nov 2026 00:00:00 GMT"}
    answer = await FakeInternet(recorder.port).send("POST", "http://example.org/inbox?x=1", headers=headers, body=b"{}", signer=_sign)
    assert answer.status == 200
    (method, target, sent, body), = recorder.seen
    assert (method, target, body) == ("POST", "/inbox?x=1", b"{}")
    assert sent == {
        "host": "example.org", "content-length": "2", "user-agent": "Folkmoot", "accept": "*/*", "accept-encoding": "identity",
        "content-type": "application/activity+json", "date": "Sun, 29 Nov 2026 00:00:00 GMT",
        "signature": "POST example.org /inbox?x=1 2 application/activity+json",
    }
    await FakeInternet(recorder.port).send("POST", "http://example.org/empty")
    assert recorder.seen[1][2]["content-length"] == "0"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_post_is_not_redirected_by_default(recorder: Recorder, status: int) -> None:
    answer = await FakeInternet(recorder.port).send("POST", f"http://example.org/{status}/http://example.org/there", body=b"x")
    assert (answer.status, answer.headers["location"]) == (status, "http://example.org/there")
    assert len(recorder.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirected_post_becomes_a_get_without_its_body(recorder: Recorder, status: int) -> None:
    await FakeInternet(recorder.port).send(
        "POST", f"http://example.org/{status}/http://example.org/there", headers={"content-type": "text/plain"}, body=b"secret",
        signer=_sign, follows=True,
    )
    method, target, sent, body = recorder.seen[1]
    assert (method, target, body) == ("GET", "/there", b"")
    assert "content-type" not in sent
    assert "content-length" not in sent
    assert sent["signature"] == "GET example.org /there 0 none"  # signed anew


@pytest.mark.parametrize("status", [307, 308])
async def test_a_post_is_repeated_to_the_same_origin_only(recorder: Recorder, status: int) -> None:
    internet = FakeInternet(recorder.port)
    await internet.send("POST", f"http://example.org/{status}/http://example.org/there", body=b"x", signer=_sign, follows=True)
    assert [(method, body) for method, _, _, body in recorder.seen] == [("POST", b"x"), ("POST", b"x")]
    assert recorder.seen[1][2]["signature"] == "POST example.org /there 1 none"
    for elsewhere in ("http://other.example/", "https://example.org/", "http://example.org:443/", "http://127.0.0.1/", "file:///x"):
        with pytest.raises(Refused):
            await internet.send("POST", f"http://example.org/{status}/{elsewhere}", body=b"x", signer=_sign, follows=True)
    assert all(sent["host"] == "example.org" for _, _, sent, _ in recorder.seen)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_signature_and_no_header_of_ours_reaches_another_origin(recorder: Recorder, status: int) -> None:
    back = "http://example.org/back"
    await FakeInternet(recorder.port).send(
        "GET", f"http://example.org/{status}/http://other.example/302/{back}", headers={"authorization": "vapid", "accept": "text/html"},
        signer=_sign,
    )
    first, *others = [sent for _, _, sent, _ in recorder.seen]
    assert (first["signature"][:3], first["authorization"]) == ("GET", "vapid")
    assert [sent["host"] for sent in others] == ["other.example", "example.org"]  # and it is not sent again after the redirect back
    for sent in others:
        assert not sent.keys() & {"signature", "authorization"}
        assert sent["accept"] == "text/html"


async def test_a_port_that_is_not_the_schemes_own_is_part_of_the_host(recorder: Recorder) -> None:
    await FakeInternet(recorder.port).send("GET", "http://example.org:443/")
    assert recorder.seen[0][2]["host"] == "example.org:443"


@pytest.mark.parametrize(("method", "headers", "body"), [
    ("TRACE", {}, b""), ("CONNECT", {}, b""), ("get", {}, b""), ("", {}, b""), ("GET / HTTP/1.1\r\nx: y", {}, b""), ("GET", {}, b"x"),
    ("POST", {}, b"x" * (MOST_BYTES + 1)), ("POST", {"Host": "inside"}, b""), ("POST", {"Content-Length": "5"}, b""),
    ("POST", {"Transfer-Encoding": "chunked"}, b""), ("POST", {"Cookie": "a=b"}, b""), ("POST", {"x": "a\r\nhost: inside"}, b""),
    ("POST", {"x\r\ny": "a"}, b""), ("POST", {"": "a"}, b""), ("POST", {"x": "ř"}, b""), ("POST", {"x:": "a"}, b""),
    ("POST", {"x": "a "}, b""),
])
async def test_an_unsafe_request_is_refused_before_dns_is_queried(
    recorder: Recorder, method: str, headers: dict[str, str], body: bytes
) -> None:
    internet = FakeInternet(recorder.port)
    with pytest.raises(Refused):
        await internet.send(method, "http://example.org/", headers=headers, body=body)
    assert not internet.resolved


async def test_a_signer_cannot_send_what_a_caller_cannot(recorder: Recorder) -> None:
    with pytest.raises(Refused):
        await FakeInternet(recorder.port).send("POST", "http://example.org/", signer=lambda _request: {"Host": "inside"})
    assert not recorder.seen


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD"])
async def test_every_method_is_guarded_alike(recorder: Recorder, method: str) -> None:
    for address in ("127.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(Refused):
            await FakeInternet(recorder.port, {"trap.example": [address]}).send(method, "http://trap.example/")
    with pytest.raises(Refused):
        await FakeInternet(recorder.port, is_honest=True).send(method, "http://example.org/")
    assert not recorder.seen


async def test_an_answer_to_a_post_is_bounded_too(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable):
        await FakeInternet(server).send("POST", "http://example.org/large", body=b"x")
    monkeypatch.setattr("folkmoot.base.http_client.SECONDS", 0.2)
    with pytest.raises(Unavailable):
        await FakeInternet(server).send("POST", "http://example.org/slow", body=b"x")


@pytest.mark.parametrize(("host", "resolved"), [
    ("STRASSE.example", "strasse.example"), ("straße.example", "xn--strae-oqa.example"), ("Bücher.example", "xn--bcher-kva.example"),
    ("faß。example", "xn--fa-hia.example"), ("ｅxample．org", "example.org"), ("βόλος.example", "xn--nxasmm1c.example"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("under_score.example", "under_score.example"),
])
async def test_hosts_are_resolved_by_the_names_that_browsers_use(server: int, host: str, resolved: str) -> None:
    internet = FakeInternet(server)
    assert await internet.fetch(f"http://{host}/") == b"Ahoj!"
    assert internet.resolved == [resolved]


@pytest.mark.parametrize("host", ["☃.example", "-ž.example", "ž" * 80 + ".example", "a" * 64 + ".example", "１２７.０.０.１"])
async def test_names_that_no_host_can_have_are_refused(server: int, host: str) -> None:
    internet = FakeInternet(server)
    with pytest.raises(Refused):
        await internet.fetch(f"http://{host}/")
    assert internet.connected == []
