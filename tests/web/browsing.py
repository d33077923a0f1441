"""Browser pages for tests: each in a context of its own that collects errors; logging in; waiting until a page listens."""

from typing import Any

from playwright.sync_api import Browser, Page

from folkmoot.commands.demo import PASSWORD
from tests.chromium import PATIENCE
from tests.network_up import NetworkUp

# Live updates begin when the page is open, and nothing on it shows when.
_LISTENING = """
    window.EventSource = class extends EventSource {
        constructor(address) { super(address); this.addEventListener('open', () => { window.isListening = true; }); }
    };
"""


def open_page(browser: Browser, network: NetworkUp, **options: Any) -> Page:
    usual: dict[str, Any] = {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}}
    usual["service_workers"] = "block"  # its requests do not pass the routes of a test
    context = browser.new_context(**{**usual, **options}, base_url=network.url)
    context.add_init_script(_LISTENING)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" and "422" not in message.text else None)
    page.problems = problems  # type: ignore[attr-defined]
    return page


def wait_until_it_listens(page: Page) -> None:
    """Waits until the page hears of new posts, notifications and messages."""
    page.wait_for_function("window.isListening")


def save(page: Page, button: str = "main form button.main") -> None:
    """Sends a form, and waits for the page that answers it: leaving at once would take the form back."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.click(button)
    page.wait_for_load_state()


def log_in(page: Page, name: str = "jana", password: str = PASSWORD) -> Page:
    page.goto("/log_in")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button.main")
    page.wait_for_url("**/")
    return page
