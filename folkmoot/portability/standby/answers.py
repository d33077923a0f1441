"""What a primary answers to its standby: facts, preparation, and how it sees the following."""

import asyncio
import platform
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

from folkmoot import __version__
from folkmoot.base.errors import Problem
from folkmoot.base.write_gate import WITHOUT_STANDBY
from folkmoot.config import Settings
from folkmoot.portability.certificates.exchange import exchange_certificates
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts.messages import Handler
from folkmoot.portability.hosts.peers import Peers
from folkmoot.portability.logical.queries import unpublish
from folkmoot.portability.offsite.coming import read_coming
from folkmoot.portability.postgres_settings import REPLICATION_SECRET
from folkmoot.portability.standby import queries
from folkmoot.portability.standby.demanding import let_go
from folkmoot.portability.standby.following import find_following
from folkmoot.portability.standby.model import Facts, Following, Nothing, Prepared, Stage
from folkmoot.portability.standby.sharing import collect_secrets, collect_settings

_CERTIFICATES_SECONDS = 2.5
DESCRIBE, PREPARE, STATE, SHARE = "standby.describe", "standby.prepare", "standby.state", "standby.share"


class NotPrimary(Problem):
    """This host cannot be followed."""

    code = "not_primary"


@dataclass(frozen=True)
class Answers:
    """The answering side."""

    settings: Settings
    directory: DataDirectory
    peers: Peers

    def handlers(self) -> list[Handler]:
        return [
            Handler(DESCRIBE, Nothing, self.describe), Handler(PREPARE, Nothing, self.prepare),
            Handler(SHARE, Nothing, self.share), Handler(STATE, Nothing, self.state),
        ]

    async def describe(self, _: Nothing) -> Facts:
        """Facts for the checks of a second host. Changes nothing."""
        connection = await self._connect()
        try:
            sizes = await queries.get_sizes(connection)
            major = connection.get_server_version().major
        finally:
            await connection.close()
        return Facts(
            network=self.settings.network.name, address=self.settings.base_url, folkmoot=__version__, schema=sizes.schema,
            postgresql=major, machine=platform.machine(), epoch=Host(self.directory.path).epoch, database_bytes=sizes.database_bytes,
            media=sizes.media, media_bytes=sizes.media_bytes,
        )

    async def prepare(self, _: Nothing) -> Prepared:
        """Makes the role and a new slot for the standby; an older slot of it is dropped, and what a logical copy has left."""
        peer = self.peers.one()
        if peer is None:
            raise NotPrimary("This host has no peer. Pair the hosts first: moot host add")
        connection = await self._connect()
        try:
            await let_go(self.directory, connection)  # a host that is copied anew has given up what it had
            await queries.make_replication_role(connection, self.directory.secret(REPLICATION_SECRET))
            await unpublish(connection, peer.slot)
            await queries.renew_slot(connection, peer.slot)
        finally:
            await connection.close()
        return await self.share(Nothing(), peer.slot)

    async def share(self, _: Nothing, slot: str = "") -> Prepared:
        """Secrets and settings as they are now; a standby asks again from time to time."""
        self._require_primary()
        with suppress(TimeoutError):  # then it goes on by itself, and those before are shared: a move is in a hurry
            async with asyncio.timeout(_CERTIFICATES_SECONDS):
                await asyncio.to_thread(exchange_certificates, self.settings, self.directory)
        return Prepared(
            slot=slot, secrets=collect_secrets(self.settings, self.directory), settings=collect_settings(self.settings),
            pictures=read_coming(self.directory.path),
        )

    async def state(self, _: Nothing) -> Following:
        unknown = Following(role=Host(self.directory.path).role, stage=Stage.NONE, since=0, measured_at=0)
        return find_following(self.directory.path) or unknown

    def _require_primary(self) -> None:
        if (role := Host(self.directory.path).role) != PRIMARY:
            raise NotPrimary("The other host is not the primary: its role is %(role)s. Join the primary instead.", role=role)

    async def _connect(self) -> asyncpg.Connection:
        """A connection to the database of this host. Raises NotPrimary if it follows another one."""
        self._require_primary()
        connection = await asyncpg.connect(
            self.settings.dsn, timeout=5, server_settings={"application_name": "folkmoot standby", **WITHOUT_STANDBY}
        )
        if await queries.is_standby(connection):
            await connection.close()
            raise NotPrimary("The database of this host replays another one, so it cannot be followed.")
        return connection
