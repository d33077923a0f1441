"""The pages in a real browser: the tasks of a member with and without JavaScript, scroll positions, narrow screens."""

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.test_accounts import picture
from tests.network_up import NetworkUp
from tests.newcomers import newcomer
from tests.web.browsing import log_in, open_page, wait_until_it_listens

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
VILLAGE = ["karel", "eva", "peter", "marie", "tomas", "anna", "josef"]  # of the demo; they fill a home


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without script"])
def test_the_tasks_of_a_member(browser: Browser, running: NetworkUp, has_script: bool, tmp_path: Path) -> None:
    name = f"pavla_{secrets.token_hex(4)}"
    page = open_page(browser, running, java_script_enabled=has_script)

    page.goto("/")  # signing up
    page.get_by_role("link", name="Join", exact=True).first.click()
    page.fill("#username", name)
    page.fill("#email", f"{name}@example.org")
    page.fill("#password", "kratke")
    page.click("text=Create account")
    expect(page.locator("#password-error")).to_contain_text("at least 8 characters")
    expect(page.locator("#username")).to_have_value(name)
    page.fill("#password", "dlouhe heslo na zkousku")
    page.check("#agrees")
    page.click("text=Create account")
    page.wait_for_url("**/explore")

    page.goto("/posts/new")  # a post with a picture, a cover and a described picture
    (tmp_path / "picture.png").write_bytes(picture())
    page.fill("#text", f"První příspěvek, píše {name} #zkouška")
    page.locator(".use-pictures").check()
    page.set_input_files("#file_1", tmp_path / "picture.png")
    page.fill("#new_description_1", "Hnědá plocha")
    page.click("main button.main")
    page.wait_for_url(running.url + "/")
    article = page.locator("article.post", has_text=f"píše {name}")
    expect(article).to_have_count(1)
    expect(article.locator("img[alt='Hnědá plocha']")).to_be_visible()

    article.locator(".when").click()  # its thread, and a reply
    page.fill("#answer", "A odpovídám sobě.")
    page.locator("form.answer button").click()
    expect(page.locator("article.post", has_text="A odpovídám sobě.")).to_be_visible()

    page.goto(f"/@{name}")  # liking and boosting
    article = page.locator("article.post", has_text=f"píše {name}")
    article.get_by_role("button", name=re.compile("^Like")).click()
    expect(article.get_by_role("button", name=re.compile("^Like"))).to_have_attribute("aria-pressed", "true")
    expect(article.get_by_role("button", name=re.compile("^Like"))).to_contain_text("1")

    article = page.locator("article.post", has_text=f"píše {name}")  # editing
    article.locator("summary[aria-label='More']").click()
    article.get_by_role("link", name="Edit").click()
    page.fill("#text", f"Opravený příspěvek, píše {name}")
    page.click("main button.main")
    page.wait_for_url(re.compile(rf"/@{name}/\d+"))
    expect(page.locator("article.opened")).to_contain_text("Opravený")
    expect(page.locator("article.opened img")).to_have_attribute("alt", "Hnědá plocha")
    page.click("article.opened .facts >> text=edited")
    expect(page.locator(".versions li")).to_have_count(2)

    page.goto(f"/@{name}")  # deleting
    article = page.locator("article.post", has_text="Opravený")
    article.locator("summary[aria-label='More']").click()
    article.get_by_role("link", name="Delete").click()
    page.click("text=Delete the post")
    page.wait_for_url(f"**/@{name}?deleted=1")
    expect(page.locator("article.post", has_text="Opravený")).to_have_count(0)

    page.goto("/@karel")  # following
    page.get_by_role("button", name="Follow Karel Novotný", exact=True).click()
    expect(page.get_by_role("button", name="Stop following Karel Novotný")).to_be_visible()

    page.goto("/settings/appearance")  # settings
    page.check("#language-cs")
    page.check("#theme-dark")
    page.click("main form button.main")
    expect(page.locator("html")).to_have_attribute("lang", "cs")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(15, 21, 23)")
    assert not page.problems  # type: ignore[attr-defined]


