"""Puts together what a process needs to move this host, or to answer the other one that does: the agent, and `moot move`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.hosts.claims import refuse_claim
from folkmoot.portability.hosts.client import NotPaired, PeerClient
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import Handler
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.hosts.roster import Rosters
from folkmoot.portability.hosts.sockets import PROBE_PATH, peer_socket_folder
from folkmoot.portability.moving.preflight import Preflight
from folkmoot.portability.moving.settling import Settling
from folkmoot.portability.moving.sides import OtherHost, OwnHost, handlers_of
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.standby.answers import PREPARE
from folkmoot.portability.standby.model import Nothing, Prepared
from folkmoot.portability.standby.upkeep import take_over_shared
from folkmoot.portability.synchronous import forget_bound

T = TypeVar("T", bound=msgspec.Struct)
_WEB_SECONDS = 3.0
_PREPARE_SECONDS = 30.0


class Moving:
    """This host and its peer, whichever that is at the moment. `web`: host and port of the web processes; `domain`: of a network
    with HTTPS, else ""."""

    def __init__(self, directory: DataDirectory, dsn: str, web: tuple[str, int], domain: str = "") -> None:
        self._directory = directory
        self._peers = Peers(directory)
        self._host = Host(directory.path)
        self._client: PeerClient | None = None
        self.own = OwnHost(ThisHost(directory, dsn, get_identity(directory).id, WebProcesses(*web)), self._prepare, self._share)
        self.other = OtherHost(self.ask)
        self.preflight = Preflight(self.own.this, self._fetch, domain)

    @property
    def peer(self) -> Peer:
        """Raises NotPaired."""
        peer = self._peers.one()
        if peer is None:
            raise NotPaired
        return peer

    def handlers(self) -> list[Handler]:
        return [*handlers_of(self.own), *self.preflight.handlers()]

    def settling(self) -> Settling:
        return Settling(self.own, self.other)

    def learn(self, epoch: int) -> None:
        """Takes note of the epoch that the peer is in, if the peer still belongs to the network."""
        if epoch <= self._host.state.highest or (peer := self._peers.one()) is None:
            return
        if why_not := Rosters(self._directory).why_not(peer.id):
            refuse_claim(self._directory, peer.id, epoch, "the channel between the hosts", why_not)
        else:
            self.own.fence_against(epoch, peer.id)

    async def close(self) -> None:
        await self.own.this.close()
        if self._client:
            await self._client.aclose()

    async def ask(self, name: str, content: msgspec.Struct, answer: type[T], *, seconds: float = 5) -> T:
        return await (await self._connected())(name, content, answer, seconds=seconds)

    @asynccontextmanager
    async def _fetch(self, store: str, file: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        async with (await self._connected()).fetch(store, file) as pieces:
            yield pieces

    async def _connected(self) -> PeerClient:
        peer = self.peer
        if self._client is None or self._client.peer != peer:
            if self._client:
                await self._client.aclose()
            self._client = PeerClient(self._directory, peer, epoch=lambda: self._host.epoch, learn=self.learn)
        return self._client

    async def _prepare(self) -> Path:
        forget_bound(self._directory)  # before the primary hears of it
        await self.ask(PREPARE, Nothing(), Prepared, seconds=_PREPARE_SECONDS)
        return peer_socket_folder(self._directory)

    async def _share(self) -> None:
        await take_over_shared(self._directory, self.ask)


class WebProcesses:
    """Those of this host, asked as by a member."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    async def is_running(self) -> bool:
        return await self._answers("/livez")

    async def is_forwarding(self, epoch: int) -> bool:
        """This host itself has no page at this path: only the other one answers it, if it writes."""
        return await self._answers(f"{PROBE_PATH}?epoch={epoch}")

    async def _answers(self, target: str) -> bool:
        with suppress(OSError):  # also TimeoutError
            async with asyncio.timeout(_WEB_SECONDS):
                reader, writer = await asyncio.open_connection(*self._address)
                try:
                    writer.write(b"GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % target.encode())
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        return False
