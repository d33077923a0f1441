"""axe on every page of reports, statements and cases, in both languages and themes; each also 320 pixels wide."""

import re
import secrets

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.network.sessions.model import Role
from tests.journeys.test_report_to_statement import let_half_a_minute_pass, open_case, wait_for_text, write
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, post
from tests.web.browsing import log_in, open_page, save
from tests.web.test_axe import examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
_SUSPENDED = {"cs": "Váš účet je pozastavený", "en": "Your account is suspended"}
_PASSWORD = "tri hrusky dve svestky"
_CONCERNED = {
    "cs": "Lidi, o které tu jde, znáte, a tak rozhodne někdo jiný.", "en": "You know the people involved, so somebody else decides."}


def _examine(page: Page, where: str) -> None:
    """Runs axe, and checks that the page needs no horizontal scrolling at a width of 320 pixels."""
    examine(page, where)
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": 320, "height": 640})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320, f"{where} is {wide} wide"
    page.set_viewport_size(size)


def _examine_two_people(hana: Page, jana: Page, case: str, language: str) -> None:
    """One proposes a hold, another agrees, and one of them wants to release it."""
    hana.goto(f"{case.partition('?')[0].partition('#')[0]}/more")
    _examine(hana, f"more about a case in {language}")
    hana.click("form[action$='/hold'] button")
    hana.wait_for_selector(".wrong, .is-wrong")
    _examine(hana, f"a refused hold in {language}")
    hana.fill("#reason", "Ptá se na to soud.")
    hana.click("form[action$='/hold'] button")
    hana.wait_for_url("**/moderate/proposals/*")
    _examine(hana, f"an own proposal in {language}")
    jana.goto("/moderate/proposals")
    _examine(jana, f"what waits for a second person in {language}")
    jana.goto(hana.url)
    _examine(jana, f"a proposal in {language}")
    jana.click("button[value='true']")
    jana.wait_for_url("**/moderate/proposals")
    jana.goto("/moderate/holds")
    jana.locator("main details summary").first.click()
    _examine(jana, f"the holds in {language}")
    jana.locator("form[action$='/release'] button").first.click()
    jana.wait_for_selector(".is-wrong")
    _examine(jana, f"a hold that is not released in {language}")


