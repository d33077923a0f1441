"""Requests that write on a host that may not: they wait, are answered by the host that writes, and never run twice."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from folkmoot import app
from folkmoot.base import clock, write_gate
from folkmoot.base.migrate import Migration, known, migrate, pending
from folkmoot.http import forwarding, writing_host
from folkmoot.http.from_peer import FROM_PEER
from folkmoot.http.older_schema import wait_for_schema
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.network.exports.model import Wanted
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.passwords import hash_password
from folkmoot.network.timelines.model import NEW_POSTS_TOPIC, NewPost
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, STANDBY
from folkmoot.portability.hosts.identity import get_identity, make_identity
from folkmoot.portability.hosts.peers import FILE as PEERS_FILE
from folkmoot.portability.names.paths import RECORD_PATH
from folkmoot.portability.names.record import Trusted, verify_record
from folkmoot.portability.standby import following
from folkmoot.portability.standby.model import Following, Stage
from tests.api.test_accounts import picture
from tests.http.two_hosts import InProcessHost, two_hosts
from tests.village import Village, Visitor, settings_for
from tests.waiting import SECONDS
from tests.web.test_pages import form_token

PASSWORD = "tri hrusky ve stodole"
Pair = tuple[InProcessHost, InProcessHost]


@pytest.fixture
async def hosts(tmp_path: Path, dsn: str) -> AsyncIterator[Pair]:
    async with two_hosts(tmp_path, dsn) as pair:
        yield pair


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana")
    return await village.by_app("jana")


async def _count(village: Village, text: str) -> int:
    async with village.database.read() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM posts WHERE text = $1", text))


async def _raise_epoch(dsn: str, epoch: int) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE host_state SET epoch = $1", epoch)
    await connection.close()


async def test_a_standby_answers_writes_through_its_primary(village: Village, hosts: Pair, jana: Visitor) -> None:
    by_standby = hosts[1].visitor(jana)
    posted = await by_standby.post("/api/v1/statuses", {"status": "přes repliku"})
    assert posted.status == 200
    assert posted.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r"[\w-]+-\d+", posted.headers["x-request-id"])  # one, not two joined
    assert await _count(village, "přes repliku") == 1
    uploaded = await by_standby.upload("/api/v2/media", "file", picture())
    assert uploaded.status == 200
    refused = await by_standby.post("/api/v1/statuses", {})
    assert refused.status == 422
    assert (await hosts[1].visitor(Visitor(None)).post("/api/v1/statuses", {"status": "x"})).status == 401


async def test_a_form_and_its_cookies_pass_through(village: Village, hosts: Pair, jana: Visitor) -> None:
    browser = hosts[1].visitor(await village.by_browser("jana"))
    page = await browser.get("/posts/new")
    sent = await browser.post("/posts", {"form_token": form_token(page.text), "text": "z formuláře", "visibility": "0"})
    assert sent.status == 303
    assert await _count(village, "z formuláře") == 1
    assert any("folkmoot_sent" in cookie for cookie in sent.cookies)
    left = await browser.post("/log_out", {"form_token": form_token(page.text)})
    assert left.status == 303
    assert "folkmoot" not in browser.cookies


async def test_the_host_that_writes_knows_the_client_and_outsiders_cannot_pretend(village: Village, hosts: Pair, jana: Visitor) -> None:
    """Sessions record the address; a header of a client is not believed, whether its request is forwarded or not."""
    primary, standby = hosts
    async with village.database.write() as tx:
        await queries.update_password(tx, village.people["jana"].id, await hash_password(PASSWORD))
    for host, address in ((standby, "203.0.113.9"), (primary, "203.0.113.10")):
        visitor = host.visitor(Visitor(None), address)
        page = await visitor.get("/log_in")
        done = await visitor.post(
            "/log_in", {"form_token": form_token(page.text), "name": "jana", "password": PASSWORD}, x_forwarded_for="198.51.100.1",
        )
        assert done.status == 303, done.text
        async with village.database.read() as conn:
            assert await conn.fetchval("SELECT address FROM sessions ORDER BY created_at DESC LIMIT 1") == address


async def test_a_write_that_waits_through_a_fence_is_answered_by_the_next_primary(
    village: Village, hosts: Pair, jana: Visitor, dsn: str
) -> None:
    """Those at the gate and those that have not begun; an upload, which commits twice with a form, too."""
    primary, standby = hosts
    by_app, browser = primary.visitor(jana), primary.visitor(await village.by_browser("jana"))
    page = await browser.get("/posts/new")
    async with write_gate.hold(dsn, SECONDS):
        at_gate = [asyncio.create_task(by_app.post("/api/v1/statuses", {"status": f"u brány {n}"})) for n in range(8)]
        async with asyncio.timeout(SECONDS):
            while not primary.database.is_held:
                await asyncio.sleep(0.01)
        later = [asyncio.create_task(by_app.post("/api/v1/statuses", {"status": f"později {n}"})) for n in range(30)]
        later.append(asyncio.create_task(by_app.upload("/api/v2/media", "file", picture())))
        form = {"form_token": form_token(page.text), "text": "formulář", "visibility": "0"}
        later.append(asyncio.create_task(browser.post("/posts", form)))
        assert (await by_app.get("/api/v1/timelines/home")).status in (200, 206)
        assert primary.database.is_held, "the read was answered meanwhile"
        await _raise_epoch(dsn, 2)
        primary.become("fenced", 2)
    await asyncio.sleep(0.2)
    assert not any(task.done() for task in [*at_gate, *later]), "nobody writes"
    standby.become("primary", 2)
    answers = await asyncio.wait_for(asyncio.gather(*at_gate, *later), SECONDS)
    assert [answer.status for answer in answers] == [200] * 39 + [303]
    texts = [*(f"u brány {n}" for n in range(8)), *(f"později {n}" for n in range(30)), "formulář"]
    assert [await _count(village, text) for text in texts] == [1] * 39


async def test_a_write_waits_until_a_hold_is_released(village: Village, hosts: Pair, jana: Visitor, dsn: str) -> None:
    by_app = hosts[0].visitor(jana)
    async with write_gate.hold(dsn, SECONDS):
        writes = [asyncio.create_task(by_app.post("/api/v1/statuses", {"status": f"č. {n}"})) for n in range(30)]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in writes)
    assert {answer.status for answer in await asyncio.gather(*writes)} == {200}
    assert [await _count(village, f"č. {n}") for n in range(30)] == [1] * 30


async def test_after_a_hold_the_waiting_writes_run_a_few_at_a_time(hosts: Pair, jana: Visitor, dsn: str) -> None:
    """Else reads would be answered only after all of them have begun."""
    primary, _ = hosts
    primary.front._forwarding._turns = asyncio.Semaphore(3)
    at_once = [0]
    answer = primary.front._api

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        at_once.append(at_once[-1] + 1)
        await answer(scope, receive, send)
        at_once.append(at_once[-1] - 1)

    by_app = primary.visitor(jana)
    async with write_gate.hold(dsn, SECONDS):
        at_gate = asyncio.create_task(by_app.post("/api/v1/statuses", {"status": "u brány"}))
        async with asyncio.timeout(SECONDS):
            while not primary.database.is_held:
                await asyncio.sleep(0.01)
        primary.front._api = counting
        writes = [asyncio.create_task(by_app.post("/api/v1/statuses", {"status": f"č. {n}"})) for n in range(30)]
        await asyncio.sleep(0.2)
        assert at_once == [0], "they have not begun"
    assert {answer.status for answer in await asyncio.gather(at_gate, *writes)} == {200}
    assert max(at_once) == 3


async def test_a_fence_that_is_taken_back_lets_waiting_writes_run_here(village: Village, hosts: Pair, jana: Visitor) -> None:
    primary, _ = hosts
    primary.become("fenced", 1)
    write = asyncio.create_task(primary.visitor(jana).post("/api/v1/statuses", {"status": "zpět"}))
    await asyncio.sleep(0.2)
    assert not write.done()
    primary.become("primary", 1)
    assert (await asyncio.wait_for(write, SECONDS)).status == 200
    assert await _count(village, "zpět") == 1


async def test_without_a_host_that_writes_a_form_comes_back_filled(
    village: Village, hosts: Pair, jana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "LONGEST_WAIT", 0.3)
    primary, standby = hosts
    browser = standby.visitor(await village.by_browser("jana"))
    page = await browser.get("/posts/new")
    primary.become("standby", 1)
    refused = await browser.post("/posts", {"form_token": form_token(page.text), "text": "zůstane mi", "visibility": "0"})
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert "zůstane mi" in refused.text
    by_app = await standby.visitor(jana).post("/api/v1/statuses", {"status": "x"})
    assert (by_app.status, "retry-after" in by_app.headers) == (503, True)
    assert (await standby.visitor(jana).get("/api/v1/timelines/home")).status in (200, 206)


async def test_a_host_that_has_been_silent_for_long_is_not_waited_for(
    hosts: Pair, jana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, standby = hosts
    primary.become("standby", 1)
    standby.hosts.peer_writes  # noqa: B018 - it is asked from now on
    await asyncio.sleep(0.1)
    monkeypatch.setattr(writing_host, "LONGEST_WAIT", 0.05)
    async with asyncio.timeout(forwarding.LONGEST_WAIT - 1):
        assert (await standby.visitor(jana).post("/api/v1/statuses", {"status": "x"})).status == 503


async def test_an_older_primary_gets_no_writes(hosts: Pair, jana: Visitor, village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "LONGEST_WAIT", 0.3)
    _, standby = hosts
    standby.become("standby", 2)
    assert (await standby.visitor(jana).post("/api/v1/statuses", {"status": "starému"})).status == 503
    assert await _count(village, "starému") == 0


async def test_too_many_waiting_requests_are_refused_at_once(hosts: Pair, jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing_host, "MOST_WAITING", 3)
    monkeypatch.setattr(forwarding, "LONGEST_WAIT", 120.0)
    primary, _ = hosts
    primary.become("fenced", 1)
    writes = [asyncio.create_task(primary.visitor(jana).post("/api/v1/statuses", {"status": f"{n}"})) for n in range(5)]
    async with asyncio.timeout(60):
        while sum(task.done() for task in writes) < 2:
            await asyncio.sleep(0.02)
    refused = [task.result() for task in writes if task.done()]
    assert [(answer.status, int(answer.headers["retry-after"]) >= 1) for answer in refused] == [(503, True)] * 2
    primary.become("primary", 1)
    assert sorted(answer.status for answer in await asyncio.gather(*writes)) == [200, 200, 200, 503, 503]


class Relay:
    """Passes connections on to the other host until it is told to break them, as a link that fails does."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self.is_cut = False
        self.swallows_answers = False
        self._writers: list[asyncio.StreamWriter] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if self.is_cut:
            writer.close()
            return
        back, forth = await asyncio.open_unix_connection(str(self._to))
        self._writers.append(forth)
        await asyncio.gather(self._pump(reader, forth), self._pump(back, writer, is_answer=True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False) -> None:
        while data := await reader.read(65536):
            if is_answer and self.swallows_answers and b"/.folkmoot/" not in data and b'"writes"' not in data:
                self.cut()
                return
            writer.write(data)
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()


@pytest.fixture
async def relay(hosts: Pair) -> AsyncIterator[Relay]:
    """Stands between the standby and its primary."""
    outgoing = hosts[1].outgoing
    outgoing.rename(outgoing.with_name("direct"))
    between = Relay(outgoing.with_name("direct"))
    server = await asyncio.start_unix_server(between.accept, str(outgoing))
    yield between
    between.cut()
    server.close()


async def test_a_write_whose_answer_is_lost_is_not_sent_again(village: Village, hosts: Pair, relay: Relay, jana: Visitor) -> None:
    by_standby = hosts[1].visitor(jana)
    assert (await by_standby.post("/api/v1/statuses", {"status": "dobře"})).status == 200
    relay.swallows_answers = True
    lost = await by_standby.post("/api/v1/statuses", {"status": "ztraceno"})
    assert lost.status == 503
    assert "copy of the network" not in lost.text  # it was written, so nobody is asked to write it again in a little while
    relay.is_cut = relay.swallows_answers = False
    assert (await by_standby.post("/api/v1/statuses", {"status": "potom"})).status == 200
    assert [await _count(village, text) for text in ("ztraceno", "potom")] == [1, 1]


async def test_a_write_waits_for_a_link_that_comes_back(village: Village, hosts: Pair, relay: Relay, jana: Visitor) -> None:
    by_standby = hosts[1].visitor(jana)
    for is_known in (True, False):
        if is_known:
            assert (await by_standby.post("/api/v1/statuses", {"status": "první"})).status == 200
        relay.cut()
        write = asyncio.create_task(by_standby.post("/api/v1/statuses", {"status": f"čeká {is_known}"}))
        await asyncio.sleep(0.3)
        assert not write.done()
        relay.is_cut = False
        assert (await asyncio.wait_for(write, SECONDS)).status == 200
        assert await _count(village, f"čeká {is_known}") == 1


async def test_a_forwarded_request_is_never_forwarded_again(hosts: Pair, jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two standbys, each of which takes the other for the primary."""
    monkeypatch.setattr(forwarding, "LONGEST_WAIT", 0.5)
    one, other = hosts
    one.become("standby", 1)
    arrived: list[InProcessHost] = []
    for host in hosts:
        monkeypatch.setattr(host.front, "_answer_probe", Reply(b"{}"))

        async def noting(scope: Any, receive: Any, send: Any, host: InProcessHost = host, api: Any = host.front._api) -> None:
            arrived.append(host) if FROM_PEER in scope else None
            await api(scope, receive, send)

        monkeypatch.setattr(host.front, "_api", noting)
    assert (await other.visitor(jana).post("/api/v1/statuses", {"status": "dokola"})).status == 503
    assert one in arrived
    assert other not in arrived


async def test_a_request_that_has_committed_something_is_not_sent_again(
    village: Village, hosts: Pair, jana: Visitor, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No route does so now (test_writes_of_routes.py); if one ever does, it fails instead of running twice."""
    primary, standby = hosts

    async def twice(request: Any) -> Reply:
        async with request.database.write() as tx:
            await tx.execute("INSERT INTO hashtags (key, name) VALUES ('once', 'once')")
        await _raise_epoch(dsn, 2)
        primary.become("fenced", 2)
        standby.become("primary", 2)
        async with request.database.write():
            raise AssertionError

    routes = primary.front._api._router.find("/api/v1/statuses")[0]  # of all applications in this process
    monkeypatch.setitem(routes, "POST", Route("POST", "/api/v1/statuses", twice, Access.MEMBER))
    assert (await primary.visitor(jana).post("/api/v1/statuses", {"status": "x"})).status == 503
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM hashtags WHERE key = 'once'") == 1


async def test_a_member_who_writes_through_a_standby_reads_there_what_was_written(village: Village, hosts: Pair, jana: Visitor) -> None:
    """And only those who wrote: the primary answers their reads, the standby all others."""
    primary, standby = hosts
    asked = _noted(primary)
    await village.settle("karel")
    karel = standby.visitor(await village.by_app("karel"), "192.0.2.8")
    by_standby = standby.visitor(jana)
    assert (await by_standby.post("/api/v1/statuses", {"status": "hned"})).status == 200
    assert "hned" in (await by_standby.get("/api/v1/timelines/home")).text
    assert (await karel.get("/api/v1/timelines/home")).status in (200, 206)
    by_standby.address = "192.0.2.99"  # a phone changes its network
    assert (await by_standby.get("/api/v1/timelines/home")).status in (200, 206)
    assert asked == ["POST 192.0.2.7", "GET 192.0.2.7", "GET 192.0.2.99"]
    with clock.stopped_at(clock.now() + timedelta(seconds=60)):
        await by_standby.get("/api/v1/timelines/home")
    assert len(asked) == 3


async def test_a_member_who_hears_of_a_post_through_a_standby_reads_it_there(village: Village, hosts: Pair, jana: Visitor) -> None:
    primary, standby = hosts
    asked = _noted(primary)
    post = (await primary.visitor(jana).post("/api/v1/statuses", {"status": "poslouchej"})).json
    by_standby = standby.visitor(jana, "192.0.2.9")
    listening = asyncio.create_task(by_standby.get("/api/v1/streaming/user"))
    try:
        async with asyncio.timeout(60):
            while "GET 192.0.2.9" not in asked:
                await asyncio.sleep(0.02)
        _forget_writers(standby)
        before = len(asked)
        assert (await by_standby.get("/api/v1/timelines/home")).status in (200, 206)
        assert len(asked) == before  # it has heard of nothing new
        primary.database.live.publish(NEW_POSTS_TOPIC, NewPost(int(post["id"])))
        async with asyncio.timeout(60):
            while len(asked) == before:
                await by_standby.get("/api/v1/timelines/home")
                await asyncio.sleep(0.02)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_a_standby_that_is_behind_lets_its_primary_answer_reads(hosts: Pair, jana: Visitor, relay: Relay) -> None:
    """As after its start: members do not go back in time. Without its primary it shows what it has."""
    primary, standby = hosts
    asked, by_standby = _noted(primary), standby.visitor(jana)
    (standby.folder / PEERS_FILE).write_text("[]")
    for role, stage, answered in ((STANDBY, Stage.CATCHING_UP, 1), (PRIMARY, Stage.STREAMING, 2), (STANDBY, Stage.STREAMING, 2)):
        _measure(standby, role, stage)
        assert (await by_standby.get("/api/v1/timelines/home")).status in (200, 206)
        assert len(asked) == answered
    _measure(standby, STANDBY, Stage.AWAY)
    relay.cut()
    assert (await by_standby.get("/api/v1/timelines/home")).status in (200, 206)


def _noted(host: InProcessHost) -> list[str]:
    """The requests that reach the API of a host from now on."""
    asked: list[str] = []
    answer = host.front._api

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["method"] + " " + scope["client"][0])
        await answer(scope, receive, send)

    host.front._api = noting
    return asked


def _measure(host: InProcessHost, role: str, stage: Stage) -> None:
    """As its agent does. A record of a primary is from before the move."""
    now = clock.now().timestamp()
    following.record(host.folder, Following(role=role, stage=stage, since=now, measured_at=now))
    host.hosts._measured_at = 0.0


def _forget_writers(host: InProcessHost) -> None:
    table = host.front._forwarding._writers._table
    table[:] = bytes(len(table))


async def test_a_fenced_host_lets_its_successor_answer_everything(village: Village, hosts: Pair, jana: Visitor, dsn: str) -> None:
    primary, standby = hosts
    primary.become("fenced", 2)
    assert (await primary.visitor(jana).get("/api/v1/timelines/home")).status in (200, 206)  # nobody writes yet
    await _raise_epoch(dsn, 2)
    standby.become("primary", 2)
    answered: list[str] = []
    front = standby.front._api

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        answered.append(scope["path"])
        await front(scope, receive, send)

    standby.front._api = noting
    async with asyncio.timeout(60):
        while not answered:
            assert (await primary.visitor(jana).get("/api/v1/timelines/home")).status in (200, 206)
            await asyncio.sleep(0.05)
    assert (await Visitor(primary.front).get("/livez")).status == 200  # health is that of each host


async def test_a_fenced_host_waits_for_a_link_that_blinks_and_shows_nothing_old(
    hosts: Pair, jana: Visitor, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database stands still, so a page that it answered itself would lack what its reader has seen already."""
    monkeypatch.setattr(forwarding, "_FENCED_SECONDS", SECONDS)
    successor, fenced = hosts
    fenced.become("fenced", 1)
    asked, visitor = _noted(successor), fenced.visitor(jana)
    assert (await visitor.get("/api/v1/timelines/home")).status in (200, 206)
    assert len(asked) == 1
    relay.cut()
    reads = [asyncio.create_task(visitor.get("/api/v1/timelines/home")) for _ in range(3)]
    await asyncio.sleep(0.2)
    relay.is_cut = False
    assert {read.status for read in await asyncio.gather(*reads)} <= {200, 206}
    assert len(asked) == 4
    relay.cut()
    monkeypatch.setattr(forwarding, "_FENCED_SECONDS", 0.2)
    assert (await visitor.get("/api/v1/timelines/home")).status in (200, 206)  # not for ever


async def test_a_picture_that_is_not_here_yet_comes_from_the_other_host(hosts: Pair, jana: Visitor) -> None:
    """Each of these hosts has files of its own."""
    primary, standby = hosts
    uploaded = (await primary.visitor(jana).upload("/api/v2/media", "file", picture())).json["url"].partition("/media/")[2]
    shown = await standby.visitor(jana, "192.0.2.77").get(f"/media/{uploaded}")
    assert (shown.status, shown.headers["content-type"]) == (200, "image/png")
    assert shown.body == (await primary.visitor(jana).get(f"/media/{uploaded}")).body
    assert int(shown.headers["content-length"]) == len(shown.body)
    assert (await standby.visitor(jana, "192.0.2.77").get("/media/nothing.jpg")).status == 404
    head = await standby.visitor(jana, "192.0.2.77").send("HEAD", f"/media/{uploaded}")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", shown.headers["content-length"])


async def test_an_archive_comes_from_the_host_that_has_it(village: Village, hosts: Pair, jana: Visitor, dsn: str) -> None:
    primary, standby = hosts
    jana = await village.by_browser("jana")
    browser = primary.visitor(jana)
    page = await browser.get("/settings/export")
    assert (await browser.post("/settings/export", {"form_token": form_token(page.text)})).status == 303
    async with primary.database.read() as conn:
        export_id = await conn.fetchval("SELECT id FROM exports")
    await app.exporter(settings_for(primary.folder, dsn)).write(primary.database, Wanted(export_id))
    reader = standby.visitor(jana, "192.0.2.77")
    assert f"/archives/{export_id}" in (await reader.get("/settings/export")).text
    assert (await reader.get(f"/settings/export/archives/{export_id}", range="bytes=0-1")).body == b"PK"


async def test_a_standby_with_newer_code_lets_its_primary_answer_until_the_schema_has_arrived(
    hosts: Pair, jana: Visitor, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the standby of a pair is upgraded first."""
    primary, standby = hosts
    monkeypatch.setattr(forwarding, "_READ_SECONDS", SECONDS)
    monkeypatch.setattr("folkmoot.http.older_schema._SCHEMA_SECONDS", 0.1)
    monkeypatch.setattr("folkmoot.http.older_schema._ANSWER_SECONDS", SECONDS)
    ours = known()
    added = Migration(9000, "9000_more.sql", "-- Kind: expand.\nCREATE TABLE more ()")
    monkeypatch.setattr("folkmoot.http.older_schema.newest_number", lambda: added.number)
    monkeypatch.setattr(standby.database, "is_standby", True)
    waiting = await wait_for_schema(settings_for(standby.folder, dsn), standby.database, standby.hosts)
    asked: list[str] = []
    front = primary.front.__class__.__call__

    async def noting(self: object, scope: dict[str, Any], receive: object, send: object) -> None:
        if self is primary.front and scope["type"] == "http":
            asked.append(scope["path"])
        await front(self, scope, receive, send)

    monkeypatch.setattr(primary.front.__class__, "__call__", noting)
    by_standby = standby.visitor(jana, "192.0.2.88")
    assert (await by_standby.get("/api/v1/instance")).status == 200
    assert asked[-1] == "/api/v1/instance"
    monkeypatch.setattr("folkmoot.base.migrate.known", lambda: [*ours, added])
    await migrate(dsn)  # by the primary
    await asyncio.wait_for(waiting, SECONDS)
    asked.clear()
    assert (await standby.visitor(jana, "192.0.2.89").get("/api/v1/instance")).status == 200
    assert "/api/v1/instance" not in asked


async def test_a_promoted_standby_brings_the_schema_up_to_date(hosts: Pair, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    standby = hosts[1]
    migrations = [*known(), Migration(9000, "9000_more.sql", "-- Kind: expand.\nCREATE TABLE more ()")]
    monkeypatch.setattr("folkmoot.http.older_schema.newest_number", lambda: migrations[-1].number)
    monkeypatch.setattr("folkmoot.base.migrate.known", lambda: migrations)
    waiting = await wait_for_schema(settings_for(standby.folder, dsn), standby.database, standby.hosts)
    assert standby.hosts.lacks_schema
    standby.become("primary", 1)
    await asyncio.wait_for(waiting, SECONDS)
    assert await pending(dsn) == []


async def test_a_read_that_fails_on_a_standby_is_answered_by_its_primary(
    hosts: Pair, jana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while its database starts again."""
    standby = hosts[1]
    by_standby = standby.visitor(jana)
    await standby.database._readers.close()
    monkeypatch.setattr(standby.database._readers, "_dsn", "postgresql://nobody@/nothing?host=/nowhere")
    assert (await by_standby.get("/api/v1/timelines/home")).status in (200, 206)


async def test_each_host_answers_for_itself_which_host_it_is(village: Village, hosts: Pair, dsn: str) -> None:
    """A record that was forwarded would say that the old host is the new one."""
    for host in hosts:
        (host.folder / "secrets").mkdir()
        make_identity(DataDirectory(host.folder))
    ids = [get_identity(DataDirectory(host.folder)).id for host in hosts]
    await _raise_epoch(dsn, 2)
    hosts[0].become("fenced", 1)
    hosts[1].become("primary", 2)
    for host, own_id, role in zip(hosts, ids, ("fenced", "primary"), strict=True):
        answer = await host.visitor(village.nobody()).get(RECORD_PATH)
        stated = verify_record(answer.body, Trusted(b"", frozenset([own_id])))
        assert (stated.host, stated.role) == (own_id, role)


async def test_a_host_without_a_key_has_no_record(village: Village) -> None:
    assert (await village.nobody().get(RECORD_PATH)).status == 404
