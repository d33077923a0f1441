"""The public figures in a browser: axe, narrow screens, keyboard; and the two printed pages for a hosting provider."""

import re
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.config import Network, Notices, Server
from folkmoot.web.transparency.provider import provider_file
from tests.chromium import PATIENCE
from tests.web.public_figures import LONG, SETTINGS, Shown, busy_report, quiet_report
from tests.web.test_axe_moderation import _examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
_LONGEST = msgspec.structs.replace(
    SETTINGS, server=Server(base_url="https://spolek-pratel-vodniho-dila.example.org"),
    network=Network(name=LONG, contact_email=f"{'spravce' * 8}@spolek-pratel-vodniho-dila.example.org",
                    source_url="https://git.example.org/spolek-pratel-vodniho-dila/folkmoot"),
    notices=Notices(
        address=f"{'oznameni' * 7}@spolek-pratel-vodniho-dila.example.org", languages="čeština, slovenčina, English, Deutsch, polski",
        on_call="+420 555 123 456, denně od sedmi do třiadvaceti hodin; v noci +420 555 123 457. " * 2, order_hours=7, contact_hours=25),
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


@pytest.mark.parametrize(("language", "width"), [("cs", 1280), ("en", 390)])
def test_axe_finds_nothing(page: Page, language: str, width: int) -> None:
    shown, busy, quiet = Shown(), busy_report(), quiet_report()
    page.set_viewport_size({"width": width, "height": 900})
    months = [("a busy month", shown.month(busy, "2026-10", language))]
    months += [("a quiet month", shown.month(quiet, "2026-11", language))] if language == "en" else []
    for name, content in (*months, ("the pages for a host", shown.provider(busy if language == "en" else quiet, language))):
        shown.open(page, content)
        for summary in page.locator("main summary").all():
            summary.click()
        _examine(page, f"{name} in {language}")
        page.unroute_all()


def test_the_numbers_open_with_the_keyboard(page: Page) -> None:
    shown = Shown()
    shown.open(page, shown.month(busy_report(), "2026-10", "en"))
    summary = page.locator(".as-table summary").first
    expect(page.locator(".as-table table").first).to_be_hidden()
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".as-table table").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".as-table .scroll").first).to_be_focused()  # so that it can be scrolled


@pytest.mark.parametrize("language", ["cs", "en"])
@pytest.mark.parametrize("settings", [SETTINGS, _LONGEST], ids=["usual", "longest"])
def test_a_host_gets_two_pages(page: Page, language: str, settings: object) -> None:
    """On the web and as a file, with much and with nothing to tell."""
    shown = Shown(settings)  # type: ignore[arg-type]
    for report in (busy_report(), quiet_report()):
        shown.open(page, shown.provider(report, language))
        assert _pages(page) == 2
        page.unroute_all()
    file = provider_file(shown.settings, busy_report(), language).decode()
    assert not re.search(r'<link|<script|<img|src=|url\("(?!data:)|@import', file)
    page.set_content(file)
    page.wait_for_function("document.fonts.status === 'loaded' && document.fonts.check('16px Atkinson')")
    assert _pages(page) == 2


def _pages(page: Page) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
