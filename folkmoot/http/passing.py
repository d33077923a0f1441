"""Passing a response of the other host on to the client, and ending a stream from our side."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from folkmoot.base import clock

IS_COMPLETE = "folkmoot.is_complete"  # marks the start of a response that has all headers already
_SPREAD_MS = 2000  # within which streams end, so that not all clients return at once


class Passing:
    """Passes a response on to the client."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.has_started = False
        self._has_ended = False

    async def respond(self, status: int, headers: list[tuple[bytes, bytes]], chunks: AsyncGenerator[bytes, None]) -> None:
        self.has_started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers, IS_COMPLETE: True})
        async with aclosing(chunks) as parts:
            async for chunk in parts:
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        await self.end()

    async def end(self) -> None:
        """Ends the response. A stream that ends early is complete for its client, which comes back."""
        if not self.has_started:
            self.has_started = True
            await self._send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"1")], IS_COMPLETE: True})
        if not self._has_ended:
            self._has_ended = True
            await self._send({"type": "http.response.body", "body": b""})


class Leaving:
    """The `receive` of a stream, which can also be ended from our side, as if the client had left. `goodbye`: what it then returns."""

    def __init__(self, receive: Any, goodbye: str = "http.disconnect") -> None:
        self._receive = receive
        self._goodbye = goodbye
        self._limit: asyncio.Timeout | None = None  # of the call that waits
        self.is_ended = False  # whether our side ended it

    async def receive(self) -> Any:
        if not self.is_ended:
            limit = asyncio.timeout(None)
            try:
                async with limit:
                    self._limit = limit
                    return await self._receive()
            except TimeoutError:
                if not limit.expired():
                    raise
            finally:
                self._limit = None
        return {"type": self._goodbye, "code": 1001}

    async def wait(self) -> None:
        while (await self.receive())["type"] != self._goodbye:
            pass

    def end_soon(self) -> None:
        asyncio.get_running_loop().call_later(clock.draw(_SPREAD_MS) / 1000, self._end)

    def _end(self) -> None:
        if self._limit and not self.is_ended:
            self._limit.reschedule(asyncio.get_running_loop().time())
        self.is_ended = True
