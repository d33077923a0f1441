"""Writing in a browser: drafts are not lost, descriptions are requested once, refusals give a reason."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.api.test_accounts import picture
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, post
from tests.waiting import wait_until
from tests.web.browsing import log_in, open_page

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


@pytest.fixture
def me(running: NetworkUp) -> str:
    return newcomer(running, "anna")


@pytest.fixture
def page(browser: Browser, running: NetworkUp, me: str) -> Page:
    page = log_in(open_page(browser, running), me)
    page.goto("/posts/new")
    return page


def test_a_draft_keeps_all_fields_and_shows_when_it_was_saved(page: Page) -> None:
    page.fill("#text", "Rozepsáno a nedopsáno")
    page.check(".use-poll")
    page.fill("#poll_0", "možná")
    page.check("#visibility-2")
    expect(page.locator("#saved")).to_have_text(re.compile(r"^(Draft saved at \d+:\d\d|Rozepsané uloženo ve? \d+\.\d\d)$"))
    page.click("[data-put-aside]")
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("Rozepsáno a nedopsáno")
    expect(page.locator("#poll_0")).to_have_value("možná")
    expect(page.locator("#poll_0")).to_be_visible()
    expect(page.locator("#visibility-2")).to_be_checked()
    expect(page.locator("[data-left]")).to_have_text("479")
    page.uncheck(".use-poll")
    page.click(".sending button.main")
    page.wait_for_url("**/")
    expect(page.locator("article.post", has_text="Rozepsáno a nedopsáno").locator(".poll")).to_have_count(0)  # the poll tool was closed
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value("")


@pytest.mark.parametrize("accident", ["the server fails", "the network is down", "the session has ended"])
def test_a_draft_survives(page: Page, me: str, accident: str) -> None:
    tried: list[Route] = []

    def fail(route: Route) -> None:
        tried.append(route)
        if accident == "the network is down":
            route.abort()
        else:
            route.fulfill(status=500, body="<!doctype html><title>x</title><body>")

    page.fill("#text", f"Nesmí zmizet, když: {accident}")
    if accident == "the session has ended":
        page.context.clear_cookies()
        with page.expect_response(re.compile(r"/posts$")):
            page.click(".sending button.main")
        log_in(page, me)
    else:
        page.route(re.compile(r"/posts$"), fail)
        page.click(".sending button.main")
        wait_until(lambda: tried or page.wait_for_timeout(50))
        page.unroute_all()
    page.goto("/posts/new")
    expect(page.locator("#text")).to_have_value(f"Nesmí zmizet, když: {accident}")


def test_a_missing_description_is_requested_once(page: Page, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(picture())
    page.fill("#text", "Obrázek bez popisu, a přece.")
    page.check(".use-pictures")
    expect(page.locator("#file_2")).not_to_be_visible()
    page.set_input_files("#file_1", tmp_path / "picture.png")
    expect(page.locator(".picture-new img")).to_be_visible()
    expect(page.locator("#file_2")).to_be_visible()
    page.click(".sending button.main")
    expect(page.locator("[data-remind]")).to_be_focused()
    assert page.url.endswith("/posts/new")
    page.click("[data-describe]")
    expect(page.locator("#new_description_1")).to_be_focused()
    page.click(".sending button.main")  # requested once, not required
    page.wait_for_url("**/")
    expect(page.locator("article.post", has_text="a přece").locator("a[aria-label] img")).to_have_attribute("alt", "")


def test_characters_left_are_counted_and_announced_at_twenty(page: Page) -> None:
    page.fill("#text", "á" * 480)
    expect(page.locator("[data-left-words]")).to_contain_text("20")
    page.fill("#text", "https://example.org/" + "x" * 200)
    expect(page.locator("[data-left]")).to_have_text("477")
    page.fill("#text", "x" * 503)
    expect(page.locator("[data-left]")).to_have_text("\u22123")
    page.fill("#text", "x" * 499 + "  \n ")
    expect(page.locator("[data-left]")).to_have_text("1")  # the space around a text is not stored


@pytest.mark.parametrize("answer", ["refused", "lost"])
def test_a_button_changes_at_once_and_is_reset_with_a_reason(page: Page, answer: str) -> None:
    page.goto("/@karel")
    like = page.locator("article.post .like").first
    before = (like.get_attribute("aria-pressed"), like.inner_text())

    def late(route: Route) -> None:
        expect(like).not_to_have_attribute("aria-pressed", before[0] or "")  # changed before the answer
        assert like.inner_text() != before[1]
        if answer == "lost":
            route.abort()
        else:
            route.fulfill(status=403, body="Tohle teď nejde.", content_type="text/plain; charset=utf-8")

    page.route(re.compile(r"favourite$"), late)
    like.click()
    expect(page.locator(".refused")).to_have_text("Tohle teď nejde." if answer == "refused" else re.compile("network|Síť"))
    expect(like).to_have_attribute("aria-pressed", before[0] or "")
    assert like.inner_text() == before[1]


def test_offline_is_shown_on_top(page: Page) -> None:
    page.context.set_offline(True)
    expect(page.locator(".offline")).to_have_text(re.compile(r"You are offline|Jste bez připojení"))
    page.context.set_offline(False)
    expect(page.locator(".offline")).to_have_count(0)


def test_a_cover_opens_and_a_result_is_shown_without_a_script(browser: Browser, running: NetworkUp) -> None:
    asks = newcomer(running, "eva")
    post(running, asks, "Daří se mu líp, než čekali.", cover="Nemoc v rodině")
    post(running, asks, "Dáváte už krmítka?", answers=["už ano", "čekám na mráz", "letos ne"], voters=["karel"])
    page = log_in(open_page(browser, running, java_script_enabled=False), newcomer(running, "jana"))
    page.goto(f"/@{asks}")
    cover = page.locator("details.cover").first
    expect(cover.locator("div.said")).not_to_be_visible()
    cover.locator("summary").click()
    expect(cover.locator("div.said")).to_be_visible()
    poll = page.locator(".poll").first
    poll.locator("details summary").click()
    expect(poll.locator("details li").first).to_contain_text("%")
    poll.locator("label").nth(1).click()
    poll.get_by_role("button").click()
    expect(page.locator(".poll li.mine")).to_have_count(1)


def test_two_buttons_pressed_in_a_row_both_count(page: Page) -> None:
    def late(route: Route) -> None:
        page.wait_for_timeout(700)  # the first answer usually comes after the second
        route.continue_()

    page.goto("/@peter")
    article = page.locator("article.post").first
    page.route(re.compile(r"/boost$"), late)
    article.locator(".boost").click(no_wait_after=True)
    article.locator(".like").click(no_wait_after=True)
    for name in (".boost", ".like"):
        expect(article.locator(name)).to_have_attribute("aria-pressed", "true")
        expect(article.locator(name)).to_have_attribute("formaction", re.compile("/un"))  # the state on the server
    assert not page.problems  # type: ignore[attr-defined]
