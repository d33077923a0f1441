"""axe on every page, in both languages and themes, including refused forms, errors, and pages of apps.

Wide pages are tested in the light theme and narrow ones in the dark theme; with `--long`, each in both.
"""

from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from folkmoot.base import clock
from folkmoot.config import Settings
from folkmoot.http.urls import Urls
from folkmoot.network.attention.model import Waiting
from folkmoot.web.rendering import Templates
from folkmoot.web.sent_form import SentForm
from folkmoot.web.static_files import StaticFiles
from tests import series
from tests.network_up import NetworkUp
from tests.web.browsing import log_in, open_page, save

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core-4.14.1.min.js").read_text()
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
_RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations']}"
_SHORT = "(found) => found.violations.map(({id, nodes}) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))])"
_NARROW = 800  # pixels
MEMBER = [
    "/", "/explore", "/explore/liked", "/tags/ferry",
    "/posts/new", "/posts/new?to=karel", "/@karel", "/@karel/followers", "/@karel/media", "/@jana",
    "/@jana/following", "/notifications", "/notifications?show=follows", "/messages", "/messages/put_away", "/messages/with/karel",
    "/messages/new?q=kar", "/search", "/search?q=dvorak", "/search?q=qqqqq",
    "/about", "/about/rules", "/reports", "/statements", "/jury", "/shortcuts",
    "/settings", "/settings/profile", "/settings/appearance", "/settings/push", "/settings/password", "/settings/sessions",
    "/settings/invitations", "/settings/requests", "/settings/mutes", "/settings/blocks", "/settings/filters", "/settings/filters/new",
    "/settings/notifications", "/notifications/requests", "/settings/domains", "/suggestions", "/@jana/recommended",
    "/settings/email", "/settings/export", "/settings/delete", "/settings/delete?stayed=1",
    "/bookmarks", "/favourites", "/lists", "/settings/hashtags", "/@jana/tagged/kasna", "/hashtags", "/scheduled", "/nothing",
]
VISITOR = ["/", "/explore", "/about", "/@karel", "/log_in", "/sign_up", "/reset", "/search?q=kasna", "/reset/xyz", "/confirm/xyz",
           "/stay/xyz", "/email/change/xyz", "/email/keep/xyz", "/log_in?stayed=1", "/nothing"]


def examine(page: Page, where: str, within: str = "document") -> None:
    page.wait_for_load_state()  # a click does not wait for the page that it opens
    expect(page.locator("h1"), f"{where}: one heading of the first level").to_have_count(1)
    assert page.locator("article.post:not([aria-label])").count() == 0, f"{where}: a post without a name"
    page.evaluate(AXE)
    size = page.viewport_size
    assert size
    for scheme in ("light", "dark") if series.is_long() else ("dark" if size["width"] < _NARROW else "light",):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        violations = page.evaluate(f"axe.run({within}, {_RULES}).then({_SHORT})")
        assert not violations, f"{where}, {scheme}: {violations}"


