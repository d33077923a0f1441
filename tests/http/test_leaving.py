"""A web process whose place another one takes answers what still arrives on its connections, and accepts no new ones."""

import asyncio
import os
import signal
from typing import Any

import pytest

from folkmoot.http.server import GuardedProtocol, Server
from tests.network_up import free_port
from tests.waiting import SECONDS

_GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_process_that_is_replaced_while_it_starts_accepts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "is_leaving", False)
    monkeypatch.setattr("folkmoot.http.server.LEAVING_SECONDS", 3600)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # without a handler it would end the tests
    port = free_port()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        for answer in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
            await receive()
            if answer.endswith("startup.complete"):
                os.kill(os.getpid(), signal.SIGUSR1)
                await asyncio.sleep(0.1)
            await send({"type": answer})

    server = Server(application, "127.0.0.1", port, [])
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(SECONDS):
        while not server.started:
            await asyncio.sleep(0.02)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        server.should_exit = True
        await task


async def test_open_connections_are_answered_once_more_and_say_that_they_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "is_leaving", False)  # and again afterwards
    monkeypatch.setattr("folkmoot.http.server.LEAVING_SECONDS", 3600)
    goes_on, began = asyncio.Event(), asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for answer in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
                await receive()
                await send({"type": answer})
            return
        began.set()
        await goes_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    port = free_port()
    server = Server(application, "127.0.0.1", port, [])
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    idle, busy = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    busy[1].write(_GET)
    await began.wait()
    server._leave()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    idle[1].write(_GET)
    goes_on.set()
    async with asyncio.timeout(SECONDS):
        for reader, writer in (idle, busy):
            answer = await reader.read()  # until it is closed
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(b"ok")
            assert b"connection: close\r\n" in answer
            writer.close()
        server.should_exit = True
        await task
