"""Wrong passwords slow the address that they come from, and nobody else; mails likewise."""

import re

import msgspec
import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import TooMany, Unauthorized
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.actions import log_in
from folkmoot.network.sessions.known_browsers import KnownBrowser
from folkmoot.network.sessions.password_change import ask_for_reset
from folkmoot.network.sessions.passwords import hash_password
from tests.village import Village, Visitor, settle
from tests.web.test_pages import form_token

PASSWORD = "tri hrusky dve svestky"
SECRET = b"a secret of the tests"


async def _tries(db: Database, name: str, address: str, times: int) -> str:
    """How the last of so many wrong passwords is answered."""
    answer = ""
    for _ in range(times):
        try:
            await log_in(db, name, "spatne heslo", address=address)
        except (Unauthorized, TooMany) as problem:
            answer = problem.code
    return answer


async def _jana(db: Database) -> int:
    account = await settle(db, "jana")
    async with db.write() as tx:
        await queries.update_password(tx, account.id, await hash_password(PASSWORD))
    return account.id


async def test_an_address_that_tries_passwords_is_slowed_and_others_are_not(db: Database) -> None:
    account_id = await _jana(db)
    assert await _tries(db, "jana", "192.0.2.1", 25) == "unauthorized"
    assert await _tries(db, "jana", "192.0.2.1", 1) == "too_many"
    with pytest.raises(TooMany) as refused:
        await log_in(db, "jana", PASSWORD, address="192.0.2.1")
    assert "%(minutes)d" in refused.value.message
    assert 1 <= refused.value.params["minutes"] <= 60
    for address in ("192.0.2.2", "2001:db8::1"):
        assert (await log_in(db, "jana@example.org", PASSWORD, address=address))[1].account_id == account_id


async def test_both_names_of_an_account_share_the_tries_of_an_address(db: Database) -> None:
    await _jana(db)
    assert await _tries(db, "jana", "192.0.2.1", 13) == "unauthorized"
    assert await _tries(db, "Jana@Example.org", "192.0.2.1", 13) == "too_many"


async def test_addresses_of_one_ipv6_network_are_one(db: Database) -> None:
    await _jana(db)
    for number in range(25):
        await _tries(db, "jana", f"2001:db8::{number + 1:x}", 1)
    assert await _tries(db, "jana", "2001:db8::ffff", 1) == "too_many"
    assert await _tries(db, "jana", "2001:db8:0:1::1", 1) == "unauthorized"


async def test_under_attack_from_many_addresses_a_known_browser_is_let_in(db: Database) -> None:
    account_id = await _jana(db)
    for number in range(101):
        await _tries(db, "jana", f"198.51.100.{number}", 1)
    with pytest.raises(TooMany, match="used here before"):
        await log_in(db, "jana", PASSWORD, address="192.0.2.9")
    known = KnownBrowser(SECRET, KnownBrowser(SECRET, "").with_mark(account_id))
    assert (await log_in(db, "jana", PASSWORD, address="192.0.2.9", browser=known))[1].account_id == account_id
    of_another = KnownBrowser(SECRET, KnownBrowser(SECRET, "").with_mark(account_id + 1))
    forged = KnownBrowser(SECRET, KnownBrowser(b"another secret", "").with_mark(account_id))
    for browser in (of_another, forged, KnownBrowser(SECRET, "~.~x.y~" * 20)):
        with pytest.raises(TooMany):
            await log_in(db, "jana", PASSWORD, address="192.0.2.9", browser=browser)


async def test_a_known_browser_has_few_tries_too(db: Database) -> None:
    account_id = await _jana(db)
    known = KnownBrowser(SECRET, KnownBrowser(SECRET, "").with_mark(account_id))
    for number in range(25):
        with pytest.raises(Unauthorized):
            await log_in(db, "jana", "spatne heslo", address=f"198.51.100.{number}", browser=known)
    with pytest.raises(TooMany):
        await log_in(db, "jana", "spatne heslo", address="198.51.100.99", browser=known)


def test_a_browser_keeps_the_marks_of_several_accounts_and_names_none() -> None:
    cookie = ""
    for account_id in range(10**15, 10**15 + 8):
        cookie = KnownBrowser(SECRET, cookie).with_mark(account_id)
    browser = KnownBrowser(SECRET, cookie)
    assert [bool(browser.mark_of(10**15 + number)) for number in range(8)] == [False, False, *[True] * 6]
    assert browser.with_mark(10**15 + 7) == cookie
    assert str(10**15)[:12] not in cookie
    assert len(cookie) < 500


async def test_one_address_cannot_use_up_the_mails_to_a_mailbox(db: Database) -> None:
    for _ in range(3):
        await ask_for_reset(db, "jana@example.org", "http://localhost", address="192.0.2.1")
    with pytest.raises(TooMany):
        await ask_for_reset(db, "Jana@Example.org ", "http://localhost", address="192.0.2.1")
    await ask_for_reset(db, "jana@example.org", "http://localhost", address="192.0.2.2")
    with pytest.raises(TooMany):  # but all addresses together cannot flood it
        for number in range(20):
            await ask_for_reset(db, "jana@example.org", "http://localhost", address=f"198.51.100.{number}")


async def _page_answer(visitor: Visitor, password: str) -> tuple[int, str]:
    token = form_token((await visitor.get("/log_in")).text)
    answer = await visitor.post("/log_in", {"form_token": token, "name": "jana", "password": password})
    return answer.status, answer.text


async def test_the_page_says_how_long_to_wait_and_knows_the_browser_again(db: Database, village: Village) -> None:
    await village.settle("jana")
    async with db.write() as tx:
        await queries.update_password(tx, village.people["jana"].id, await hash_password(PASSWORD))
    limits = msgspec.structs.replace(village.settings.limits, multiplier=0.04)  # one try
    strict = Village(db, msgspec.structs.replace(village.settings, limits=limits))
    mine, theirs = strict.nobody(), strict.nobody()
    mine.address, theirs.address = "192.0.2.1", "192.0.2.66"
    assert (await _page_answer(mine, PASSWORD))[0] == 303
    assert "folkmoot_known" in mine.cookies
    del mine.cookies["folkmoot"]
    assert (await _page_answer(theirs, "spatne heslo"))[0] == 422
    status, text = await _page_answer(theirs, PASSWORD)
    assert status == 429
    assert re.search(r"There have been too many attempts from your connection. Please try again in \d+ minutes?\.", text)
    assert (await _page_answer(mine, PASSWORD))[0] == 303
