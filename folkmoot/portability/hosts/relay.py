"""Relays bytes between two connections, as fast as the slower one takes them.

What one side cannot take yet is not read from the other, so each stream buffers a megabyte at most. When one side ends,
the other gets what is still to be sent and is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

_BUFFER = 1024 * 1024  # bytes; smaller buffers cost throughput
_FLUSH_SECONDS = 15.0


class End(asyncio.Protocol):
    """One end of a relay. Until it is joined to the other end it reads nothing.

    uvloop reads once more after a pause in `connection_made`, so that piece is kept.
    """

    transport: Any

    def __init__(self, lost: Callable[["End"], None] | None = None) -> None:
        self._lost = lost
        self._other: End | None = None
        self._early = b""
        self._deadline: asyncio.TimerHandle | None = None
        self.is_closed = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=_BUFFER)
        transport.pause_reading()

    def join(self, other: "End") -> None:
        self._other, other._other = other, self
        for end in (self, other):
            if end.is_closed:
                self.close()
                other.close()
                return
        for end, opposite in ((self, other), (other, self)):
            opposite.transport.write(end._early)
            end._early = b""
            end.transport.resume_reading()

    @property
    def _open_other(self) -> Any:
        """The transport of the other end, unless it is closing."""
        other = self._other
        return None if other is None or other.is_closed or other.transport.is_closing() else other.transport

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._early += data
            self.transport.pause_reading()
        elif other := self._open_other:
            other.write(data)

    def pause_writing(self) -> None:
        if other := self._open_other:
            other.pause_reading()

    def resume_writing(self) -> None:
        if other := self._open_other:
            other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if self._deadline:
            self._deadline.cancel()
        if self._other:
            self._other.close()
        if self._lost:
            self._lost(self)

    def close(self) -> None:
        """Sends what is still to be sent, for some seconds, and closes."""
        if not self.is_closed and self._deadline is None:
            self.transport.close()
            self._deadline = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.transport.abort)


async def join_to(end: End, connect: Callable[[Callable[[], End]], Awaitable[End]]) -> None:
    """Joins an accepted end to the one that `connect` opens. If that fails, the accepted end is closed."""
    try:
        other = await connect(End)
    except BaseException:
        if not end.is_closed:
            end.transport.abort()
        raise
    end.join(other)
