"""A WebSocket that the other host answers: its frames are passed on in both directions."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from folkmoot.http.from_peer import forwarded_headers
from folkmoot.http.passing import Leaving
from folkmoot.http.server import PING_SECONDS
from folkmoot.http.side_by_side import until_one_ends

GOING_AWAY = 1001  # close code of RFC 6455 7.4.1; the client connects again
_OPEN_SECONDS = 5
_LARGEST_MESSAGE = 1024 * 1024  # of ours


async def forward_socket(socket: Path, scope: Any, leaving: Leaving, send: Any) -> None:
    """Connects to the other host and passes frames on until one side ends. A refusal is passed on as it is."""
    await leaving.receive()  # websocket.connect
    try:
        connection = await _connect(socket, scope)
    except InvalidStatus as refused:
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in refused.response.headers.raw_items()]
        await _refuse(send, refused.response.status_code, headers, bytes(refused.response.body or b""))
        return
    except (OSError, TimeoutError, InvalidHandshake):
        await _refuse(send, 503, [(b"retry-after", b"1")], b"")
        return
    await send({"type": "websocket.accept", "subprotocol": connection.subprotocol, "headers": []})
    try:
        await until_one_ends(_to_peer(leaving, connection), _from_peer(connection, send))
    finally:
        await connection.close(GOING_AWAY)
    await close_socket(send, connection.close_code if connection.close_code and not leaving.is_ended else GOING_AWAY)


async def close_socket(send: Any, code: int = GOING_AWAY) -> None:
    with suppress(OSError):  # the client has left
        await send({"type": "websocket.close", "code": code, "reason": "Please connect again"})


async def _connect(socket: Path, scope: Any) -> ClientConnection:
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    kept = forwarded_headers(scope["headers"], scope.get("client"))
    headers = [
        (name.decode(), value.decode("latin-1")) for name, value in kept if name != b"host" and not name.startswith(b"sec-websocket")
    ]
    return await unix_connect(
        str(socket), f"ws://peer{target.decode('latin-1')}", additional_headers=headers, user_agent_header=None, compression=None,
        subprotocols=[Subprotocol(name) for name in scope.get("subprotocols") or ()] or None, open_timeout=_OPEN_SECONDS,
        ping_interval=PING_SECONDS, ping_timeout=PING_SECONDS, max_size=_LARGEST_MESSAGE, proxy=None,
    )


async def _to_peer(leaving: Leaving, connection: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while (message := await leaving.receive())["type"] == "websocket.receive":
            frame = message.get("text")
            await connection.send(message.get("bytes") or b"" if frame is None else frame)


async def _from_peer(connection: ClientConnection, send: Any) -> None:
    with suppress(ConnectionClosed, OSError):
        async for frame in connection:
            await send({"type": "websocket.send", **({"text": frame} if isinstance(frame, str) else {"bytes": frame})})


async def _refuse(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    kept = [header for header in headers if header[0] not in (b"connection", b"content-length", b"date", b"server")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": kept})
    await send({"type": "websocket.http.response.body", "body": body})
