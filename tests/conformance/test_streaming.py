"""Streaming with real clients against a running network: Mastodon.py for server-sent events, websockets for the WebSocket."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mastodon import CallbackStreamListener, Mastodon
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.conformance.test_mastodon_py import until
from tests.network_up import NetworkUp, moot
from tests.newcomers import newcomer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def _token(running: NetworkUp, name: str) -> str:
    created = moot("token", "create", name, "--json", data=running.data)
    assert created.returncode == 0, created.stderr
    token: str = json.loads(created.stdout)["token"]
    return token


@pytest.fixture
def tokens(running: NetworkUp) -> dict[str, str]:
    """Of two members; the first follows the second."""
    karel = newcomer(running, "karel")
    return {"jana": _token(running, newcomer(running, "jana", follows=[karel])), "karel": _token(running, karel)}


@pytest.fixture
def socket(running: NetworkUp, tokens: dict[str, str]) -> Iterator[ClientConnection]:
    address = Mastodon(api_base_url=running.url).instance_v2().configuration.urls.streaming  # as apps find it
    with connect(f"{address}/api/v1/streaming?stream=user", subprotocols=[Subprotocol(tokens["jana"])]) as connection:
        assert connection.subprotocol == tokens["jana"]
        yield connection


def _receive(socket: ClientConnection, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """The payloads of the wanted (stream, event), in whatever order they arrive."""
    found: dict[tuple[str, str], Any] = {}
    while not wanted <= found.keys():
        frame = json.loads(socket.recv(timeout=60))
        found[" ".join(frame["stream"]), frame["event"]] = json.loads(frame["payload"])
    return found


def test_mastodon_py_listens(running: NetworkUp, tokens: dict[str, str]) -> None:
    jana, karel = (Mastodon(access_token=tokens[name], api_base_url=running.url) for name in ("jana", "karel"))
    assert jana.stream_healthy()
    heard: dict[str, list[Any]] = {name: [] for name in ("update", "notification", "delete", "conversation", "edit")}
    listener = CallbackStreamListener(
        update_handler=heard["update"].append, notification_handler=heard["notification"].append, delete_handler=heard["delete"].append,
        conversation_handler=heard["conversation"].append, status_update_handler=heard["edit"].append,
    )
    streams = [jana.stream_user(listener, run_async=True), jana.stream_direct(listener, run_async=True)]
    until(lambda: all(stream.is_receiving() for stream in streams))
    posted = jana.status_post("Poslouchám sama sebe")
    karel.status_post(f"@{jana.me().acct} slyšíš?", visibility="direct")
    until(lambda: len(heard["update"]) >= 2 and heard["notification"] and heard["conversation"])
    assert posted.id in [update.id for update in heard["update"]]
    assert heard["notification"][0].type == "mention"
    jana.status_update(posted, "Poslouchám i opravy")
    until(lambda: [edit.id for edit in heard["edit"]] == [posted.id])
    jana.status_delete(posted)
    until(lambda: str(posted.id) in map(str, heard["delete"]))
    with ThreadPoolExecutor() as pool:
        for stream in streams:
            pool.submit(stream.close)  # waits for the next message
        karel.status_post(f"@{jana.me().acct} konec", visibility="direct")


def test_a_websocket_listens(running: NetworkUp, tokens: dict[str, str], socket: ClientConnection) -> None:
    jana, karel = (Mastodon(access_token=tokens[name], api_base_url=running.url) for name in ("jana", "karel"))
    socket.send(json.dumps({"type": "subscribe", "stream": "hashtag", "tag": "zásuvka"}))
    socket.send(json.dumps({"type": "subscribe", "stream": "nothing"}))
    assert json.loads(socket.recv(timeout=60)) == {"error": "Unknown channel requested", "status": 400}
    posted = karel.status_post(f"Do #zasuvka, @{jana.me().acct}")
    received = _receive(socket, {("hashtag zásuvka", "update"), ("user", "notification")})
    assert received["hashtag zásuvka", "update"]["id"] == str(posted.id)
    assert received["user", "notification"]["status"]["id"] == str(posted.id)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://localhost:{running.port}/api/v1/streaming?access_token=wrong")
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"")["error"] == "The access token is invalid"
    ended = _token(running, jana.me().acct)
    with connect(f"ws://localhost:{running.port}/api/v1/streaming?access_token={ended}&stream=user") as second:
        second.send(b"bytes")
        with pytest.raises(ConnectionClosed):
            while True:
                second.recv(timeout=60)
        assert second.close_code == 1003
    log = running.log.read_text()
    assert not [token for token in (*tokens.values(), ended) if token in log]  # an address with a token is never logged
