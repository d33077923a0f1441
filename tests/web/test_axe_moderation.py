"""axe on every page of reports, letters and cases, in both languages and themes; and 320 pixels for each of them."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.test_report_to_statement import let_half_a_minute_pass, open_case, write
from tests.network_up import NetworkUp
from tests.web.browsing import log_in, open_page
from tests.web.test_axe import examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
_PASSWORD = "tri hrusky dve svestky"
_CONCERNED = {
    "cs": "Lidi, o které tu jde, znáte, a tak rozhodne někdo jiný.", "en": "You know the people in this, so somebody else decides."}


def _look(page: Page, where: str) -> None:
    """axe, and that nothing has to be scrolled sideways on the narrowest phone."""
    examine(page, where)
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": 320, "height": 640})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320, f"{where} is {wide} wide"
    page.set_viewport_size(size)


@pytest.mark.parametrize(("language", "width"), [("cs", 1280), ("en", 390)])
def test_axe_finds_nothing_in_the_order_of_things(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    author, karel, hana, jana = (open_page(browser, running, **how) for _ in range(4))
    author.goto("/sign_up")
    author.fill("#username", f"hadek_{language}")
    author.fill("#email", f"hadek.{language}@example.org")
    author.fill("#password", _PASSWORD)
    author.check("#agrees")
    author.click("main form button.main")
    author.wait_for_url("**/explore")
    for page, name in ((karel, "karel"), (hana, "hana"), (jana, "jana")):
        log_in(page, name)
        page.goto("/settings/appearance")
        page.check(f"#language-{language}")
        page.click("main form button.main")
    labelled = write(author, f"Ten soused je kus dřeva. Psáno {language}.")
    removed = write(author, f"Přijdu si to s ním vyřídit. Psáno {language}.")

    karel.goto(f"/reports/new?post={removed}")
    _look(karel, f"the form of a report in {language}")
    karel.click("main form button.main")
    karel.wait_for_selector(".wrong")
    _look(karel, f"a report that came back in {language}")
    for post in (removed, labelled):
        karel.goto(f"/reports/new?post={post}")
        karel.check("#rule-3")
        karel.fill("#comment", "Tohle ne.")
        karel.click("main form button.main")
        karel.wait_for_url(re.compile(r"/reports/\d+"))
    _look(karel, f"a report in {language}")

    hana.goto("/moderate")
    _look(hana, f"one's share in {language}")
    open_case(hana, "Zázračná mast")  # of a neighbour whom jana follows
    jana.goto(hana.url)
    expect(jana.locator("main")).to_contain_text(_CONCERNED[language])
    _look(jana, f"a case that concerns one in {language}")
    open_case(hana, "kus dřeva")
    _look(hana, f"a case in {language}")
    hana.click("[data-decide]")
    hana.wait_for_selector(".wrong, .notice.failed")
    _look(hana, f"a decision that came back in {language}")
    if width < 1200:
        hana.check(".unfold input", force=True)
        _look(hana, f"the unfolded bar in {language}")
    jana.goto(hana.url.removesuffix("/decide"))
    _look(jana, f"a case that somebody else holds in {language}")
    _decide(hana, "label")
    jana.reload()
    _look(jana, f"a case that is decided in {language}")
    open_case(hana, "s ním vyřídit")
    _look(hana, f"a case with a line that takes back in {language}")
    _decide(hana, "suspend")
    _look(hana, f"what follows a decision in {language}")
    karel.goto(f"/posts/{labelled}")
    let_half_a_minute_pass(running)
    karel.wait_for_timeout(1500)
    for path in ("/reports", "/notifications", "/about/rules"):
        karel.goto(path)
        _look(karel, f"{path} in {language}")

    author.goto("/")
    expect(author.locator("main a[href='/statements']")).to_be_visible()
    _look(author, f"the page of who is suspended in {language}")
    author.goto("/statements")
    _look(author, f"decisions about oneself in {language}")
    author.locator("main a[href^='/statements/']").first.click()
    author.wait_for_url("**/statements/*")
    _look(author, f"a letter in {language}")
    author.fill("#reason", "x" * 1001)
    author.click("main form button.main")
    author.wait_for_selector(".wrong")
    _look(author, f"an appeal that came back in {language}")
    author.fill("#reason", "Byl to žert.")
    author.click("main form button.main")
    author.wait_for_url("**/appeals/*")
    _look(author, f"an appeal in {language}")


def _decide(page: Page, action: str) -> None:
    if page.locator(".unfold").is_visible():
        page.set_checked(".unfold input", True, force=True)
    page.check(f"input[name=action][value={action}]", force=True)
    page.click("[data-decide]")
    page.wait_for_url(re.compile(r"/moderate(\?|/cases/)"))
