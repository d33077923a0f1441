"""Two running networks, a primary and its standby, with load from clients: a hold, and a fence with a successor.

Each host reaches the other one's web processes through the socket that the agent would offer: here a symbolic link.
"""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpcore
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from folkmoot.base import write_gate
from folkmoot.commands.options import settings_of
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.sockets import peer_web_socket, web_socket
from tests.network_up import NetworkUp, moot
from tests.portability.standby import caught_up, copy_media, make_standby
from tests.series import length

RATE = length(20, 200)  # writes per second


@dataclass
class Hosts:
    primary: NetworkUp
    standby: NetworkUp
    token: str

    def become(self, network: NetworkUp, role: str, epoch: int) -> None:
        directory = DataDirectory(network.data)
        directory.write(directory.host_file, json.dumps({"role": role, "epoch": epoch}).encode())

    async def take_over(self) -> None:
        """What a move does: hold, fence, wait for the standby, promote."""
        one, other = settings_of(self.primary.data).dsn, settings_of(self.standby.data).dsn
        async with write_gate.hold(one, 10):
            fencer = await asyncpg.connect(one)
            await fencer.execute("UPDATE host_state SET epoch = 2")
            await fencer.close()
            self.become(self.primary, "fenced", 2)
            await caught_up(one, other)
        promoter = await asyncpg.connect(other)
        assert await promoter.fetchval("SELECT pg_promote(true, 30)")
        await promoter.close()
        self.become(self.standby, "primary", 2)


@pytest.fixture
def hosts(open_folder: Path) -> Iterator[Hosts]:
    options = {"FOLKMOOT_SERVER_PROCESSES": "2", "FOLKMOOT_SERVER_BASE_URL": "http://moot.example"}
    primary = NetworkUp(open_folder / "data", **options).wait()
    try:
        token = moot("token", "create", "jana", data=primary.data).stdout.strip()
        data, _ = make_standby(settings_of(primary.data).dsn, primary.data / "secrets", open_folder / "standby")
        copy_media(primary.data, data.path)
        standby = NetworkUp(data.path, **options).wait()
        try:
            for one, other in ((primary.data, standby.data), (standby.data, primary.data)):
                link = peer_web_socket(DataDirectory(one))
                link.parent.mkdir(mode=0o700)
                link.symlink_to(web_socket(DataDirectory(other)))
                for path in (link.parent, link):
                    DataDirectory(one).set_owner(path)
            yield Hosts(primary, standby, token)
        finally:
            standby.stop()
    finally:
        primary.stop()


