"""Drafts in a browser: each belongs to one account and one purpose, and is deleted when its account logs out."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.network_up import NetworkUp
from tests.newcomers import newcomer, post
from tests.web.browsing import log_in, open_page

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
DRAFTS = "() => Object.keys(localStorage).filter((key) => key.startsWith('folkmoot-draft-'))"


@pytest.fixture
def me(running: NetworkUp) -> str:
    return newcomer(running, "pise")


@pytest.fixture
def friend(running: NetworkUp) -> str:
    """Somebody to whom nobody has written yet, with one post."""
    name = newcomer(running, "cte")
    post(running, name, "Na tohle se dá odpovědět.")
    return name


@pytest.fixture
def page(browser: Browser, running: NetworkUp, me: str) -> Page:
    return log_in(open_page(browser, running), me)


def _begin(page: Page, path: str, text: str) -> None:
    page.goto(path)
    page.locator("#text").press_sequentially(text)


def _log_out(page: Page) -> None:
    page.goto("/")
    page.locator(".me > summary").click()
    page.locator(".own-menu form[action='/log_out'] button").click()
    page.wait_for_url("**/")


def test_a_message_does_not_open_the_draft_of_a_post(page: Page, friend: str) -> None:
    _begin(page, "/posts/new", "Pro všechny")
    page.check("#visibility-0")
    page.goto(f"/@{friend}")
    page.click(f"a[href='/messages/with/{friend}']")  # the first message
    expect(page.locator("#text")).to_have_value(f"@{friend} ")
    expect(page.locator("[name=visibility]")).to_have_count(0)
    page.locator("#text").press_sequentially("jen mezi námi")
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("Pro všechny")
    page.goto("/posts/new?to=marie")
    expect(page.locator("#text")).to_have_value("@marie ")
    page.goto(f"/posts/new?to={friend}")
    expect(page.locator("#text")).to_have_value(f"@{friend} jen mezi námi")
    page.click(".sending button.main")
    page.wait_for_url("**/messages/*")
    expect(page.locator("article.message.own")).to_have_text(re.compile("jen mezi námi"))
    page.goto(f"/posts/new?to={friend}")
    expect(page.locator("#text")).to_have_value(f"@{friend} ")  # sent; only this draft is deleted
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("Pro všechny")


def test_a_reply_has_a_draft_of_its_own_in_both_forms(page: Page, friend: str) -> None:
    _begin(page, "/posts/new", "Něco jiného")
    page.goto(f"/@{friend}")
    page.locator("article.post .when").first.click()
    begun = page.locator("#answer").input_value()
    page.locator("#answer").press_sequentially("Rozepsaná odpověď")
    number = page.url.rpartition("/")[2]
    page.goto(f"/posts/new?reply_to={number}")
    expect(page.locator("#text")).to_have_value(f"{begun}Rozepsaná odpověď")
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("Něco jiného")


def test_a_reply_with_an_audience_of_its_own_is_not_sent_by_the_form_that_does_not_show_it(page: Page, friend: str) -> None:
    page.goto(f"/@{friend}")
    page.locator("article.post .when").first.click()
    thread, number = page.url, page.url.rpartition("/")[2]
    begun = page.locator("#answer").input_value()
    for choose in ("#visibility-3", "label:has([name=with_poll])"):
        _begin(page, f"/posts/new?reply_to={number}", "Jen mezi námi")
        page.click(choose)
        page.goto(thread)
        expect(page.locator("#answer")).to_be_hidden()
        expect(page.locator("form.answer button.main")).to_be_hidden()
        page.click("form.answer [data-in-full] a")
        expect(page.locator("#text")).to_have_value(f"{begun}Jen mezi námi")
        page.fill("#text", begun)
        page.check("#visibility-0") if choose == "#visibility-3" else page.click(choose)
        page.goto(thread)
        expect(page.locator("#answer")).to_have_value(begun)
        expect(page.locator("form.answer [data-in-full]")).to_be_hidden()


def test_an_edit_is_kept_apart(page: Page, me: str) -> None:
    page.goto("/posts/new")
    page.fill("#text", "Pondělí")
    page.click(".sending button.main")
    page.wait_for_url("**/")
    page.goto(f"/@{me}")
    number = page.locator("article.post", has_text="Pondělí").first.get_attribute("data-post")
    _begin(page, f"/posts/{number}/edit", "Úterý: ")
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("")
    page.goto(f"/posts/{number}/edit")
    expect(page.locator("#text")).to_have_value(re.compile("Úterý"))
    page.click(".sending button.main")
    page.wait_for_url(f"**/@{me}/{number}")
    assert page.evaluate(DRAFTS) == []


def test_logging_out_deletes_drafts_and_the_next_member_sees_none(page: Page, me: str, friend: str) -> None:
    for path in ("/posts/new", f"/posts/new?to={friend}"):
        _begin(page, path, "Tajné")
    assert len(page.evaluate(DRAFTS)) == 2
    _log_out(page)
    assert page.evaluate(DRAFTS) == []
    log_in(page, friend)
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("")
    _log_out(page)
    log_in(page, me)
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("")


def test_logging_out_in_another_tab_closes_the_composer_and_deletes_its_draft(page: Page, friend: str) -> None:
    _begin(page, "/posts/new", "Tajné v druhém panelu")
    other = page.context.new_page()
    other.goto("/")
    _log_out(other)
    page.wait_for_url(re.compile("log_in"))  # the composer is closed
    assert page.evaluate(DRAFTS) == []
    log_in(other, friend)
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("")
    page.go_back()
    expect(page.locator("#text", has_text="Tajné")).to_have_count(0)


def test_after_the_end_of_a_session_a_draft_is_kept_for_its_account_only(page: Page, me: str, friend: str) -> None:
    _begin(page, "/posts/new", "Nedopsáno")
    page.context.clear_cookies()
    page.goto("/explore")
    assert len(page.evaluate(DRAFTS)) == 1
    log_in(page, me)
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("Nedopsáno")
    page.context.clear_cookies()
    log_in(page, friend)
    assert page.evaluate(DRAFTS) == []
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("")


def test_after_an_hour_without_its_account_a_draft_is_deleted(page: Page) -> None:
    _begin(page, "/posts/new", "Dávno")
    page.evaluate("""() => { const key = Object.keys(localStorage).find((key) => key.startsWith('folkmoot-draft-'));
        localStorage.setItem(key, JSON.stringify({...JSON.parse(localStorage[key]), at: Date.now() - 3_700_000})); }""")
    page.goto("/explore")
    assert len(page.evaluate(DRAFTS)) == 1  # its account is logged in
    page.context.clear_cookies()
    page.goto("/explore")
    assert page.evaluate(DRAFTS) == []
