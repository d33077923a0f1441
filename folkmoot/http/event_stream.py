"""Server-sent events as an ASGI response that ends with the client or with its source, whichever ends first."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from folkmoot.http.replies import Headers
from folkmoot.http.side_by_side import until_one_ends


class EventStream:
    """Sends what `lines` yields. `on_end` is called once the response has ended, for whatever reason."""

    status = 200

    def __init__(self, lines: AsyncGenerator[bytes, None], on_end: Callable[[], None]) -> None:
        self._lines = lines
        self._on_end = on_end
        self.headers: Headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"),
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            if scope["method"] != "HEAD":
                await until_one_ends(self._send_lines(send), _wait_for_disconnect(receive))
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._lines.aclose()
            self._on_end()

    async def _send_lines(self, send: Any) -> None:
        async with aclosing(self._lines) as lines:
            async for line in lines:
                await send({"type": "http.response.body", "body": line, "more_body": True})


async def _wait_for_disconnect(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
