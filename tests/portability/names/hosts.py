"""Hosts for tests of names: data directories with keys, and a server that gives out the record of one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpcore
import msgspec
import uvicorn

from folkmoot.base import clock
from folkmoot.config import Names, Server, Settings
from folkmoot.http.host_record import HostRecord
from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import HostState
from folkmoot.portability.hosts.identity import get_identity, make_identity
from folkmoot.portability.hosts.peers import Peer, Peers
from folkmoot.portability.recovery_key import RecoveryKey
from tests.base.test_http_client import PUBLIC

NAME = "http://moot.example"


def make_host(path: Path, state: HostState, *, recovery: RecoveryKey | None = None, is_paired: bool = True) -> DataDirectory:
    data = DataDirectory(path)
    data.prepare(state)
    if is_paired:
        make_identity(data)
    if recovery:
        BackupKey.new(recovery).keep(data)
    return data


def settings_of_host(data: DataDirectory, *others: str) -> Settings:
    return Settings(data=data.path, server=Server(base_url=NAME), names=Names(others=list(others)))


def pair(one: DataDirectory, other: DataDirectory) -> None:
    """Each host pins the certificate of the other one."""
    for here, there in ((one, other), (other, one)):
        identity = get_identity(there)
        Peers(here).add(Peer(identity.id, there.path.name, "192.0.2.7:8421", identity.certificate, clock.now()))


def become(data: DataDirectory, state: HostState) -> None:
    data.write(data.host_file, msgspec.json.encode(state))


class PublicName:
    """The resolver and the connections of a test: every name leads to the host at `port`, or to nobody."""

    def __init__(self) -> None:
        self.port: int | None = None
        self.asked: list[str] = []

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return [PUBLIC]

    async def connect(self, _address: str, _port: int) -> Any:
        if self.port is None:
            raise httpcore.ConnectError("nobody listens")
        return _SeenAsPublic(await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port))


class _SeenAsPublic:
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def get_extra_info(self, info: str) -> Any:
        return (PUBLIC, 80) if info == "server_addr" else self._stream.get_extra_info(info)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[int]:
    """Serves the record of a host; returns the port."""
    server = uvicorn.Server(uvicorn.Config(HostRecord(settings), port=0, lifespan="off", log_config=None))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()
