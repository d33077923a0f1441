"""Two hosts on this machine, each with a data directory and an agent, for tests of the channel."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.agent import Agent, OwnHost
from folkmoot.portability.hosts.client import PeerClient, open_client
from folkmoot.portability.hosts.messages import Handler, Store
from folkmoot.portability.hosts.model import SignedRoster
from folkmoot.portability.hosts.pairing import invite, join
from folkmoot.portability.hosts.peers import HostsFile, Peer, Peers
from tests.network_up import free_port
from tests.waiting import SECONDS


@dataclass
class HostHere:
    """A host on a loopback address. `epoch` is what it says in messages; `heard` are the epochs that it was told."""

    name: str
    directory: DataDirectory
    port: int = field(default_factory=free_port)
    epoch: int = 1
    heard: list[int] = field(default_factory=list)
    told: str = ""  # its own address, if it is told to the other host
    roster: Callable[[], SignedRoster | None] = lambda: None
    hears_roster: Callable[[SignedRoster], None] = lambda _roster: None
    learns: Callable[[int], None] | None = None  # instead of keeping what was heard

    @classmethod
    def make(cls, folder: Path, name: str) -> "HostHere":
        directory = DataDirectory(folder / name)
        directory.prepare()
        return cls(name, directory)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def agent(self, handlers: Iterable[Handler] = (), stores: Iterable[Store] = ()) -> Agent:
        own = OwnHost(
            self.name, "127.0.0.1", self.port, lambda: self.epoch, self.learns or self.heard.append, self.told, self.roster,
            self.hears_roster,
        )
        return Agent(self.directory, own, handlers, stores)

    @asynccontextmanager
    async def running(self, handlers: Iterable[Handler] = (), stores: Iterable[Store] = ()) -> AsyncIterator[Agent]:
        """The agent, as `moot up` runs it."""
        stop = asyncio.Event()
        async with self.agent(handlers, stores) as agent:
            work = asyncio.create_task(agent.run(stop))
            try:
                yield agent
            finally:
                stop.set()
                await work

    def client(self) -> PeerClient:
        return open_client(self.directory, epoch=lambda: self.epoch, learn=self.heard.append)

    async def joins(self, address: str, code: str, name: str = "") -> Peer:
        """`name`: chosen by the operator of this host."""
        return await join(
            self.directory, address, code, name=name or self.name, own_address=f":{self.port}", is_name_chosen=bool(name)
        )


async def pair(primary: HostHere, standby: HostHere) -> None:
    """Pairs two hosts; the agent of the primary runs only meanwhile. Afterwards the invitation has ended."""
    code = invite(primary.directory).text
    async with primary.running():
        await standby.joins(primary.address, code)
    peers = Peers(primary.directory)
    with peers.changing() as content:
        peers.write(HostsFile(content.peers))


async def until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def echo(path: Path) -> AsyncIterator[None]:
    """A server on a UNIX socket that sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while piece := await reader.read(1 << 16):
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(path))
    try:
        yield
    finally:
        server.close()