@dataclass
class Load:
    """Clients of one host that write and read, with a journal of the answers."""

    url: str
    token: str
    word: str
    statuses: list[tuple[str, int, str]] = field(default_factory=list)  # text, status, id
    reads: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with httpcore.AsyncConnectionPool(max_connections=2000) as clients:
            self._clients = clients
            stop = asyncio.Event()
            tasks = [asyncio.create_task(self._write(stop)), asyncio.create_task(self._read(stop))]
            try:
                yield
            finally:
                stop.set()
                await asyncio.gather(*tasks)

    async def _write(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as posts:
            number = 0
            while not stop.is_set():
                posts.create_task(self._post(f"{self.word} {number}"))
                number += 1
                await asyncio.sleep(1 / RATE)

    async def _post(self, text: str) -> None:
        answer = await self._ask("POST", "/api/v1/statuses", json.dumps({"status": text}).encode())
        id_ = json.loads(answer.content)["id"] if answer.status == 200 else answer.content.decode()
        self.statuses.append((text, answer.status, id_))

    async def _read(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.reads.append((await self._ask("GET", "/api/v1/timelines/home")).status)
            await asyncio.sleep(0.02)

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> httpcore.Response:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        return await self._clients.request(method, self.url + path, headers=headers, content=body)


async def _written(network: NetworkUp, word: str) -> dict[str, list[str]]:
    """The ids of the posts of the load, by text."""
    connection = await asyncpg.connect(settings_of(network.data).dsn)
    rows = await connection.fetch("SELECT text, id::text FROM posts WHERE text LIKE $1", f"{word} %")
    await connection.close()
    found: dict[str, list[str]] = {}
    for text, id_ in rows:
        found.setdefault(text, []).append(id_)
    return found


async def test_every_request_is_answered_by_the_host_that_writes(hosts: Hosts) -> None:
    """One series for the three modes, because two networks take long to start."""
    await _forward_from_standby(hosts)
    await _hold(hosts)
    await _take_over(hosts)


async def _forward_from_standby(hosts: Hosts) -> None:
    """The standby forwards writes, and streams, because no message reaches its own processes."""
    assert stat.S_IMODE(web_socket(DataDirectory(hosts.primary.data)).stat().st_mode) == 0o600
    async with Stream.several(hosts.standby, hosts.token) as streams:
        load = Load(hosts.standby.url, hosts.token, "na replice")
        async with load.running(), asyncio.timeout(60):
            while not all(stream.texts for stream in streams):
                await asyncio.sleep(0.1)
    await _check(load, hosts.primary)
    with pytest.raises(InvalidStatus) as refused:
        await Stream(hosts.standby, "nobody", "socket").show()
    assert refused.value.response.status_code == 401


async def _hold(hosts: Hosts) -> None:
    load = Load(hosts.primary.url, hosts.token, "při pozastavení")
    async with load.running():
        await asyncio.sleep(1)
        async with write_gate.hold(settings_of(hosts.primary.data).dsn, 10):
            writes, reads = -1, len(load.reads)
            for _ in range(8):  # until the answers that are on their way have arrived
                if len(load.statuses) == writes:
                    break
                writes = len(load.statuses)
                await asyncio.sleep(0.5)
            await asyncio.sleep(2)
            assert len(load.statuses) == writes, "writes wait"
            assert len(load.reads) > reads + 1, "reads do not"
    await _check(load, hosts.primary)


async def _take_over(hosts: Hosts) -> None:
    """Clients that know only the old host lose nothing, and their streams show what its successor writes."""
    load = Load(hosts.primary.url, hosts.token, "při předání")
    async with Stream.several(hosts.primary, hosts.token) as streams, load.running():
        await asyncio.sleep(1)
        await hosts.take_over()
        async with asyncio.timeout(60):  # ten seconds are the promise, which `benchmarks/move.py` measures
            while not all(stream.opened > 1 for stream in streams):
                await asyncio.sleep(0.1)
        for stream in streams:
            stream.texts.clear()
        async with asyncio.timeout(60):
            while not all(stream.texts for stream in streams):
                await asyncio.sleep(0.1)
    await _check(load, hosts.standby)


async def _check(load: Load, network: NetworkUp) -> None:
    assert {status for _, status, _ in load.statuses} == {200}, [one for one in load.statuses if one[1] != 200][:3]
    assert await _written(network, load.word) == {text: [id_] for text, _, id_ in load.statuses}, "nothing lost, nothing twice"
    assert set(load.reads) <= {200, 206}


@dataclass
class Stream:
    """A client that shows the posts of its home stream, and connects again when the stream ends or the server is busy."""

    network: NetworkUp
    token: str
    kind: str
    opened: int = 0
    texts: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def several(cls, network: NetworkUp, token: str) -> AsyncIterator[list["Stream"]]:
        """One of each kind; opened when the block begins."""
        streams = [cls(network, token, kind) for kind in ("events", "socket")]
        shown = [asyncio.create_task(stream.show()) for stream in streams]
        async with asyncio.timeout(60):
            while not all(stream.opened for stream in streams):
                await asyncio.sleep(0.05)
        try:
            yield streams
        finally:
            for task in shown:
                task.cancel()
            ends = await asyncio.gather(*shown, return_exceptions=True)
            assert not [end for end in ends if isinstance(end, Exception)]

    async def show(self) -> None:
        while True:
            await (self._by_events() if self.kind == "events" else self._by_socket())
            await asyncio.sleep(0.5)

    async def _by_events(self) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        address = f"{self.network.url}/api/v1/streaming/user"
        async with httpcore.AsyncConnectionPool() as client, client.stream("GET", address, headers=headers) as answer:
            if answer.status == 503:
                return
            assert answer.status == 200
            self.opened += 1
            rest = b""
            async for chunk in answer.aiter_stream():
                *lines, rest = (rest + chunk).split(b"\n")
                self.texts += [line.decode() for line in lines if line.startswith(b"data: ")]

    async def _by_socket(self) -> None:
        address = self.network.url.replace("http://", "ws://") + "/api/v1/streaming?stream=user"
        try:
            async with connect(address, additional_headers={"authorization": f"Bearer {self.token}"}) as connection:
                self.opened += 1
                with suppress(ConnectionClosed):  # with whatever code: it connects again
                    async for frame in connection:
                        self.texts.append(str(frame))
        except InvalidStatus as refused:
            if refused.response.status_code != 503:
                raise
