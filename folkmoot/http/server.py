"""uvicorn with uvloop and httptools, without a server header, and with the timeouts that it lacks.

uvicorn waits for the end of a request's head without a timeout, accepts a head of any size, and keeps a response without
a timeout for a client that does not read it. Here a head must arrive within ten seconds and 64 KiB, and a response must
be read within a minute. When a process has its maximum of connections, it closes the one that has been idle longest.
`bodies.py` limits slow bodies.

A process whose place another one takes (SIGUSR1) accepts nothing more, but answers the requests that still arrive on its
connections: a client that sends one in the moment in which its idle connection is closed cannot know whether it was run.
"""

import asyncio
import resource
import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from folkmoot.http.accepting import Accepting
from folkmoot.http.from_peer import FROM_PEER

HEADER_SECONDS = 10
LARGEST_HEAD = 64 * 1024
KEEP_ALIVE_SECONDS = 75
LEAVING_SECONDS = 5  # for which a process that is replaced still answers on its open connections
STOP_SECONDS = 4  # after the signal to stop, the system kills a process that still hangs, e.g. on a lost database
STALLED_SECONDS = 60  # without progress in sending a response
PING_SECONDS = 30  # between pings of a WebSocket, and for their answer
LARGEST_FRAME = 16 * 1024  # of a WebSocket's client, which sends only names of channels
REST_SECONDS = 30  # for the rest of a body after its response
MOST_CONNECTIONS = 4000  # per process
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class GuardedProtocol(HttpToolsProtocol):
    """A connection that cannot be held open by doing nothing."""

    most = MOST_CONNECTIONS
    is_leaving = False
    _waiting: ClassVar[dict["GuardedProtocol", None]] = {}  # connections without a request; longest idle first
    _timer: asyncio.TimerHandle | None = None  # for the next head, or for the rest of an unread body
    _stall_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_in_body = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._set_timer(HEADER_SECONDS)
        self._waiting[self] = None
        if len(self.connections) > self.most:
            next(iter(self._waiting)).abort()

    def data_received(self, data: bytes) -> None:
        if not self._is_in_body:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes and self._timer is None:  # most heads arrive whole and need no timer
            self._set_timer(HEADER_SECONDS)
        if self._head_bytes > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._cancel_timer()
        self._head_bytes, self._is_in_body = 0, True
        self._waiting.pop(self, None)
        super().on_headers_complete()
        if self.is_leaving:
            self.close_after_answer()

    def on_message_complete(self) -> None:
        self._is_in_body = False
        self._cancel_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() or not self.cycle.response_complete:
            return
        self._waiting[self] = None
        if self._is_in_body:
            self._set_timer(REST_SECONDS)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALLED_SECONDS, self.abort)

    def resume_writing(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def close_after_answer(self) -> None:
        """The answer says that the connection closes, so the client opens another one for its next request."""
        if self.cycle and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def abort(self) -> None:
        """Closes the connection at once, even if data are still to be sent."""
        self._waiting.pop(self, None)
        self.transport.abort()

    def _set_timer(self, seconds: float) -> None:
        self._cancel_timer()
        self._timer = self.loop.call_later(seconds, self.abort)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class GuardedSocket(WebSocketsSansIOProtocol):
    """A WebSocket that cannot be held open by not reading. Compression is off: it would cost 40 KiB for each connection, and
    the size of compressed messages reveals their content."""

    _stall_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALLED_SECONDS, lambda: self.transport.abort())

    def resume_writing(self) -> None:
        self._cancel_stall_timer()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_stall_timer()
        super().connection_lost(exc)

    def _cancel_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


class PeerSocket(GuardedSocket):
    """A WebSocket on the socket for the peer."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.app = _from_peer(self.app)


class PeerProtocol(GuardedProtocol):
    """A connection on the socket for the peer, which no client can reach. Its requests are marked."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.app = _from_peer(self.app)
        self.ws_protocol_class = PeerSocket


def _from_peer(application: Any) -> Any:
    async def marked(scope: Any, receive: Any, send: Any) -> None:
        scope[FROM_PEER] = True
        await application(scope, receive, send)

    return marked


def max_connections() -> int:
    """The maximum of connections of a process: MOST_CONNECTIONS, or half of its limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * MOST_CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # some systems allow less than the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft // 2)


class Server(uvicorn.Server):
    """A uvicorn server for our applications. `for_peer`: one more socket, for the other host of this network."""

    def __init__(
        self, application: Any, host: str, port: int, trusted_proxies: list[str], for_peer: socket.socket | None = None
    ) -> None:
        self._for_peer = for_peer
        super().__init__(uvicorn.Config(
            application, host=host, port=port, loop="uvloop", http=GuardedProtocol, ws=GuardedSocket, lifespan="on", log_config=None,
            access_log=False, server_header=False, proxy_headers=bool(trusted_proxies), forwarded_allow_ips=trusted_proxies,
            timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=2, ws_max_size=LARGEST_FRAME,
            ws_ping_interval=PING_SECONDS, ws_ping_timeout=PING_SECONDS, ws_per_message_deflate=False,
        ))
        GuardedProtocol.most = max_connections()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._leave)
        await super().startup(None if sockets is None else [])  # then it opens one itself
        if not self.should_exit:

            def create() -> GuardedProtocol:
                return GuardedProtocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

            accepting: list[Any] = [Accepting(one, create, self.server_state.connections) for one in sockets or ()]
            self.servers += accepting  # uvicorn closes them, and waits for them
        if self._for_peer and not self.should_exit:

            def create_protocol() -> PeerProtocol:
                return PeerProtocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

            self.servers.append(await asyncio.get_running_loop().create_unix_server(create_protocol, sock=self._for_peer))
        if GuardedProtocol.is_leaving:  # another process took its place while it started
            self._leave()

    def _leave(self) -> None:
        """Stops accepting connections at once, and this process in a few seconds."""
        GuardedProtocol.is_leaving = True
        for server in self.servers:
            server.close()
        for connection in self.server_state.connections:
            if isinstance(connection, GuardedProtocol):
                connection.close_after_answer()
        asyncio.get_running_loop().call_later(LEAVING_SECONDS, self.handle_exit, signal.SIGTERM, None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        signal.alarm(STOP_SECONDS)
        super().handle_exit(sig, frame)
