"""Two hosts of one network in this process, which forward requests to each other over real sockets.

They share one database, so only `host.json` and the epoch decide which of them writes: what is written twice is seen.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from folkmoot import app
from folkmoot.base.db import Database
from folkmoot.http.server import GuardedSocket, PeerProtocol
from folkmoot.http.writing_host import WritingHost
from folkmoot.portability.host import Host
from folkmoot.portability.standby.following import is_behind
from tests.village import Visitor, settings_for


@dataclass
class InProcessHost:
    """`outgoing`: the socket that leads to the other host."""

    folder: Path
    database: Database
    hosts: WritingHost
    front: Any
    outgoing: Path

    def become(self, role: str, epoch: int) -> None:
        _become(self.folder, role, epoch)
        self.hosts._looked_at = 0.0

    def visitor(self, like: Visitor, address: str = "192.0.2.7") -> Visitor:
        """A client of this host with the session and token of another one."""
        visitor = Visitor(self.front, like._token)
        visitor.cookies = dict(like.cookies)
        visitor.address = address
        return visitor

    async def listen(self, path: Path) -> AsyncExitStack:
        """Serves requests from the other host, until what is returned is closed; what still runs then is cancelled."""
        config = uvicorn.Config(self.front, lifespan="off", log_config=None, ws=GuardedSocket, ws_per_message_deflate=False)
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: PeerProtocol(config=config, server_state=state, app_state={}), path=str(path)
        )
        serving = AsyncExitStack()
        serving.push_async_callback(_end_requests, state)
        serving.callback(server.close)
        return serving


@asynccontextmanager
async def two_hosts(folder: Path, dsn: str) -> AsyncIterator[tuple[InProcessHost, InProcessHost]]:
    """(the primary, the standby), in epoch 1."""
    one, other = [await _open(folder / name, dsn, role) for name, role in (("one", "primary"), ("other", "standby"))]
    servers = [await one.listen(other.outgoing), await other.listen(one.outgoing)]
    try:
        yield one, other
    finally:
        for server in servers:
            await server.aclose()
        for host in (one, other):
            await host.hosts.close()
            await host.database.close()


async def _end_requests(state: ServerState) -> None:
    for task in state.tasks:
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)


async def _open(folder: Path, dsn: str, role: str) -> InProcessHost:
    (folder / "run").mkdir(parents=True)
    _become(folder, role, 1)
    database = await Database.open(dsn, epoch=Host(folder).writing_epoch)
    outgoing = folder / "run" / "peer"
    hosts = WritingHost(Host(folder), outgoing, lambda: database.is_held, lambda: is_behind(folder))
    return InProcessHost(folder, database, hosts, app.create_front(settings_for(folder, dsn), database, hosts), outgoing)


def _become(folder: Path, role: str, epoch: int) -> None:
    new = folder / "host.new"
    new.write_text(json.dumps({"role": role, "epoch": epoch}))
    new.rename(folder / "host.json")
