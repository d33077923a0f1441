"""Texts of members are never markup: each payload is sent in each field, and each page that shows it is parsed."""

import json
import re
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from playwright.sync_api import sync_playwright

import folkmoot
from folkmoot.config import Network
from tests.api.test_accounts import picture
from tests.chromium import find_chromium
from tests.hostile.payloads import PAYLOADS, SHORT
from tests.network_up import NetworkUp, moot
from tests.newcomers import newcomer
from tests.village import Village
from tests.web.test_pages import form_token

_TEXT_TAGS = {"p", "br", "span", "a"}
_ADDRESSES = ("href", "src", "action", "formaction", "data", "poster", "srcset")
_TEMPLATES = Path(folkmoot.__file__).parent / "web" / "templates"
_PAGE_TAGS = (
    {tag for file in _TEMPLATES.rglob("*.html") for tag in re.findall(r"<([a-z][a-z0-9]*)", file.read_text("utf-8"))} | _TEXT_TAGS | {"use"}
)


class Page(HTMLParser):
    """Parses a page, and collects what must not be in it."""

    def __init__(self, allowed: set[str], *, may_load: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._allowed, self._may_load = allowed, may_load
        self.wrong: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in self._allowed:
            self.wrong.append(f"<{tag}>")
        if tag == "script":
            file = re.match(r"/static/(folkmoot|counting|focus|later|pictures)\.js\?", values.get("src", ""))
            self.scripts.append(file[1] if file else "")
            if not (self._may_load and file and set(values) == {"src", "defer"}):
                self.wrong.append(f"script {values}")
        for name, value in values.items():
            if name.startswith("on") or name in ("style", "srcdoc", "http-equiv"):
                self.wrong.append(f"{tag} {name}={value!r}")
            if name in _ADDRESSES and re.match(r"\s*(javascript|vbscript|data)\s*:", re.sub(r"[\t\r\n\x00]", "", value), re.I):
                self.wrong.append(f"{tag} {name}={value!r}")
            if name in ("action", "formaction") and not re.match(r"/(?![/\\])|$", value):
                self.wrong.append(f"{tag} {name}={value!r}")


def _check(html: str, what: object, *, is_page: bool) -> None:
    page = Page(_PAGE_TAGS if is_page else _TEXT_TAGS, may_load=is_page)
    page.feed(html)
    page.close()
    assert not page.wrong, (what, page.wrong[:5])
    assert len(set(page.scripts)) == len(page.scripts), what
    assert is_page == ({"focus", "folkmoot"} <= {*page.scripts}), what


def _bundles(size: int) -> Iterator[str]:
    for start in range(0, len(PAYLOADS), size):
        yield "\n".join(PAYLOADS[start : start + size])


@pytest.fixture
async def written(village: Village) -> Any:
    """Writes payloads into every field; returns a client of the API, a browser, and the pages that show them."""
    longer = msgspec.structs.replace(village.settings, network=Network(max_characters=20_000))
    object.__setattr__(village.front._pages._context, "settings", longer)
    await village.settle("jana", "karel")
    await village.follow("karel", "jana")
    jana, karel, browser = await village.by_app("jana"), await village.by_app("karel"), await village.by_browser("karel")
    pages = [
        "/",
        "/explore",
        "/@jana",
        "/@jana/with_replies",
        "/@jana/media",
        "/notifications",
        "/messages",
        "/settings/sessions",
        "/@jana/followers",
    ]
    for number, text in enumerate(_bundles(40)):
        upload = (
            (await jana.upload("/api/v2/media", "file", picture(), description=text[:1500].replace("\x00", ""))).json["id"]
            if number < 2
            else None
        )
        text = "@karel #štítek\n" + text.replace("\x00", "")
        more = {"media_ids[]": [upload]} if upload else {}
        post = (
            await jana.post(
                "/api/v1/statuses",
                {"status": text, "spoiler_text": PAYLOADS[number * 7], "visibility": "direct" if number == 4 else "public", **more},
            )
        ).json
        assert "id" in post, post
        one = post["id"]
        await jana.send("PUT", f"/api/v1/statuses/{one}", {"status": text[::-1], "spoiler_text": PAYLOADS[number * 7 + 1], **more})
        await jana.send("PUT", f"/api/v1/statuses/{one}", {"status": text, "spoiler_text": PAYLOADS[number * 7 + 2], **more})
        pages += [f"/@jana/{one}", f"/posts/{one}/history", f"/posts/new?reply_to={one}"]
    for start in range(0, len(SHORT), 4):
        options = [payload.replace("\x00", "") + str(number) for number, payload in enumerate(SHORT[start : start + 4])]
        poll = (await jana.post("/api/v1/statuses", {"status": "?", "poll[options][]": options, "poll[expires_in]": "600"})).json
        pages.append(f"/@jana/{poll['id']}") if "id" in poll else None
    async with village.database.write() as tx:
        await tx.execute("UPDATE apps SET name = $1, website = $2", PAYLOADS[0], "https://x.example/" + PAYLOADS[1])
    await village.work()
    return karel, browser, pages


async def test_no_payload_survives_in_a_page_or_in_the_api(village: Village, written: Any) -> None:
    karel, browser, pages = written
    statuses = (await karel.get(f"/api/v1/accounts/{village.people['jana'].id}/statuses?limit=40")).json
    assert len(statuses) > 10
    for status in statuses:
        _check(status["content"], status["id"], is_page=False)
        for edit in (await karel.get(f"/api/v1/statuses/{status['id']}/history")).json:
            _check(edit["content"], status["id"], is_page=False)
    for page in pages:
        answer = await browser.get(page)
        if answer.status == 303:  # a message is shown in its conversation
            answer = await browser.get(answer.headers["location"].partition("#")[0])
        assert answer.status == 200, page
        _check(answer.text, page, is_page=True)


async def test_no_payload_survives_in_a_profile(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, browser, own = await village.by_app("jana"), await village.by_browser("karel"), await village.by_browser("jana")
    await village.write("jana", "Ahoj")
    for number, start in enumerate(range(0, len(PAYLOADS), 12)):
        some = [payload.replace("\x00", "") for payload in PAYLOADS[start : start + 12]]
        fields = {
            f"fields_attributes[{place}][{part}]": some[place * 2 + half]
            for place in range(4)
            for half, part in enumerate(("name", "value"))
            if len(some) > place * 2 + half
        }
        answer = await jana.send(
            "PATCH",
            "/api/v1/accounts/update_credentials",
            {"display_name": SHORT[number % len(SHORT)].replace("\x00", "")[:30], "note": "\n".join(some[8:])[:480], **fields},
        )
        assert answer.status == 200, answer.text
        for html in (answer.json["note"], *(field["value"] for field in answer.json["fields"])):
            _check(html, some, is_page=False)
        for visitor, page in ((browser, "/@jana"), (browser, "/explore"), (own, "/settings/profile")):
            _check((await visitor.get(page)).text, (page, some), is_page=True)


async def test_no_payload_survives_in_a_form_that_comes_back(village: Village) -> None:
    await village.settle("jana", "karel")
    browser, nobody = await village.by_browser("jana"), village.nobody()
    token, other = form_token((await browser.get("/posts/new")).text), form_token((await nobody.get("/log_in")).text)
    karel = village.people["karel"]
    for payload in PAYLOADS[::5]:
        text = quote(payload)
        for page in (f"/search?q={text}", f"/posts/new?to={text}", f"/explore?before={text}", f"/nothing/{payload}", f"/tags/{payload}"):
            _check((await browser.get(page)).text, page, is_page=True)
        for page in (f"/log_in?next=/{text}", f"/sign_up?invitation={text}&next=/{text}", f"/confirm/{payload}", f"/reset/{payload}"):
            _check((await nobody.get(page)).text, page, is_page=True)
        await browser.post(f"/accounts/{karel.id}/note", {"form_token": token, "note": payload})
        for visitor, page, form in (
            (nobody, "/log_in", {"name": payload, "password": "x", "next": "/" + payload}),
            (nobody, "/reset", {"email": payload}),
            (nobody, "/sign_up", {"username": payload, "email": payload, "invitation": payload, "next": payload}),
            (
                browser,
                "/posts",
                {
                    "text": payload + "x" * 501,
                    "cover": payload,
                    "poll_titles[]": [payload],
                    "language": payload,
                    "poll_expires_in": payload,
                },
            ),
            (
                browser,
                "/settings/profile",
                {"display_name": payload + "x" * 31, "note": payload, "field_name_0": payload, "field_value_0": payload},
            ),
            (browser, "/settings/appearance", {"theme": payload, "language": payload, "post_language": payload}),
            (browser, "/settings/invitations", {"uses": payload, "days": payload}),
            (browser, "/oauth/authorize", {"state": payload, "client_id": payload}),
        ):
            answer = await visitor.post(page, {"form_token": token if visitor is browser else other, **form})
            assert answer.status in (200, 303, 403, 422), (page, answer.status)
            if answer.status != 303:
                _check(answer.text, (page, payload), is_page=True)
    _check((await browser.get("/@karel")).text, "note", is_page=True)


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # playwright's own loop
def test_in_a_browser_nothing_runs(running: NetworkUp) -> None:
    name = newcomer(running, "jana")
    token = moot("token", "create", name, data=running.data).stdout.strip()

    def publish(path: str, method: str = "POST", **values: Any) -> Any:
        request = urllib.request.Request(
            running.url + path,
            json.dumps(values).encode(),
            method=method,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    ids = []
    for number in range(0, len(PAYLOADS), 4):
        text = PAYLOADS[number].replace("\x00", "").replace("@jana", f"@{name}")[:400]  # others read the notifications of jana
        ids.append(publish("/api/v1/statuses", status=text, spoiler_text=text[:60], visibility="unlisted")["id"])
    publish("/api/v1/accounts/update_credentials", "PATCH", note="\n".join(payload for payload in PAYLOADS[:6])[:480])
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = chromium.new_page()
        page.add_init_script(
            "window.violations = []; document.addEventListener('securitypolicyviolation', (e) => violations.push(e.blockedURI))"
        )
        seen: list[str] = []
        page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: seen.append(request.url) if not request.url.startswith((running.url, "data:")) else None)
        own = f"/@{name}"
        for path in (own, f"{own}?before={ids[-20]}", f"{own}/{ids[0]}", f"{own}/{ids[3]}", f"/search?q={quote(PAYLOADS[0])}"):
            page.goto(running.url + path)
            for cover in page.locator("details.cover > summary").all()[:20]:
                cover.click()
            assert page.evaluate("window.violations") == [], path
        assert seen == []
        chromium.close()