@pytest.mark.parametrize(("language", "width"), [("cs", 1280), ("en", 390)])
def test_axe_finds_nothing_on_pages_of_moderation(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    author, karel, hana, jana = (open_page(browser, running, **how) for _ in range(4))
    name = f"hadek_{secrets.token_hex(4)}"
    author.goto("/sign_up")
    author.fill("#username", name)
    author.fill("#email", f"{name}@example.org")
    author.fill("#password", _PASSWORD)
    author.check("#agrees")
    author.click("main form button.main")
    author.wait_for_url("**/explore")
    seller = newcomer(running, "tomas")
    log_in(karel, newcomer(running, "karel", language=language))
    log_in(hana, newcomer(running, "hana", language=language, role=Role.MODERATOR))
    log_in(jana, newcomer(running, "jana", language=language, role=Role.MODERATOR, follows=[seller]))
    labelled = write(author, f"Ten soused je kus dřeva. Píše {name}.")
    removed = write(author, f"Přijdu si to s ním vyřídit. Píše {name}.")
    another = write(author, f"Ten druhý soused není o nic lepší. Píše {name}.")
    sold = post(running, seller, f"Zázračná mast od bratrance. Píše {seller}.")

    karel.goto(f"/reports/new?post={removed}")
    _examine(karel, f"the form of a report in {language}")
    karel.click("main form button.main")
    karel.wait_for_selector(".wrong")
    _examine(karel, f"a refused report in {language}")
    for reported in (removed, labelled, another, sold):
        karel.goto(f"/reports/new?post={reported}")
        karel.check("#rule-harassment")
        karel.fill("#comment", "Tohle ne.")
        karel.click("main form button.main")
        karel.wait_for_url(re.compile(r"/reports/\d+"))
    _examine(karel, f"a report in {language}")
    _edit_and_delete(author, labelled, removed)
    karel.goto(f"/reports/new?post={removed}")
    _examine(karel, f"the form of a report about a deleted post in {language}")

    hana.goto("/moderate")
    _examine(hana, f"the overview of cases in {language}")
    hana.goto("/moderate/statistics?unit=week")
    _examine(hana, f"the figures of the queue in {language}")
    hana.goto("/moderate/preferences")
    hana.fill("#daily_limit", "0")
    save(hana)
    _examine(hana, f"refused preferences in {language}")
    for path in ("/moderate/rules", "/moderate/rules/spam-new-account"):
        hana.goto(path)
        _examine(hana, f"{path} in {language}")
    hana.goto("/moderate/templates")
    hana.click("main form button.main")
    hana.wait_for_selector(".wrong")
    _examine(hana, f"refused ready sentences in {language}")
    open_case(hana, running, f"Píše {seller}")  # jana follows its author
    jana.goto(hana.url)
    expect(jana.locator("main")).to_contain_text(_CONCERNED[language])
    _examine(jana, f"a case that concerns the moderator in {language}")
    open_case(hana, running, f"kus dřeva. Píše {name}")
    _examine(hana, f"a case in {language}")
    hana.fill("#note", "Znám to jen z novin.")
    save(hana, "#notes button.second")
    _examine(hana, f"a case with a note in {language}")
    case = hana.url.partition("#")[0]
    hana.goto(f"{case}/together")
    _examine(hana, f"other cases of the same author in {language}")
    hana.check("input[name=with]")
    hana.click("main form button.main")
    hana.wait_for_url("**with=**")
    _examine(hana, f"a case that is decided together with another one in {language}")
    hana.goto(f"{case}/alike")
    _examine(hana, f"posts with the same words in {language}")
    hana.goto(case)
    hana.click("[data-decide]")
    hana.wait_for_selector(".wrong, .notice.failed")
    _examine(hana, f"a refused decision in {language}")
    if width < 1200:
        hana.check(".unfold input", force=True)
        _examine(hana, f"the unfolded bar in {language}")
    jana.goto(hana.url.removesuffix("/decide"))
    _examine(jana, f"a case that somebody else holds in {language}")
    _decide(hana, "label")
    jana.reload()
    _examine(jana, f"a case that is decided in {language}")
    open_case(hana, running, f"s ním vyřídit. Píše {name}")
    _examine(hana, f"a case with the undo line in {language}")
    suspended = hana.url
    _decide(hana, "suspend")
    _examine(hana, f"the page after a decision in {language}")
    let_half_a_minute_pass(running)
    wait_for_text(author, "/", _SUSPENDED[language])
    _examine_two_people(hana, jana, suspended, language)
    for path in ("/reports", "/notifications", "/about/rules"):
        karel.goto(path)
        _examine(karel, f"{path} in {language}")

    author.goto("/")
    expect(author.locator("main a[href='/statements']")).to_be_visible()
    _examine(author, f"the page of a suspended member in {language}")
    author.goto("/statements")
    _examine(author, f"the list of statements in {language}")
    author.locator("main a[href^='/statements/']").first.click()
    author.wait_for_url("**/statements/*")
    _examine(author, f"a statement in {language}")
    author.fill("#reason", "x" * 1001)
    author.click("main form button.main")
    author.wait_for_selector(".wrong")
    _examine(author, f"a refused appeal in {language}")
    author.fill("#reason", "Byl to žert.")
    author.click("main form button.main")
    author.wait_for_url("**/appeals/*")
    _examine(author, f"an appeal in {language}")


def _edit_and_delete(author: Page, edited: str, deleted: str) -> None:
    author.goto(f"/posts/{edited}/edit")
    author.fill("#text", "Ten soused je milý člověk.")
    author.click("main form button.main")
    author.wait_for_url(f"**/{edited}")
    author.goto(f"/posts/{deleted}/delete")
    _examine(author, "the page that asks before deletion")
    author.click("main form button.danger")
    author.wait_for_url(re.compile(r"/@hadek"))


def _decide(page: Page, action: str) -> None:
    if page.locator(".unfold").is_visible():
        page.set_checked(".unfold input", True, force=True)
    page.check(f"input[name=action][value={action}]", force=True)
    with page.expect_response(lambda response: response.url.endswith("/decide")):  # our script shows the next case before
        page.click("[data-decide]")
    page.wait_for_url(re.compile(r"/moderate(\?|/cases/)"))
