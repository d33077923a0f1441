"""The page of samples in a browser: axe, a narrow screen, and an answer."""

import os
import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.learning.actions import keep_samples
from folkmoot.moderation.learning.model import Sample
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database, post
from tests.web.browsing import log_in, open_page
from tests.web.test_axe_moderation import _examine

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


@pytest.mark.parametrize(("language", "width"), [("cs", 1280), ("en", 390)])
def test_a_sample_is_answered(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    author, words = newcomer(running, "autor"), f"Zítra sázíme stromky, {secrets.token_hex(4)}"
    post_id = int(re.findall(r"\d+$", str(post(running, author, words)))[0])
    page = log_in(open_page(browser, running, **how), newcomer(running, "hana", language=language, role=Role.MODERATOR))

    async def draw(database: Database) -> None:
        async with database.write() as tx:
            sample = Sample(post_id=post_id, edited_at=None, score=0.5, is_unsure=True, drawn_at=clock.now().replace(year=2020))
            await keep_samples(tx, [sample], clock.now().replace(year=2020))

    on_database(running, draw)
    page.goto("/moderate/samples")
    expect(page.locator("blockquote")).to_have_text(words)  # the oldest one is shown first
    if folder := os.environ.get("FOLKMOOT_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"samples-{language}.png")
    _examine(page, f"a sample in {language}")
    page.click("button[value=harmless]")
    expect(page.locator("body")).not_to_contain_text(words)
