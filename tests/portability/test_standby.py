"""A standby serves every page and every read of the API; after a promotion the same process writes."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from folkmoot import app, processes
from folkmoot.api.routes import ROUTES as API_ROUTES
from folkmoot.base.db import Database
from folkmoot.base.errors import WritesPaused
from folkmoot.base.migrate import NotOurs, migrate, pending
from folkmoot.http.routing import Route
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host, HostState
from folkmoot.portability.postgres import Postgres
from folkmoot.web.routes import ROUTES as WEB_ROUTES
from tests.api.test_accounts import picture
from tests.conftest import UNSAFE_BUT_FAST
from tests.hostile.sample import Sample, build_sample, check_answer
from tests.hostile.test_routes import _base, _path
from tests.moderation.notices import Desk
from tests.portability.standby import caught_up, copy_media, make_standby, promote
from tests.village import Answer, Village, Visitor, settings_for
from tests.waiting import SECONDS
from tests.web.test_pages import form_token

CLAIMS = ("/moderate/next",)  # GET, but it claims a case for the moderator, which is a write
NO_CHANGE = ("/oauth/userinfo", "/language", "/rules/{version}/seen")  # a read, and changes of cookies only


@dataclass
class Pair:
    """A network on its primary, and the application on a standby of it."""

    sample: Sample
    primary: Village
    standby: Database
    data: DataDirectory
    front: Any
    visitors: dict[str, tuple[Visitor, Visitor]]  # on the primary, and on the standby with the same cookies and tokens

    async def ask(self, route: Route, path: str, name: str) -> tuple[Answer, Answer]:
        one, other = self.visitors[f"{name} {'api' if route in API_ROUTES else 'pages'}"]
        return await one.get(path), await other.get(path)


@pytest.fixture
async def pair(village: Village, postgres: Postgres, dsn: str, tmp_path: Path) -> AsyncIterator[Pair]:
    sample = await build_sample(village)
    await village.settle("hana")
    async with village.database.write() as tx:
        for name in ("hana", "karel"):
            await tx.execute("UPDATE logins SET role = 'operator' WHERE account_id = $1", village.people[name].id)
    visitors = {}
    for name in ("jana", "hana", "karel"):
        browser, program = await village.by_browser(name), await village.by_app(name, "read write follow push jury profile admin:read")
        visitors |= {f"{name} pages": browser, f"{name} api": program}
    jana = visitors["jana api"]
    uploaded = await jana.upload("/api/v2/media", "file", picture())
    sample.ids["picture"] = uploaded.json["url"].rpartition("/")[2]
    await jana.post("/api/v1/statuses", {"status": "s obrázkem", "media_ids[]": uploaded.json["id"]})
    await jana.post("/api/v1/reports", {"account_id": sample.ids["account"], "status_ids[]": sample.ids["poll_post"], "category": "spam"})
    desk = Desk(village)
    notice = await desk.receive(f"{desk.intake.base_url}/posts/{sample.ids['poll_post']}")
    sample.ids |= {"received": str(notice.id), "receipt": desk.intake.receipts.path(notice.number)}
    async with village.database.read() as conn:
        sample.ids["case"] = str(await conn.fetchval("SELECT id FROM cases"))
    for path in ("/", "/notifications"):
        await visitors["jana pages"].get(path)
    await village.work()
    with tempfile.TemporaryDirectory(prefix="folkmoot-standby-") as folder:
        secrets = postgres.socket_folder.parent / "secrets"
        data, server = make_standby(postgres.dsn, secrets, Path(folder) / "data", UNSAFE_BUT_FAST)
        copy_media(tmp_path, data.path)
        there = server.dsn_of(dsn.split("?")[0].rpartition("/")[2])
        settings = settings_for(data.path, there)
        try:
            server.start()
            await caught_up(dsn, there)
            database = await processes._open(settings)
            front = app.create_front(settings, database)
            yield Pair(sample, village, database, data, front, {
                name: (visitor, _on_standby(visitor, front)) for name, visitor in visitors.items()
            })
            await database.close()
        finally:
            server.stop()


def _on_standby(visitor: Visitor, front: Any) -> Visitor:
    return Visitor(front, visitor._token, visitor.cookies.get("folkmoot", ""))


def _address(route: Route, sample: Sample) -> str:
    ids = sample.ids
    notices = {"/notice/{number}/{key}": ids["receipt"], "/moderate/notices/{id}": f"/moderate/notices/{ids['received']}"}
    known = {**notices, "/media/{name}": f"/media/{sample.ids['picture']}", "/moderate/cases/{id}": f"/moderate/cases/{sample.ids['case']}"}
    path = known.get(route.path) or _path(route, sample)
    if "/cases/{id}" in route.path:
        path = route.path.replace("{id}", ids["case"])
    query = "&".join(f"{key}={value}" for key, value in _base(route, sample).items()) if route.method == "GET" else ""
    return f"{path}?{query}" if query else path


async def test_a_standby_serves_every_page_and_read_as_its_primary_does(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    asked, good = set[str](), set[str]()
    with caplog.at_level(logging.WARNING):
        for route in [*API_ROUTES, *WEB_ROUTES]:
            if route.method != "GET" or route.path == "/live/home" or getattr(route, "media_type", "") == "text/event-stream":
                continue
            for name in ("jana", "hana"):
                path = _address(route, pair.sample)
                one, other = await pair.ask(route, path, name)
                if route.path in CLAIMS and other.status == 503:
                    assert int(other.headers["retry-after"]) >= 1
                    continue
                check_answer(other, "api" if route in API_ROUTES else "pages", path)
                # 206: the home is pulled, because a standby has no tables of warm homes.
                assert other.status == one.status or {one.status, other.status} == {200, 206}, (path, name, one.status, other.text[:300])
                asked.add(route.path)
                if other.status < 400:  # hana may read what staff read, jana what is hers
                    good.add(route.path)
                if route.path == "/moderate/cases/{id}":
                    assert other.status == (200 if name == "hana" else 404)
                    assert name != "hana" or "You are reading a copy of the network" in other.text
    case = f"/moderate/cases/{pair.sample.ids['case']}"  # karel wrote the post of this case, so he must not read the case here either
    assert [(await visitor.get(case)).status for visitor in pair.visitors["karel pages"]] == [403, 403]
    assert len(asked) > 150
    assert len(good) > len(asked) * 0.8, asked - good  # the ids exist, so most requests must succeed
    assert not [record.getMessage() for record in caplog.records]
    await _open_streams(pair)


async def _open_streams(pair: Pair) -> None:
    session, token = pair.visitors["jana pages"][1].cookies["folkmoot"], pair.visitors["jana api"][1]._token
    for path, header in (
        ("/live/home", (b"cookie", f"folkmoot={session}".encode())),
        ("/api/v1/streaming/user", (b"authorization", f"Bearer {token}".encode())),
    ):
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1), "server": ("localhost", 8420),
            "extensions": {}, "headers": [header],
        }
        started: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def send(message: Any, started: "asyncio.Future[Any]" = started) -> None:
            if not started.done():
                started.set_result(message)

        async def receive() -> Any:
            await asyncio.Event().wait()

        stream = asyncio.create_task(pair.front(scope, receive, send))
        assert (await asyncio.wait_for(started, SECONDS))["status"] == 200, path
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)


async def test_a_standby_refuses_each_write_in_the_format_of_its_entry_point(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    page = await pair.visitors["jana pages"][1].get("/posts/new")
    proof = {"form_token": form_token(page.text), "allow": "true"}
    paused = set()
    for route in [*API_ROUTES, *WEB_ROUTES]:
        if route.method == "GET" or route.path in NO_CHANGE:
            continue
        is_api = route in API_ROUTES
        visitor = pair.visitors[f"jana {'api' if is_api else 'pages'}"][1]
        answer = await visitor.send(route.method, _path(route, pair.sample), {**_base(route, pair.sample), **({} if is_api else proof)})
        assert answer.status == 503 or 400 <= answer.status < 500, (route, answer.status, answer.text[:200])
        if answer.status == 503:
            paused.add(f"{route.method} {route.path}")
            assert int(answer.headers["retry-after"]) >= 1, route
            assert answer.headers["content-type"].startswith("application/json" if is_api else "text/html"), route
            assert not is_api or answer.json["error"], route
    assert len(paused) > 60, sorted(paused)
    assert {"POST /api/v1/statuses", "POST /posts", "POST /log_in", "POST /reset"} <= paused
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_after_the_promotion_the_same_process_writes(pair: Pair) -> None:
    standby, program = pair.standby, pair.visitors["jana api"][1]
    assert standby.is_standby
    assert not await standby.can_write()
    with pytest.raises(NotOurs):
        await migrate(standby.dsn)
    assert await pending(standby.dsn) == []
    assert (await program.post("/api/v1/statuses", {"status": "ještě ne"})).status == 503
    with pytest.raises(WritesPaused):
        async with standby.cache():
            pass
    gaps: list[bool] = []
    standby.live.on_gap(lambda: gaps.append(True))
    await promote(standby.dsn, 2)
    # PostgreSQL is promoted, but host.json still says standby: writes are refused.
    assert not await standby.can_write()
    assert (await program.post("/api/v1/statuses", {"status": "ještě ne"})).status == 503
    pair.data.write(pair.data.host_file, msgspec.json.encode(HostState(role="primary", epoch=2)))
    assert await standby.can_write()
    assert (await program.post("/api/v1/statuses", {"status": "už ano"})).status == 200
    async with asyncio.timeout(SECONDS):
        while standby.is_standby:
            await asyncio.sleep(0.05)
    async with standby.cache() as cache:
        await cache.execute("DELETE FROM home_entries")
    home = await program.get("/api/v1/timelines/home")
    assert home.status in (200, 206)
    heard: list[bytes] = []
    standby.live.subscribe("some topic", heard.append)
    other = await Database.open(standby.dsn, listen=False)
    async with asyncio.timeout(SECONDS):
        while not heard:  # it listens for live messages now, as each process of a primary does
            other.live.publish("some topic", "hello")
            await asyncio.sleep(0.1)
    assert gaps, "messages between the promotion and this moment were missed, so a gap is reported"
    await other.close()
    # Fenced: another host is the primary now.
    async with standby.write() as tx:
        await tx.execute("UPDATE host_state SET epoch = 3")
    assert not await standby.can_write()
    assert (await program.post("/api/v1/statuses", {"status": "už ne"})).status == 503
    assert (await program.get("/api/v1/timelines/home")).status in (200, 206)


def test_a_changed_host_file_is_read_again(open_folder: Path) -> None:
    data = DataDirectory(open_folder / "data")
    host = Host(data.path)
    assert host.writing_epoch() == 1
    data.prepare()
    for state, epoch in ((HostState("standby", 1), None), (HostState("primary", 7), 7), (HostState("fenced", 7), None)):
        data.write(data.host_file, msgspec.json.encode(state))
        assert host.state == state
        assert host.writing_epoch() == epoch
    data.write(data.host_file, b'{"role": "prim')
    assert host.writing_epoch() is None  # unchanged until the file is complete
    data.host_file.unlink()
    assert host.writing_epoch() is None  # a missing file makes no primary
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Host, "_stamp", lambda _host: object())  # the file is removed between stat and read
        assert host.writing_epoch() is None
    data.host_file.symlink_to(data.host_file)
    assert host.writing_epoch() is None  # nor does an unreadable file
    data.write(data.host_file, msgspec.json.encode(HostState(epoch=8)))
    assert host.writing_epoch() == 8
