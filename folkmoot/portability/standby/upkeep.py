"""What the agent does all the time on both hosts: measures the lag, copies missing pictures, takes over new secrets,
gives new certificates to Caddy.

Each part finds out by itself whether this host is a standby, so a promotion or a new pairing needs no restart.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.portability.certificates.model import SECRET as CERTIFICATES
from folkmoot.portability.certificates.model import Answer
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY, Host
from folkmoot.portability.hosts.client import NotPaired, PeerClient
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.messages import Ask, T
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.offsite.coming import keep_of_primary, read_of_primary, take_over_coming
from folkmoot.portability.standby.answers import SHARE, STATE
from folkmoot.portability.standby.demanding import Demanding
from folkmoot.portability.standby.following import Meter, find_following, measure
from folkmoot.portability.standby.media import MediaCopy
from folkmoot.portability.standby.model import Following, Nothing, Prepared
from folkmoot.portability.standby.sharing import install_secrets, install_settings
from folkmoot.portability.synchronous import Mode, find_demand, forget_bound, is_bound

log = logging.getLogger(__name__)
_STATE_EVERY = 3.0  # seconds
_SHARE_EVERY, _SHARE_EVERY_MINUTE = 1200, 20  # states: once an hour; more often while the primary fetches pictures after a restore
_CERTIFICATES_AGAIN = 60.0  # seconds, if there is no keeper
_CALM = 60.0  # seconds after a change of roles


class Upkeep:
    """One per agent. `connect` makes the client of a peer. `wanted`: which writes a standby of this host shall confirm. `left_at`:
    see `Meter`."""

    def __init__(
        self, directory: DataDirectory, dsn: str, connect: Callable[[Peer], PeerClient], exchange_certificates: Callable[[], Answer | None],
        wanted: Mode = Mode.NONE, left_at: Callable[[], int] = lambda: 0,
    ) -> None:
        self._directory = directory
        self._dsn = dsn
        self._connect = connect
        self._exchange_certificates = exchange_certificates
        self._peers = Peers(directory)
        self._host = Host(directory.path)
        self._client: PeerClient | None = None
        self._meter = Meter(find_following(directory.path), left_at)
        self._media = MediaCopy(directory.path / "media", self.fetch)
        self._meter.wanted = wanted
        self._wanted = wanted
        self._demanding = Demanding(
            directory, dsn, wanted, get_identity(directory).id, self._ask, lambda: find_following(directory.path)
        )

    async def run(self) -> None:
        """Until it is cancelled."""
        forget_bound(self._directory)  # this host was off: what its primary promised before may have ended since
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._demanding.run())
                group.create_task(measure(self._dsn, self._slot, self._directory.path, self._meter, self._media, self._note_synchrony))
                group.create_task(self._media.run(self._dsn))
                group.create_task(self._ask_primary())
                group.create_task(self._keep_certificates())
        finally:
            if self._client:
                await self._client.aclose()

    @asynccontextmanager
    async def fetch(self, store: str, file: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """A file of the peer. Raises NotPaired, PeerUnreachable, PeerRefused."""
        client = await self._peer()
        async with client.fetch(store, file) as pieces:
            yield pieces

    def _note_synchrony(self) -> None:
        """Before each measurement. What a standby knows of its primary comes with the answers of that."""
        state, peer = self._host.state, self._peers.one()
        if state.role == STANDBY:
            self._meter.is_bound = peer is not None and is_bound(self._directory.path, peer.id, state.epoch)
        else:
            demand = find_demand(self._directory)
            self._meter.wanted, self._meter.active, self._meter.is_bound = self._wanted, demand.mode, demand.is_bound

    async def _ask(self, name: str, content: msgspec.Struct, answer: type[T], *, seconds: float = 5) -> T:
        return await (await self._peer())(name, content, answer, seconds=seconds)

    def _slot(self) -> str:
        peer = self._peers.one()
        return peer.slot if peer else ""

    async def _peer(self) -> PeerClient:
        peer = self._peers.one()
        if peer is None:
            raise NotPaired
        if self._client is None or self._client.peer != peer:
            if self._client:
                await self._client.aclose()
            self._client = self._connect(peer)
        return self._client

    async def _ask_primary(self) -> None:
        """On a standby: how the primary sees it, and now and then the secrets and settings, which may have changed.

        On a host that has become the primary: pictures that the old one was still fetching.
        """
        asked = 0
        while True:
            if self._host.role == STANDBY:
                try:
                    client = await self._peer()
                    seen = await client(STATE, Nothing(), Following)
                    self._meter.peer_stage = seen.stage if seen.role == PRIMARY else None
                    self._meter.wanted, self._meter.active = seen.wanted, seen.active
                    if asked % (_SHARE_EVERY_MINUTE if read_of_primary(self._directory) else _SHARE_EVERY) == 0:
                        await take_over_shared(self._directory, client)
                    asked += 1
                except (Problem, OSError) as error:
                    log.debug("the primary does not answer: %s", error)
            elif self._host.role == PRIMARY:
                take_over_coming(self._directory)
            await asyncio.sleep(_STATE_EVERY)


    async def _keep_certificates(self) -> None:
        """Tells Caddy when the role of this host changes, or when the primary has sent other certificates.

        A reload ends streams after some seconds. So Caddy hears of a takeover later, unless it has no certificate for visitors.
        """
        file, told, answer = self._directory.path / "secrets" / CERTIFICATES, None, None
        while True:
            if told != (self._host.role, _changed_at(file)):
                if told and told[0] != self._host.role and answer and answer.until:
                    await asyncio.sleep(_CALM)
                role, changed_at = self._host.role, _changed_at(file)
                if answer := await asyncio.to_thread(self._exchange_certificates):
                    told = role, _changed_at(file) if role == PRIMARY else changed_at  # a primary has written it
                else:
                    await asyncio.sleep(_CERTIFICATES_AGAIN)
            await asyncio.sleep(_STATE_EVERY)


def _changed_at(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


async def take_over_shared(directory: DataDirectory, ask: Ask) -> None:
    """Makes secrets and settings of this standby those that the primary has now."""
    shared = await ask(SHARE, Nothing(), Prepared)

    def install() -> None:
        install_secrets(directory, shared.secrets)
        install_settings(directory, shared.settings)
        keep_of_primary(directory, shared.pictures)

    await asyncio.to_thread(install)
