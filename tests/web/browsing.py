"""Browser pages for tests: each in a context of its own that collects errors; and logging in."""

from typing import Any

from playwright.sync_api import Browser, Page

from folkmoot.commands.demo import PASSWORD
from tests.chromium import PATIENCE
from tests.network_up import NetworkUp


def open_page(browser: Browser, network: NetworkUp, **options: Any) -> Page:
    context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **options}, base_url=network.url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" and "422" not in message.text else None)
    page.problems = problems  # type: ignore[attr-defined]
    return page


def log_in(page: Page, name: str = "jana", password: str = PASSWORD) -> Page:
    page.goto("/log_in")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button.main")
    page.wait_for_url("**/")
    return page
