"""The body of a request that may be sent again: what has been received is kept, in memory or in a file without a name."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from folkmoot.base.errors import Malformed, WritesPaused
from folkmoot.http.bodies import BODY_SECONDS, MIN_BYTES_PER_SECOND, TooLarge

_IN_MEMORY = 256 * 1024  # bytes; a longer body goes to a file
_READ_BYTES = 64 * 1024
MOST_KEPT = 512 * 1024 * 1024  # bytes of all requests of this process


class SpooledBody:
    """Wraps the `receive` of a request. `receive` first returns again what was received before the last `rewind`."""

    _total: ClassVar[int] = 0

    def __init__(self, receive: Any, most_bytes: int) -> None:
        self._receive = receive
        self._most_bytes = most_bytes
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - `close` closes it
        self._size = 0
        self._position = 0
        self._is_complete = False  # everything has been received from the client
        self._is_told = False  # and returned since the last rewind

    async def receive(self) -> Any:
        """As the `receive` of ASGI."""
        if self._position < self._size:
            self._file.seek(self._position)
            chunk = self._file.read(_READ_BYTES)
            self._position += len(chunk)
            self._is_told = self._is_complete and self._position == self._size
            return {"type": "http.request", "body": chunk, "more_body": not self._is_told}
        if self._is_complete and not self._is_told:
            self._is_told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        message = await self._receive()
        if message["type"] == "http.request":
            self._store(message.get("body", b""))
            self._is_complete = self._is_told = not message.get("more_body", False)
        return message

    def rewind(self) -> None:
        self._position, self._is_told = 0, False

    async def complete(self) -> int:
        """Receives the rest; returns the size. Raises TooLarge, WritesPaused, and Malformed for a client that is too slow or gone."""
        try:
            async with asyncio.timeout(BODY_SECONDS) as limit:
                until = limit.when() or 0.0
                while not self._is_complete:
                    self._position = self._size
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise Malformed(log_text="the client disconnected")
                    limit.reschedule(until + self._size / MIN_BYTES_PER_SECOND)
        except TimeoutError:
            raise Malformed(log_text="the body took too long") from None
        self.rewind()
        return self._size

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of a complete body."""
        self.rewind()
        while self._position < self._size:
            yield (await self.receive())["body"]

    def close(self) -> None:
        SpooledBody._total -= self._size
        self._size = 0
        self._file.close()

    def _store(self, chunk: bytes) -> None:
        if self._size + len(chunk) > self._most_bytes:
            raise TooLarge
        if SpooledBody._total + len(chunk) > MOST_KEPT:
            raise WritesPaused(log_text="too many bytes wait for the host that writes")
        self._file.seek(self._size)
        self._file.write(chunk)
        self._size += len(chunk)
        self._position = self._size
        SpooledBody._total += len(chunk)
