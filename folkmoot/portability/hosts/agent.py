"""The agent: listens for the peer, and offers the peer's PostgreSQL and web processes to this machine.

    port                          streams from the peer: to our PostgreSQL, our web processes, or to the agent (messages, files)
    DATA/run/peer/.s.PGSQL.5432   a local socket that leads to the PostgreSQL of the peer
    DATA/run/peer/web             a local socket that leads to the web processes of the peer

It follows `hosts.json` without a restart: a removed peer is cut off within a second. It ends when there is neither a peer
nor an invitation. Each refused connection is logged.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from uvicorn.server import ServerState

from folkmoot import __version__
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.answering import Answering, HttpStream, http_config
from folkmoot.portability.hosts.channel import Purpose, client_context, connect, server_context
from folkmoot.portability.hosts.client import PeerClient
from folkmoot.portability.hosts.identity import get_identity
from folkmoot.portability.hosts.inviting import Inviting
from folkmoot.portability.hosts.listener import Caller, Listener
from folkmoot.portability.hosts.messages import GREETING, Greeting, Handler, PeerUnreachable, Store
from folkmoot.portability.hosts.model import SignedRoster
from folkmoot.portability.hosts.peers import Peer, Peers, PeersProblem
from folkmoot.portability.hosts.refusals import Refusals, Refused
from folkmoot.portability.hosts.relay import End, join_to
from folkmoot.portability.hosts.sockets import bind_private, peer_postgres_socket, peer_web_socket, postgres_socket, web_socket
from folkmoot.portability.hosts.watch import Watch

log = logging.getLogger(__name__)
S = TypeVar("S", End, HttpStream)
MOST_STREAMS = 400  # from the peer and to it; each needs two file descriptors
_MOST_PAIRING = 20
_STRANGER = "stranger"  # instead of the id of a peer
_TICK = 0.5
_PAIRING_SECONDS = 15.0
# PostgreSQL of a standby connects again each second, and logs each failure. So its connection is kept for a while, until the
# peer can be reached; it gives up after ten seconds.
_POSTGRES_SECONDS, _POSTGRES_EVERY = 8.0, 1.0


@dataclass(frozen=True)
class OwnHost:
    """This host: its name, where it listens, and its epoch. `learn` is called with each epoch that the peer names.

    `address`: what the peer is told, if its own view of this host would be wrong. `roster`: that of this host; `hear_roster` is
    called with that of the peer.
    """

    name: str
    host: str
    port: int
    epoch: Callable[[], int]
    learn: Callable[[int], None] = lambda _epoch: None
    address: str = ""
    roster: Callable[[], SignedRoster | None] = lambda: None
    hear_roster: Callable[[SignedRoster], None] = lambda _roster: None


class Agent:
    """One per data directory. `async with` starts and stops it; `run` waits until it has nothing to do."""

    def __init__(self, directory: DataDirectory, own: OwnHost, handlers: Iterable[Handler] = (), stores: Iterable[Store] = ()) -> None:
        self._directory = directory
        self._own = own
        self._peers = Peers(directory)
        self._identity = get_identity(directory)
        self._refusals = Refusals()
        self._listener = Listener(self._context, self._admit, self._refusals)
        self._streams: dict[Any, str] = {}  # the protocol of each stream, and the id of its peer
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._contexts: tuple[object, ssl.SSLContext | None] = None, None
        self._watch = Watch(
            directory, self._peers, lambda: Greeting(own.name, __version__, own.address, own.roster()),
            lambda peer: PeerClient(directory, peer, epoch=own.epoch, learn=own.learn), own.hear_roster,
        )
        answering = Answering(
            own.name, [Handler(GREETING, Greeting, self._watch.greet), *handlers], stores, epoch=own.epoch, learn=own.learn,
        )
        self._messages = http_config(answering)
        self._pairing = http_config(Inviting(directory, own.name, self._refusals))
        self._state = ServerState()

    async def __aenter__(self) -> "Agent":
        try:
            self._listener.open(self._own.host, self._own.port)
            await self._open_sockets()
        except BaseException:
            await self.close()
            raise
        self._start(self._watch.run())
        log.info("listening for the other host on port %d", self.port)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @property
    def port(self) -> int:
        return self._listener.port

    def count_streams(self) -> int:
        return len(self._streams)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set, or until there is neither a peer nor an invitation."""
        damaged: object = None
        while not stop.is_set():
            try:
                if not self._follow_file():
                    return
            except PeersProblem as problem:
                if damaged != self._peers.stamp:
                    log.warning("%s", problem.message % problem.params)
                damaged = self._peers.stamp
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await stop.wait()

    async def close(self) -> None:
        await self._listener.close()
        for server in self._servers:
            server.close()
        for stream in list(self._streams):
            stream.transport.abort()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for socket in (peer_postgres_socket(self._directory), peer_web_socket(self._directory)):
            socket.unlink(missing_ok=True)

    def _follow_file(self) -> bool:
        """Cuts off removed peers and ends an old invitation. Returns whether there is anything left to do."""
        known = {peer.id for peer in self._peers.list()}
        for stream, peer_id in list(self._streams.items()):
            if peer_id not in known and peer_id != _STRANGER:
                self._refusals.log("a host that was removed", "its open stream was cut off")
                stream.transport.abort()
        if self._peers.invitation and self._peers.invitation.is_expired:
            self._peers.expire_invitation()
        return bool(self._peers.list() or self._peers.invitation)

    def _context(self) -> ssl.SSLContext:
        """The TLS context for the peers of this moment."""
        invitation = self._peers.invitation
        is_pairing = invitation is not None and not invitation.is_expired
        key = self._peers.stamp, is_pairing
        known, context = self._contexts
        if context is None or known != key:
            context = server_context(self._identity, self._peers.list(), is_pairing=is_pairing)
            self._contexts = key, context
        return context

    def _admit(self, caller: Caller) -> asyncio.Protocol:
        """The protocol for a stream. Raises Refused."""
        if len(self._streams) >= MOST_STREAMS:
            raise Refused(f"there are {MOST_STREAMS} streams already")
        if caller.purpose is Purpose.PAIRING:
            if list(self._streams.values()).count(_STRANGER) >= _MOST_PAIRING:
                raise Refused(f"{_MOST_PAIRING} hosts try to join already")
            stranger = self._kept(HttpStream(self._pairing, self._state, self._lost), _STRANGER)
            asyncio.get_running_loop().call_later(_PAIRING_SECONDS, self._cut_off, stranger)
            return stranger
        if not caller.peer_id:
            raise Refused("it shows no certificate")
        if self._peers.find(caller.peer_id) is None:
            raise Refused(f"its certificate {caller.peer_id[:16]} is unknown")
        self._watch.hear()
        if caller.purpose is Purpose.MESSAGES:
            return self._kept(HttpStream(self._messages, self._state, self._lost), caller.peer_id)
        end = self._kept(End(self._lost), caller.peer_id)
        path = postgres_socket(self._directory) if caller.purpose is Purpose.POSTGRES else web_socket(self._directory)
        self._start(self._lead_to(end, path))
        return end

    def _kept(self, stream: S, peer_id: str) -> S:
        self._streams[stream] = peer_id
        return stream

    def _cut_off(self, stream: Any) -> None:
        if stream in self._streams:
            stream.transport.abort()

    def _lost(self, stream: Any) -> None:
        self._streams.pop(stream, None)

    async def _lead_to(self, end: End, path: Path) -> None:
        """Joins a stream of the peer to a socket of this machine."""

        async def connect_locally(protocol: Callable[[], End]) -> End:
            _, local = await asyncio.get_running_loop().create_unix_connection(protocol, str(path))
            return local

        try:
            await join_to(end, connect_locally)
        except OSError as error:
            self._refusals.log("the other host", f"{path} cannot be used here: {error.strerror or error}")

    async def _open_sockets(self) -> None:
        for purpose, path in ((Purpose.POSTGRES, peer_postgres_socket(self._directory)), (Purpose.WEB, peer_web_socket(self._directory))):
            listening = bind_private(self._directory, path)

            def accepted(purpose: Purpose = purpose) -> End:
                return _LocalEnd(self._lost, lambda end: self._leave(end, purpose))

            self._servers.append(await asyncio.get_running_loop().create_unix_server(accepted, sock=listening))

    def _leave(self, end: End, purpose: Purpose) -> None:
        """Leads a local connection to the peer."""
        peer = self._peers.one()
        if peer is None or len(self._streams) >= MOST_STREAMS:
            end.transport.abort()
            return
        self._streams[end] = peer.id
        self._start(self._lead_to_peer(end, peer, purpose))

    async def _lead_to_peer(self, end: End, peer: Peer, purpose: Purpose) -> None:
        context = client_context(self._identity, peer, purpose)
        last = asyncio.get_running_loop().time() + (_POSTGRES_SECONDS if purpose is Purpose.POSTGRES else 0)

        async def reach(protocol: Callable[[], End]) -> End:
            while True:
                try:
                    return await connect(peer, context, protocol)
                except PeerUnreachable:
                    if end.is_closed or asyncio.get_running_loop().time() >= last:
                        raise
                await asyncio.sleep(_POSTGRES_EVERY)

        with suppress(Problem):  # the watch logs that the peer is not reachable
            await join_to(end, reach)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _LocalEnd(End):
    """A connection of this machine that wants to reach the peer."""

    def __init__(self, lost: Callable[[End], None], made: Callable[[End], None]) -> None:
        super().__init__(lost)
        self._made = made

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._made(self)
