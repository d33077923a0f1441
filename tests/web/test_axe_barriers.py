"""axe on the pages of members and of what is kept out, used with the keyboard."""

import secrets

import pytest
from playwright.sync_api import Browser, expect

from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.newcomers import newcomer
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
