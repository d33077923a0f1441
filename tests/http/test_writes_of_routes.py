"""What every route writes: no read waits for a hold, and no request commits twice, so each can be sent to another host.

A request that has committed something that must not run twice, and is then refused by the gate, fails. So a request has
only one such transaction; others are declared as repeatable.
"""

import pytest

from folkmoot.api.routes import ROUTES as API_ROUTES
from folkmoot.base import write_gate
from folkmoot.http.routing import Route
from folkmoot.network.sessions.model import Role
from folkmoot.web.routes import ROUTES as WEB_ROUTES
from tests.api.test_accounts import picture
from tests.hostile.sample import Sample, build_sample
from tests.hostile.test_routes import _base, _path
from tests.village import Village, Visitor
from tests.web.test_pages import form_token

CLAIMS = "/moderate/"  # these pages claim a case, so they wait as other writes do


def _address(route: Route, sample: Sample) -> str:
    path = _path(route, sample)
    query = "&".join(f"{key}={value}" for key, value in _base(route, sample).items())
    return f"{path}?{query}" if query else path


@pytest.fixture
async def sample(village: Village) -> Sample:
    return await build_sample(village)


async def test_no_read_waits_for_a_hold(village: Village, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a read writes by the way does not wait at the gate."""
    browser, program = await village.by_browser("jana"), await village.by_app("jana", "read write follow push profile")
    begin, waiting, others, reads = write_gate.begin, set(), 0, 0

    def note(epoch: int, *, waits: bool = True, is_durable: bool = True) -> str:
        nonlocal others
        others += not waits
        if waits:
            waiting.add(route.path)
        return begin(epoch, waits=waits, is_durable=is_durable)

    monkeypatch.setattr(write_gate, "begin", note)
    for route in [*API_ROUTES, *WEB_ROUTES]:
        is_stream = route.path == "/live/home" or getattr(route, "media_type", "") == "text/event-stream"
        if route.method == "GET" and not is_stream and not route.path.startswith(CLAIMS):
            answer = await (program if route in API_ROUTES else browser).get(_address(route, sample))
            reads += answer.status < 400
    assert not waiting
    assert others > 2
    assert reads > 70


async def test_no_request_commits_twice(village: Village, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = 0

    def count() -> None:
        nonlocal commits
        commits += 1

    monkeypatch.setattr(write_gate, "note_commit", count)
    await village.settle("hana", role=Role.OPERATOR)
    await village.settle("karel") if "karel" not in village.people else None
    several, writing = set(), 0
    for route in [*API_ROUTES, *WEB_ROUTES]:
        if route.method == "GET":
            continue
        name = "hana" if route.path.startswith(CLAIMS) else "jana"
        visitor, proof = await _visitor(village, "api" if route in API_ROUTES else "pages", name)
        commits = 0
        await visitor.send(route.method, _path(route, sample), {**_base(route, sample), **proof})
        writing += commits > 0
        if commits > 1:
            several.add(f"{route.method} {route.path}")
    for door, method, path, file in (
        ("pages", "POST", "/posts", "file_1"), ("pages", "POST", "/settings/profile", "avatar"),
        ("api", "PATCH", "/api/v1/accounts/update_credentials", "avatar"), ("api", "POST", "/api/v2/media", "file"),
        ("api", "DELETE", "/api/v1/profile/avatar", ""),
    ):
        visitor, proof = await _visitor(village, door, "karel")
        commits = 0
        answer = await visitor.upload(path, file, picture(), method, text="s obrázkem", visibility="0", **proof) if file else (
            await visitor.send(method, path))
        assert answer.status < 400, (path, answer.text[:300])
        if commits > 1 or (commits == 0 and "media" not in path):
            several.add(f"{method} {path}")
    assert not several
    assert writing > 40


async def _visitor(village: Village, door: str, name: str) -> tuple[Visitor, dict[str, str]]:
    if door == "api":
        return await village.by_app(name, "read write follow push profile"), {}
    browser = await village.by_browser(name)
    return browser, {"form_token": form_token((await browser.get("/settings")).text)}
