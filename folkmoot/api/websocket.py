"""The streaming API as a WebSocket: one connection with any number of channels, which the client adds and removes.

A frame of the client: `{"type": "subscribe", "stream": "hashtag", "tag": "kasna"}`, or `unsubscribe`. A frame of ours:
`{"stream": ["hashtag", "kasna"], "event": "update", "payload": "..."}`, where `payload` is JSON in a string, or an id.
"""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from folkmoot.api.identification import find_holder, require_unspent
from folkmoot.api.request import encode
from folkmoot.api.stream_channels import SCOPE, find_channel
from folkmoot.api.stream_connection import Connection, Event, Rendering
from folkmoot.api.streaming import PATH, PLACES
from folkmoot.base.errors import Malformed, NotFound, Problem
from folkmoot.http.admission import Caller, admit
from folkmoot.http.bodies import from_query
from folkmoot.http.context import Context
from folkmoot.http.counting import count_request
from folkmoot.http.problems import REFUSAL, status_of
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.http.side_by_side import until_one_ends
from folkmoot.network.sessions.model import TokenHolder
from folkmoot.streaming.log_ins import LogIn

log = logging.getLogger(__name__)
MOST_CHANNELS = 100  # of one connection
_UNSUPPORTED, _REVOKED, _FAILED = 1003, 1008, 1011  # close codes of RFC 6455 7.4.1 and its registry


class _Frame(msgspec.Struct):
    """A frame of the client. Unknown fields are ignored."""

    type: str = ""
    stream: str = ""
    tag: str = ""
    list: str | int = ""


class StreamingSocket:
    """The ASGI application for WebSockets."""

    def __init__(self, context: Context, rendering: Rendering, refusal: Callable[[Problem], Reply]) -> None:
        self._context = context
        self._rendering = rendering
        self._refusal = refusal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()  # websocket.connect
        give_back = None
        try:
            holder = await self._identify(scope)
            assert holder.viewer is not None
            address = _address(scope)
            give_back = PLACES.take(holder.viewer.id, address)
            await self._serve(scope, receive, send, holder)
        except Problem as problem:
            if give_back is None:
                await self._reject(problem, send)
            else:
                await _give_up(problem, send)
        except OSError:  # the client has left
            pass
        finally:
            if give_back is not None:
                give_back()

    async def _identify(self, scope: Any) -> TokenHolder:
        """The holder of the token. Raises Unauthorized, Forbidden, PersonMissing, TooMany, and NotFound for another path."""
        if REFUSAL in scope:
            raise scope[REFUSAL]
        if scope["path"].rstrip("/") != PATH:
            raise NotFound
        holder: TokenHolder | None = None
        try:
            holder = await find_holder(self._context.viewers, scope)
        finally:
            require_unspent(count_request(self._context, None, Caller.by_token(holder), _address(scope)))
        caller = admit(_ROUTE, Caller.by_token(holder))
        assert caller.holder is not None
        return caller.holder

    async def _serve(self, scope: Any, receive: Any, send: Any, holder: TokenHolder) -> None:
        """Subscribes before it accepts: clients read their timelines once they are accepted, so nothing may be missed from then on."""
        assert holder.viewer is not None
        with self._context.hub.listen(holder.viewer.id, (), LogIn(holder.token_id, address=_address(scope))) as listener:
            connection = Connection(self._rendering, listener, holder.viewer, holder.token_id)
            first = _Frame("subscribe", **{name: from_query(scope["query_string"]).text(name) for name in ("stream", "tag", "list")})
            refused = await self._obey(first, connection, holder) if first.stream else None
            await send({"type": "websocket.accept", "subprotocol": (scope.get("subprotocols") or [None])[0], "headers": []})
            if refused:
                await self._tell(refused, send)
            await until_one_ends(self._read_frames(scope, receive, send, connection, holder), _send_events(connection, send))

    async def _read_frames(self, scope: Any, receive: Any, send: Any, connection: Connection, holder: TokenHolder) -> None:
        """Reads the frames of the client until it leaves."""
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("text") is None:
                await send({"type": "websocket.close", "code": _UNSUPPORTED, "reason": "Binary messages are not supported"})
                return
            try:
                require_unspent(count_request(self._context, None, Caller.by_token(holder), _address(scope)))
                frame = msgspec.json.decode(message["text"], type=_Frame)
            except msgspec.MsgspecError:
                continue  # as Mastodon: what cannot be read is ignored
            except Problem as problem:
                await self._tell(problem, send)
                continue
            if refused := await self._obey(frame, connection, holder):
                await self._tell(refused, send)

    async def _obey(self, frame: _Frame, connection: Connection, holder: TokenHolder) -> Problem | None:
        """Subscribes or unsubscribes. Returns the problem with a channel that the client may not have."""
        try:
            if frame.type not in ("subscribe", "unsubscribe"):
                return None
            assert holder.viewer is not None
            channel = await find_channel(
                self._context.database, holder.viewer.id, holder.scopes, frame.stream, frame.tag, str(frame.list)
            )
            if frame.type == "unsubscribe":
                connection.unsubscribe(channel.stream)
                return None
            if len(connection.streams) >= MOST_CHANNELS and channel.stream not in connection.streams:
                raise Malformed("Too many channels on one connection")
            connection.subscribe(channel)
        except Problem as problem:
            return problem
        return None

    async def _tell(self, problem: Problem, send: Any) -> None:
        text: str = msgspec.json.decode(self._refusal(problem).body)["error"]
        await send({"type": "websocket.send", "text": encode({"error": text, "status": status_of(problem)}).decode()})

    async def _reject(self, problem: Problem, send: Any) -> None:
        """Answers the request for a WebSocket as any other request: with a status and an error."""
        reply = self._refusal(problem)
        await send({"type": "websocket.http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "websocket.http.response.body", "body": reply.body})


async def _send_events(connection: Connection, send: Any) -> None:
    async for events in connection.events():  # the server sends pings, so a heartbeat sends nothing
        for event in events:
            await send({"type": "websocket.send", "text": _frame(event)})
    await send({"type": "websocket.close", "code": _REVOKED, "reason": "The connection has ended; please connect again"})


async def _give_up(problem: Problem, send: Any) -> None:
    """Closes an accepted connection that met a problem which it has no answer for; logs it, because nobody expected it."""
    log.warning("a WebSocket of the client API ended: %s", problem.log_text or f"{type(problem).__name__}: {problem.message}")
    await send({"type": "websocket.close", "code": _FAILED, "reason": "Something failed; please connect again"})


def _frame(event: Event) -> str:
    payload = {} if event.payload is None else {"payload": event.payload.decode()}
    return encode({"stream": event.stream, "event": event.name, **payload}).decode()


def _address(scope: Any) -> str:
    return scope["client"][0] if scope.get("client") else ""


async def _no_reply(_request: Any) -> None:
    raise NotFound


_ROUTE = Route("GET", PATH, _no_reply, Access.MEMBER, SCOPE)  # who may connect
