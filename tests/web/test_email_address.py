"""Changing one's e-mail address: the new one confirms, the old one can stop or undo it, and both need their own link."""

import re
from pathlib import Path

import msgspec
import pytest

from folkmoot.base.db import Database
from folkmoot.base.queue.queries import list_jobs
from folkmoot.config import Limits, Mail
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.passwords import hash_password
from tests.village import Answer, Village, Visitor, settings_for
from tests.web.test_pages import send

PASSWORD = "tri hrusky ve stodole"
OLD, NEW = "jana@example.org", "jana.nova@example.org"


@pytest.fixture
async def mailing(db: Database, dsn: str, tmp_path: Path) -> Village:
    """A network that sends mail, so that addresses are confirmed."""
    village = Village(db, msgspec.structs.replace(settings_for(tmp_path, dsn), mail=Mail(host="mail.example.org")))
    await _settle(village)
    return village


async def _settle(village: Village) -> None:
    await village.settle("jana", "karel")
    async with village.database.write() as tx:
        await queries.update_password(tx, village.people["jana"].id, await hash_password(PASSWORD))


async def _ask(browser: Visitor, email: str = NEW, password: str = PASSWORD) -> Answer:
    return await send(browser, "/settings/email", "/settings/email", email=email, password=password)


async def _links(village: Village) -> dict[str, str]:
    """The newest link that was mailed to each address."""
    async with village.database.read() as conn:
        jobs = sorted(await list_jobs(conn, name="sessions.send_mail"), key=lambda job: job.id)
    mails = [msgspec.json.decode(job.payload) for job in jobs]
    return {mail["to"]: mail["link"] for mail in mails}


async def _email(village: Village) -> str:
    async with village.database.read() as conn:
        return (await queries.get_login(conn, village.people["jana"].id)).email


async def test_the_new_address_counts_once_its_link_is_opened(mailing: Village) -> None:
    browser = await mailing.by_browser("jana")
    answer = await _ask(browser)
    assert (answer.status, NEW in answer.text) == (200, True)
    assert await _email(mailing) == OLD
    links = await _links(mailing)
    assert links.keys() == {OLD, NEW}
    nobody = mailing.nobody()
    assert (await send(nobody, links[NEW], links[OLD].replace("keep", "change"))).status == 422  # the link of the old address
    assert await _email(mailing) == OLD
    assert (await send(nobody, links[NEW], links[NEW])).status == 303
    assert await _email(mailing) == NEW
    assert (await send(nobody, links[NEW], links[NEW])).status == 422
    assert (await browser.get("/settings")).status == 200


@pytest.mark.parametrize(("email", "password"), [
    ("karel@example.org", PASSWORD), (OLD, PASSWORD), ("nikam", PASSWORD), ("", PASSWORD), (NEW, "spatne heslo"), (NEW, ""),
])
async def test_a_refused_change_sends_no_mail(mailing: Village, email: str, password: str) -> None:
    answer = await _ask(await mailing.by_browser("jana"), email, password)
    assert (answer.status, await _links(mailing)) == (422, {})


async def test_the_old_address_stops_the_change(mailing: Village) -> None:
    browser = await mailing.by_browser("jana")
    await _ask(browser)
    links = await _links(mailing)
    assert (await send(mailing.nobody(), links[OLD], links[OLD])).status == 200
    assert (await send(mailing.nobody(), links[NEW], links[NEW])).status == 422
    assert await _email(mailing) == OLD
    assert (await browser.get("/settings")).status == 200


async def test_the_old_address_undoes_the_change_for_a_week(mailing: Village) -> None:
    """A thief who knows the password changes the address twice; the first address takes the account back."""
    thief, app = await mailing.by_browser("jana"), await mailing.by_app("jana")
    await _ask(thief)
    first = await _links(mailing)
    await send(thief, first[NEW], first[NEW])
    await _ask(thief, "zlodej@example.org")
    second = await _links(mailing)
    await send(thief, second["zlodej@example.org"], second["zlodej@example.org"])
    assert await _email(mailing) == "zlodej@example.org"
    owner = mailing.nobody()
    assert "old address is back" in (await send(owner, first[OLD], first[OLD])).text
    assert await _email(mailing) == OLD
    assert (await thief.get("/settings")).status == 303
    assert (await app.get("/api/v1/accounts/verify_credentials")).status == 401
    assert (await send(mailing.nobody(), "/log_in", "/log_in", name="jana", password=PASSWORD)).status == 422
    assert (await send(mailing.nobody(), second[NEW], second[NEW])).status == 422  # the thief's link to undo it
    reset = (await _links(mailing))[OLD]
    assert re.match(r"/reset/", reset)
    assert (await send(owner, reset, reset, password="nove heslo pro janu")).headers["location"] == "/log_in?reset=1"


async def test_links_to_set_a_password_end_with_the_old_address(mailing: Village) -> None:
    async with mailing.database.write() as tx:
        await queries.insert_one_time_code(tx, b"code", "reset_password", mailing.people["jana"].id, OLD, 3600)
    browser = await mailing.by_browser("jana")
    await _ask(browser)
    link = (await _links(mailing))[NEW]
    await send(browser, link, link)
    async with mailing.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM one_time_codes WHERE kind = 'reset_password'") == 0


async def test_an_address_that_was_taken_meanwhile_is_refused(mailing: Village) -> None:
    browser = await mailing.by_browser("jana")
    await _ask(browser)
    link = (await _links(mailing))[NEW]
    async with mailing.database.write() as tx:
        await queries.update_email(tx, mailing.people["karel"].id, NEW, NEW)
    assert (await send(browser, link, link)).status == 422
    assert await _email(mailing) == OLD


async def test_without_mail_the_address_changes_at_once(village: Village) -> None:
    await _settle(village)
    answer = await _ask(await village.by_browser("jana"))
    assert answer.headers["location"] == "/settings/email?saved=1"
    assert await _email(village) == NEW


async def test_a_member_can_have_few_mails_sent_a_day(db: Database, dsn: str, tmp_path: Path) -> None:
    """To whatever addresses: an account must not be a way to send mails to many people."""
    settings = msgspec.structs.replace(settings_for(tmp_path, dsn), mail=Mail(host="mail.example.org"), limits=Limits(multiplier=1.0))
    village = Village(db, settings)
    await _settle(village)
    browser = await village.by_browser("jana")
    for number in range(3):
        assert (await _ask(browser, f"jana{number}@example.org")).status == 200
    answer = await _ask(browser, "jana3@example.org")
    assert (answer.status, "jana3@example.org" in answer.text) == (429, True)
    assert "jana3@example.org" not in await _links(village)