def test_new_posts_wait_behind_a_button(browser: Browser, running: NetworkUp) -> None:
    writes = newcomer(running, "karel")
    jana = log_in(open_page(browser, running), newcomer(running, "jana", follows=[writes]))
    wait_until_it_listens(jana)
    karel = log_in(open_page(browser, running), writes)
    karel.goto("/posts/new")
    karel.fill("#text", "Přesně teď píšu něco nového.")
    karel.keyboard.press("Control+Enter")
    karel.wait_for_url(running.url + "/")
    expect(jana.locator(".pill")).to_have_text(re.compile(r"^1 (nový příspěvek|new post)\s*$"))
    assert jana.locator("article.post", has_text="Přesně teď").count() == 0
    jana.click(".pill")
    expect(jana.locator("article.post", has_text="Přesně teď")).to_have_count(1)


def test_a_draft_survives_a_reload(browser: Browser, running: NetworkUp) -> None:
    page = log_in(open_page(browser, running), "anna")
    page.goto("/posts/new")
    page.fill("#text", "Rozepsáno a nedopsáno")
    page.reload()
    expect(page.locator("#text")).to_have_value("Rozepsáno a nedopsáno")
    expect(page.locator("[data-left]")).to_have_text("479")


def test_keys_move_through_posts(browser: Browser, running: NetworkUp) -> None:
    page = log_in(open_page(browser, running))
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("article.post").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("article.post").nth(0)).to_be_focused()
    page.keyboard.press("?")
    page.wait_for_url("**/shortcuts")


def test_a_phone_needs_no_sideways_scrolling(browser: Browser, running: NetworkUp) -> None:
    page = log_in(open_page(browser, running, viewport={"width": 320, "height": 640}))
    for path in ("/", "/posts/new", "/@karel", "/notifications", "/messages", "/search?q=a", "/settings/profile", "/settings/sessions",
                 "/settings/password", "/about", "/shortcuts", "/explore"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    visitor = open_page(browser, running, viewport={"width": 320, "height": 640})
    for path in ("/", "/log_in", "/sign_up"):
        visitor.goto(path)
        assert visitor.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert visitor.evaluate("document.querySelector('.mast').offsetHeight") < 70, path  # no word is broken into letters


def test_the_header_of_a_phone_is_hidden_when_scrolling_down(browser: Browser, running: NetworkUp) -> None:
    page = log_in(open_page(browser, running, viewport={"width": 390, "height": 700}))
    page.mouse.wheel(0, 900)
    expect(page.locator(".mast")).not_to_be_in_viewport()
    page.mouse.wheel(0, -200)
    expect(page.locator(".mast")).to_be_in_viewport()


def _scrolled(page: Page) -> None:
    """Waits until the page has been scrolled, and stands still."""
    page.evaluate("""() => new Promise((done) => {
        let last = -1;
        setInterval(() => { if (scrollY > 0 && scrollY === last) done(); last = scrollY; }, 200);
    })""")


def test_the_scroll_position_is_kept_when_posts_are_added_above(browser: Browser, running: NetworkUp) -> None:
    writes = newcomer(running, "karel")
    page = log_in(open_page(browser, running), newcomer(running, "jana", follows=[*VILLAGE, writes]))
    expect(page.locator("article.post")).not_to_have_count(0)
    wait_until_it_listens(page)
    page.mouse.wheel(0, 1400)
    _scrolled(page)
    first = "(() => { const post = [...document.querySelectorAll('article.post')].find((one) => one.getBoundingClientRect().bottom > 0);" \
        " return [post.id, post.getBoundingClientRect().top]; })()"
    before = page.evaluate(first)
    karel = log_in(open_page(browser, running), writes)
    karel.goto("/posts/new")
    karel.fill("#text", "Napsáno, zatímco někdo četl níž.")
    karel.click("main button.main")
    karel.wait_for_url(running.url + "/")
    expect(page.locator(".pill")).to_be_visible()
    page.evaluate("id => document.querySelector(`#${id} .when`).click()", before[0])  # to a thread and back, without scrolling
    page.wait_for_url("**/@*/*")
    page.go_back()
    page.wait_for_load_state("load")
    _scrolled(page)
    there = page.evaluate(first)
    assert there[0] == before[0]
    assert abs(there[1] - before[1]) <= 4
    page.reload()
    page.wait_for_load_state("load")
    _scrolled(page)
    there = page.evaluate(first)
    expect(page.locator("article.post", has_text="zatímco někdo četl")).to_have_count(1)
    assert there[0] == before[0]
    assert abs(there[1] - before[1]) <= 4
