"""A post is reported, removed and restored on appeal, with browsers and an app.

The test does not wait for the half minute in which a decision can be undone: it makes the settlement job due.
"""

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.base.db import Database
from folkmoot.base.queue.queries import retry_jobs
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp, moot
from tests.newcomers import newcomer, on_database
from tests.waiting import wait_until
from tests.web.browsing import log_in, open_page, save, wait_until_it_listens

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
THREAT = "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky."


class App:
    """A member's app: the client API with a token."""

    def __init__(self, network: NetworkUp, name: str) -> None:
        self._url = network.url
        self._token = json.loads(moot("token", "create", name, "--json", data=network.data).stdout)["token"]

    def ask(self, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self._url + path, json.dumps(body).encode() if body is not None else None,
            {"authorization": f"Bearer {self._token}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def let_half_a_minute_pass(network: NetworkUp) -> None:
    async def make_due(database: Database) -> None:
        async with database.write() as tx:
            await retry_jobs(tx, name="verdicts.settle", later_too=True)

    on_database(network, make_due)


def wait_for_text(page: Page, path: str, words: str) -> None:
    """Reloads the page until it contains the words, because the worker needs a moment."""

    def is_shown() -> bool:
        page.goto(path)
        return words in page.inner_text("main")

    wait_until(is_shown, f"{path} never showed: {words}")


def write(page: Page, text: str) -> str:
    """Publishes a post; returns its id."""
    page.goto("/posts/new")
    page.fill("#text", text)
    page.click("main button.main")
    page.wait_for_url("**/")
    href = page.locator("article.post", has_text=text).first.locator(".when").get_attribute("href")
    assert href
    return href.rpartition("/")[2]


def report(page: Page, post: str, comment: str) -> str:
    """Reports a post as a breach of rule 2; returns the address of the report."""
    page.goto(f"/posts/{post}")
    page.locator("article.opened summary[aria-label='More']").click()
    page.locator("article.opened .menu").get_by_role("link", name="Report").click()
    page.check("#rule-violence")
    page.fill("#comment", comment)
    page.click("main form button.main")
    page.wait_for_url(re.compile(r"/reports/\d+"))
    expect(page.locator("main")).to_contain_text("Thank you.")
    return page.url


def open_case(page: Page, network: NetworkUp, text: str) -> str:
    """Opens the case with this text from the moderator's overview, or, because that lists the first ones and other tests leave cases,
    the newest one with it."""
    page.goto("/moderate")
    listed = [link.get_attribute("href") or "" for link in page.locator("main .rows a").all()]
    for address in [*listed, *(f"/moderate/cases/{case_id}" for case_id in _open_cases(network))]:
        page.goto(address)
        if text in page.inner_text("main"):
            return page.url
    raise AssertionError("there is no such case")


def _open_cases(network: NetworkUp) -> list[int]:
    """The newest ones first."""
    async def find(database: Database) -> list[int]:
        async with database.read() as conn:
            return [row["id"] for row in await conn.fetch("SELECT id FROM cases WHERE state = 'open' ORDER BY id DESC")]

    return on_database(network, find)


def decide(page: Page, letter: str, action: str, explanation: str = "", *, by_keys: bool) -> None:
    if explanation:
        page.fill("#explanation", explanation)
        page.locator("h1").click()
    if by_keys:  # the rule is chosen already: two keys
        page.keyboard.press(letter)
        page.keyboard.press("Enter")
    else:
        page.check(f"input[name=action][value={action}]", force=True)
        page.click("[data-decide]")
    page.wait_for_url(re.compile(r"/moderate(\?|/cases/)"))
    expect(page.locator("main")).to_contain_text("Undo")


@pytest.fixture
def log_in_english(browser: Browser, running: NetworkUp) -> Any:
    def enter(name: str, *, has_script: bool = True) -> Page:
        page = log_in(open_page(browser, running, java_script_enabled=has_script), name)
        page.goto("/settings/appearance")
        page.check("#language-en")
        save(page)
        return page

    return enter


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without script"])
def test_from_report_to_statement_and_back(log_in_english: Any, running: NetworkUp, has_script: bool) -> None:
    author_name = newcomer(running, "tomas", followed_by=["jana"])
    text = f"Kdo zaparkuje na návsi, tomu vypustím všechna kola, píše {author_name}."
    author = log_in_english(author_name, has_script=has_script)
    reporter = log_in_english(newcomer(running, "karel"), has_script=has_script)
    post = write(author, text)
    eva = App(running, newcomer(running, "eva"))
    before = eva.ask(f"/api/v1/statuses/{post}")

    mine = report(reporter, post, "Myslí to vážně.")  # from the web, and from an app: one case
    whom = before["account"]["id"]
    told = eva.ask("/api/v1/reports", {"account_id": whom, "status_ids": [post], "rule_ids": ["2"], "comment": "Bojím se o kola."})
    assert told["category"] == "violation"
    hana = log_in_english(newcomer(running, "hana", role=Role.MODERATOR), has_script=has_script)
    case = open_case(hana, running, text)
    expect(hana.locator("main")).to_contain_text("2 people reported it.")
    expect(hana.locator("main")).to_contain_text("Bojím se o kola.")
    expect(hana.locator("main")).not_to_contain_text(before["account"]["display_name"])
    ludmila = log_in_english(newcomer(running, "ludmila", role=Role.MODERATOR), has_script=has_script)  # two moderators, one case
    ludmila.goto(case)
    expect(ludmila.locator("main")).to_contain_text("Somebody else is deciding this case.")
    expect(ludmila.locator("[data-decide]")).to_have_count(0)
    jana = log_in_english("jana", has_script=has_script)  # a third, who follows the author
    jana.goto(case)
    expect(jana.locator("main")).to_contain_text("You know the people involved, so somebody else decides.")
    expect(jana.locator("main")).not_to_contain_text(text)

    reader = log_in_english(newcomer(running, "marie"))
    reader.goto(f"/posts/{post}")
    wait_until_it_listens(reader)
    decide(hana, "t", "remove", "Vyhrožuje poškozením aut.", by_keys=has_script)
    expect(reader.locator("article.opened")).to_have_text("This post is no longer here.")
    reporter.goto(f"/posts/{post}")
    expect(reporter.locator("main")).not_to_contain_text(text)
    let_half_a_minute_pass(running)
    wait_for_text(reporter, mine, "The post was removed.")
    wait_for_text(author, "/notifications", "We removed your post.")
    author.locator(".notices a[href^='/statements/']").first.click()
    author.wait_for_url("**/statements/*")
    statement = author.url
    for words in ("Vyhrožuje poškozením aut. That is rule 2.", text, "A person of this network."):
        expect(author.locator("main")).to_contain_text(words)

    author.fill("#reason", "Byl to žert o polévce.")
    author.click("main form button.main")
    author.wait_for_url("**/appeals/*")
    appeal = author.url
    expect(author.locator("main")).to_contain_text("We have your appeal.")
    hana.goto("/moderate")  # the first decider does not hear the appeal
    assert not any(text in _case_text(hana, link.get_attribute("href") or "") for link in hana.locator("main .rows a").all())
    open_case(ludmila, running, text)
    expect(ludmila.locator("h1")).to_contain_text("A second look")
    expect(ludmila.locator("main")).to_contain_text("Byl to žert o polévce.")
    expect(ludmila.locator("main")).not_to_contain_text("Vyhrožuje poškozením")
    decide(ludmila, "a", "keep", by_keys=has_script)
    let_half_a_minute_pass(running)
    wait_for_text(author, appeal, "We were wrong.")
    author.goto(statement)
    expect(author.locator("main")).to_contain_text("Your post is back")
    after = eva.ask(f"/api/v1/statuses/{post}")
    changes = {name for name in before if before[name] != after[name] and name != "account"}
    assert not changes, changes  # it is restored exactly
    wait_for_text(reporter, mine, "The post stays.")
    for page in (author, reporter, hana, ludmila):
        assert [problem for problem in page.problems if "404" not in problem] == []  # the removed post was requested


def _case_text(page: Page, address: str) -> str:
    """What a case is about, without what was decided about others."""
    other = page.context.new_page()
    other.goto(address)
    similar = other.locator("main section", has=other.locator("h2", has_text="Similar cases"))
    similar.evaluate_all("found => found.forEach(one => one.remove())")
    text = other.inner_text("main")
    other.close()
    return text


def test_a_threat_is_hidden_at_once_and_its_author_is_told(log_in_english: Any, running: NetworkUp) -> None:
    author, reader = log_in_english(newcomer(running, "tomas")), log_in_english(newcomer(running, "marie"))
    post = write(author, THREAT)
    wait_for_text(author, f"/posts/{post}", "Only you see this post.")
    reader.goto(f"/posts/{post}")
    expect(reader.locator("main")).to_contain_text("There is nothing here")
    wait_for_text(author, "/notifications", "Your post is hidden until people have looked at it.")
    author.goto(f"/posts/{post}/statement")
    expect(author.locator("main")).to_contain_text("Nobody yet. A program has hidden the post until people look at it.")
    hana = log_in_english(newcomer(running, "hana", role=Role.MODERATOR))
    open_case(hana, running, THREAT)
    expect(hana.locator("main")).to_contain_text("Until somebody decides, the text stays hidden.")
    author.goto(f"/posts/{post}/delete")
    author.click("text=Delete the post")
    hana.reload()
    wait_for_text(hana, hana.url, "There is nothing left to decide.")
