"""When no host answers, the installed web app shows all names of the network, and the operator's letter."""

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.recovery_key import RecoveryKey
from tests.network_up import NetworkUp, free_port, moot
from tests.web.browsing import open_page
from tests.web.test_axe import examine

OTHER = "https://moot.example.net"
CANNOT_REACH = "Na síť se teď nedostaneme"
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop


class _Static(http.server.SimpleHTTPRequestHandler):
    """A web server for files that lets other sites read them."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def _serving(folder: Path, port: int) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(_Static, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{port}"
    finally:
        server.shutdown()
        server.server_close()


def _installed(browser: Browser, network: NetworkUp) -> Page:
    """A visitor whose browser has installed the service worker."""
    page = open_page(browser, network, service_workers="allow", locale="cs", viewport={"width": 390, "height": 844}, bypass_csp=False)
    page.goto("/explore")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("async () => navigator.serviceWorker.controller && Boolean(await caches.match('/seen'))")
    return page


def _publish(data: Path, folder: Path, *message: str) -> None:
    """Publishes, as if always in the same second: the time by which a server of files says "not modified"."""
    done = moot("lifeboat", "--to", str(folder), *message, data=data)
    assert done.returncode == 0, done.stdout + done.stderr
    os.utime(folder / "lifeboat.json", (1_700_000_000, 1_700_000_000))


def test_a_browser_shows_names_and_letter_when_the_network_is_gone(browser: Browser, open_folder: Path) -> None:
    site, port = open_folder / "site", free_port()
    site.mkdir()
    more = {"FOLKMOOT_NAMES_OTHERS": OTHER, "FOLKMOOT_NAMES_LIFEBOAT": f"http://localhost:{port}/", "FOLKMOOT_SERVER_PROCESSES": "1"}
    data = DataDirectory(open_folder / "data")
    data.prepare()
    BackupKey.new(RecoveryKey.new()).keep(data)
    network = NetworkUp(data.path, "--no-demo", **more).wait()
    try:
        page = _installed(browser, network)
        network.stop()
        page.goto("/explore")
        expect(page.locator("h1")).to_have_text(CANNOT_REACH)
        expect(page.locator("[data-names] a")).to_have_text([f"localhost:{network.port}", "moot.example.net"])
        expect(page.locator("[data-letter]")).to_be_hidden()
        with _serving(site, port):
            _publish(data.path, site, "--cs", "Stěhujeme se.", "--en", "We are moving.")
            _wait_for_letter(page, ["Stěhujeme se."])
            expect(page.locator("[data-archive]")).to_be_hidden()
            _publish(data.path, site, "--cs", "Stěhujeme se.\n\nZítra <jsme> zpátky.", "--en", "We are moving.", "--archive")
            _wait_for_letter(page, ["Stěhujeme se.", "Zítra <jsme> zpátky."])
            page.evaluate("document.fonts.ready.then(() => true)")
            page.emulate_media(reduced_motion="reduce")  # colours change at once
            examine(page, "the page that a browser keeps, with a letter")
            archive = page.locator("[data-archive] a")
            expect(archive).to_be_visible()
            assert archive.get_attribute("href") == f"http://localhost:{port}/archive/1.html"
            _forge(data, site)
            page.goto("/")
            expect(page.locator("[data-letter] .why p").first).to_have_text("Stěhujeme se.")  # the last one that was verified
        page.goto("/")
        expect(page.locator("[data-letter] .why p").first).to_have_text("Stěhujeme se.")
        network = NetworkUp(data.path, "--no-demo", port=network.port, **more).wait()
        page.get_by_role("link", name="Zkusit znovu").click()
        expect(page.locator("h1")).not_to_have_text(CANNOT_REACH)
    finally:
        network.stop()


def _wait_for_letter(page: Page, paragraphs: list[str]) -> None:
    """Opens a page until it shows the letter: the service worker waits four seconds for it, a busy machine may need longer."""
    for _ in range(10):
        page.goto("/@karel")
        if page.locator("[data-letter] .why p").all_text_contents() == paragraphs:
            return
    expect(page.locator("[data-letter] .why p")).to_have_text(paragraphs)


def _forge(data: DataDirectory, site: Path) -> None:
    """A newer letter, signed with the key of another network."""
    own = BackupKey.find(data)
    assert own
    BackupKey.new(RecoveryKey.new()).keep(data)
    _publish(data.path, site, "--cs", "Pošlete nám hesla.")
    own.keep(data)


@pytest.mark.parametrize(("language", "width"), [("cs", 390), ("en", 1280)])
def test_the_published_page_needs_neither_script_nor_network(browser: Browser, open_folder: Path, language: str, width: int) -> None:
    data = DataDirectory(open_folder / "data")
    data.prepare()
    data.secret("network-secret")
    BackupKey.new(RecoveryKey.new()).keep(data)
    _publish(data.path, open_folder / "site", "--cs", "Stěhujeme se.\n\nZítra jsme zpátky.", "--en", "We are moving.\n\nBack tomorrow.")
    page = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True, locale=language).new_page()
    missing: list[str] = []
    page.on("requestfailed", lambda request: missing.append(request.url))
    with _serving(open_folder / "site", free_port()) as url:
        page.on("response", lambda response: missing.append(response.url) if not response.ok else None)
        page.goto(f"{url}/{language}.html")
        expect(page.locator("[data-letter] .why p").last).to_have_text({"cs": "Zítra jsme zpátky.", "en": "Back tomorrow."}[language])
        page.evaluate("document.fonts.ready.then(() => true)")
        examine(page, f"the published page in {language}")
        assert missing == []
        assert page.locator("script").count() == 0
