"""Signing up where operators approve: who hears of it, letting in and refusing, and what the applicant sees meanwhile."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound
from folkmoot.config import Mail
from folkmoot.network.sessions.approval import announce_sign_ups, approve_sign_up, refuse_sign_up
from folkmoot.network.sessions.model import Role
from tests.dump import dump
from tests.village import Answer, Village, Visitor, settings_for
from tests.web.test_pages import send

FORM = {"username": "nova", "email": "nova@example.org", "password": "tri hrusky dve svestky", "agrees": "true", "reason": "Znám Janu."}


@pytest.fixture
async def approving(db: Database, dsn: str, tmp_path: Path) -> Village:
    """A network whose operators approve new members."""
    village = Village(db, settings_for(tmp_path, dsn, registration="approval"))
    await village.settle("jana", "petr", role=Role.OPERATOR)
    await village.settle("karel")
    return village


async def _sign_up(village: Village, **changes: str) -> Visitor:
    browser = village.nobody()
    answer = await send(browser, "/sign_up", "/sign_up", **{**FORM, **changes})
    assert (answer.status, "folkmoot" in browser.cookies) == (200, False)
    assert "reads what you wrote" in answer.text
    return browser


async def _log_in(village: Village) -> tuple[Visitor, Answer]:
    browser = village.nobody()
    return browser, await send(browser, "/log_in", "/log_in", name="nova", password=FORM["password"])


def _mails(village: Village) -> list[str]:
    files = sorted(village.settings.data.glob("outbox/*.eml"))
    return [file.name.rpartition("-")[2].removesuffix(".eml") + " " + re.search(r"To: (\S+)", file.read_text())[1] for file in files]  # type: ignore[index]


async def test_an_operator_lets_somebody_in(approving: Village) -> None:
    await _sign_up(approving)
    await approving.work()
    operator = await approving.by_browser("jana")
    assert "/moderate/sign_ups" in (await operator.get("/notifications")).text.partition("<main")[2].partition("</main>")[0]
    page = (await operator.get("/moderate/sign_ups")).text
    assert "Znám Janu." in page
    approve = re.search(r"/moderate/sign_ups/\d+/approve", page)
    assert approve
    assert (await send(operator, "/moderate/sign_ups", approve[0])).headers["location"] == "/moderate/sign_ups?in=nova"
    assert (await send(operator, "/moderate/sign_ups", approve[0])).headers["location"] == "/moderate/sign_ups?gone=1"
    assert "Znám Janu." not in (await operator.get("/moderate/sign_ups")).text
    await approving.work()
    assert "/moderate/sign_ups" not in (await operator.get("/notifications")).text.partition("<main")[2].partition("</main>")[0]
    assert _mails(approving) == ["approved nova@example.org"]
    browser, answer = await _log_in(approving)
    assert (answer.status, "folkmoot" in browser.cookies) == (303, True)


async def test_a_refused_sign_up_gets_a_word_and_is_deleted(approving: Village) -> None:
    await _sign_up(approving)
    await approving.work()
    operator = await approving.by_browser("jana")
    refuse = re.search(r"/moderate/sign_ups/\d+/refuse", (await operator.get("/moderate/sign_ups")).text)
    assert refuse
    long = await send(operator, "/moderate/sign_ups", refuse[0], word="x" * 501)
    assert (long.status, "x" * 501 in long.text) == (422, True)
    assert (await send(operator, "/moderate/sign_ups", refuse[0], word="Příště snad.")).headers["location"] == "/moderate/sign_ups?out=nova"
    await approving.work()
    [mail] = approving.settings.data.glob("outbox/*-refused.eml")
    assert "P=C5=99=C3=AD=C5=A1t=C4=9B" in mail.read_text() or "Příště" in mail.read_text()
    rows = [row for rows in (await dump(approving.database)).values() for row in rows]
    assert [row for row in rows if "nova" in row or "Znám Janu" in row] == []
    await _sign_up(approving)  # the name is free again


@pytest.mark.parametrize("name", ["karel", None])
async def test_only_operators_see_who_waits(approving: Village, name: str | None) -> None:
    await _sign_up(approving)
    visitor = await approving.by_browser(name) if name else approving.nobody()
    answer = await visitor.get("/moderate/sign_ups")
    assert answer.status == (404 if name else 303)


async def test_operators_get_one_mail_for_all_who_wait(approving: Village) -> None:
    for name in ("nova", "druha", "treti"):
        await _sign_up(approving, username=name, email=f"{name}@example.org")
    for _ in range(2):
        await announce_sign_ups(approving.database)
        await approving.work()
        assert sorted(_mails(approving)) == ["sign_ups jana@example.org", "sign_ups petr@example.org"]
    async with approving.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM notifications WHERE kind = 'sign_up'") == 2


async def test_the_applicant_sees_where_they_stand_and_can_withdraw(approving: Village) -> None:
    await _sign_up(approving)
    browser, answer = await _log_in(approving)
    assert "folkmoot" not in browser.cookies
    assert "reads what you wrote" in answer.text
    ticket = re.search(r'name="ticket" value="([^"]+)"', answer.text)
    assert ticket
    forged = f"{int(ticket[1].partition(':')[0]) + 1}:{ticket[1].partition(':')[2]}"
    for sent, status in ((forged, 404), (ticket[1], 200), (ticket[1], 404)):
        assert (await send(browser, "/log_in", "/waiting/withdraw", ticket=sent)).status == status
    assert (await _log_in(approving))[1].status == 422


@pytest.mark.parametrize("decide", [approve_sign_up, refuse_sign_up])
async def test_nobody_decides_about_members(approving: Village, decide: Callable[..., Awaitable[object]]) -> None:
    with pytest.raises(NotFound):
        async with approving.database.write() as tx:
            await decide(tx, approving.people["karel"].id)


async def test_operators_hear_of_confirmed_sign_ups_only(db: Database, dsn: str, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(settings_for(tmp_path, dsn, registration="approval"), mail=Mail(host="mail.example.org"))
    village = Village(db, settings)
    await village.settle("jana", role=Role.OPERATOR)
    browser = await _sign_up(village)
    operator = await village.by_browser("jana")
    assert "Znám Janu." not in (await operator.get("/moderate/sign_ups")).text
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events WHERE kind = 'sign_up.waiting'") == 0
        payload = (await conn.fetchval("SELECT payload FROM jobs WHERE name = 'sessions.send_mail'")).decode()
    link = re.search(r"/confirm/[\w-]+", payload)
    assert link
    await send(browser, link[0], link[0])
    async with db.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events WHERE kind = 'sign_up.waiting'") == 1
    assert "Znám Janu." in (await operator.get("/moderate/sign_ups")).text


async def test_the_client_api_says_that_approval_is_needed(approving: Village) -> None:
    instance = (await approving.nobody().get("/api/v2/instance")).json["registrations"]
    assert (instance["enabled"], instance["approval_required"], instance["reason_required"]) == (True, True, True)
    app = (await approving.nobody().post("/api/v1/apps", {
        "client_name": "Zvonek", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob", "scopes": "read write"})).json
    token = (await approving.nobody().post("/oauth/token", {
        "grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["client_secret"],
        "scope": "read write"})).json
    client = Visitor(approving.front, token=token["access_token"])
    form = {"username": "nova", "email": "nova@example.org", "password": FORM["password"], "agreement": "true", "locale": "cs"}
    missing = await client.post("/api/v1/accounts", form)
    assert (missing.status, missing.json["details"]["reason"][0]["error"]) == (422, "ERR_BLANK")
    made = await client.post("/api/v1/accounts", {**form, "reason": "Znám Janu."})
    nova = Visitor(approving.front, token=made.json["access_token"])
    waits = await nova.get("/api/v1/accounts/verify_credentials")
    assert (waits.status, waits.json) == (403, {"error": "Your login is currently pending approval."})
    async with approving.database.write() as tx:
        await approve_sign_up(tx, await tx.fetchval("SELECT id FROM accounts WHERE username = 'nova'"))
    assert (await nova.get("/api/v1/accounts/verify_credentials")).json["username"] == "nova"
