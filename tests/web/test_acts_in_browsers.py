"""Acts with JavaScript, each on an accessible page: further answers in a poll, marks on posts that are no longer visible."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.network_up import NetworkUp
from tests.newcomers import newcomer
from tests.web.browsing import log_in, open_page
from tests.web.test_axe import examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def _ask(page: Page, name: str) -> str:
    """Publishes a poll with several answers; returns the address of its post."""
    page.goto("/posts/new")
    page.fill("#text", "Co letos zasadíme u kašny?")
    page.check(".use-poll")
    for number, answer in enumerate(("hrušky", "jablka", "švestky")):
        page.fill(f"#poll_{number}", answer)
    page.check("#poll_is_multiple")
    page.click(".sending button.main")
    page.wait_for_url("**/")
    page.goto(f"/@{name}")
    href = page.locator("article.post .when").first.get_attribute("href")
    assert href
    return href


def test_further_answers_and_marks_that_are_taken_back(browser: Browser, running: NetworkUp) -> None:
    how = {"viewport": {"width": 390, "height": 844}, "bypass_csp": True, "reduced_motion": "reduce"}
    asking, voting = newcomer(running, "josef"), newcomer(running, "marie")
    josef, marie = log_in(open_page(browser, running, **how), asking), log_in(open_page(browser, running, **how), voting)
    address = _ask(josef, asking)
    id_ = address.rpartition("/")[2]

    marie.goto(address)
    poll = marie.locator(".poll")
    for answer, chosen in (("jablka", 1), ("hrušky", 2)):
        if chosen > 1:
            poll.locator("summary").click()
        poll.locator("label", has_text=answer).click()
        poll.locator("fieldset button").click()
        expect(poll.locator("li.mine")).to_have_count(chosen)
    poll.locator("summary").click()
    expect(poll.locator("fieldset label")).to_have_count(1)
    examine(marie, "a poll with a further answer", "document.querySelector('main')")
    josef.goto(f"/posts/{id_}/edit")
    examine(josef, "editing a poll", "document.querySelector('main')")

    marie.locator(".act.like").first.click()
    marie.locator(".act.boost").first.click()
    for name in (".act.like", ".act.boost"):
        expect(marie.locator(name).first).to_have_attribute("aria-pressed", "true")
    josef.goto(f"/@{voting}")
    josef.locator("aside button[formaction$='/block']").evaluate("button => button.click()")
    expect(josef.locator("aside button[formaction$='/unblock']")).to_be_attached()
    for page, act in (("/favourites", "unfavourite"), (f"/@{voting}", "unboost")):
        marie.goto(page)
        examine(marie, f"{page} with a post that is not visible any more", "document.querySelector('main')")
        button = marie.locator(f".withheld button[formaction='/posts/{id_}/{act}']")
        button.click()
        expect(button).to_have_count(0)
    assert not marie.problems  # type: ignore[attr-defined]
