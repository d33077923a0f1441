"""How soon 2,000 open connections of apps hear of what happens, what each of them costs, and what slow ones do to the others.

Half of the connections are server-sent events, half WebSockets. Each belongs to one of 200 members, who all follow the same few
authors and themselves, so that one post reaches many of them. An action is a request by another member; the time runs from before the
request until the frame is there, for each connection that must get it. `--small`: 200 connections, nothing is written.
"""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable

from benchmarks.harness import Row, database_of, memory_of, network, report, run
from benchmarks.open_load import percentile
from folkmoot.network.sessions.apps import issue_token, register_app
from tests.network_up import NetworkUp
from tests.village import follow, settle

CONNECTIONS, SMALL = 2000, 200
READERS = 200
FOLLOWERS = 10  # readers who follow the author of most actions
ROUNDS = 12
MOST_MS, MOST_KIB = 200.0, 32.0
_PATIENCE = 15.0
_SCOPES = "read write follow"
_PAUSE = 0.15  # between actions


class Stream:
    """One connection. `heard`: the moments at which frames with a given event arrived."""

    def __init__(self, reader_number: int, token: str, *, is_socket: bool) -> None:
        self.reader_number, self._token, self.is_socket = reader_number, token, is_socket
        self.heard: dict[str, list[float]] = {}
        self.ended_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, port: int) -> "Stream":
        local = (f"127.0.1.{1 + self.reader_number % 200}", 0)
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local, limit=2**18)
        path, more = "/api/v1/streaming/user", ""
        if self.is_socket:
            path = "/api/v1/streaming?stream=user"
            key = base64.b64encode(os.urandom(16)).decode()
            more = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}\r\n{more}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101")), head
        self._task = asyncio.create_task(self._listen(reader))
        return self

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(2**16):
            now = time.perf_counter()
            for name in _events_in(data, is_socket=self.is_socket):
                self.heard.setdefault(name, []).append(now)
            if data[:1] == b"\x88" if self.is_socket else data.endswith(b"0\r\n\r\n"):  # the connection may stay open
                break
        self.ended_at = time.perf_counter()

    def stop_reading(self) -> None:
        """As a client that hangs."""
        assert self._task is not None
        self._task.cancel()

    def close(self) -> None:
        if self._writer:
            self._writer.transport.abort()


def _events_in(data: bytes, *, is_socket: bool) -> list[str]:
    mark = b'"event":"' if is_socket else b"event: "
    end = b'"' if is_socket else b"\n"
    return [part.split(end, 1)[0].decode("latin-1") for part in data.split(mark)[1:]]


class Room:
    """The members, their tokens and their connections."""

    def __init__(self, up: NetworkUp) -> None:
        self.up = up
        self.tokens: dict[str, str] = {}
        self.ids: dict[str, int] = {}
        self.streams: list[Stream] = []

    async def fill(self) -> "Room":
        async with database_of(self.up) as database:
            author, star, loud = [await settle(database, name) for name in ("author", "star", "loud")]
            readers = [await settle(database, f"reader_{number:03d}") for number in range(READERS)]
            for number, reader in enumerate(readers):
                await follow(database, reader, star)
                if number < FOLLOWERS:
                    await follow(database, reader, author)
                    await follow(database, author, reader)
            await follow(database, readers[-1], loud)
            async with database.write() as tx:
                app = await register_app(tx, "bench", ["urn:ietf:wg:oauth:2.0:oob"], _SCOPES)
                for account in (author, star, loud, *readers):
                    self.tokens[account.username] = await issue_token(tx, app.id, account.id, _SCOPES)
                    self.ids[account.username] = account.id
        return self

    async def open(self, count: int) -> float:
        """Opens the connections; returns MiB of the web processes that they take together."""
        before = memory_of(self.up.process.pid)["Folkmoot"]
        for start in range(0, count, 50):
            wanted = [
                Stream(number % READERS, self.tokens[f"reader_{number % READERS:03d}"], is_socket=number // READERS % 2 == 1)
                for number in range(start, min(start + 50, count))
            ]
            self.streams += await asyncio.gather(*(stream.open(self.up.port) for stream in wanted))
        await asyncio.sleep(2)
        return memory_of(self.up.process.pid)["Folkmoot"] - before

    async def act(self, name: str, method: str, path: str, **form: str) -> tuple[float, str]:
        """(the moment before the request, the id in the answer)."""
        body = "&".join(f"{key}={value}" for key, value in form.items()).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.up.port, limit=2**20)
        began = time.perf_counter()
        writer.write((
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.tokens[name]}\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body)
        answer = await reader.read()
        writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], answer[:300]
        return began, str(json.loads(content).get("id", ""))

    async def delays(self, event: str, streams: list[Stream], action: Callable[[], Awaitable[tuple[float, str]]]) -> list[float]:
        """Seconds from an action until each of the streams has heard of it; the patience for those that have not."""
        counts = {stream: len(stream.heard.get(event, ())) for stream in streams}
        began, _ = await action()
        end = time.perf_counter() + _PATIENCE
        while time.perf_counter() < end and any(len(stream.heard.get(event, ())) <= count for stream, count in counts.items()):
            await asyncio.sleep(0.01)
        return [
            stream.heard[event][count] - began if len(stream.heard.get(event, ())) > count else _PATIENCE
            for stream, count in counts.items()
        ]

    def of(self, *numbers: int) -> list[Stream]:
        return [stream for stream in self.streams if stream.reader_number in numbers and not stream.ended_at]


