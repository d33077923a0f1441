"""Answers the messages and file requests of the peer, and pairing requests of hosts that are not known yet.

uvicorn's HTTP protocol parses the requests; the channel has checked the certificate before. `Answering` is the ASGI
application behind it.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from folkmoot import __version__
from folkmoot.base.errors import Problem
from folkmoot.portability.hosts.messages import EPOCH_HEADER, LARGEST_MESSAGE, REFUSED, UNKNOWN_MESSAGE, Handler, Refusal, Store

log = logging.getLogger(__name__)
_KEEP_ALIVE_SECONDS = 75
_PATH = re.compile(r"/(messages|files)/([a-z][a-z0-9_.]{0,60})(?:/([\w-][\w.-]{0,199}))?")
Application = Callable[[Any, Any, Any], Awaitable[None]]


class TooLarge(Problem):
    code = "too_large"
    message = "This message is too large."


class HttpStream(HttpToolsProtocol):
    """A connection with HTTP requests. `lost` is called when it has ended."""

    def __init__(self, config: uvicorn.Config, state: ServerState, lost: Callable[[Any], None]) -> None:
        super().__init__(config, state, {})
        self._lost = lost

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost(self)


def http_config(application: Application) -> uvicorn.Config:
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False, date_header=False,
        proxy_headers=False, timeout_keep_alive=_KEEP_ALIVE_SECONDS, loop="none",
    )
    config.load()
    return config


class Answering:
    """The ASGI application for one peer. `learn` is called with the epoch in each message."""

    def __init__(
        self, name: str, handlers: Iterable[Handler], stores: Iterable[Store], *, epoch: Callable[[], int], learn: Callable[[int], None],
    ) -> None:
        self._name = name
        self._handlers = {handler.name: handler for handler in handlers}
        self._stores = {store.name: store for store in stores}
        self._epoch = epoch
        self._learn = learn

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        epoch = next((value for name, value in scope["headers"] if name == EPOCH_HEADER.encode()), b"")
        if epoch.isdigit():
            self._learn(int(epoch))
        found = _PATH.fullmatch(scope["path"])
        if found and found[1] == "messages" and scope["method"] == "POST" and not found[3]:
            status, answer = await self._answered(found[2], receive)
            await send_answer(send, status, msgspec.json.encode(answer), self._headers)
        elif found and found[1] == "files" and scope["method"] == "GET" and found[3]:
            await self._send_file(found[2], found[3], send)
        else:
            await send_answer(send, 404, b"", self._headers)

    async def _answered(self, name: str, receive: Any) -> tuple[int, msgspec.Struct]:
        handler = self._handlers.get(name)
        if handler is None:
            return REFUSED, Refusal(
                UNKNOWN_MESSAGE, f"The host {self._name} runs release {__version__}, which does not know {name}. Upgrade it first.",
            )
        try:
            content = msgspec.json.decode(await read_body(receive), type=handler.content)
        except msgspec.DecodeError as error:
            return REFUSED, Refusal("malformed", f"The host {self._name} cannot read {name}: {error}.")
        except Problem as problem:
            return REFUSED, refusal_of(problem)
        try:
            return 200, await handler.answer(content)
        except Problem as problem:
            return REFUSED, refusal_of(problem)
        except Exception:
            log.exception("the message %s failed", name)
            return REFUSED, Refusal("failed", f"The host {self._name} failed at {name}. Its log says why.")

    async def _send_file(self, store: str, file: str, send: Any) -> None:
        content = await self._stores[store].read(file) if store in self._stores else None
        if content is None:
            await send_answer(send, 404, b"", self._headers)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [*self._headers, _length(content.size)]})
        async for piece in content.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    @property
    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [(EPOCH_HEADER.encode(), str(self._epoch()).encode())]


def refusal_of(problem: Problem) -> Refusal:
    return Refusal(problem.code, problem.message % problem.params if problem.params else problem.message)


async def read_body(receive: Any, most: int = LARGEST_MESSAGE) -> bytes:
    """Raises TooLarge."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most:
            raise TooLarge
        if not message.get("more_body"):
            return bytes(body)


async def send_answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, _length(len(body))]})
    await send({"type": "http.response.body", "body": body})


def _length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", str(size).encode()
