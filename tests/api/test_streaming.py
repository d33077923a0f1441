"""Streams of apps: which events each channel carries, who may listen, and when a connection ends."""

import asyncio
from typing import Any

import pytest

from folkmoot.api import stream_connection
from folkmoot.api.streaming import PLACES
from folkmoot.base.errors import Conflict
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.relations import actions as relations
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.streaming import hub as hub_module
from tests.api.streaming import EventSource, Socket
from tests.api.test_accounts import picture
from tests.village import Village, Visitor

BASE = "/api/v1/streaming"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub_module.WATCH_SECONDS <= 1  # the end of a log-in is noticed in time without any message
    monkeypatch.setattr(hub_module, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(stream_connection, "SPREAD_SECONDS", 0.0)


async def _app(village: Village, *names: str) -> list[Visitor]:
    await village.settle(*names)
    return [await village.by_app(name) for name in names]


async def test_the_user_stream_carries_posts_edits_deletions_and_notifications(village: Village) -> None:
    jana, karel, eva = await _app(village, "jana", "karel", "eva")
    await village.follow("jana", "karel")
    stream = await EventSource(village, f"{BASE}/user", jana).open()
    assert (stream.headers["content-type"], stream.headers["access-control-allow-origin"]) == ("text/event-stream; charset=utf-8", "*")
    await eva.post("/api/v1/statuses", {"status": "Koho nesleduje, toho neslyší."})
    posted = (await karel.post("/api/v1/statuses", {"status": "Kašna teče."})).json
    await village.work()
    update, = await stream.hears("update")
    shown = (await jana.get(f"/api/v1/statuses/{posted['id']}")).json
    assert update == shown  # the same as the member's app reads, with the member's flags
    await karel.send("PUT", f"/api/v1/statuses/{posted['id']}", {"status": "Kašna zase teče."})
    await village.work()
    edited, = await stream.hears("status.update")
    assert (edited["id"], "zase teče" in edited["content"], bool(edited["edited_at"])) == (posted["id"], True, True)
    await karel.send("DELETE", f"/api/v1/statuses/{posted['id']}")
    assert await stream.hears("delete") == [posted["id"]]
    mention = (await eva.post("/api/v1/statuses", {"status": "@jana přijdeš?"})).json
    await village.work()
    notification, = await stream.hears("notification")
    assert (notification["type"], notification["status"]["id"], notification["account"]["acct"]) == ("mention", mention["id"], "eva")
    assert [name for name, _ in stream.events] == ["update", "status.update", "delete", "notification"]
    await stream.close()


async def test_a_boost_carries_the_marks_of_its_reader(village: Village) -> None:
    jana, karel, eva = await _app(village, "jana", "karel", "eva")
    await village.follow("jana", "karel")
    original = (await eva.post("/api/v1/statuses", {"status": "Původní"})).json
    await jana.post(f"/api/v1/statuses/{original['id']}/favourite")
    stream = await EventSource(village, f"{BASE}/user", jana).open()
    boost = (await karel.post(f"/api/v1/statuses/{original['id']}/reblog")).json
    await village.work()
    update, = await stream.hears("update")
    assert (update["id"], update["reblog"]["id"], update["reblog"]["favourited"]) == (boost["id"], original["id"], True)
    await stream.close()


@pytest.mark.parametrize(("path", "query", "heard"), [
    ("public", {}, {"plain", "tagged", "pictured"}),
    ("public", {"only_media": "true"}, {"pictured"}),
    ("public/local", {}, {"plain", "tagged", "pictured"}),
    ("public/local", {"only_media": "1"}, {"pictured"}),
    ("public/remote", {}, set()),
    ("hashtag", {"tag": "Kašna"}, {"tagged", "reply"}),
    ("hashtag/local", {"tag": "kasna"}, {"tagged", "reply"}),
    ("direct", {}, {"direct"}),
    ("user/notification", {}, {"direct"}),
    ("", {"stream": "public:local:media"}, {"pictured"}),
    ("", {"stream": "hashtag", "tag": "kasna"}, {"tagged", "reply"}),
])
async def test_each_channel_carries_its_own_posts(village: Village, path: str, query: dict[str, str], heard: set[str]) -> None:
    jana, karel, muted = await _app(village, "jana", "karel", "muted")
    async with village.database.write() as tx:
        await relations.mute(tx, village.people["jana"], village.people["muted"].id)
    stream = await EventSource(village, f"{BASE}/{path}".rstrip("/"), jana, **query).open()
    upload = (await karel.upload("/api/v2/media", "file", picture())).json["id"]
    ids = {}
    for name, more in (
        ("plain", {"status": "venku je hezky"}), ("tagged", {"status": "teče #kašna"}),
        ("pictured", {"status": "obraz", "media_ids[]": upload}),
        ("unlisted", {"status": "#kasna stranou", "visibility": "unlisted"}), ("private", {"status": "#kasna", "visibility": "private"}),
        ("direct", {"status": "@jana #kasna", "visibility": "direct"}),
    ):
        ids[name] = (await karel.post("/api/v1/statuses", more)).json["id"]
    ids["reply"] = (await karel.post("/api/v1/statuses", {"status": "#kasna", "in_reply_to_id": ids["plain"]})).json["id"]
    ids["muted"] = (await muted.post("/api/v1/statuses", {"status": "@jana #kasna", "media_ids[]": []})).json["id"]
    await village.work()
    if heard:
        await stream.until(lambda: len(stream.events) >= len(heard))
    await asyncio.sleep(0.1)
    names = {id_: name for name, id_ in ids.items()}
    found = [payload.get("last_status", payload.get("status", payload))["id"] for _, payload in stream.events]
    assert sorted(names[id_] for id_ in found) == sorted(heard)
    await stream.close()


async def test_a_withdrawn_or_hidden_post_is_deleted_from_streams_of_those_who_could_see_it(village: Village) -> None:
    jana, karel, eva = await _app(village, "jana", "karel", "eva")
    await village.follow("jana", "karel")
    private = (await karel.post("/api/v1/statuses", {"status": "jen pro své", "visibility": "private"})).json["id"]
    follower, stranger = await EventSource(village, f"{BASE}/user", jana).open(), await EventSource(village, f"{BASE}/public", eva).open()
    public = (await karel.post("/api/v1/statuses", {"status": "pro všechny"})).json["id"]
    for id_ in (private, public):
        await karel.send("DELETE", f"/api/v1/statuses/{id_}")
    assert await follower.hears("delete", 2) == [private, public]
    assert await stranger.hears("delete") == [public]
    await follower.close()
    await stranger.close()


async def test_one_post_is_read_once_for_all_its_listeners(village: Village) -> None:
    names = [f"f{number}" for number in range(8)]
    _, *followers = await _app(village, "karel", *names)
    for name in names:
        await village.follow(name, "karel")
    streams = [await EventSource(village, f"{BASE}/user", follower).open() for follower in followers]
    post = (await village.write("karel", "jednou pro všechny")).post
    before = village.database.statements
    village.database.live.publish("posts.new", {"post_id": post.id})
    for stream in streams:
        await stream.hears("update")
    assert village.database.statements - before <= 8  # who gets it, and the post with what belongs to it; none for each listener
    for stream in streams:
        await stream.close()


async def test_one_socket_carries_many_channels(village: Village) -> None:
    jana, karel = await _app(village, "jana", "karel")
    await village.follow("jana", "karel")
    socket = await Socket(village, jana, stream="user").open()
    for frame in (
        {"type": "subscribe", "stream": "hashtag", "tag": "Kašna"}, {"type": "subscribe", "stream": "public:local"},
        {"type": "subscribe", "stream": "direct", "unknown": [1]}, "no json", "[]", '"x"', {"type": "sing"},
    ):
        socket.say(frame)
    posted = (await karel.post("/api/v1/statuses", {"status": "teče #kasna"})).json["id"]
    message = (await karel.post("/api/v1/statuses", {"status": "@jana tajně", "visibility": "direct"})).json["id"]
    await village.work()
    await socket.until(lambda: socket.events("hashtag", "Kašna") and socket.events("public:local") and socket.events("direct"))
    await socket.until(lambda: len(socket.events("user")) >= 3)
    assert [payload["id"] for _, payload in socket.events("hashtag", "Kašna")] == [posted]
    assert [payload["id"] for _, payload in socket.events("public:local")] == [posted]
    assert [(name, payload["last_status"]["id"]) for name, payload in socket.events("direct")] == [("conversation", message)]
    assert {name for name, _ in socket.events("user")} == {"update", "notification"}
    socket.say({"type": "unsubscribe", "stream": "hashtag", "tag": "Kašna"})
    socket.say({"type": "subscribe", "stream": "public"})
    again = (await karel.post("/api/v1/statuses", {"status": "a zase #kasna"})).json["id"]
    await village.work()
    await socket.until(lambda: socket.events("public"))
    assert again not in [payload["id"] for _, payload in socket.events("hashtag", "Kašna")]
    await karel.send("DELETE", f"/api/v1/statuses/{again}")
    await socket.until(lambda: ("delete", again) in socket.events("public"))
    assert ("delete", again) not in socket.events("direct")
    socket.leave()
    await socket.ends()


async def test_a_socket_hears_everything_from_its_acceptance_on(village: Village) -> None:
    """A client that is accepted reads its timeline; what is announced after that comes through the socket, also if we are slow."""
    jana, karel = await _app(village, "jana", "karel")
    await village.follow("jana", "karel")
    goes_on = asyncio.Event()

    class Slow(Socket):
        async def _send(self, message: Any) -> None:
            await super()._send(message)
            if message["type"] == "websocket.accept":
                await goes_on.wait()

    other, socket = await EventSource(village, f"{BASE}/user", jana).open(), await Slow(village, jana, stream="user").open()
    posted = (await karel.post("/api/v1/statuses", {"status": "Kašna teče."})).json["id"]
    await village.work()
    await other.hears("update")  # so it was announced
    goes_on.set()
    await socket.until(lambda: socket.events("user"))
    assert [payload["id"] for _, payload in socket.events("user")] == [posted]
    await socket.close()
    await other.close()


async def test_a_socket_takes_its_token_from_where_browsers_can_put_it(village: Village) -> None:
    jana, = await _app(village, "jana")
    token = jana._token
    for socket in (Socket(village, jana), Socket(village, None, access_token=token), Socket(village, None, protocol=token)):
        await socket.open()
        socket.leave()
        await socket.ends()
    assert socket.protocol == token  # browsers close the connection unless it is echoed
    by_query = await EventSource(village, f"{BASE}/user", None, access_token=token).open()
    await by_query.close()
    elsewhere = EventSource(village, "/api/v1/timelines/home", None, access_token=token)
    await elsewhere.ends()
    assert elsewhere.status == 401  # only streams take it from the address


async def test_who_may_not_listen_is_refused_with_the_error_of_the_api(village: Village) -> None:
    await village.settle("jana")
    writer, notified = await village.by_app("jana", "write"), await village.by_app("jana", "read:notifications")
    for visitor, path, query, status in (
        (None, "user", {}, 401), (None, "public", {}, 401), (Visitor(village.front, token="wrong"), "user", {}, 401),
        (writer, "user", {}, 403), (notified, "public", {}, 403), (notified, "direct", {}, 403), (notified, "", {"stream": "user"}, 403),
        (await village.by_app("jana"), "hashtag", {}, 400), (await village.by_app("jana"), "", {"stream": "everything"}, 400),
        (await village.by_app("jana"), "nothing", {}, 404),
    ):
        stream = EventSource(village, f"{BASE}/{path}".rstrip("/"), visitor, **query)
        await stream.ends()
        assert (stream.status, "error" in stream.text) == (status, True), path
        assert stream.headers["access-control-allow-origin"] == "*"
    for visitor, path, status in (
        (None, BASE, 401), (Visitor(village.front, token="wrong"), BASE, 401), (writer, BASE, 403), (writer, "/api/v1/other", 404),
        (None, "/", 404),
    ):
        socket = Socket(village, visitor, path)
        await socket.ends()
        assert (socket.status, b'"error"' in socket.body) == (status, True), path
    socket = await Socket(village, notified).open()
    for frame in ({"stream": "user"}, {"stream": "hashtag", "tag": ""}, {"stream": "everything"}, {"stream": "user:notification"}):
        socket.say({"type": "subscribe", **frame})
    await socket.until(lambda: len(socket.frames) == 3)
    assert [frame["status"] for frame in socket.frames] == [403, 403, 403]
    socket.say_bytes()
    await socket.ends()
    assert socket.closed_with == 1003


async def test_a_token_without_notifications_gets_none_on_the_user_stream(village: Village) -> None:
    _, karel = await _app(village, "jana", "karel")
    reader = await village.by_app("jana", "read:statuses")
    await village.follow("jana", "karel")
    stream = await EventSource(village, f"{BASE}/user", reader).open()
    await karel.post("/api/v1/statuses", {"status": "@jana ahoj"})
    await village.work()
    await stream.hears("update")
    await asyncio.sleep(0.1)
    assert [name for name, _ in stream.events] == ["update"]
    await stream.close()


@pytest.mark.parametrize("how", ["revoked", "suspended", "lost messages"])
async def test_a_connection_ends_with_its_token_and_after_lost_messages(village: Village, how: str) -> None:
    jana, = await _app(village, "jana")
    stream, socket = await EventSource(village, f"{BASE}/user", jana).open(), await Socket(village, jana, stream="user").open()
    if how == "lost messages":
        village.front._api._context.hub.resync()
    else:
        async with village.database.write() as tx:
            if how == "suspended":
                await set_effect(tx, village.people["jana"].id, AccountEffect.SUSPENDED)
            else:
                await tx.execute("DELETE FROM tokens")
            forget_viewer(tx, village.people["jana"].id)
    await stream.ends()
    await socket.ends()
    assert (stream.status, socket.closed_with) == (200, 1008)


@pytest.mark.parametrize("how", ["revoked", "suspended", "shut out"])
async def test_connections_end_soon_if_every_message_about_it_is_lost(
    village: Village, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(stream_connection, "HEARTBEAT_SECONDS", 0.05)
    jana, karel = await _app(village, "jana", "karel")
    stream, socket = await EventSource(village, f"{BASE}/user", jana).open(), await Socket(village, jana, stream="user").open()
    other = await EventSource(village, f"{BASE}/user", karel).open()
    await stream.until(lambda: stream.text.count(":thump\n") >= 2)
    async with village.database.write() as tx:  # and nothing is published
        if how == "revoked":
            await tx.execute("DELETE FROM tokens WHERE account_id = $1", village.people["jana"].id)
        elif how == "suspended":
            await set_effect(tx, village.people["jana"].id, AccountEffect.SUSPENDED)
        else:
            await tx.execute("INSERT INTO network_blocks (id, network, severity, created_at) VALUES (1, '127.0.0.1', 'no_access', now())")
            village.front._shut_out._fresh_until = 0  # as after ten seconds
    await stream.ends()
    await socket.ends()
    if how == "shut out":
        await other.ends()
    assert other.task.done() == (how == "shut out")
    await other.close()


async def test_the_number_of_connections_is_limited_and_every_place_is_given_back(village: Village) -> None:
    jana, = await _app(village, "jana")
    streams = [await EventSource(village, f"{BASE}/user", jana).open() for _ in range(10)]
    sockets = [await Socket(village, jana).open() for _ in range(10)]
    refused, too_many = EventSource(village, f"{BASE}/user", jana), Socket(village, jana)
    await refused.ends()
    await too_many.ends()
    assert (refused.status, too_many.status) == (429, 429)
    assert refused.headers["retry-after"]
    for one in [*streams, *sockets]:
        await one.close()
    head = EventSource(village, f"{BASE}/user", jana, "HEAD")
    await head.ends()
    assert not PLACES._taken


async def test_the_number_of_channels_of_a_socket_is_limited(village: Village) -> None:
    jana, = await _app(village, "jana")
    socket = await Socket(village, jana).open()
    for number in range(101):
        socket.say({"type": "subscribe", "stream": "hashtag", "tag": f"tag{number}"})
    socket.say({"type": "subscribe", "stream": "hashtag", "tag": "tag5"})  # again: no further one
    await socket.until(lambda: socket.frames)
    await asyncio.sleep(0.05)
    assert [frame["status"] for frame in socket.frames] == [400]
    await socket.close()


async def test_a_problem_of_an_accepted_socket_is_logged_and_closes_it(
    village: Village, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jana, = await _app(village, "jana")

    async def fail(*_arguments: object) -> None:
        raise Conflict(log_text="broken on purpose")

    monkeypatch.setattr(stream_connection.Rendering, "statuses", fail)
    socket = await Socket(village, jana, stream="user").open()
    await jana.post("/api/v1/statuses", {"status": "Kašna teče."})
    await village.work()
    await socket.ends()
    assert socket.closed_with == 1011
    assert [record.message for record in caplog.records if record.name == "folkmoot.api.websocket"] == [
        "a WebSocket of the client API ended: broken on purpose"]


async def test_health_and_the_announced_address(village: Village) -> None:
    nobody = village.nobody()
    health = await nobody.get(f"{BASE}/health")
    assert (health.status, health.body) == (200, b"OK")
    assert (await nobody.get("/api/v2/instance")).json["configuration"]["urls"]["streaming"] == "ws://localhost:8420"
    assert (await nobody.get("/api/v1/instance")).json["urls"]["streaming_api"] == "ws://localhost:8420"
