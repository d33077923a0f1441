"""axe on the pages of operators: members, what is kept out, and rings of jurors, used with the keyboard."""

import secrets

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.juries.queries.rings import upsert_ring
from folkmoot.moderation.jury.model import About, Answer, Ring
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database, post
from tests.web.browsing import log_in, open_page
from tests.web.test_axe_moderation import _examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def test_axe_finds_nothing_on_the_pages_of_members_and_barriers(browser: Browser, running: NetworkUp) -> None:
    page = open_page(browser, running, locale="cs", viewport={"width": 390, "height": 900}, bypass_csp=True, reduced_motion="reduce")
    name = newcomer(running, "spravce", role=Role.OPERATOR)
    log_in(page, name)
    page.goto("/moderate/barriers")
    page.focus("#domain")
    page.keyboard.type("nic")
    page.keyboard.press("Enter")
    page.wait_for_selector(".is-wrong")
    _examine(page, "a refused barrier")
    assert page.input_value("#domain") == "nic"
    domain = f"a{secrets.token_hex(4)}.example"
    page.fill("#domain", domain)
    page.keyboard.press("Enter")
    page.wait_for_url("**/moderate/barriers?added=1")
    _examine(page, "the page of barriers")
    page.locator("li", has_text=domain).get_by_role("button").press("Enter")
    page.wait_for_url("**/moderate/barriers?ended=1")
    expect(page.get_by_text(domain)).to_have_count(0)
    page.goto(f"/moderate/members?name={name}")
    _examine(page, "the page of members")
    page.click("main .rows a")
    page.wait_for_url("**/moderate/members/*")
    _examine(page, "the page of one member")
    expect(page.get_by_text(f"{name}@example.org")).to_be_visible()
    _examine_a_ring(page, running)


def _examine_a_ring(page: Page, running: NetworkUp) -> None:
    """Two who follow each other and have answered alike."""
    one = newcomer(running, "smluvena")
    members = [one, newcomer(running, "smluveny", follows=[one], followed_by=[one])]
    ring_id = _arrange(running, members, post(running, newcomer(running, "franta"), "O tom se domluvili."))
    page.goto("/moderate/rings")
    _examine(page, "the page of rings")
    expect(page.get_by_text(one)).to_have_count(0)
    page.focus(f"form[action='/moderate/rings/{ring_id}'] button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/moderate/rings/{ring_id}")
    expect(page.get_by_role("columnheader", name=one)).to_be_visible()
    _examine(page, "an opened ring")
    expect(page.locator("td", has_text="porušení")).to_have_count(2)


def _arrange(running: NetworkUp, names: list[str], post_id: int) -> int:
    """Stores a ring whose members sat together in one case, which is withdrawn, so that no other test decides it."""
    async def arrange(database: Database) -> int:
        now, ring_id = clock.now(), ids.make_id(ids.draw_shard())
        async with database.write() as tx:
            rows = await tx.fetch("SELECT id FROM accounts WHERE username = ANY ($1::text[]) ORDER BY id", names)
            account_ids = [row["id"] for row in rows]
            case = await open_case(tx, Subject.POST, post_id, account_ids[0], current().clause("violence"))
            await tx.execute("UPDATE cases SET state = 'withdrawn', closed_at = $2 WHERE id = $1", case.id, now)
            await tx.execute("INSERT INTO juries (case_id, state, formed_at, closed_at) VALUES ($1, 'decided', $2, $2)", case.id, now)
            await tx.executemany(
                "INSERT INTO jury_seats (id, case_id, number, account_id, camp, state, drawn_at, until, answer, answered_at)"
                " VALUES ($1, $2, $3, $4, 0, 'answered', $5, $5, 1, $5)",
                [(clock.draw(1 << 62), case.id, number, id_, now) for number, id_ in enumerate(account_ids, 1)],
            )
            said = (case.id, (Answer.BREACH,) * len(account_ids))
            ring = Ring(juror_ids=tuple(account_ids), evidence=12.0, about=About.NEITHER, cases=(said,))
            await upsert_ring(tx, ring_id, ring, now)
        return ring_id

    return on_database(running, arrange)
