"""The frames of streams: every event on every one of the nine streams of server-sent events, and on one WebSocket with all of them.

The payload of each event is what the member's app reads from the REST endpoint of the same entity, and decodes as its declared shape.
"""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.api import activity_shapes, network_shapes, stream_connection
from folkmoot.api.status_shapes import Status
from folkmoot.base import clock
from folkmoot.moderation.clauses.actions import publish_policy
from folkmoot.moderation.clauses.published import NEWS_LASTS, own, replace_own
from folkmoot.network.posts.model import Visibility
from tests.api.streaming import EventSource, Received, Socket
from tests.moderation.policies import edited
from tests.village import Village, Visitor
from tests.waiting import until

TAG = "kašna"
# By the name on a WebSocket: the path and query of server-sent events.
STREAMS: dict[tuple[str, ...], tuple[str, dict[str, str]]] = {
    ("user",): ("user", {}), ("user:notification",): ("user/notification", {}), ("direct",): ("direct", {}),
    ("public",): ("public", {}), ("public:local",): ("public/local", {}), ("public:remote",): ("public/remote", {}),
    ("hashtag", TAG): ("hashtag", {"tag": TAG}), ("hashtag:local", TAG): ("hashtag/local", {"tag": TAG}),
    ("list",): ("list", {}),  # with the id of the list
}
_POSTS = {"user", "public", "public:local", "hashtag", "hashtag:local", "list"}
_NOTIFICATIONS = {"user", "user:notification"}
# Which streams carry an event. On each, it comes as often as the story below makes it come.
CARRIED = {
    "update": _POSTS, "status.update": _POSTS, "delete": _POSTS, "notification": _NOTIFICATIONS, "notifications_merged": _NOTIFICATIONS,
    "conversation": {"direct"}, "filters_changed": {"user"}, "announcement": {"user"}, "announcement.reaction": {"user"},
    "announcement.delete": {"user"},
}
SHAPES: dict[str, Any] = {
    "update": Status, "status.update": Status, "notification": activity_shapes.Notification, "conversation": activity_shapes.Conversation,
    "announcement": network_shapes.Announcement, "announcement.reaction": network_shapes.ReactionCount,
}
WITHOUT_PAYLOAD = {"filters_changed"}
IDS = {"delete", "announcement.delete", "notifications_merged"}  # payloads that are no JSON objects

Step = Callable[[], Awaitable[dict[str, Any]]]


class Story:
    """What happens while Jana listens. Each step returns the payloads that it causes, by event, as REST gives them to her."""

    def __init__(self, village: Village, jana: Visitor, karel: Visitor) -> None:
        self.village, self.jana, self.karel = village, jana, karel
        self.post = ""
        self.announcements: list[str] = []

    async def a_post(self) -> dict[str, Any]:
        self.post = (await self.karel.post("/api/v1/statuses", {"status": f"Teče #{TAG}."})).json["id"]
        await self.village.work()
        return {"update": await self._read(f"statuses/{self.post}")}

    async def an_edit(self) -> dict[str, Any]:
        await self.karel.send("PUT", f"/api/v1/statuses/{self.post}", {"status": f"Zase teče #{TAG}."})
        await self.village.work()
        return {"status.update": await self._read(f"statuses/{self.post}")}

    async def a_deletion(self) -> dict[str, Any]:
        await self.karel.send("DELETE", f"/api/v1/statuses/{self.post}")
        await self.village.work()
        return {"delete": self.post}

    async def a_message(self) -> dict[str, Any]:
        await self.village.write("eva", "@jana mezi námi", visibility=Visibility.DIRECT)
        await self.village.work()
        return {"conversation": (await self._read("conversations"))[0], "notification": (await self._read("notifications"))[0]}

    async def an_accepted_request(self) -> dict[str, Any]:
        await self.jana.send("PATCH", "/api/v2/notifications/policy", {"for_not_following": "filter"})
        await self.village.write("petr", "@jana prosím", visibility=Visibility.UNLISTED)
        await self.village.work()
        request, = await self._read("notifications/requests")
        await self.jana.post(f"/api/v1/notifications/requests/{request['id']}/accept")
        await self.village.work()
        return {"notifications_merged": "1"}

    async def a_filter(self) -> dict[str, Any]:
        await self.jana.post("/api/v2/filters", {"title": "Doprava", "context[]": ["thread"]})
        return {"filters_changed": None}

    async def new_rules(self) -> dict[str, Any]:
        return {"announcement": await self._publish(1)}

    async def a_reaction(self) -> dict[str, Any]:
        await self.karel.send("PUT", f"/api/v1/announcements/{self.announcements[-1]}/reactions/👍")
        return {"announcement.reaction": {"announcement_id": self.announcements[-1], "name": "👍", "count": 1}}

    async def newer_rules(self) -> dict[str, Any]:
        replaced = self.announcements[-1]
        return {"announcement.delete": replaced, "announcement": await self._publish(2)}

    async def an_end(self) -> dict[str, Any]:
        """The time of the announcement is over: the rules have come into force long ago."""
        hub, newest = self.village.front._pages._context.hub, own()[-1]
        await until(lambda: hub._news and hub._news.version == newest.version)  # it has looked since these rules were published
        replace_own([msgspec.structs.replace(one, in_force_at=clock.now() - NEWS_LASTS) for one in own()])
        assert await self._read("announcements") == []
        return {"announcement.delete": self.announcements[-1]}

    async def _publish(self, number: int) -> Any:
        begins = (clock.now() + timedelta(days=14)).date().isoformat()
        async with self.village.database.write() as tx:
            assert (await publish_policy(tx, edited(f"{begins}.{number + 1}", begins=begins), "Europe/Prague")).published
        self.announcements.append(f"{begins.replace('-', '')}{number + 1:02}")
        await self.until_announced()
        announced, = await self._read("announcements")
        assert announced["id"] == self.announcements[-1]
        return announced

    async def until_announced(self) -> None:
        """Replaced by the test: REST knows new rules when streams have read them."""

    async def _read(self, path: str) -> Any:
        return (await self.jana.get(f"/api/v1/{path}")).json

    @property
    def steps(self) -> list[Step]:
        return [self.a_post, self.an_edit, self.a_deletion, self.a_message, self.an_accepted_request, self.a_filter, self.new_rules,
                self.a_reaction, self.newer_rules, self.an_end]


