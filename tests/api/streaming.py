"""Clients of the streaming API for tests, in this process: server-sent events, and a WebSocket."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from tests.village import Village, Visitor
from tests.waiting import SECONDS

Received = list[tuple[str, Any]]


class _Client:
    """An ASGI connection that runs in a task of its own."""

    def __init__(self, village: Village, scope: dict[str, Any]) -> None:
        self._incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.task = asyncio.create_task(village.front(scope, self._incoming.get, self._send))

    async def _send(self, message: Any) -> None:
        raise NotImplementedError

    async def until(self, condition: Any, seconds: float = SECONDS) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                assert not self.task.done(), self.task.exception()
                await asyncio.sleep(0.01)
        return found

    async def ends(self, seconds: float = SECONDS) -> None:
        async with asyncio.timeout(seconds):
            await self.task

    async def close(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def _scope(kind: str, path: str, query: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": kind, "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "path": path, "raw_path": path.encode(),
        "query_string": urlencode(query).encode(), "root_path": "", "client": ("127.0.0.1", 1), "server": ("localhost", 8420),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


def _bearer(visitor: Visitor | None) -> dict[str, str]:
    return {"authorization": f"Bearer {visitor._token}"} if visitor else {}


def _decoded(payload: str) -> Any:
    return None if payload == "undefined" else payload if payload.isdigit() else json.loads(payload)


class EventSource(_Client):
    """A client of server-sent events."""

    def __init__(self, village: Village, path: str, visitor: Visitor | None, method: str = "GET", **query: str) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        super().__init__(village, {**_scope("http", path, query, _bearer(visitor)), "method": method, "scheme": "http"})

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.text += message.get("body", b"").decode()

    async def open(self) -> "EventSource":
        await self.until(lambda: self.text.startswith(":)\n"))
        return self

    @property
    def events(self) -> Received:
        """(event, payload) in order; JSON is decoded, ids stay texts, no payload is None."""
        found = []
        for block in self.text.partition(":)\n")[2].replace(":thump\n", "").split("\n\n")[:-1]:
            name, data = block.split("\n")
            payload = data.removeprefix("data: ")
            found.append((name.removeprefix("event: "), _decoded(payload)))
        return found

    async def hears(self, event: str, count: int = 1) -> list[Any]:
        """The payloads of an event, once there are `count`."""
        await self.until(lambda: sum(name == event for name, _ in self.events) >= count)
        return [payload for name, payload in self.events if name == event]


class Socket(_Client):
    """A client of the WebSocket."""

    def __init__(
        self, village: Village, visitor: Visitor | None, path: str = "/api/v1/streaming", *, protocol: str = "", **query: str
    ) -> None:
        self.status = 0
        self.body = b""
        self.protocol: str | None = None
        self.frames: list[Any] = []
        self.closed_with = 0
        scope = _scope("websocket", path, query, _bearer(visitor))
        super().__init__(village, {**scope, "scheme": "ws", "subprotocols": [protocol] if protocol else []})
        self._incoming.put_nowait({"type": "websocket.connect"})

    async def _send(self, message: Any) -> None:
        match message["type"]:
            case "websocket.accept":
                self.status, self.protocol = 101, message.get("subprotocol")
            case "websocket.http.response.start":
                self.status = message["status"]
            case "websocket.http.response.body":
                self.body += message["body"]
            case "websocket.send":
                self.frames.append(json.loads(message["text"]))
            case "websocket.close":
                self.closed_with = message["code"]

    async def open(self) -> "Socket":
        await self.until(lambda: self.status == 101)
        return self

    def say(self, frame: Any) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": frame if isinstance(frame, str) else json.dumps(frame)})

    def say_bytes(self) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "bytes": b"x"})

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})

    def events(self, *stream: str) -> Received:
        """(event, payload) of one stream in order."""
        found = []
        for frame in self.frames:
            if frame.get("stream") == list(stream):
                assert isinstance(frame.get("payload", ""), str)
                found.append((frame["event"], _decoded(frame.get("payload", "undefined"))))
        return found
