"""axe on the pages of notices, in both languages and themes; each also 320 pixels wide."""

import re
import secrets

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, post
from tests.web.browsing import log_in, open_page, save
from tests.web.test_axe_moderation import _examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def _fill(page: Page, addresses: str) -> None:
    email = f"a{secrets.token_hex(4)}@example.org"
    for name, value in (("addresses", addresses), ("reason", "Vyhrožuje zabitím."), ("name", "Alena"), ("email", email)):
        page.fill(f"#{name}", value)
    page.check("#in_good_faith")


@pytest.mark.parametrize(("language", "width"), [("cs", 1280), ("en", 390)])
def test_axe_finds_nothing_on_pages_of_notices(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    nobody, operator = (open_page(browser, running, **how) for _ in range(2))
    author = newcomer(running, "petra")
    number = post(running, author, "Dobrý den.")
    log_in(operator, newcomer(running, "hana", language=language, role=Role.OPERATOR))

    nobody.goto(f"/@{author}/{number}")
    nobody.click("article.opened .more summary")
    _examine(nobody, f"the menu of a post in {language}")
    nobody.click("article.opened .more .menu a")
    nobody.wait_for_url("**/notice?post=*")
    assert str(number) in nobody.input_value("#addresses")
    _examine(nobody, f"the form of a notice in {language}")
    nobody.click("main form button.main")
    nobody.wait_for_selector(".wrong")
    _examine(nobody, f"a refused notice in {language}")
    _fill(nobody, f"{running.url}/posts/{number}\nhttps://elsewhere.example/1")
    nobody.select_option("#claims", "authority")
    nobody.wait_for_timeout(3000)  # the form is refused before: only programs are that quick
    save(nobody)
    nobody.wait_for_url(re.compile("/notice/N-"))
    _examine(nobody, f"the receipt of a notice in {language}")
    for path in ("/notice/find", "/notice/find?number=N-1&key=2", "/contact", "/notice/N-1/confirm/x"):
        nobody.goto(path)
        _examine(nobody, f"{path} in {language}")

    operator.goto("/moderate/notices")
    _examine(operator, f"the list of notices in {language}")
    operator.goto("/moderate/contacts")
    operator.fill("#name", "Hosting s.r.o.")
    save(operator, "main form:last-of-type button.main")
    expect(operator.locator(".wrong")).to_have_count(1)
    _examine(operator, f"a refused contact in {language}")
    operator.fill("#senders", "hosting.example")
    save(operator, "main form:last-of-type button.main")
    operator.wait_for_url("**/moderate/contacts?added=*")
    _examine(operator, f"the register of contacts in {language}")
    operator.goto("/moderate/notices")
    operator.click("main .rows a")
    operator.wait_for_url(re.compile(r"/moderate/notices/\d+"))
    _examine(operator, f"a notice for moderators in {language}")
    assert not nobody.problems  # type: ignore[attr-defined]
