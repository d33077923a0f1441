"""Slow and greedy connections: limited in number, bytes and time, while others are served."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.datastructures import Headers

from folkmoot.base.errors import Malformed
from folkmoot.http import bodies
from folkmoot.http.bodies import from_body
from folkmoot.http.server import GuardedProtocol, Server
from tests.network_up import free_port
from tests.waiting import SECONDS

BIG = b"x" * 20_000_000
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for answer in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
            await receive()
            await send({"type": answer})
        return
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        if scope["path"] == "/socket":
            await send({"type": "websocket.send", "bytes": BIG})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    body = BIG if scope["path"] == "/big" else b"ok"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    for name, seconds in (("HEADER_SECONDS", 1.5), ("STALLED_SECONDS", 0.5), ("REST_SECONDS", 0.5)):
        monkeypatch.setattr(f"folkmoot.http.server.{name}", seconds)
    number = free_port()
    server = Server(_application, "127.0.0.1", number, [])
    monkeypatch.setattr(GuardedProtocol, "most", 60)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield number
    server.should_exit = True
    await task


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes = GET) -> bytes:
    writer.write(sent)
    return await asyncio.wait_for(reader.readuntil(b"ok"), SECONDS)


async def _is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(SECONDS):
        try:
            while await reader.read(65536):
                pass
        except ConnectionResetError:
            return True
    return True


async def test_hundreds_of_unfinished_requests_do_not_block_others(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.http.server.HEADER_SECONDS", 3600)  # none ends by itself
    slow = []
    for number in range(300):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write((b"", b"GET / HTTP/1.1\r\nX-A: ", b"\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\nX")[number % 4])
        slow.append((reader, writer))
        if number % 30 == 29:
            other = await asyncio.open_connection("127.0.0.1", port)
            assert (await _answer(*other)).startswith(b"HTTP/1.1 200")
            other[1].close()
            assert len(GuardedProtocol._waiting) <= 61
    assert await _is_closed(slow[0][0])  # the oldest connection was closed
    for _, writer in slow:
        writer.close()


async def test_unfinished_requests_are_closed_after_their_time(port: int) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for number, (_, writer) in enumerate(slow):
        writer.write((b"", b"GET / HTTP/1.1\r\nX-A: ", b"\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\nX")[number % 4])
    assert all([await _is_closed(reader) for reader, _ in slow])
    for _, writer in slow:
        writer.close()


async def test_a_second_request_has_a_time_limit_too(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await _answer(reader, writer)).startswith(b"HTTP/1.1 200")
    await asyncio.sleep(2)  # idle time between requests is allowed
    assert (await _answer(reader, writer)).startswith(b"HTTP/1.1 200")
    writer.write(b"GET / HT")
    assert await _is_closed(reader)
    writer.close()


@pytest.mark.parametrize("unit", [b"X-A: " + b"a" * 1000 + b"\r\n", b"a" * 1000], ids=["many headers", "one header"])
async def test_the_size_of_a_request_head_is_limited(port: int, unit: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nX-B: ")
    answer = b""
    for _ in range(200):
        writer.write(unit)
        await asyncio.sleep(0)
    try:
        answer = await asyncio.wait_for(reader.read(100), SECONDS)
    except ConnectionResetError:
        answer = b"HTTP/1.1 431"  # closed while the client was still sending
    assert answer.startswith(b"HTTP/1.1 431")
    writer.close()


async def test_a_body_after_its_response_is_not_awaited(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert (await _answer(reader, writer, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")).startswith(b"HTTP/1.1 200")
    assert await _is_closed(reader)
    writer.close()
    whole = await asyncio.open_connection("127.0.0.1", port)
    assert (await _answer(*whole, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)).startswith(
        b"HTTP/1.1 200"
    )
    assert (await _answer(*whole)).endswith(b"ok")  # after a complete body the next request is served
    whole[1].close()


async def test_a_client_that_does_not_read_is_disconnected(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(2)
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    received = 0
    try:
        while chunk := await asyncio.wait_for(reader.read(1_000_000), SECONDS):
            received += len(chunk)
    except ConnectionResetError:
        pass
    assert received < len(BIG)
    writer.close()


async def test_a_websocket_that_does_not_read_is_disconnected(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)).startswith(b"HTTP/1.1 101")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(2)
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    received = 0
    try:
        while chunk := await asyncio.wait_for(reader.read(1_000_000), SECONDS):
            received += len(chunk)
    except ConnectionResetError:
        pass
    assert 0 < received < len(BIG)
    writer.close()


@pytest.mark.parametrize("frame", [b"\x81\xfe\xff\xff" + b"m" * 70_000, b"\x83\x80mask", b"\xf1\x80mask", b"\x81\x05plain"])
async def test_a_websocket_with_a_large_or_malformed_frame_is_closed(port: int, frame: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /quiet HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)).startswith(b"HTTP/1.1 101")
    writer.write(frame)
    assert await _is_closed(reader)
    writer.close()


async def test_a_body_may_be_long_but_not_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    headers = Headers({"content-type": "application/json"})

    async def slow() -> Any:
        await asyncio.sleep(0.1)
        return {"type": "http.request", "body": b" ", "more_body": True}

    with pytest.raises(Malformed):
        await from_body(slow, headers, 1000)
    parts = [b'{"a": "', *[b"x" * 16_000] * 6, b'"}']

    async def steady() -> Any:
        await asyncio.sleep(0.1)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    assert len((await from_body(steady, headers, 200_000)).text("a")) == 96_000
