"""The page of the random sample in a browser: axe, a narrow screen, keys, and without JavaScript."""

import os
import re
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.moderation.measurement.model import SampleItem, Stratum
from folkmoot.moderation.measurement.queries.sample import insert_day, insert_items
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database, post
from tests.web.browsing import log_in, open_page
from tests.web.test_axe_moderation import _examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


def _draw(running: NetworkUp, words: str) -> None:
    """The only post that waits to be judged."""
    post_id = int(re.findall(r"\d+$", str(post(running, newcomer(running, "autor"), words)))[0])
    day = clock.now().date() - timedelta(days=1)

    async def draw(database: Database) -> None:
        item = SampleItem(
            id=ids.make_id(1), day=day, post_id=post_id, edited_at=None, stratum=Stratum.QUIET, draws=1, score=0.1, is_queued=False
        )
        async with database.write() as tx:
            await tx.execute("UPDATE sample_items SET labelled_at = now() WHERE labelled_at IS NULL")
            await insert_day(tx, day, clock.now(), 1, 0, "x", {Stratum.QUIET: 1})
            await insert_items(tx, [item])

    on_database(running, draw)


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("FOLKMOOT_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"measure-{name}.png", full_page=True)


@pytest.mark.parametrize(("language", "width", "scheme"), [("cs", 1280, "light"), ("en", 390, "dark")])
def test_a_post_is_judged_with_two_keys(browser: Browser, running: NetworkUp, language: str, width: int, scheme: str) -> None:
    words = f"Zítra sázíme stromky, {secrets.token_hex(4)}"
    _draw(running, words)
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    page = log_in(
        open_page(browser, running, color_scheme=scheme, **how), newcomer(running, "hana", language=language, role=Role.MODERATOR)
    )
    page.goto("/moderate/measure")
    expect(page.locator("[data-judged]")).to_have_text(words)
    _examine(page, f"the random sample in {language}")
    page.keyboard.press("2")
    expect(page.locator("input[value='2']")).to_be_checked()
    _picture(page, f"{language}-{width}-{scheme}")
    page.keyboard.press("0")
    expect(page.locator("input[value='0']")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("[data-judged]")).to_have_count(0)
    _picture(page, f"{language}-empty")
    _examine(page, f"the empty random sample in {language}")


def test_a_post_is_judged_without_javascript(browser: Browser, running: NetworkUp) -> None:
    words = f"Bez skriptu, {secrets.token_hex(4)}"
    _draw(running, words)
    page = log_in(open_page(browser, running, java_script_enabled=False), newcomer(running, "ota", language="en", role=Role.MODERATOR))
    page.goto("/moderate/measure")
    page.click("text=Send")
    expect(page.get_by_text("Choose a rule, or that it breaks none, or that you can’t say.").first).to_be_visible()
    expect(page.locator("[data-judged]")).to_have_text(words)
    page.click("text=I can’t say")
    expect(page.locator("[data-judged]")).to_have_count(0)
