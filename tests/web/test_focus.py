"""The focus is never lost to the body after an action, and screen readers hear what has happened."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.network_up import NetworkUp
from tests.newcomers import newcomer, post
from tests.waiting import wait_until
from tests.web.browsing import log_in, open_page, wait_until_it_listens

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


@pytest.fixture
def me(running: NetworkUp) -> str:
    return newcomer(running, "tomas")


@pytest.fixture
def page(browser: Browser, running: NetworkUp, me: str) -> Page:
    return log_in(open_page(browser, running, viewport={"width": 390, "height": 800}), me)


def _has_focus(page: Page) -> str:
    """Waits for a focus other than the body; returns the name of the element."""
    page.wait_for_function("document.activeElement !== document.body")
    return str(page.evaluate("document.activeElement.tagName"))


def _publish(page: Page, **form: str) -> None:
    token = page.locator("[name=form_token]").first.input_value()
    assert page.request.post("/posts", form={"form_token": token, "visibility": "0", **form}, max_redirects=0).status == 303


def test_a_button_that_loads_the_page_again_keeps_the_focus(page: Page) -> None:
    page.goto("/@josef")
    button = page.locator(".profile-acts button")
    for act, next_act in (("follow", "unfollow"), ("unfollow", "follow")):  # the same button
        expect(button).to_have_attribute("formaction", re.compile(f"/{act}$"))
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_attribute("formaction", re.compile(f"/{next_act}$"))
        expect(button).to_be_focused()


def test_after_a_row_is_gone_the_next_one_has_the_focus(page: Page) -> None:
    for name in ("josef", "anna", "marie"):
        page.goto(f"/@{name}")
        page.locator(".margin button[formaction$='/mute']").click()
        expect(page.locator(".margin button[formaction$='/unmute']")).to_be_visible()
    page.goto("/settings/mutes")
    buttons = page.locator("main button[formaction$='/unmute']")
    for left in (2, 1):
        buttons.first.focus()
        page.keyboard.press("Enter")
        expect(buttons).to_have_count(left)
        _has_focus(page)
        page.wait_for_function("document.activeElement.closest('main li') !== null")
    buttons.first.focus()
    page.keyboard.press("Enter")
    expect(buttons).to_have_count(0)
    assert _has_focus(page).startswith("MAIN")


def test_a_deleted_post_leaves_the_focus_on_the_notice(page: Page, me: str) -> None:
    page.goto("/posts/new")
    page.fill("#text", "Hned to zase smažu.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/")
    article = page.locator("article.post", has_text="Hned to zase smažu.")
    article.locator(".more > summary").click()
    article.locator(".menu a.danger").click()
    page.locator("button.danger").click()
    page.wait_for_url(f"**/@{me}?deleted=1")
    expect(page.locator(".notice.done")).to_be_focused()


def test_older_posts_begin_with_the_focus(page: Page) -> None:
    for number in range(21):
        _publish(page, text=f"Příspěvek {number}.")
    page.goto("/explore")
    page.locator(".pager a[rel=next]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("before="))
    expect(page.locator("main article.post").first).to_be_focused()


def test_a_vote_and_a_copied_link_keep_the_focus_and_are_announced(page: Page, running: NetworkUp) -> None:
    asks = newcomer(running, "eva")
    post(running, asks, "Kdo přijde pomoct?", answers=["já", "někdo jiný"])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/@{asks}")
    poll = page.locator("article.post", has_text="Kdo přijde pomoct?")
    poll.locator("input").first.check()
    poll.locator(".poll button").focus()
    page.keyboard.press("Enter")
    expect(poll.locator(".poll fieldset")).to_have_count(0)
    _has_focus(page)
    page.wait_for_function("document.activeElement.closest('article.post') !== null")
    poll.locator(".more > summary").click()
    poll.locator("[data-copy]").click()
    expect(poll.locator(".more > summary")).to_be_focused()
    expect(page.locator("#announced")).to_have_text(re.compile("copied|zkopírovaný"))


def test_the_button_of_the_composer_names_what_it_does(page: Page) -> None:
    page.goto("/posts/new")
    button = page.locator(".sending .main")
    expect(button).to_have_accessible_name(re.compile("^(Publish|Zveřejnit)$"))
    page.locator("label[for=visibility-3]").click()
    expect(button).to_have_accessible_name(re.compile("^(Send|Odeslat)$"))


@pytest.mark.parametrize("has_script", [True, False])
def test_a_conversation_goes_on_below_its_messages(browser: Browser, running: NetworkUp, has_script: bool) -> None:
    how = {"viewport": {"width": 390, "height": 800}, "java_script_enabled": has_script}
    begins, answers = newcomer(running, "eva"), newcomer(running, "marie")
    eva, marie = log_in(open_page(browser, running, **how), begins), log_in(open_page(browser, running, **how), answers)
    first, answer = "Máš chvilku?", "Mám."
    eva.goto(f"/@{answers}")
    eva.click(".profile-acts a")
    eva.fill("#text", f"@{answers} {first}")
    eva.click(".sending .main")
    expect(eva.locator("article.message.own", has_text=first)).to_be_visible()

    def arrived() -> int:
        marie.goto("/messages")
        return marie.locator(".conversations li", has_text=first).count()

    wait_until(arrived)
    expect(marie.locator(".tabbar [data-waiting=messages]")).to_have_text(re.compile("1$"))
    marie.locator(".conversations li", has_text=first).locator("a").click()
    expect(marie.locator("h1")).to_have_text(begins.capitalize())
    if has_script:
        wait_until_it_listens(eva)
    marie.fill("#answer", answer)
    marie.click("form.answer .main")
    expect(marie.locator("article.message.own", has_text=answer)).to_be_visible()
    if has_script:
        expect(marie.locator("#answer")).to_be_focused()
        expect(eva.locator("[data-new-messages]")).to_be_visible()  # live
        eva.locator("[data-new-messages]").click()
        expect(eva.locator("article.message:not(.own)", has_text=answer)).to_be_visible()
    marie.goto("/")
    expect(marie.locator("main", has_text=answer)).to_have_count(0)
