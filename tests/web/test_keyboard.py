"""The tasks of a member with the keyboard alone: joining, writing, replying, boosting, deleting."""

import re
import secrets

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.network_up import NetworkUp
from tests.newcomers import newcomer
from tests.web.browsing import log_in, open_page, save

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def reach(page: Page, selector: str, key: str = "Tab") -> None:
    """Presses Tab until the element has the focus, and checks that the focus is visible and not covered."""
    for _ in range(150):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    else:
        raise AssertionError(f"{selector} is not reached on {page.url}")
    ring = page.evaluate("""() => {
        const here = document.activeElement, box = here.getBoundingClientRect(), place = here.closest("label") || here;
        const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 20));
        const isSeen = Boolean(top) && (place.contains(top) || top.contains(here));
        return [getComputedStyle(here).outlineStyle, getComputedStyle(place).outlineStyle, isSeen];
    }""")
    assert "solid" in ring[:2], f"no ring on {selector}"
    assert ring[2], f"{selector} is covered"


@pytest.mark.parametrize("width", [1280, 390])
def test_everything_is_done_with_the_keyboard(browser: Browser, running: NetworkUp, width: int) -> None:
    name = f"klavesa_{secrets.token_hex(4)}"
    page = open_page(browser, running, viewport={"width": width, "height": 800})
    page.goto("/")  # joining
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    reach(page, "main a[href='/sign_up']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign_up")
    for field, text in (("username", name), ("email", f"{name}@example.org"), ("password", "tri hrusky dve svestky")):
        reach(page, f"#{field}")
        page.keyboard.type(text)
    reach(page, "#agrees")
    page.keyboard.press("Space")
    reach(page, "main form button.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore")

    page.keyboard.press("n")  # writing, with a poll, seen by followers
    page.wait_for_url("**/posts/new")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type(f"Napsáno bez myši, píše {name}.")
    reach(page, ".use-poll")
    page.keyboard.press("Space")
    reach(page, "#poll_0", "Shift+Tab")
    page.keyboard.type("ano")
    reach(page, "#poll_1")
    page.keyboard.type("ne")
    reach(page, "[name=visibility]:checked")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#visibility-1")).to_be_checked()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(running.url + "/")
    article = page.locator("article.post", has_text=f"píše {name}")

    reach(page, "article.post .when")  # its thread, and a reply
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/@{name}/\d+"))
    reach(page, "#answer")
    page.keyboard.type("Odpověď bez myši.")
    reach(page, "form.answer button")
    page.keyboard.press("Enter")
    expect(page.locator("article.post", has_text="Odpověď bez myši.")).to_be_visible()

    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(article).to_be_focused()
    page.keyboard.press("b")  # boosting, liking
    expect(article.locator(".boost")).to_have_attribute("aria-pressed", "true")
    expect(article.locator(".boost b")).to_have_text("1")
    reach(page, ".like")
    page.keyboard.press("Enter")  # maybe before the first button is answered
    expect(article.locator(".like")).to_have_attribute("aria-pressed", "true")
    expect(article.locator(".like")).to_be_focused()

    reach(page, ".more > summary")  # deleting
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(article.locator(".menu")).not_to_be_visible()
    page.keyboard.press("Enter")
    reach(page, ".menu a.danger")
    page.keyboard.press("Enter")
    page.wait_for_url("**/delete")
    reach(page, "button.danger")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/@{name}?deleted=1")
    expect(page.locator("article.post", has_text=f"píše {name}")).to_have_count(0)
    assert not page.problems  # type: ignore[attr-defined]


def test_single_keys_can_be_switched_off(browser: Browser, running: NetworkUp) -> None:
    page = log_in(open_page(browser, running), newcomer(running, "bez_klaves"))
    page.goto("/shortcuts")
    page.click("main a[href='/settings/appearance#shortcuts']")
    page.uncheck("#shortcuts")
    save(page)
    page.goto("/explore")
    page.keyboard.press("n")
    page.keyboard.press("j")
    page.wait_for_timeout(300)
    assert page.url.endswith("/explore")
    expect(page.locator("article.post").first).not_to_be_focused()
