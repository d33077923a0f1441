"""Translations: a real HTTP server that speaks the protocol of LibreTranslate, and what may never reach it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpcore
import msgspec
import pytest

from folkmoot import app
from folkmoot.config import TranslationSettings
from folkmoot.http.context import Context
from folkmoot.network.translations.actions import Translations
from folkmoot.network.translations.service import Service
from tests.base.test_http_client import PUBLIC, SeenAsPublic
from tests.village import Village

LANGUAGES = "/api/v1/instance/translation_languages"
_SETTINGS = TranslationSettings(url="http://translate.example.org", key="secret key", seconds=2)


@dataclass
class _Server:
    """Turns words around. `said`: another answer for all translations."""

    port: int = 0
    status: int = 200
    said: Any = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        if head[0].startswith("GET /languages "):
            found: Any = [{"code": "cs", "name": "Czech", "targets": ["cs", "en"]}, {"code": "en", "name": "English", "targets": ["cs"]}]
        else:
            length = next(int(line.partition(":")[2]) for line in head if line.lower().startswith("content-length"))
            body = json.loads(await reader.readexactly(length))
            self.asked.append(body)
            found = self.said or {"translatedText": [f"<b>{body['target']}</b> {text[::-1]}" for text in body["q"]]}
        content = json.dumps(found).encode()
        writer.write(f"HTTP/1.1 {self.status} Done\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()

    async def resolve(self, _host: str, _port: int) -> list[str]:
        return [PUBLIC]

    async def connect(self, _address: str, _port: int) -> httpcore.AsyncNetworkStream:
        return SeenAsPublic(await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port))  # type: ignore[return-value]


@pytest.fixture
async def server(village: Village, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Server]:
    served = _Server()
    listening = await asyncio.start_server(served.answer, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    make = Context.make

    def with_service(*arguments: Any, **options: Any) -> Context:
        context = make(*arguments, **options)
        service = Service(_SETTINGS, resolve=served.resolve, connect=served.connect)
        return replace(context, translations=Translations(service, context.settings.base_url))

    monkeypatch.setattr(Context, "make", with_service)
    village.settings = msgspec.structs.replace(village.settings, translation=_SETTINGS)
    village.front = app.create_front(village.settings, village.database)
    yield served
    listening.close()


async def test_a_public_post_is_translated_once_per_version(village: Village, server: _Server) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    instance = (await karel.get("/api/v2/instance")).json["configuration"]["translation"]
    assert instance == {"enabled": True}
    assert (await karel.get(LANGUAGES)).json == {"cs": ["en"], "en": ["cs"]}
    posted = (await jana.post("/api/v1/statuses", {
        "status": "voda", "language": "cs", "spoiler_text": "pozor", "poll[options][]": ["ano", "ne"], "poll[expires_in]": 600})).json
    one = f"/api/v1/statuses/{posted['id']}/translate"
    for _ in range(2):
        found = await karel.post(one, {"lang": "en-GB"})
        assert found.status == 200, found.text
    assert found.json == {
        "content": "<p>&lt;b&gt;en&lt;/b&gt; adov</p>", "spoiler_text": "<b>en</b> rozop", "language": "en",
        "detected_source_language": "cs",
        "poll": {"id": posted["poll"]["id"], "options": [{"title": "<b>en</b> ona"}, {"title": "<b>en</b> en"}]},
        "media_attachments": [], "provider": "translate.example.org",
    }
    [asked] = server.asked
    assert asked == {"q": ["voda", "pozor", "ano", "ne"], "source": "cs", "target": "en", "format": "text", "api_key": "secret key"}
    await jana.send("PUT", f"/api/v1/statuses/{posted['id']}", {"status": "led", "language": "cs"})
    assert "del</p>" in (await karel.post(one)).json["content"]  # into the language of the member
    assert len(server.asked) == 2
    for wrong in ("cs", "fr", "x" * 35):
        assert (await karel.post(one, {"lang": wrong})).status == 404
    assert (await village.nobody().post(one)).status == 401
    reader = await village.by_browser("karel")
    assert f'href="/posts/{posted["id"]}/translation"' in (await reader.get(f"/@jana/{posted['id']}")).text
    page = await reader.get(f"/posts/{posted['id']}/translation")
    assert (page.status, "&lt;b&gt;en&lt;/b&gt; del" in page.text, "<b>en</b>" in page.text) == (200, True, False)
    assert len(server.asked) == 2


async def test_what_not_everybody_may_read_never_leaves(village: Village, server: _Server) -> None:
    await village.settle("jana", "karel")
    await village.follow("karel", "jana")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    for visibility, status in (("unlisted", 200), ("private", 403), ("direct", 403)):
        server.asked.clear()
        posted = (await jana.post("/api/v1/statuses", {"status": "@karel voda", "language": "cs", "visibility": visibility})).json
        assert (await karel.post(f"/api/v1/statuses/{posted['id']}/translate", {"lang": "en"})).status == status, visibility
        assert len(server.asked) == (1 if status == 200 else 0)
    own = (await jana.post("/api/v1/statuses", {"status": "@jana voda", "language": "cs", "visibility": "direct"})).json
    assert (await karel.post(f"/api/v1/statuses/{own['id']}/translate", {"lang": "en"})).status == 404
    assert not server.asked


async def test_a_service_that_answers_wrongly_is_unavailable(village: Village, server: _Server) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    posted = (await jana.post("/api/v1/statuses", {"status": "voda", "language": "cs"})).json
    one = f"/api/v1/statuses/{posted['id']}/translate"
    for said in ({"translatedText": []}, {"translatedText": ["a", "b"]}, {"translatedText": [7]}, {"error": "quota"}, ["x"],
                 {"translatedText": ["x" * 5000]}):
        server.said = said
        assert (await jana.post(one, {"lang": "en"})).status == 503, said
    server.said, server.status = None, 429
    assert (await jana.post(one, {"lang": "en"})).status == 503
    server.status = 200
    assert (await jana.post(one, {"lang": "en"})).status == 200


async def test_without_a_service_nothing_is_translated(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    posted = (await jana.post("/api/v1/statuses", {"status": "voda", "language": "cs"})).json
    assert (await jana.get("/api/v2/instance")).json["configuration"]["translation"] == {"enabled": False}
    assert (await jana.get(LANGUAGES)).json == {}
    assert (await jana.post(f"/api/v1/statuses/{posted['id']}/translate", {"lang": "en"})).status == 404
    assert "/translation" not in (await (await village.by_browser("jana")).get(f"/@jana/{posted['id']}")).text
