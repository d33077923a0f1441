"""Who is answered while a process has more to do than it can: classes do not take each other's places, and nothing is lost by waiting."""

import asyncio
from collections.abc import Iterator

import pytest

from folkmoot import app
from folkmoot.http import overload
from folkmoot.http.overload import Bounds, Line, Overload, Place
from folkmoot.network.sessions.actions import forget_viewer
from folkmoot.network.sessions.model import Role
from tests.api.streaming import Socket
from tests.village import Village, Visitor

SHORT = Bounds(in_work=2, in_line=4, seconds=0.05)
PUBLIC, READ = "/api/v1/timelines/public", "/api/v1/notifications"


@pytest.fixture
def lines(village: Village, monkeypatch: pytest.MonkeyPatch) -> dict[str, Line]:
    """The lines of a front with two places in each."""
    monkeypatch.setattr(overload, "BOUNDS", dict.fromkeys(overload.BOUNDS, SHORT))
    monkeypatch.setattr(overload, "WRITE_SECONDS", SHORT.seconds)
    village.front = app.create_front(village.settings, village.database)
    lines: dict[str, Line] = village.front._overload._lines
    return lines


def _fill(line: Line) -> Iterator[Place]:
    while place := line.take():
        yield place


async def test_a_flood_of_strangers_leaves_members_and_staff_their_places(village: Village, lines: dict[str, Line]) -> None:
    await village.settle("jana")
    await village.settle("marta", role=Role.MODERATOR)
    jana, marta, browser = await village.by_app("jana"), await village.by_app("marta"), await village.by_browser("jana")
    forger, nobody = Visitor(village.front, token="forged"), village.nobody()
    for visitor in (jana, marta, browser):
        assert (await visitor.get(READ if visitor is not browser else "/notifications")).status == 200  # and is known from now on
    assert (await forger.get(PUBLIC)).status == 401
    taken = [*_fill(lines["visitors"]), *_fill(lines["unknown"])]
    assert len(taken) == 4
    village.database.statements = 0
    refused = [await nobody.get(PUBLIC), await forger.get(PUBLIC), await nobody.post("/api/v1/apps", {"client_name": "x"})]
    for answer in refused:
        assert answer.status == 503
        assert "more to do" in answer.json["error"]
        assert 2 <= int(answer.headers["retry-after"]) <= 10
        assert answer.headers["access-control-allow-origin"] == "*"
    socket = Socket(village, None)
    await socket.ends()
    assert (socket.status, village.database.statements) == (503, 0)
    for path in ("/readyz", "/metrics", "/livez", village.front._pages.static.url("style.css")):
        assert (await nobody.get(path)).status in (200, 503 if path == "/readyz" else 200), path
    assert b'folkmoot_requests_refused_total{sender="visitors"}' in (await nobody.get("/metrics")).body
    assert (await nobody.send("OPTIONS", PUBLIC)).status == 204
    assert (await jana.get(READ)).status == 200
    assert (await jana.post("/api/v1/statuses", {"status": "Kašna teče."})).status == 200
    assert (await browser.get("/notifications")).status == 200
    taken += [*_fill(lines["members"]), *_fill(lines["writes"])]
    assert (await jana.get(READ)).status == 503
    assert (await jana.post("/api/v1/statuses", {"status": "Kašna teče dál."})).status == 503
    assert [(await marta.get(READ)).status, (await marta.post("/api/v1/statuses", {"status": "Ano."})).status] == [200, 200]
    for place in taken:
        place.give_back()
    assert (await nobody.get(PUBLIC)).status == 200


async def test_people_get_a_kind_page_that_costs_no_statement(village: Village, lines: dict[str, Line]) -> None:
    assert len(list(_fill(lines["visitors"]))) == 2
    nobody = village.nobody()
    await nobody.get("/explore")  # reads which networks are shut out
    village.database.statements = 0
    czech, english = await nobody.get("/explore", accept_language="cs"), await nobody.get("/explore", accept_language="en")
    for answer, words in ((czech, "Je tu teď plno"), (english, "There is a crowd here right now")):
        assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
        assert words in answer.text
        assert "style-src 'self'" in answer.headers["content-security-policy"]
        assert 2 <= int(answer.headers["retry-after"]) <= 10
    sent = await nobody.post("/log_in", {"name": "jana"}, accept_language="cs")
    assert "k nám nedorazilo" in sent.text
    assert "k nám nedorazilo" not in czech.text
    part = await nobody.get("/explore", x_folkmoot_part="1", accept_language="cs")
    assert part.text == "Je toho tu teď víc, než stíháme. Zkuste to prosím za chvilku znovu."
    assert village.database.statements == 0


async def test_who_waits_gets_a_place_in_turn_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(Bounds(in_work=1, in_line=8, seconds=5))
    first = line.take()
    assert first
    assert not line.take()
    waiting = [asyncio.create_task(line.wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    first.give_back()
    first.give_back()  # has no effect
    second = await waiting[1]
    assert second
    assert not waiting[2].done()
    greedy = [asyncio.create_task(line.wait("one")) for _ in range(3)]
    await asyncio.sleep(0)
    assert [task.done() for task in greedy] == [False, False, True]  # one sender has a quarter of the line
    assert await greedy[2] is None
    monkeypatch.setattr(overload, "WORK_LOOKS", 2)  # what takes longer waits for something else, and counts no more
    monkeypatch.setattr(overload, "_LOOK_SECONDS", 0.01)
    assert await asyncio.gather(waiting[2], *greedy[:2])
    assert not line._waiting
    slow = await line.wait("another")
    assert slow
    monkeypatch.setattr(overload, "WORK_LOOKS", 10_000)
    body = asyncio.create_task(slow.noting({"method": "POST"}, asyncio.Event().wait)())  # never arrives
    assert await line.wait("another")
    body.cancel()


async def test_during_a_hold_or_a_restart_nobody_is_refused(village: Village, lines: dict[str, Line]) -> None:
    assert len(list(_fill(lines["visitors"]))) == 2
    is_interrupted = True
    front_overload: Overload = village.front._overload
    front_overload._is_interrupted = lambda: is_interrupted
    assert (await village.nobody().get(PUBLIC)).status == 200
    is_interrupted = False
    assert (await village.nobody().get(PUBLIC)).status == 503


async def test_an_ended_or_suspended_log_in_is_not_known_any_more(village: Village, lines: dict[str, Line]) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    await jana.get(READ)
    known = village.front._overload._viewers.find_known(jana._token)
    assert known
    assert (known.account_id, known.is_staff) == (village.people["jana"].id, False)
    async with village.database.write() as tx:
        await tx.execute("DELETE FROM tokens")
        forget_viewer(tx, village.people["jana"].id)
    assert (await jana.get(READ)).status == 401
    assert village.front._overload._viewers.find_known(jana._token) is None
