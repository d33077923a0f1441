"""uvicorn, set up for us: uvloop and httptools, no banner, and a clock on slow senders.

uvicorn waits for ever for the end of a request's headers; a thousand such connections would be a thousand sockets. A
connection that has not sent a whole head within ten seconds is closed.
"""

import asyncio
import signal
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10
KEEP_ALIVE_SECONDS = 75
LAST_SECONDS = 4  # after the order to stop, the system ends what still hangs, as on a database that went away meanwhile


class GuardedProtocol(HttpToolsProtocol):
    """Closes a connection whose request head does not come to an end."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        if self._head_timer is None and self.cycle is None:
            self._start_clock()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_clock()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._head_timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """A uvicorn server for our applications."""

    def __init__(self, application: Any, host: str, port: int, trusted_proxies: list[str]) -> None:
        super().__init__(uvicorn.Config(
            application, host=host, port=port, loop="uvloop", http=GuardedProtocol, ws="none", lifespan="on", log_config=None,
            access_log=False, server_header=False, proxy_headers=bool(trusted_proxies), forwarded_allow_ips=trusted_proxies,
            timeout_keep_alive=KEEP_ALIVE_SECONDS, timeout_graceful_shutdown=2, h11_max_incomplete_event_size=32 * 1024,
        ))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        signal.alarm(LAST_SECONDS)
        super().handle_exit(sig, frame)
