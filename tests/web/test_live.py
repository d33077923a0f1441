"""The page that is left open: what it hears, how often it may ask, and when it must stop."""

import asyncio
import time
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


class OpenPage:
    """`/live/home` as a browser holds it: what came so far, and the task that ends with it."""

    def __init__(self, village: Village, visitor: Visitor) -> None:
        self._front = village.front
        self._cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self.status = 0
        self.heard = ""
        self._gone = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/live/home", "raw_path": b"/live/home", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
            "server": ("localhost", 8420), "headers": [(b"cookie", self._cookie.encode())],
        }
        await self._front(scope, self._receive, self._send)

    async def _receive(self) -> Any:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.heard += message.get("body", b"").decode()

    async def hears(self, words: str) -> None:
        async with asyncio.timeout(10):
            while words not in self.heard:
                assert not self.task.done(), self.heard
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


async def test_an_open_page_hears_of_posts_and_notices_that_are_for_it(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    await village.follow("jana", "karel")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.hears(": here")
    await village.write("eva", "Koho nesleduje, toho neslyší.")
    await village.work()
    await village.write("karel", "Kašna teče.")
    await village.work()
    await page.hears('event: posts\ndata: {"count":1,')
    await village.write("karel", "@jana přijdeš?")
    await village.work()
    await page.hears("event: notices")
    await page.close()
    assert page.status == 200
    assert "Kašna" not in page.heard  # only that there is something, never what


async def test_an_open_page_ends_with_the_session(village: Village) -> None:
    jana, = await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.hears(": here")
    async with village.database.write() as tx:
        await delete_sessions(tx, jana.id)
        forget_viewer(tx, jana.id)
    async with asyncio.timeout(5):
        await page.task


async def test_a_member_holds_five_such_connections(village: Village) -> None:
    await village.settle("jana")
    visitor = await village.by_browser("jana")
    pages = [OpenPage(village, visitor) for _ in range(5)]
    for page in pages:
        await page.hears(": here")
    assert (await visitor.get("/live/home")).status == 429
    await pages.pop().close()
    again = OpenPage(village, visitor)
    await again.hears(": here")
    for page in [*pages, again]:
        await page.close()


async def test_nobody_hears_nothing(village: Village) -> None:
    assert (await village.nobody().get("/live/home")).status in (303, 401)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nX-A: " + b"a" * 100])
async def test_who_does_not_finish_a_request_head_is_hung_up_on(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
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
    async with asyncio.timeout(3):
        assert await reader.read() == b""  # closed by the other side
    writer.close()
    whole_reader, whole_writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):  # and the clock of the first request does not end a second one
        whole_writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await whole_reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.5)
    whole_writer.close()
    server.should_exit = True
    await task


async def test_an_open_page_hears_at_once_of_what_is_hidden_or_deleted(court: Court) -> None:
    village = court.village
    hidden, deleted = await village.write("author", "Přijďte si pro ránu."), await village.write("author", "Omyl.")
    await court.report("reporter", hidden, clauses=("violence",))
    case, = await court.queue()
    await court.claim("moderator", case)
    moderator = await court.viewer("moderator")
    page = OpenPage(village, await village.by_browser("reader"))
    await page.hears(": here")
    started = time.monotonic()
    async with village.database.write() as tx:
        await decide_case(tx, moderator, case.id, Decision(action="hide", clause="violence"))
    await page.hears(f'event: withdrawn\ndata: {{"ids":["{hidden.post.id}"]')
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], deleted.post.id)
    await page.hears(f'"ids":["{deleted.post.id}"]')
    assert time.monotonic() - started < 2
    await page.close()


async def test_of_a_private_post_only_those_hear_who_follow_its_author(court: Court) -> None:
    village = court.village
    await village.follow("reader", "author")
    private, public = await village.write("author", "jen pro sledující", visibility=2), await village.write("author", "pro všechny")
    follower, stranger = [OpenPage(village, await village.by_browser(name)) for name in ("reader", "other_reporter")]
    for page in (follower, stranger):
        await page.hears(": here")
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], private.post.id)
    await follower.hears(f'"ids":["{private.post.id}"]')
    async with village.database.write() as tx:
        await delete_post(tx, village.people["author"], public.post.id)
    await stranger.hears(f'"ids":["{public.post.id}"]')
    assert str(private.post.id) not in stranger.heard
    for page in (follower, stranger):
        await page.close()


async def _suspend(village: Village, name: str, *, is_announced: bool) -> None:
    account = village.people[name]
    async with village.database.write() as tx:
        await set_effect(tx, account.id, AccountEffect.SUSPENDED)
        if is_announced:
            forget_viewer(tx, account.id)


@pytest.mark.parametrize("end", ["suspended", "logged_out"])
async def test_an_open_page_ends_at_once_when_its_session_is_over(village: Village, end: str) -> None:
    jana, = await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.hears(": here")
    if end == "suspended":
        await _suspend(village, "jana", is_announced=True)
    else:
        async with village.database.write() as tx:
            await delete_sessions(tx, jana.id)
            forget_viewer(tx, jana.id)
    async with asyncio.timeout(2):
        await page.task


@pytest.mark.parametrize("is_busy", [False, True])
async def test_an_open_page_ends_at_a_heartbeat_when_nobody_announced_the_end(
    village: Village, monkeypatch: pytest.MonkeyPatch, is_busy: bool
) -> None:
    monkeypatch.setattr("folkmoot.web.live.BEAT", 0.3)
    await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.hears(": here")
    await asyncio.sleep(0.4)
    assert not page.task.done()  # a session that stands goes on
    await _suspend(village, "jana", is_announced=False)
    async with asyncio.timeout(5):
        while not page.task.done():
            if is_busy:  # a page that always hears something has heartbeats too
                village.database.live.publish(topic(village.people["jana"].id), 0)
            await asyncio.sleep(0.05)


async def test_another_session_that_ends_leaves_the_page_open(village: Village) -> None:
    jana, = await village.settle("jana")
    page = OpenPage(village, await village.by_browser("jana"))
    await village.by_browser("jana")
    await page.hears(": here")
    async with village.database.write() as tx:
        other = (await list_sessions(tx, jana.id))[0]
        await delete_sessions(tx, jana.id, only=other.id)
        forget_viewer(tx, jana.id)
    await asyncio.sleep(0.3)
    assert not page.task.done()
    await page.close()


async def test_after_lost_messages_an_open_page_looks_again(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.follow("jana", "karel")
    page = OpenPage(village, await village.by_browser("jana"))
    await page.hears(": here")
    for number in range(3):  # nobody announces these
        await village.write("karel", f"tiše {number}")
    village.front._pages._context.hub.resync()
    await page.hears('event: posts\ndata: {"count":3,')
    await page.hears("event: notices")
    await page.close()
