"""The streaming API as server-sent events: one channel on each connection. `websocket.py` has the WebSocket."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from folkmoot.api.endpoints import Endpoint, endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.api.stream_channels import SCOPE, Channel, find_channel
from folkmoot.api.stream_connection import Connection, Event, Rendering
from folkmoot.http.event_stream import EventStream
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.streaming.log_ins import LogIn
from folkmoot.streaming.places import Places

PATH = "/api/v1/streaming"
# Of one process, for both kinds of connections. Apps use one or a few for each open window.
PLACES = Places(per_member=20, per_address=200)


class StreamParameters(Parameters, frozen=True, kw_only=True):
    access_token: Annotated[str, about("The token, for clients that cannot send headers.")] = ""


class Public(StreamParameters, frozen=True, kw_only=True):
    only_media: Annotated[bool, about("Only posts with pictures.")] = False


class Hashtag(StreamParameters, frozen=True, kw_only=True):
    tag: Annotated[str, about("The hashtag, without `#`.")] = ""


class ListStream(StreamParameters, frozen=True, kw_only=True):
    list: Annotated[str, about("The id of a list of the member.")] = ""


class Named(Hashtag, frozen=True, kw_only=True):
    list: Annotated[str, about("The id of a list of the member.")] = ""
    stream: Annotated[str, about("The name of a channel, such as `user`, `user:notification`, `public:local:media`.")] = ""


async def health(request: Request) -> Reply:
    """Whether streaming answers: `OK`."""
    return Reply(b"OK", media_type=b"text/plain; charset=utf-8")


async def named(request: Request, params: Named) -> EventStream:
    """A channel by its name. The same address takes WebSockets, where the client subscribes to any number of channels:
    `{"type": "subscribe", "stream": "hashtag", "tag": "kasna"}`."""
    return await _stream(request, params.stream, params.tag, params.list)


async def of_list(request: Request, params: ListStream) -> EventStream:
    """The timeline of a list."""
    return await _stream(request, "list", list_id=params.list)


async def _stream(request: Request, name: str, tag: str = "", list_id: str = "") -> EventStream:
    assert request.holder is not None
    channel = await find_channel(request.database, request.viewer.id, request.holder.scopes, name, tag, list_id)
    return EventStream(_lines(request, request.rendering, channel), PLACES.take(request.viewer.id, request.address))


async def _lines(request: Request, rendering: Rendering, channel: Channel) -> AsyncGenerator[bytes, None]:
    assert request.holder is not None
    with request.context.hub.listen(request.viewer.id, (), LogIn(request.holder.token_id, address=request.address)) as listener:
        connection = Connection(rendering, listener, request.viewer, request.holder.token_id, [channel])
        yield b":)\n"
        async for events in connection.events():
            yield b"".join(map(_text, events)) or b":thump\n"


def _text(event: Event) -> bytes:
    """A browser ignores an event without data, so Mastodon sends a word for none."""
    return b"event: %s\ndata: %s\n\n" % (event.name.encode(), b"undefined" if event.payload is None else event.payload)


def _fixed(path: str, name: str, sentence: str, scope: str = "read:statuses") -> Endpoint:
    async def handle(request: Request, params: StreamParameters) -> EventStream:
        return await _stream(request, name)

    return _endpoint(path, handle, StreamParameters, sentence, scope)


def _public(path: str, name: str, sentence: str) -> Endpoint:
    async def handle(request: Request, params: Public) -> EventStream:
        return await _stream(request, f"{name}:media" if params.only_media else name)

    return _endpoint(path, handle, Public, sentence)


def _hashtag(path: str, name: str, sentence: str) -> Endpoint:
    async def handle(request: Request, params: Hashtag) -> EventStream:
        return await _stream(request, name, params.tag)

    return _endpoint(path, handle, Hashtag, sentence)


def _endpoint(path: str, handle: Any, params: type[StreamParameters], sentence: str, scope: str = "read:statuses") -> Endpoint:
    return endpoint(
        "GET", f"{PATH}{path}", handle, Access.MEMBER, scope, params=params, answer=str, about=sentence, media_type="text/event-stream"
    )


ROUTES = [
    endpoint("GET", f"{PATH}/health", health, Access.PUBLIC, answer=str, media_type="text/plain"),
    _endpoint("", named, Named, "", SCOPE),
    _fixed("/user", "user", "The member's home timeline and notifications."),
    _fixed("/user/notification", "user:notification", "The member's notifications.", "read:notifications"),
    _fixed("/direct", "direct", "The member's conversations."),
    _endpoint("/list", of_list, ListStream, "", "read:lists"),
    _public("/public", "public", "Everybody's public posts."),
    _public("/public/local", "public:local", "Public posts of this network."),
    _public("/public/remote", "public:remote", "Public posts of other networks. Always silent: there is no federation yet."),
    _hashtag("/hashtag", "hashtag", "Public posts with a hashtag."),
    _hashtag("/hashtag/local", "hashtag:local", "Public posts of this network with a hashtag."),
]
