"""The reader: a real HTTP server that answers like an OpenAI-compatible service, and what may never reach it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import httpcore
import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Unavailable
from folkmoot.config import DetectorSettings
from folkmoot.moderation.detection.asking import Asking
from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.jobs import Examiner
from folkmoot.moderation.detection.model import Example, Finding
from folkmoot.moderation.detection.reader import ReaderAccess, ReaderFailed, ask_reader
from folkmoot.moderation.learning.juror import judge
from folkmoot.network.posts.actions import edit_post
from folkmoot.network.posts.events import PostCreated, PostEdited
from folkmoot.network.posts.model import PostDraft, PostView, Visibility
from tests.base.test_http_client import PUBLIC, SeenAsPublic
from tests.moderation.court import Court
from tests.village import LIMITS

_SETTINGS = DetectorSettings(reader_url="http://models.example.org/v1", reader_model="judge-1", reader_key="k" * 20, reader_posts_a_day=6)


@dataclass
class _Service:
    """Says that a text with „zle“ breaks a rule. `content`: another answer for all; `gate`: it waits before it answers."""

    port: int = 0
    status: int = 200
    content: str | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append((headers | {"target": head[0].split(" ")[1]}, body))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        is_bad = "zle" in body["messages"][1]["content"]
        said = self.content or json.dumps({"probability": 0.9 if is_bad else 0.1, "why": "Vyhrožuje." if is_bad else "Nic."})
        content = json.dumps({"choices": [{"message": {"role": "assistant", "content": f"<think>{{x}}</think> {said}"}}]}).encode()
        writer.write(f"HTTP/1.1 {self.status} Done\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()

    @property
    def texts(self) -> list[str]:
        return [body["messages"][1]["content"] for _, body in self.requests]

    async def resolve(self, _host: str, _port: int) -> list[str]:
        return [PUBLIC]

    async def connect(self, _address: str, _port: int) -> httpcore.AsyncNetworkStream:
        return SeenAsPublic(await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port))  # type: ignore[return-value]


@pytest.fixture
async def service() -> AsyncIterator[_Service]:
    found = _Service()
    found.gate.set()
    server = await asyncio.start_server(partial(_Service.answer, found), "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    found.gate.set()
    server.close()
    await server.wait_closed()


class _Unsure:
    """A detector that leaves all open, except texts with „jistě“."""

    def score(self, texts: list[str], langs: list[str | None]) -> list[Finding]:
        return [Finding(0.01 if "jistě" in text else 0.3, False, False, (), "x", "1") for text in texts]


def _asking(service: _Service, **changed: Any) -> Asking:
    return Asking(msgspec.structs.replace(_SETTINGS, **changed), resolve=service.resolve, connect=service.connect)


async def _examine(court: Court, asking: Asking, *views: PostView) -> None:
    examiner = Examiner(_Unsure, None, asking)
    for view in views:
        await examiner.examine_created(court.database, PostCreated(
            post_id=view.post.id, account_id=view.post.author.id, visibility=view.post.visibility, origin_id=view.post.author.id))


async def _ask(service: _Service, text: str = "Bude zle.", **changed: Any) -> Finding:
    access = ReaderAccess(url="http://models.example.org/v1/", model="judge-1", key="secret-key", **changed)
    return await ask_reader(access, text, resolve=service.resolve, connect=service.connect)


async def test_it_gets_the_rules_and_one_text_and_its_answer_is_a_finding_that_never_hides(service: _Service) -> None:
    finding = await _ask(service)
    assert (finding.score, finding.queue, finding.hide, finding.reasons) == (0.9, True, False, ("Vyhrožuje.",))
    assert (finding.detector, finding.version) == ("reader", "judge-1")
    [(headers, body)] = service.requests
    assert headers["target"] == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer secret-key"
    assert (body["model"], body["temperature"], [one["role"] for one in body["messages"]]) == ("judge-1", 0, ["system", "user"])
    assert "Rule 2." in body["messages"][0]["content"]
    assert body["messages"][1]["content"] == "Bude zle."
    assert not (await _ask(service, "Bude teplo.")).queue
    await _ask(service, "a" * 50_000)
    assert len(service.texts[-1]) == 6000


@pytest.mark.parametrize("content", [
    "ne", "{}", '{"probability": 7}', '{"probability": "high"}', '{"probability": -1, "why": ""}', '{"why": "x"}',
])
async def test_an_answer_of_another_form_is_a_failure(service: _Service, content: str) -> None:
    service.content = content
    with pytest.raises(ReaderFailed):
        await _ask(service)


async def test_a_service_that_refuses_is_silent_or_slow_is_a_failure(service: _Service) -> None:
    service.status = 429
    with pytest.raises(ReaderFailed, match="429"):
        await _ask(service)
    service.gate.clear()
    with pytest.raises(ReaderFailed):
        await _ask(service, seconds=0.05)
    service.port = 1
    with pytest.raises(ReaderFailed):
        await _ask(service)


async def test_only_open_public_posts_are_sent_and_a_breach_becomes_a_case(court: Court, service: _Service) -> None:
    write = court.village.write
    bad = await write("author", "Bude zle, uvidíš.")
    asking = _asking(service)
    await _examine(
        court, asking, bad, await write("author", "Bude teplo."), await write("author", "To je jistě dobře a bude zle."),
        await write("author", "jen pro sledující, bude zle", visibility=Visibility.FOLLOWERS),
        await write("author", "@reader bude zle", visibility=Visibility.DIRECT),
    )
    assert await asking.ask_waiting(court.database) == 2
    assert set(service.texts) == {"Bude zle, uvidíš.", "Bude teplo."}
    (case,) = await court.queue()
    assert (case.subject_id, case.probability) == (bad.post.id, pytest.approx(0.9))
    assert await court.sees("reader", bad)  # nothing is hidden
    assert await asking.ask_waiting(court.database) == 0  # each is asked about once
    page = (await (await court.village.by_browser("moderator")).get(f"/moderate/cases/{case.id}")).text
    assert "A language model that knows the rules" in page
    assert "Vyhrožuje." in page


async def test_a_text_that_was_edited_is_asked_about_as_it_stands(court: Court, service: _Service) -> None:
    view = await court.village.write("author", "Bude zle.")
    asking = _asking(service)
    await _examine(court, asking, view)
    author = court.village.people["author"]
    async with court.database.write() as tx:
        await edit_post(tx, author, view.post.id, PostDraft(text="Bude teplo."), LIMITS)
    assert await asking.ask_waiting(court.database) == 1  # the first version is not sent
    assert service.texts == []
    await Examiner(_Unsure, None, asking).examine_edited(court.database, PostEdited(post_id=view.post.id, account_id=author.id))
    assert await asking.ask_waiting(court.database) == 1
    assert service.texts == ["Bude teplo."]


async def test_it_is_asked_a_few_at_a_time_and_not_more_than_a_day_allows(court: Court, service: _Service) -> None:
    asking = _asking(service, reader_at_once=2)
    await _examine(court, asking, *[await court.village.write("author", f"Bude zima {number}.") for number in range(9)])
    assert await asking.ask_waiting(court.database) == 6
    assert service.most_at_once <= 2
    assert await asking.ask_waiting(court.database) == 0
    assert len(service.requests) == 6


async def test_a_flood_of_the_same_words_is_asked_about_once_and_each_post_gets_its_case(court: Court, service: _Service) -> None:
    asking = _asking(service, reader_at_once=1, reader_posts_a_day=3)
    await _examine(court, asking, *[await court.village.write("author", "Bude zle, uvidíte.") for _ in range(5)])
    assert await asking.ask_waiting(court.database) == 5
    assert service.texts == ["Bude zle, uvidíte."]
    assert len(await court.queue()) == 5
    await _examine(court, asking, await court.village.write("author", "Bude zima."), await court.village.write("author", "Bude mráz."))
    assert await asking.ask_waiting(court.database) == 2  # the flood has cost one request of the day
    assert len(service.texts) == 3


async def test_a_failure_is_tried_again_later_and_three_times_at_most(court: Court, service: _Service) -> None:
    asking = _asking(service, reader_posts_a_day=100)
    await _examine(court, asking, await court.village.write("author", "Bude zle."))
    service.status = 500
    now = clock.now()
    for attempt in range(4):
        async with court.database.write() as tx:
            await tx.execute("UPDATE reader_requests SET asked_at = asked_at - interval '11 minutes'")
        assert await asking.ask_waiting(court.database) == 0
        assert await asking.ask_waiting(court.database) == 0  # not at once
        assert len(service.requests) == min(attempt + 1, 3)
    assert clock.now() >= now
    assert not await court.queue()
    service.status = 200
    for seconds in (30, 90):  # after the first failure
        await _examine(court, asking, await court.village.write("author", f"Bude teplo, {seconds}."))
        with clock.stopped_at(now + timedelta(seconds=seconds)):
            assert await asking.ask_waiting(court.database) == 1
    async with court.database.read() as conn:
        assert not await conn.fetch("SELECT FROM detector_pauses"), "half a minute is no pause"


async def test_a_reader_that_was_away_for_minutes_is_a_pause(court: Court, service: _Service) -> None:
    asking = _asking(service)
    now = clock.now()
    for minutes, status in ((0, 503), (2, 503), (4, 200)):
        await _examine(court, asking, await court.village.write("author", f"Bude teplo, {minutes}."))
        service.status = status
        with clock.stopped_at(now + timedelta(minutes=minutes)):
            await asking.ask_waiting(court.database)
    async with court.database.read() as conn:
        [row] = await conn.fetch("SELECT part, why, ended_at - began_at AS length FROM detector_pauses")
    assert (row["part"], row["why"], row["length"]) == ("reader", "failing", timedelta(minutes=4))


async def test_a_reader_that_hangs_does_not_delay_the_detector(court: Court, service: _Service) -> None:
    asking = _asking(service)
    await _examine(court, asking, await court.village.write("author", "Bude zle."))
    service.gate.clear()
    waiting = asyncio.create_task(asking.ask_waiting(court.database))
    while not service.requests:
        await asyncio.sleep(0.01)
    for number in range(20):
        await _examine(court, asking, await court.village.write("author", f"Bude zima {number}."))
    assert not waiting.done()
    service.gate.set()
    assert await waiting >= 1


async def test_without_a_reader_nothing_is_noted(court: Court, service: _Service) -> None:
    asking = _asking(service, reader_url="")
    await _examine(court, asking, await court.village.write("author", "Bude zle."))
    assert await asking.ask_waiting(court.database) == 0
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM reader_requests") == 0


async def test_a_reader_is_measured_like_a_juror(service: _Service) -> None:
    rows = [Example(str(at), text, "cs", threat, "dev", "ours", str(at), {}) for at, (text, threat) in enumerate([
        ("Bude zle, ty.", 1), ("Přijdu a bude zle.", 1), ("Zítra tě najdu a zabiju.", 1), ("Dobrý den.", 0), ("Je mi zle.", 0),
    ])]
    access = ReaderAccess(url="http://models.example.org/v1", model="judge-2")
    judged = await judge(access, Detector.load(), rows, resolve=service.resolve, connect=service.connect)
    assert (judged.reader.file, judged.reader.rows, judged.failed) == ("judge-2", 5, 0)
    assert judged.agreement == 0.6  # it misses „zabiju“, and takes an illness for a threat
    assert (judged.reader.queue_found, judged.reader.queue_wrong) == (0.6667, 0.5)
    assert judged.detector.queue_wrong == 0.0
    service.status = 503
    with pytest.raises(Unavailable):
        await judge(access, Detector.load(), rows, resolve=service.resolve, connect=service.connect)
