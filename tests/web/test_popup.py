"""Logging in to an app by a popup, as apps do that run in browsers: in a real Chromium, from another origin."""

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.commands.demo import PASSWORD
from tests.network_up import NetworkUp
from tests.village import Village

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop

_APP = b"""<!doctype html><title>An app</title><script>
window.answers = [];
addEventListener("message", event => answers.push(event.data));
function enter(address) { window.popup = open(address, "enter", "popup,width=500,height=600"); }
</script>"""
_CALLBACK = b"""<!doctype html><title>Back in the app</title><script>
if (opener) { opener.postMessage(location.search + location.hash, location.origin); close(); }
</script>"""


class _App(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(_CALLBACK if self.path.startswith("/callback") else _APP)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    """An app on another site: 127.0.0.1, while the network is at localhost."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _authorization(running: NetworkUp, app: str, **more: str) -> str:
    sent = urlencode({"client_name": "Papoušek", "redirect_uris": f"{app}/callback", "scopes": "read"}).encode()
    with urllib.request.urlopen(f"{running.url}/api/v1/apps", sent) as answer:
        client_id = json.load(answer)["client_id"]
    query = {"client_id": client_id, "redirect_uri": f"{app}/callback", "response_type": "code", "scope": "read", "state": "š&1", **more}
    return f"{running.url}/oauth/authorize?{urlencode(query)}"


def _switch_language(page: Page, language: str) -> None:
    """Changes the language with the form of the page; members have it in the menu of the head."""
    if page.locator("details.me").count():
        page.locator("details.me summary").click()
    page.locator(f"form[action='/language'] button[value={language}]").first.click()
    expect(page.locator("html")).to_have_attribute("lang", language)


async def test_only_pages_on_the_way_to_an_app_stay_connected_to_their_opener(village: Village) -> None:
    await village.settle("jana")
    browser, policy = await village.by_browser("jana"), "cross-origin-opener-policy"
    for path in ("/oauth/authorize", "/oauth/authorize/native", "/log_in", "/sign_up", "/language"):
        assert (await browser.get(path)).headers[policy] == "unsafe-none", path
        assert (await browser.post(path)).headers[policy] == "unsafe-none", path
    for path in ("/", "/settings", "/@jana", "/nowhere"):
        assert (await browser.get(path)).headers[policy] == "same-origin", path


@pytest.mark.parametrize("mode", ["query", "fragment"])
def test_an_app_hears_the_answer_of_its_popup(browser: Browser, running: NetworkUp, app: str, mode: str) -> None:
    context = browser.new_context(locale="en-GB")
    opener = context.new_page()
    opener.goto(app)
    with context.expect_page() as opened:
        opener.evaluate("address => enter(address)", _authorization(running, app, response_mode=mode))
    popup = opened.value
    popup.set_default_timeout(60_000)
    popup.wait_for_url("**/log_in?**")
    _switch_language(popup, "cs")
    popup.fill("#name", "jana")
    popup.fill("#password", "not the password")
    popup.click("main button.main")
    expect(popup.locator("[role=alert]")).to_be_visible()
    popup.fill("#name", "jana")
    popup.fill("#password", PASSWORD)
    popup.click("main button.main")
    expect(popup.locator("button[name=allow][value=true]")).to_be_visible()
    other = "en" if popup.locator("html").get_attribute("lang") == "cs" else "cs"
    _switch_language(popup, other)
    assert opener.evaluate("popup.closed") is False  # the app can tell that the member is still at it
    with popup.expect_event("close"):
        popup.click("button[name=allow][value=true]")
    opener.wait_for_function("answers.length > 0")
    answer = opener.evaluate("answers[0]")
    assert answer.startswith("?code=" if mode == "query" else "#code=")
    assert answer.endswith("state=%C5%A1%261")
    opener.wait_for_function("popup.closed")
    context.close()


def test_a_popup_can_force_another_log_in(browser: Browser, running: NetworkUp, app: str) -> None:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{running.url}/log_in")
    page.fill("#name", "jana")
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_url("**/")
    page.goto(_authorization(running, app))
    expect(page.locator("main")).to_contain_text("@jana")
    for more in ({"force_login": "true"}, {"prompt": "login"}):
        page.goto(_authorization(running, app, **more))
        page.wait_for_url("**/log_in?**")
        page.fill("#name", "karel")
        page.fill("#password", PASSWORD)
        page.click("main button.main")
        expect(page.locator("main")).to_contain_text("@karel")
    context.close()
