"""Narrow screens, large text and zoom: nothing overflows, overlaps or is covered, and no word is broken.

Zoom of 200 % on a screen of 1280 pixels is a page of 640 pixels.
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.network_up import NetworkUp
from tests.newcomers import newcomer, post
from tests.web.browsing import log_in, open_page

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
PAGES = [
    "/", "/notifications", "/messages", "/messages/with/karel", "/messages/new?q=kar", "/explore", "/posts/new", "/posts/new?to=karel",
    "/@karel", "/search?q=vcely", "/settings", "/settings/profile", "/settings/appearance", "/settings/sessions",
    "/settings/export", "/settings/delete", "/settings/email", "/settings/hashtags", "/lists", "/reports", "/statements", "/jury",
    "/about", "/about/rules", "/moderate", "/shortcuts",
]
_FAULTS = """() => {
    const faults = [];
    if (document.documentElement.scrollWidth > innerWidth) faults.push(`wider than the screen: ${document.documentElement.scrollWidth}`);
    for (const row of [".mast-in > *", ".mast-end > *", ".tabbar > a"]) {
        const shown = [...document.querySelectorAll(row)].filter((node) => node.getClientRects().length);
        shown.forEach((one, place) => shown.slice(place + 1).forEach((other) => {
            const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
            const isOver = a.right > b.left + 1 && b.right > a.left + 1 && a.bottom > b.top && b.bottom > a.top;
            if (isOver) faults.push(`${one.textContent} over ${other.textContent}`);
        }));
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
    while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement;
        if (!parent.checkVisibility() || parent.closest("script, .sr, textarea, a[href*='://'], .handle")) continue;
        for (const run of node.data.matchAll(/\\S+/g)) {
            if (run[0].length > 20) continue;  // what is longer than a line must be broken: markup that a member wrote, for example
            for (const word of run[0].matchAll(/[\\p{L}\\p{M}]{3,16}/gu)) {
                range.setStart(node, run.index + word.index);
                range.setEnd(node, run.index + word.index + word[0].length);
                if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) faults.push(`broken: ${word[0]}`);
            }
        }
    }
    return [...new Set(faults)];
}"""


def _open(browser: Browser, running: NetworkUp, width: int, language: str, **how: object) -> Page:
    page = open_page(browser, running, locale=language, viewport={"width": width, "height": 800}, reduced_motion="reduce", **how)
    return log_in(page)


@pytest.mark.parametrize(("width", "size", "language"), [
    (320, 100, "en"), (320, 150, "cs"), (390, 150, "en"), (390, 150, "cs"), (640, 100, "cs"), (1280, 150, "cs"),
])
def test_no_page_overflows_and_no_word_is_broken(browser: Browser, running: NetworkUp, width: int, size: int, language: str) -> None:
    page = _open(browser, running, width, language)
    page.request.post("/language", form={"language": language, "form_token": page.locator("[name=form_token]").first.input_value()})
    faults = {}
    for path in PAGES:
        page.goto(path)
        page.evaluate("size => { document.documentElement.dataset.size = size; }", str(size))
        page.evaluate("Promise.allSettled([...document.fonts].map((font) => font.load())).then(() => true)")  # a word can need two
        if found := page.evaluate(_FAULTS):
            faults[path] = found
    assert faults == {}


def test_no_word_of_a_chosen_answer_is_broken(browser: Browser, running: NetworkUp) -> None:
    asks = newcomer(running, "eva")
    post(running, asks, "Dáváte už krmítka?", answers=["Už jsem dala", "Čekám na mráz", "Letos bez krmení"])
    page = log_in(open_page(browser, running, locale="cs", viewport={"width": 320, "height": 800}), newcomer(running, "anna"))
    page.goto(f"/@{asks}")
    page.locator(".poll label", has_text="Čekám na mráz").click()
    page.locator(".poll fieldset .button").click()
    expect(page.locator(".poll .mine")).to_have_count(1)
    page.evaluate("document.documentElement.dataset.size = '150'")
    page.evaluate("Promise.allSettled([...document.fonts].map((font) => font.load())).then(() => true)")
    assert page.evaluate(_FAULTS) == []


@pytest.mark.parametrize("size", [100, 150])
def test_nothing_covers_the_button_that_sends(browser: Browser, running: NetworkUp, size: int) -> None:
    page = _open(browser, running, 390, "cs")
    buttons = {"/posts/new": ".sending .main", "/messages/with/karel": "form.answer .main", "/settings/profile": "form .main"}
    for path, button in buttons.items():
        page.goto(path)
        page.evaluate("size => { document.documentElement.dataset.size = size; }", str(size))
        if path != "/settings/profile":
            expect(page.locator(button)).to_be_in_viewport(ratio=1)  # without scrolling
        page.locator(button).scroll_into_view_if_needed()
        assert page.evaluate("""selector => {
            const button = document.querySelector(selector), box = button.getBoundingClientRect(), middle = box.left + box.width / 2;
            return [.2, .8].every((part) => button.contains(document.elementFromPoint(middle, box.top + part * box.height)));
        }""", button), path
        assert not page.locator(".tabbar").is_visible() or path == "/settings/profile"


@pytest.mark.parametrize("has_script", [True, False])
def test_the_picture_in_the_head_opens_the_menu(browser: Browser, running: NetworkUp, has_script: bool) -> None:
    page = _open(browser, running, 390, "en", java_script_enabled=has_script)
    for target in ("/settings", "/@jana", "/moderate", "/bookmarks"):
        page.goto("/")
        page.locator(".me > summary").click()
        page.locator(f".own-menu a[href='{target}']").click()
        page.wait_for_url(f"**{target}")
    page.locator(".me > summary").click()
    page.locator(".own-menu form[action='/log_out'] button").click()
    page.wait_for_url(running.url + "/")
    expect(page.locator(".me")).to_have_count(0)


def test_the_menu_works_with_the_keyboard(browser: Browser, running: NetworkUp) -> None:
    page = _open(browser, running, 390, "en")
    menu, summary = page.locator(".own-menu"), page.locator(".me > summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Tab")
    expect(menu.locator("a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    menu.locator("button").last.focus()
    page.keyboard.press("Tab")  # leaves the menu
    expect(menu).not_to_be_visible()


@pytest.mark.parametrize("has_script", [True, False])
def test_the_button_for_a_file_is_in_the_language_of_the_page(browser: Browser, running: NetworkUp, has_script: bool) -> None:
    page = _open(browser, running, 390, "cs", java_script_enabled=has_script)
    page.goto("/settings/profile")
    file = page.locator("#avatar")
    if has_script:
        label = page.locator("label.button[for=avatar]")
        expect(label).to_have_text("Vybrat obrázek" if page.locator("html").get_attribute("lang") == "cs" else "Choose a picture")
        file.set_input_files({"name": "moje fotka.png", "mimeType": "image/png", "buffer": b"x"})
        expect(page.locator("#avatar ~ [data-chosen]")).to_have_text("moje fotka.png")
        assert page.evaluate("document.querySelector('#avatar').getBoundingClientRect().width") <= 1
    else:
        expect(file).to_be_visible()  # the browser's own button shows what was chosen
