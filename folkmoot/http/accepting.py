"""Accepts connections from a socket that several web processes share, so that each gets its part.

A process that takes all connections that wait when it wakes leaves none for the others, and a proxy keeps its connections:
one process would then do all the work. Here the more connections a process has, the longer it lets the others go first.
It takes one at a time, and twice as many each time that the others have left some.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sized
from contextlib import suppress

_SHORTEST_WAIT, _LONGEST_WAIT = 0.001, 0.004  # seconds; the event loop counts in milliseconds
_HALF_AT = 10  # open connections at which a process waits for half of the time between these
_MOST_AT_ONCE = 64
_SHORTAGE_SECONDS = 1.0  # while the system has no room for one more connection
_log = logging.getLogger(__name__)


class Accepting:
    """Accepts connections until `close`. `listener`: a listening socket that does not block. `connections`: those of this process."""

    def __init__(self, listener: socket.socket, create_protocol: Callable[[], asyncio.Protocol], connections: Sized) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._create_protocol = create_protocol
        self._connections = connections
        self._at_once = 1
        self._timer: asyncio.TimerHandle | None = None
        self._starting: set[asyncio.Task[object]] = set()
        self._is_closed = False
        self._watch()

    def close(self) -> None:
        """Accepts nothing more. The socket stays open for the processes that share it."""
        self._is_closed = True
        self._loop.remove_reader(self._listener)
        if self._timer:
            self._timer.cancel()

    async def wait_closed(self) -> None:
        """Returns when what was accepted before `close` has begun."""
        await asyncio.gather(*self._starting, return_exceptions=True)

    def _watch(self) -> None:
        self._at_once = 1
        self._loop.add_reader(self._listener, self._let_others_first)

    def _let_others_first(self) -> None:
        self._loop.remove_reader(self._listener)
        held = len(self._connections) + len(self._starting)
        wait = _SHORTEST_WAIT + (_LONGEST_WAIT - _SHORTEST_WAIT) * held / (held + _HALF_AT) if held else 0
        self._timer = self._loop.call_later(wait, self._accept)

    def _accept(self) -> None:
        for _ in range(self._at_once):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                self._watch()
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                _log.error("no connection can be accepted: %s", error)
                self._timer = self._loop.call_later(_SHORTAGE_SECONDS, self._watch)
                return
            self._begin(connection)
        self._at_once = min(2 * self._at_once, _MOST_AT_ONCE)
        self._let_others_first()

    def _begin(self, connection: socket.socket) -> None:
        task = self._loop.create_task(self._start(connection))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with suppress(ConnectionError):  # the client is already gone
            await self._loop.connect_accepted_socket(self._create_protocol, connection)