async def _delays(room: Room) -> list[Row]:
    followers = room.of(*range(FOLLOWERS))
    found: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        posts: list[str] = []

        async def post(number: int = number, posts: list[str] = posts) -> tuple[float, str]:
            began, id_ = await room.act("author", "POST", "/api/v1/statuses", status=f"kasna {number}")
            posts.append(id_)
            return began, id_

        actions: list[tuple[str, str, list[Stream], Callable[[], Awaitable[tuple[float, str]]]]] = [
            ("update", "update", followers, post),
            ("status.update", "status.update", followers,
             lambda posts=posts, number=number: room.act("author", "PUT", f"/api/v1/statuses/{posts[0]}", status=f"uprava {number}")),
            ("notification", "notification", room.of(3),
             lambda number=number: room.act("author", "POST", "/api/v1/statuses", status=f"@reader_003 ahoj {number}")),
            ("delete", "delete", followers, lambda posts=posts: room.act("author", "DELETE", f"/api/v1/statuses/{posts[0]}")),
            ("filters_changed", "filters_changed", room.of(5), lambda number=number: room.act(
                "reader_005", "POST", "/api/v2/filters", **{"title": f"f{number}", "context[]": "home", "filter_action": "warn"})),
        ]
        for name, event, streams, action in actions:
            found.setdefault(name, []).extend(await room.delays(event, streams, action))
            await asyncio.sleep(_PAUSE)
    rows = []
    for name, values in found.items():
        slow = 1000 * percentile(values, 0.99)
        rows += [
            Row(f"{name}: from the action to the frame, median", 1000 * percentile(values, 0.5), "ms"),
            Row(f"{name}: from the action to the frame, p99", slow, "ms", f"<= {MOST_MS:g}", slow <= MOST_MS),
        ]
    everybody: list[float] = []
    for number in range(5):
        action = lambda number=number: room.act("star", "POST", "/api/v1/statuses", status=f"vsem {number}")  # noqa: E731
        everybody += await room.delays("update", room.of(*range(READERS)), action)
        await asyncio.sleep(1)
    return [*rows, Row("a post to all connections: the last frame, p99", 1000 * percentile(everybody, 0.99), "ms")]


async def _slow_consumers(room: Room) -> list[Row]:
    """Connections of one member stop reading, while an author whom they follow writes much; the others must not notice."""
    hanging = room.of(READERS - 1)
    for stream in hanging:
        stream.stop_reading()
    followers, text = room.of(*range(FOLLOWERS)), "x" * 450
    values: list[float] = []
    for number in range(ROUNDS):
        await asyncio.gather(*(room.act("loud", "POST", "/api/v1/statuses", status=f"{text}{number}") for _ in range(8)))
        values += await room.delays(
            "update", followers, lambda number=number: room.act("author", "POST", "/api/v1/statuses", status=f"vedle {number}"))
    slow = 1000 * percentile(values, 0.99)
    return [Row(f"{len(hanging)} connections that do not read: the others, p99", slow, "ms", f"<= {MOST_MS:g}", slow <= MOST_MS)]


async def _ends(room: Room) -> list[Row]:
    """The tokens of a member are deleted in the database, so that no message says it."""
    ending = room.of(7)
    async with database_of(room.up) as database, database.write() as tx:
        await tx.execute("DELETE FROM tokens WHERE account_id = $1", room.ids["reader_007"])
    began = time.perf_counter()
    while any(not stream.ended_at for stream in ending) and time.perf_counter() - began < 2 * _PATIENCE:
        await asyncio.sleep(0.02)
    last = max((stream.ended_at or float("inf")) - began for stream in ending)
    return [Row("the last stream of a token that was revoked without a message ends after", last, "s", "<= 2", last <= 2)]


async def _measure(up: NetworkUp, count: int) -> list[Row]:
    room = await Room(up).fill()
    for name in ("author", "reader_003"):
        await room.act(name, "POST", "/api/v1/statuses", status="zacatek")
    memory = 1024 * await room.open(count) / count
    rows = [Row("open connections", count, ""), Row("memory of a connection", memory, "KiB", f"<= {MOST_KIB:g}", memory <= MOST_KIB)]
    rows += await _delays(room)
    rows += await _ends(room)
    rows += await _slow_consumers(room)
    for stream in room.streams:
        stream.close()
    return rows


def main() -> None:
    count = SMALL if "--small" in sys.argv else CONNECTIONS
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000", FOLKMOOT_SERVER_PROCESSES=str(os.cpu_count() or 1)) as up:
        report("live", run(_measure(up, count)), is_kept=count == CONNECTIONS)


if __name__ == "__main__":
    main()
