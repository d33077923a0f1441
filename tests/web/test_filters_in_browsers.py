"""Filters in a browser, with and without scripts: making one, opening what it folds, filtering one post; axe on their pages."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.network.filters.model import FilterContext
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, post
from tests.web.browsing import log_in, open_page, save
from tests.web.test_axe import examine


def _make(page: Page, words: str, name: str, action: str = "warn") -> None:
    page.goto("/settings/filters/new")
    page.fill("#keywords", words)
    page.fill("#title", name)
    page.check(f"#action-{action}")
    save(page)
    expect(page.locator("main .rows")).to_contain_text(name)


def _home(page: Page, text: str) -> None:
    """Opens the home page, which gets new posts after a moment."""
    for _ in range(600):
        page.goto("/")
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"no post with {text}")


@pytest.mark.parametrize(("language", "width", "has_scripts"), [("cs", 390, False), ("en", 1280, True)])
def test_a_member_filters_words_and_a_post(browser: Browser, running: NetworkUp, language: str, width: int, has_scripts: bool) -> None:
    karel = newcomer(running, "karel")
    jana = newcomer(running, "jana", follows=[karel], language=language)
    page = log_in(open_page(
        browser, running, locale=language, viewport={"width": width, "height": 900}, java_script_enabled=has_scripts, bypass_csp=True,
        reduced_motion="reduce",
    ), jana)
    post(running, karel, "Zvonice se staví na náměstí.")
    post(running, karel, "Dnes svítí slunce.")
    _home(page, "Zvonice")
    _make(page, "zvonice\nrýmovník", "Stavby")
    page.goto("/")
    folded = page.locator("details.filtered")
    expect(folded).to_have_count(1)
    expect(folded).to_contain_text("Stavby")
    expect(page.get_by_text("Zvonice se staví")).to_be_hidden()
    folded.locator("summary").click()
    expect(page.get_by_text("Zvonice se staví")).to_be_visible()
    if has_scripts:
        examine(page, f"a folded post in {language}")
    sunny = page.locator("article.post", has_text="svítí slunce")
    sunny.locator("details.more summary").click()
    sunny.locator("a[href$='/filters']").click()
    page.get_by_label("Stavby").check()
    if has_scripts:
        examine(page, f"the filters of a post in {language}")
    save(page)
    page.goto("/settings/filters")
    if has_scripts:
        examine(page, f"filters in {language}")
    page.locator("main .rows a").click()
    expect(page.locator("#keywords")).to_have_value("zvonice\nrýmovník")
    page.fill("#keywords", "zvonice")
    page.check("#action-hide")
    for context in FilterContext:
        page.uncheck(f"#context-{context}")
    save(page)
    expect(page.locator("#contexts-error")).to_be_visible()
    if has_scripts:
        examine(page, f"a refused filter in {language}")
    page.check("#context-home")
    save(page)
    page.goto("/")
    expect(page.locator("article.post")).to_have_count(0)
    page.goto("/settings/filters")
    page.locator("main .rows a").click()
    expect(page.locator("main .rows li")).to_have_count(1)
    save(page, "main form[action$='/delete'] button")
    expect(page).to_have_url(re.compile("deleted=1"))
    page.goto("/")
    expect(page.locator("article.post")).to_have_count(2)
    assert not page.problems  # type: ignore[attr-defined]
