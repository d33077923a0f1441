"""The pages of the jury in a browser: axe in both languages and themes, two keys for an answer, and a width of 320 pixels."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.jurors.model import QUESTIONS
from folkmoot.network.accounts.queries import find_account_by_name
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database
from tests.web.browsing import log_in, open_page, save
from tests.web.test_axe_moderation import _examine as examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def _make_old_enough(network: NetworkUp, name: str) -> None:
    """Makes an account old enough."""

    async def change(database: Database) -> None:
        async with database.write() as tx:
            account = await find_account_by_name(tx, name)
            assert account
            await tx.execute("UPDATE accounts SET created_at = $2 WHERE id = $1", account.id, clock.now() - timedelta(days=40))

    on_database(network, change)


def _expected(network: NetworkUp, name: str) -> list[str]:
    """The right answers of the newest training, as keys."""

    async def read(database: Database) -> list[str]:
        async with database.read() as conn:
            rows = await conn.fetch(
                "SELECT g.expected FROM gold_answers AS g JOIN jurors AS j USING (account_id) JOIN accounts AS a ON a.id = j.account_id"
                " WHERE a.username = $1 AND g.attempt = j.attempts ORDER BY g.position",
                name,
            )
        return [str(current().clause(row["expected"]).number) if row["expected"] else "0" for row in rows]

    return on_database(network, read)


def _press(page: Page, key: str) -> None:
    """Answers with two keys, and waits for the explanation."""
    page.keyboard.press(key)
    if key != "n":
        expect(page.locator(f"input[name=clause][value='{key}']")).to_be_checked()
        page.keyboard.press("Enter")
    page.wait_for_url("**/training?after=*")


def _pass(page: Page, network: NetworkUp, name: str, language: str) -> None:
    """A training in which all answers are right, and a break."""
    page.click("main button[formaction='/jury/training']")
    page.wait_for_url("**/jury/training")
    for position, key in enumerate(_expected(network, name), start=1):
        _press(page, key)
        expect(page.locator(".notice.done")).to_be_visible()
        if position == 1:
            examine(page, f"an answer that is right in {language}")
        page.keyboard.press("Enter")
        page.wait_for_url("**/jury/training" if position < QUESTIONS else "**/jury")
    examine(page, f"a juror in {language}")
    save(page, "main button[formaction='/jury/pause']")
    page.wait_for_selector("main button[formaction='/jury/resume']")
    examine(page, f"a break in {language}")


def _fail(page: Page, language: str) -> None:
    """A training in which "I can't say" is always the answer."""
    page.click("main button[formaction='/jury/training']")
    page.wait_for_url("**/jury/training")
    examine(page, f"a question in {language}")
    page.locator(".other-rules summary").click()
    page.locator(".more-rules summary").click()
    examine(page, f"a question with all rules in {language}")
    page.click("[data-send]")
    page.wait_for_selector(".is-wrong")
    examine(page, f"a question without an answer in {language}")
    for position in range(1, QUESTIONS + 1):
        _press(page, "n")
        if position == 1:
            examine(page, f"an explanation in {language}")
        page.keyboard.press("Enter")
        page.wait_for_url("**/jury/training" if position < QUESTIONS else "**/jury")
    examine(page, f"a training that was not passed in {language}")


@pytest.mark.parametrize(("language", "width"), [("cs", 1280), ("en", 390)])
def test_axe_finds_nothing_from_the_application_to_leaving(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    name = newcomer(running, "porotkyne", language=language)
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    page = log_in(open_page(browser, running, **how), name)
    page.goto("/jury")
    examine(page, f"too early for the jury in {language}")
    _make_old_enough(running, name)
    page = log_in(open_page(browser, running, **how), name)
    expect(page.locator("h1")).to_be_visible()
    page.goto("/jury")
    while page.locator("#languages").count() == 0:  # the old age was remembered for a moment
        page.reload()
    page.uncheck(f"#languages-{language}")
    page.click("main form button.main")
    page.wait_for_selector(".is-wrong")
    examine(page, f"a refused application in {language}")
    page.check(f"#languages-{language}")
    page.check("#avoided-cover")
    save(page)
    page.wait_for_selector("main button[formaction='/jury/training']")
    examine(page, f"an application in {language}")
    if language == "cs":
        _fail(page, language)
    else:
        _pass(page, running, name, language)
    save(page, "main button[formaction='/jury/leave']")
    page.wait_for_url("**/jury?left=1")
    examine(page, f"somebody who left in {language}")
    assert not page.problems  # type: ignore[attr-defined]