@pytest.mark.parametrize(("language", "width"), [("cs", 1280), ("en", 390)])
def test_axe_finds_nothing(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    member, visitor = log_in(open_page(browser, running, **how)), open_page(browser, running, **how)
    member.goto("/settings/appearance")
    member.check(f"#language-{language}")
    member.check("#theme-system")
    save(member)
    own = _address_of(member, "/@jana")
    thread = _address_of(member, "/@eva/with_replies")
    answer = f"/posts/new?reply_to={thread.rpartition('/')[2]}"
    quote = f"/posts/new?quote={own.rpartition('/')[2]}"
    some = [quote, f"{own}/quotes", f"{own}/quoting", f"{own}/edit", f"{own}/delete", f"{own}/history", f"{own}/favourited_by",
            thread, answer]
    for page, path in [(member, path) for path in (*MEMBER, *some)] + [(visitor, path) for path in (*VISITOR, thread)]:
        page.goto(path)
        examine(page, f"{path} in {language}")
    _refused_forms(member, visitor, language)
    _menus_and_covers(member, language)
    _app(member, running, language)
    visitor.route("**/failed", lambda route: route.fulfill(body=_failed_page(language), content_type="text/html; charset=utf-8"))
    visitor.goto("/failed")
    examine(visitor, f"the page of a server error in {language}")


def _address_of(page: Page, path: str) -> str:
    """The short address of the first post of a page."""
    page.goto(path)
    href = page.locator("article.post .when").first.get_attribute("href")
    assert href
    return f"/posts/{href.rpartition('/')[2]}"


def _refused_forms(member: Page, visitor: Page, language: str) -> None:
    visitor.goto("/sign_up")
    visitor.fill("#username", "jana")
    visitor.fill("#email", "jana.mala@example.org")
    visitor.fill("#password", "tri hrusky dve svestky")
    visitor.check("#agrees")
    visitor.click("main form button.main")
    expect(visitor.locator("#username-error")).to_contain_text("jana_mala")  # suggests a free name
    examine(visitor, f"sign-up with a taken name in {language}")
    visitor.click("main form button.main")
    examine(visitor, f"sign-up with errors in {language}")
    visitor.goto("/log_in")
    visitor.fill("#name", "jana")
    visitor.fill("#password", "docela jiné heslo")
    visitor.click("main form button.main")
    visitor.wait_for_selector(".wrong")
    examine(visitor, f"log-in refused in {language}")
    member.goto("/posts/new")
    member.fill("#text", "x" * 501)
    for tool in ("pictures", "poll", "cover"):
        member.check(f".use-{tool}")
    member.fill("#poll_0", "jen jedna")
    member.click(".sending button.main")
    member.wait_for_selector(".wrong")
    examine(member, f"composer with errors in {language}")
    member.goto("/settings/profile")
    member.fill("#display_name", "x" * 31)
    member.click("main form button.main")
    member.wait_for_selector(".wrong")
    examine(member, f"profile with an error in {language}")
    member.goto("/settings/password")
    member.fill("#old_password", "tohle to neni")
    member.fill("#password", "kratke")
    member.click("main form button.main")
    member.wait_for_selector(".wrong")
    examine(member, f"password with errors in {language}")
    member.goto("/settings/invitations")
    member.fill("#uses", "0")
    member.click("main form button.main")
    member.wait_for_selector(".wrong")
    examine(member, f"invitation with an error in {language}")


def _menus_and_covers(page: Page, language: str) -> None:
    page.goto("/@marie")
    page.locator("details.cover > summary").first.click()
    page.locator("details.more > summary").last.click()  # the menu of the last post covers no other post
    examine(page, f"an open menu and an open cover in {language}", "document.querySelector('main')")  # the menu covers the side column


def _app(page: Page, running: NetworkUp, language: str) -> None:
    made = page.request.post("/api/v1/apps", form={
        "client_name": f"Zkouška {language}", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob", "scopes": "read write"}).json()
    page.goto("/oauth/authorize?" + urlencode({
        "client_id": made["client_id"], "redirect_uri": "urn:ietf:wg:oauth:2.0:oob", "scope": "read write", "response_type": "code"}))
    examine(page, f"the authorization of an app in {language}")
    page.click("main form button.main")
    page.wait_for_selector("input.code")
    examine(page, f"the code for an app in {language}")
    page.goto("/oauth/authorize?client_id=unknown")
    examine(page, f"an app that is refused in {language}")
    page.goto("/settings/sessions")
    examine(page, f"sessions with an app in {language}")


@pytest.mark.parametrize(("language", "width"), [("cs", 390), ("en", 1280)])
def test_axe_finds_nothing_on_a_form_that_comes_back(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    """It is sent again as it was, with its changes."""
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    visitor = open_page(browser, running, **how)
    form = SentForm("/nothing?x=1", [("text", "Ztratil se pes.\n<b>Slyší</b> na Azora.")], [("poll[options][]", "ano")], has_files=True)
    visitor.route("**/failed", lambda route: route.fulfill(body=_failed_page(language, form), content_type="text/html; charset=utf-8"))
    visitor.goto("/failed")
    examine(visitor, f"a form that comes back in {language}")
    assert visitor.input_value("#written-1") == form.texts[0][1]
    visitor.fill("#written-1", "Našel se.")
    with visitor.expect_request("**/nothing?x=1") as sent:
        visitor.click("main form button.main")
    body = sent.value.post_data or ""
    assert "Našel se." in body
    assert 'name="poll[options][]"' in body


def _failed_page(language: str, again: SentForm | None = None) -> str:
    """The page of status 500, which no request can cause."""
    settings, static = Settings(), StaticFiles()
    templates = Templates(settings, Urls("", "", b"x"), static)
    request = SimpleNamespace(scope={"method": "POST"}, here="/failed", next_query="")
    return templates.render(language, "errors/failed.html", request=request, viewer=None, form_token="", waiting=Waiting(), waiting_cases=0,
                            path="/failed", now=clock.now(), code="K7R-402", again=again)


@pytest.mark.parametrize(("language", "width"), [("cs", 390), ("en", 1280)])
def test_axe_finds_nothing_on_pages_of_lists(browser: Browser, running: NetworkUp, language: str, width: int) -> None:
    how = {"locale": language, "viewport": {"width": width, "height": 900}, "bypass_csp": True, "reduced_motion": "reduce"}
    member = log_in(open_page(browser, running, **how))
    member.goto("/lists")
    member.click("main form button.main")  # without a name
    examine(member, "/lists, refused")
    member.fill("#title", f"Sousedé {width}")
    save(member)
    where = member.url
    examine(member, "an empty list")
    member.goto("/@karel")
    member.locator("a[href^='/accounts/'][href$='/lists']").last.click()
    examine(member, "lists of an account")
    member.check(f"text=Sousedé {width}")
    save(member)
    for path in (where, f"{where}/edit"):
        member.goto(path)
        examine(member, path)
    member.locator("main button.danger").click()
    examine(member, "/lists, after a deletion")
