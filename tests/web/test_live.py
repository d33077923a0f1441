"""Live updates of an open page: which events it receives, how many connections are allowed, and when they end."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from folkmoot.http.server import GuardedProtocol, Server
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.notifications.model import topic
from folkmoot.network.posts.actions import delete_post
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.queries import delete_sessions, list_sessions
from tests.moderation.court import Court
from tests.network_up import free_port
from tests.village import Village, Visitor
from tests.waiting import SECONDS


class OpenPage:
    """A connection to `/live/home`: the text that was received so far, and the task that ends with it."""

    def __init__(self, village: Village, visitor: Visitor, last_event_id: str = "") -> None:
        self._last_event_id = last_event_id
        self._front = village.front
        self._cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self.status = 0
        self.received = ""
        self._gone = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/live/home", "raw_path": b"/live/home", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
            "server": ("localhost", 8420), "headers": [(b"cookie", self._cookie.encode())],
        }
        if self._last_event_id:
            scope["headers"].append((b"last-event-id", self._last_event_id.encode()))
        await self._front(scope, self._receive, self._send)

    async def _receive(self) -> Any:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.received += message.get("body", b"").decode()

    async def receives(self, words: str) -> None:
        async with asyncio.timeout(SECONDS):
            while words not in self.received:
                assert not self.task.done(), self.received
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


async def test_an_open_page_receives_events_of_posts_and_notices_for_it(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await village.follow("jana", "karel")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.receives(": here")
    await village.write("eva", "Koho nesleduje, toho neslyší.")
    await village.work()
    await village.write("karel", "Kašna teče.")
    await village.work()
    await page.receives('event: posts\ndata: {"count":1,')
    await village.write("karel", "@jana přijdeš?")
    await village.work()
    await page.receives('event: waiting\ndata: {"notices":1,"messages":0,"requests":0,"strangers":0}')
    await page.close()
    assert page.status == 200
    assert "Kašna" not in page.received  # the number only, never the content


async def test_a_page_that_connects_again_counts_the_posts_that_it_missed(village: Village) -> None:
    """As after a move to another host, in the middle of which its connection ends."""
    await village.settle("jana", "karel")
    await village.follow("jana", "karel")
    await village.write("karel", "Tohle stránka už ukazuje.")
    await village.work()
    visitor = await village.by_browser("jana")
    page = OpenPage(village, visitor)
    await page.receives("id: ")
    id_ = page.received.partition("id: ")[2].partition("\n")[0]
    await village.write("karel", "Kašna teče.")
    await village.work()
    await page.receives('{"count":1,')
    await page.close()
    await village.write("karel", "Kašna neteče.")
    await village.work()
    again = OpenPage(village, visitor, id_)
    await again.receives('event: posts\ndata: {"count":2,')
    assert f"id: {id_}\n" in again.received  # for the next time
    await again.close()
    for wrong in ("x", "0", "9" * 30, "-1"):
        page = OpenPage(village, visitor, wrong)
        await page.receives(": here")
        await page.close()


async def test_an_open_page_ends_with_the_session(village: Village) -> None:
    jana, = await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.receives(": here")
    async with village.database.write() as tx:
        await delete_sessions(tx, jana.id)
        forget_viewer(tx, jana.id)
    async with asyncio.timeout(SECONDS):
        await page.task


async def test_a_member_may_have_five_connections(village: Village) -> None:
    await village.settle("jana")
    visitor = await village.by_browser("jana")
    pages = [OpenPage(village, visitor) for _ in range(5)]
    for page in pages:
        await page.receives(": here")
    assert (await visitor.get("/live/home")).status == 429
    await pages.pop().close()
    again = OpenPage(village, visitor)
    await again.receives(": here")
    for page in [*pages, again]:
        await page.close()


async def test_of_connections_at_the_same_moment_only_five_are_accepted(village: Village) -> None:
    await village.settle("jana")
    visitor = await village.by_browser("jana")
    await visitor.get("/notifications")  # the session is cached now, so that no request waits before the limit is checked
    pages = [OpenPage(village, visitor) for _ in range(8)]
    async with asyncio.timeout(SECONDS):
        while not all(page.status for page in pages):
            await asyncio.sleep(0.02)
    assert sorted(page.status for page in pages) == [200] * 5 + [429] * 3
    for page in pages:
        await page.close()
    again = OpenPage(village, visitor)  # every place was given back
    await again.receives(": here")
    await again.close()


async def test_a_head_request_for_live_updates_ends(village: Village) -> None:
    await village.settle("jana")
    visitor = await village.by_browser("jana")
    for _ in range(6):
        assert (await visitor.send("HEAD", "/live/home")).status == 200


async def test_without_a_session_there_are_no_live_updates(village: Village) -> None:
    assert (await village.nobody().get("/live/home")).status in (303, 401)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nX-A: " + b"a" * 100])
async def test_a_connection_with_an_unfinished_request_head_is_closed(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.http.server.HEADER_SECONDS", 0.3)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for answer in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
                await receive()
                await send({"type": answer})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    port = free_port()
    server = Server(application, "127.0.0.1", port, [])
    assert server.config.http is GuardedProtocol
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(SECONDS):
        assert await reader.read() == b""  # closed by the server
    writer.close()
    whole_reader, whole_writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):  # the time limit of the first request does not apply to the second one
        whole_writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await whole_reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.5)
    whole_writer.close()
    server.should_exit = True
    await task


async def test_an_open_page_receives_hidden_and_deleted_posts_at_once(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.web.live.HEARTBEAT_SECONDS", 3600)
    village = court.village
    hidden, deleted = await village.write("author", "Přijďte si pro ránu."), await village.write("author", "Omyl.")
    await court.report("reporter", hidden, clauses=("violence",))
    case, = await court.queue()
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    page = OpenPage(village, await village.by_browser("reader"))
    await page.receives(": here")
    async with village.database.write() as tx:
        await decide_case(tx, moderator, case.id, Decision(action="hide", clause="violence"))
    await page.receives(f'event: withdrawn\ndata: {{"ids":["{hidden.post.id}"]')
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], deleted.post.id)
    await page.receives(f'"ids":["{deleted.post.id}"]')
    await page.close()


async def test_only_followers_receive_the_withdrawal_of_a_private_post(court: Court) -> None:
    village = court.village
    await village.follow("reader", "author")
    private, public = await village.write("author", "jen pro sledující", visibility=2), await village.write("author", "pro všechny")
    follower, stranger = [OpenPage(village, await village.by_browser(name)) for name in ("reader", "other_reporter")]
    for page in (follower, stranger):
        await page.receives(": here")
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], private.post.id)
    await follower.receives(f'"ids":["{private.post.id}"]')
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], public.post.id)
    await stranger.receives(f'"ids":["{public.post.id}"]')
    assert str(private.post.id) not in stranger.received
    for page in (follower, stranger):
        await page.close()


async def _suspend(village: Village, name: str, *, is_announced: bool) -> None:
    account = village.people[name]
    async with village.database.write() as tx:
        await set_effect(tx, account.id, AccountEffect.SUSPENDED)
        if is_announced:
            forget_viewer(tx, account.id)


@pytest.mark.parametrize("end", ["suspended", "logged_out"])
async def test_an_open_page_ends_at_once_when_its_session_is_over(
    village: Village, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("folkmoot.web.live.HEARTBEAT_SECONDS", 3600)
    jana, = await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.receives(": here")
    if end == "suspended":
        await _suspend(village, "jana", is_announced=True)
    else:
        async with village.database.write() as tx:
            await delete_sessions(tx, jana.id)
            forget_viewer(tx, jana.id)
    async with asyncio.timeout(SECONDS):
        await page.task


@pytest.mark.parametrize("is_busy", [False, True])
async def test_an_open_page_ends_soon_when_the_end_was_not_announced(
    village: Village, monkeypatch: pytest.MonkeyPatch, is_busy: bool
) -> None:
    monkeypatch.setattr("folkmoot.streaming.hub.WATCH_SECONDS", 0.1)
    await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.receives(": here")
    await asyncio.sleep(0.4)
    assert not page.task.done()  # a valid session continues
    await _suspend(village, "jana", is_announced=False)
    async with asyncio.timeout(SECONDS):
        while not page.task.done():
            if is_busy:
                village.database.live.publish(topic(village.people["jana"].id), 0)
            await asyncio.sleep(0.05)


async def test_another_session_that_ends_leaves_the_page_open(village: Village) -> None:
    jana, = await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await village.by_browser("jana")
    await page.receives(": here")
    async with village.database.write() as tx:
        other = (await list_sessions(tx, jana.id))[0]
        await delete_sessions(tx, jana.id, only=other.id)
        forget_viewer(tx, jana.id)
    await asyncio.sleep(0.3)
    assert not page.task.done()
    await page.close()


async def test_after_lost_messages_an_open_page_counts_again(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.follow("jana", "karel")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.receives(": here")
    for number in range(3):  # these are not announced
        await village.write("karel", f"tiše {number}")
    village.front._pages._context.hub.resync()
    await page.receives('event: posts\ndata: {"count":3,')
    await page.receives('event: waiting')
    await page.close()
