"""The next case appears at once after a decision, because its page was fetched before; a refused decision comes back."""

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.cases.queries import find_open_case, update_assigned
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.posts.actions import PostLimits, edit_post
from folkmoot.network.posts.model import PostDraft
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database, post
from tests.web.browsing import log_in, open_page

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def _hand_over(network: NetworkUp, moderator: str, texts: list[str]) -> tuple[str, dict[str, tuple[str, int]]]:
    """Publishes posts, reports them, and hands their cases over to the moderator, so that they come first. Returns the author, and for
    each text (address of the case, post)."""
    author, reporter = newcomer(network, "autor"), newcomer(network, "svedek")
    posts = {text: post(network, author, text) for text in texts}

    async def report(database: Database) -> dict[str, tuple[str, int]]:
        found = {}
        async with database.write() as tx:
            people = [await find_account_by_name(tx, name) for name in (author, reporter, moderator)]
            for text, post_id in posts.items():
                assert all(people)
                await file_report(tx, people[1], ReportDraft(account_id=people[0].id, post_ids=(post_id,), clauses=("harassment",)))
                case = await find_open_case(tx, Subject.POST, post_id)
                assert case
                await update_assigned(tx, case.id, people[2].id, clock.now())
                found[text] = (f"/moderate/cases/{case.id}", post_id)
        return found

    return author, on_database(network, report)


def _edit(network: NetworkUp, author: str, post_id: int) -> None:
    async def edit(database: Database) -> None:
        async with database.write() as tx:
            account = await find_account_by_name(tx, author)
            assert account
            await edit_post(tx, account, post_id, PostDraft(text="Přišel jsem jen na kávu."), PostLimits(base_url=network.url))

    on_database(network, edit)


def _shown(page: Page, texts: list[str]) -> str:
    """The text that the open case is about."""
    main = page.inner_text("main .subject .said")
    return next(text for text in texts if text in main)


def test_two_keys_show_the_next_case_before_the_server_has_answered(browser: Browser, running: NetworkUp) -> None:
    hana = newcomer(running, "hana", role=Role.MODERATOR, language="en")
    texts = [f"Tenhle {name} nestojí za nic, {hana} to ví." for name in ("kopec", "rybník", "sedlák")]
    author, cases = _hand_over(running, hana, texts)
    page = log_in(open_page(browser, running, locale="en-GB"), hana)
    page.goto(cases[texts[0]][0])
    page.wait_for_selector("[data-case][data-ready]", state="attached")
    page.keyboard.press("?")
    keys = page.locator("dl.keys")
    expect(keys).to_be_focused()
    box, bar = keys.bounding_box(), page.locator(".decision").bounding_box()
    assert box
    assert bar
    assert box["y"] + box["height"] <= bar["y"], "nothing of it is behind the bar"
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("?")  # and while it is shown, keys decide
    waiting: list[Route] = []
    page.route("**/decide", lambda route: waiting.append(route))
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    expect(page.locator("main .subject .said")).not_to_contain_text(texts[0])  # while the server has not even got the decision
    second = _shown(page, texts)
    assert page.url.endswith(cases[second][0])
    for _ in range(600):  # until the route has the request; it hears of it during a wait only
        if not waiting:
            page.wait_for_timeout(100)
    waiting[0].continue_()
    expect(page.locator("main [data-undo]")).to_contain_text("removed, rule")
    page.unroute("**/decide")

    page.wait_for_selector("[data-case][data-ready]", state="attached")
    _edit(running, author, cases[second][1])
    page.fill("#explanation", "Uráží krajinu.")
    page.locator("h1").click()
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    expect(page.locator("main .notice.failed")).to_contain_text("The author has edited this post in the meantime.")
    assert page.url.endswith(cases[second][0])
    expect(page.locator("#explanation")).to_have_value("Uráží krajinu.")
    page.check("input[name=action][value=keep]", force=True)
    page.wait_for_selector("[data-case][data-ready]", state="attached")
    with page.expect_response(lambda response: response.url.endswith("/decide")) as answer:
        page.keyboard.press("Enter")
    assert answer.value.ok
    third = next(text for text in texts[1:] if text != second)
    expect(page.locator("main .subject .said")).to_contain_text(third)
    assert [problem for problem in page.problems if "409" not in problem] == []  # type: ignore[attr-defined]