async def _listen(village: Village, jana: Visitor, list_id: str) -> tuple[dict[tuple[str, ...], EventSource], Socket]:
    sources, socket = {}, await Socket(village, jana).open()
    for stream, (path, query) in STREAMS.items():
        name = (*stream, list_id) if stream == ("list",) else stream
        more = {"list": list_id} if stream == ("list",) else query
        sources[name] = await EventSource(village, f"/api/v1/streaming/{path}", jana, **more).open()
        socket.say({"type": "subscribe", "stream": stream[0], **more})
    return sources, socket


async def test_every_event_comes_on_its_streams_with_its_frame_and_the_entity_of_its_endpoint(village: Village) -> None:
    await village.settle("jana", "karel", "eva", "petr")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    await village.follow("jana", "karel")
    list_id = (await jana.post("/api/v1/lists", {"title": "Sousedé"})).json["id"]
    await jana.post(f"/api/v1/lists/{list_id}/accounts", {"account_ids[]": [str(village.people["karel"].id)]})
    sources, socket = await _listen(village, jana, list_id)
    story, expected = Story(village, jana, karel), {name: [] for name in sources}
    story.until_announced = lambda: sources["user",].hears("announcement", len(story.announcements))  # type: ignore[method-assign]
    try:
        for step in story.steps:
            for event, payload in (await step()).items():
                for name in sources:
                    if name[0] in CARRIED[event]:
                        expected[name].append((event, payload))
            for name, source in sources.items():
                await source.until(lambda name=name, source=source: len(source.events) >= len(expected[name]))
                await socket.until(lambda name=name: len(socket.events(*name)) >= len(expected[name]))
    finally:
        replace_own(())
    assert {event for events in expected.values() for event, _ in events} == set(CARRIED)  # the story leaves no event out
    for name, source in sources.items():
        assert _sorted(source.events) == _sorted(expected[name]), name
        assert _sorted(socket.events(*name)) == _sorted(expected[name]), name
        await source.close()
    _check_frames([block for source in sources.values() for block in _blocks(source)], socket)
    await socket.close()


def _sorted(events: Received) -> list[tuple[str, str]]:
    """Events of one moment are not ordered."""
    return sorted((event, json.dumps(payload, sort_keys=True)) for event, payload in events)


def _blocks(source: EventSource) -> list[str]:
    return source.text.partition(":)\n")[2].replace(":thump\n", "").split("\n\n")[:-1]


def _check_frames(blocks: list[str], socket: Socket) -> None:
    """The frames themselves: their keys, and payloads that decode as the declared shape of the entity."""
    sent = []
    for block in blocks:
        event, data = block.split("\n")
        assert (event[:7], data[:6]) == ("event: ", "data: ")
        sent.append((event[7:], None if data == "data: undefined" else data[6:]))
    for frame in socket.frames:
        wanted = {"stream", "event"} if frame["event"] in WITHOUT_PAYLOAD else {"stream", "event", "payload"}
        assert set(frame) == wanted, frame
        assert isinstance(frame["stream"], list)
        sent.append((frame["event"], frame.get("payload")))
    assert {event for event, _ in sent} == set(CARRIED)
    for event, payload in sent:
        if event in SHAPES:
            msgspec.json.decode(payload, type=SHAPES[event])
        else:
            assert (payload is None) == (event in WITHOUT_PAYLOAD), event
            assert payload is None or (event in IDS and payload.isdigit()), event


def test_every_event_of_streams_is_in_the_table() -> None:
    source = Path(stream_connection.__file__).read_text("utf-8")
    named = set(re.findall(r'"((?:update|delete|notification|conversation|filters|announcement|status)[a-z_.]*)"', source))
    assert named == set(CARRIED)
