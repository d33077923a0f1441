"""Pages: each one in both languages, forms that keep their values, and the security of browsers."""

import email
import email.policy
import re
from typing import Any

import msgspec
import pytest

from folkmoot.config import Network
from folkmoot.http.routing import Access
from folkmoot.network.posts.model import PollDraft, Visibility
from folkmoot.network.sessions.model import Role
from folkmoot.web.routes import ROUTES
from folkmoot.web.settings import browser_name
from tests.api.test_accounts import picture
from tests.village import Answer, Village, Visitor


def form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


async def send(visitor: Visitor, page: str, to: str, **form: Any) -> Answer:
    """Opens a page and sends its form, as a browser without JavaScript does."""
    token = form_token((await visitor.get(page)).text)
    return await visitor.post(to, {"form_token": token, **form})


async def _populate(village: Village) -> list[str]:
    """Creates one of everything; returns the addresses of all pages."""
    await village.settle("jana", "karel")
    for one, other in (("jana", "karel"), ("karel", "jana")):
        await village.follow(one, other)
    post = (await village.write("jana", "Ahoj @karel #kašna https://example.org", cover="Pozor", poll=PollDraft(
        titles=("ano", "ne"), expires_in=600))).post
    await village.write("karel", "Odpověď", reply_to_id=post.id)
    await village.write("karel", "@jana tajné", visibility=Visibility.DIRECT)
    karel = await village.by_app("karel")
    for verb in ("favourite", "reblog", "bookmark"):
        await karel.post(f"/api/v1/statuses/{post.id}/{verb}")
    await (await village.by_app("jana")).send("PUT", f"/api/v1/statuses/{post.id}", {"status": "Ahoj @karel, opraveno"})
    await village.work()
    await village.work()
    one = f"/@jana/{post.id}"
    return [
        "/", "/explore", "/tags/kasna", "/bookmarks", "/favourites", one, "/posts/new", f"/posts/new?reply_to={post.id}",
        "/posts/new?to=karel",
        f"/posts/{post.id}/history", f"/posts/{post.id}/favourited_by", f"/posts/{post.id}/boosted_by", "/@jana", "/@jana/with_replies",
        "/@jana/media", "/@jana/followers", "/@jana/following", "/@karel", "/notifications", "/notifications?show=mentions", "/messages",
        "/messages/put_away",
        "/search", "/search?q=ahoj", "/about", "/shortcuts", "/log_in", "/sign_up", "/reset", "/settings", "/settings/profile",
        "/settings/appearance", "/settings/password", "/settings/sessions", "/settings/invitations", "/settings/requests",
        "/settings/mutes", "/settings/blocks", "/settings/email", "/settings/export", "/settings/delete", "/stay/1", "/email/change/1",
        "/email/keep/1", f"/posts/{post.id}/edit", f"/posts/{post.id}/delete", "/nothing/here",
        "/reports", "/reports/new?account=1", "/statements", "/about/rules", "/jury",
    ]


@pytest.mark.parametrize("language", ["cs", "en"])
async def test_every_page_answers_in_both_languages(village: Village, language: str) -> None:
    pages = await _populate(village)
    jana = await village.by_browser("jana")
    await send(jana, "/", "/language", language=language)
    for visitor in (jana, village.nobody()):
        for page in pages:
            answer = await visitor.get(page, accept_language=language)
            assert answer.status in (200, 303, 404), (page, answer.status)
            if answer.status == 200:
                assert f'<html lang="{language}"' in answer.text
                assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
                assert "unsafe" not in answer.headers["content-security-policy"]
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert not re.search(r"<script(?! src=)|style=|\son[a-z]+=", answer.text), page
    assert (await village.nobody().get("/settings")).headers["location"] == "/log_in?next=/settings"


@pytest.mark.usefixtures("known_viewers")
async def test_pages_take_a_fixed_number_of_statements(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.follow("jana", "karel")
    jana = await village.by_browser("jana")
    pages = ("/", "/explore", "/@karel", "/notifications", "/bookmarks")

    async def counted() -> list[int]:
        found = []
        for page in pages:
            await jana.get(page)
            before = village.database.statements
            await jana.get(page)
            found.append(village.database.statements - before)
        return found

    for number in range(3):
        await village.write("karel", f"@jana {number}")
    await village.work()
    few = await counted()
    for number in range(15):
        await village.write("karel", f"@jana {number}")
    await village.work()
    assert await counted() == few


async def test_signing_up_logging_out_and_in(village: Village) -> None:
    nova = village.nobody()
    form = {"username": "nova", "email": "nova@example.org", "password": "tri hrusky dve svestky"}
    refused = await send(nova, "/sign_up", "/sign_up", **{**form, "username": "správce"})
    assert refused.status == 422
    assert 'value="nova@example.org"' in refused.text  # values come back
    assert "tri hrusky" not in refused.text  # but no password
    assert refused.text.count('class="wrong"') == 2  # the name, and the rules that were not agreed to
    made = await send(nova, "/sign_up", "/sign_up", agrees="true", **form)
    assert (made.status, made.headers["location"]) == (303, "/explore")
    assert all(flag in made.cookies[-1] for flag in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert (await nova.get("/settings")).status == 200
    session = nova.cookies["folkmoot"]
    await send(nova, "/", "/log_out")
    assert (await Visitor(village.front, session=session).get("/settings")).status == 303  # the session is deleted, not only its cookie
    for name in ("nova", "nova@example.org", "@Nova"):
        visitor = village.nobody()
        answer = await send(visitor, "/log_in?next=/settings", "/log_in", name=name, password=form["password"], next="/settings")
        assert (answer.status, answer.headers["location"]) == (303, "/settings")


async def test_a_wrong_name_and_a_wrong_password_look_the_same(village: Village) -> None:
    await village.settle("jana")
    pages = [
        re.sub(r'value="[^"]*"', "", (await send(village.nobody(), "/log_in", "/log_in", name=name, password="spatne heslo")).text)
        for name in ("jana", "nikdo")
    ]
    assert pages[0] == pages[1]
    answer = await send(village.nobody(), "/log_in?next=//evil.example", "/log_in", name="jana", password="x", next="//evil.example")
    assert "evil.example" not in answer.text


async def test_a_form_needs_a_token_of_this_browser(village: Village) -> None:
    await village.settle("jana", "karel", role=Role.OPERATOR)  # an operator may use every form
    jana = await village.by_browser("jana")
    token = form_token((await jana.get("/")).text)
    others = form_token((await (await village.by_browser("karel")).get("/")).text)
    for route in ROUTES:
        if route.method != "POST" or route.access not in (Access.PUBLIC, Access.MEMBER):
            continue
        path = re.sub(r"\{\w+\}", "1", route.path)
        for form, headers in (({}, {}), ({"form_token": others}, {}), ({"form_token": token}, {"sec_fetch_site": "cross-site"}),
                              ({"form_token": token}, {"origin": "https://evil.example"})):
            answer = await jana.post(path, form or {"x": "1"}, **headers)
            assert answer.status == 403, (path, form, headers)


async def test_a_post_with_errors_comes_back_whole(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    token = form_token((await jana.get("/posts/new")).text)
    answer = await jana.upload("/posts", "file_1", picture(), form_token=token, text="x" * 501, new_description_1="Červená plocha",
                               cover="Pozor", visibility="2", **{"poll_titles[]": ""})
    assert answer.status == 422
    assert "x" * 501 in answer.text
    assert "Červená plocha" in answer.text
    assert 'value="Pozor"' in answer.text
    media_id = re.search(r'name="media\[\]" value="(\d+)"', answer.text)
    assert media_id
    sent = await jana.post("/posts", {"form_token": token, "text": "kratší", "media[]": media_id[1], "visibility": "2",
                                      f"description_{media_id[1]}": "Rudá plocha"})
    assert sent.status == 303
    page = (await jana.get("/@jana")).text
    assert 'alt="Rudá plocha"' in page


async def test_buttons_under_a_post_work_with_and_without_script(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("karel")).post
    jana = await village.by_browser("jana")
    token = form_token((await jana.get("/explore")).text)
    plain = await jana.post(f"/posts/{post.id}/favourite", {"form_token": token, "back": "/explore"})
    assert (plain.status, plain.headers["location"]) == (303, "/explore")
    part = await jana.post(f"/posts/{post.id}/boost", {"form_token": token}, x_folkmoot_part="1")
    assert part.status == 200
    assert part.text.lstrip().startswith('<div class="actions"')
    assert part.text.count('aria-pressed="true"') == 2
    refused = await jana.post("/posts/12345/favourite", {"form_token": token}, x_folkmoot_part="1")
    assert refused.status == 404
    assert "<" not in refused.text
    away = await jana.post(f"/posts/{post.id}/favourite", {"form_token": token, "back": "//evil.example"})
    assert away.headers["location"].startswith("/@karel/")


async def test_texts_of_members_are_never_html(village: Village) -> None:
    await village.settle("jana")
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)> javascript:alert(1) https://x.example/\"onmouseover=\"alert(1)"
    post = (await village.write("jana", evil, cover="<b>Pozor")).post
    jana = await village.by_browser("jana")
    await (await village.by_app("jana")).send("PATCH", "/api/v1/accounts/update_credentials", {
        "display_name": "<img src=x>", "note": evil, "fields_attributes[0][name]": "<i>", "fields_attributes[0][value]": evil})
    for page in (f"/@jana/{post.id}", "/@jana", "/explore", "/search?q=<script>alert(1)</script>", "/settings/profile"):
        text = (await jana.get(page)).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert not re.search(r"<[^>]*\sonmouseover=", text)


async def test_settings_are_saved(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_browser("jana")
    saved = await send(jana, "/settings/appearance", "/settings/appearance", theme="dark", contrast="more", text_size="130", language="cs",
                       visibility="1", post_language="en")
    assert saved.status == 303
    page = (await jana.get("/")).text
    assert 'lang="cs" data-theme="dark" data-contrast="more" data-size="130"' in page
    refused = await send(jana, "/settings/profile", "/settings/profile", display_name="x" * 31, note="o mně")
    assert refused.status == 422
    assert "x" * 31 in refused.text
    assert "o mně" in refused.text
    refused = await send(jana, "/settings/profile", "/settings/profile", display_name="Jana", note="x" * 501)
    assert refused.status == 422
    assert re.search(r'<div class="field is-wrong"><label for="bio">', refused.text)
    wrong = await send(jana, "/settings/password", "/settings/password", old_password="nevim", password="dlouhe nove heslo")
    assert wrong.status == 422


async def test_sessions_and_apps_are_ended_one_by_one(village: Village) -> None:
    await village.settle("jana")
    jana, other, app = await village.by_browser("jana"), await village.by_browser("jana"), await village.by_app("jana")
    page = (await jana.get("/settings/sessions")).text
    for address in (re.search(r"/settings/sessions/\d+/end", page), re.search(r"/settings/tokens/\d+/revoke", page)):
        assert address
        assert (await send(jana, "/settings/sessions", address[0])).status == 303
    assert (await other.get("/settings")).status == 303
    assert (await app.get("/api/v1/accounts/verify_credentials")).status == 401
    assert (await jana.get("/settings")).status == 200


async def test_an_invitation_allows_sign_up_on_a_closed_network(village: Village) -> None:
    await village.settle("jana")
    closed = msgspec.structs.replace(village.settings, network=Network(registration="invitation"))
    object.__setattr__(village.front._pages._context, "settings", closed)
    form = {"username": "nova", "email": "nova@example.org", "password": "tri hrusky dve svestky", "agrees": "true"}
    assert (await send(village.nobody(), "/sign_up", "/sign_up", **form)).status == 422
    jana = await village.by_browser("jana")
    await send(jana, "/settings/invitations", "/settings/invitations", uses="1", days="7")
    code = re.search(r'href="/invite/([^"]+)"', (await jana.get("/settings/invitations")).text)
    assert code
    nova = village.nobody()
    assert (await nova.get(f"/invite/{code[1]}")).headers["location"] == f"/sign_up?invitation={code[1]}"
    assert (await send(nova, "/sign_up", "/sign_up", invitation=code[1], **form)).status == 303
    again = {**form, "username": "dalsi", "email": "dalsi@example.org"}
    assert (await send(village.nobody(), "/sign_up", "/sign_up", invitation=code[1], **again)).status == 422


async def test_a_forgotten_password_is_reset_once(village: Village) -> None:
    await village.settle("jana")
    session = await village.by_browser("jana")
    asked = [await send(village.nobody(), "/reset", "/reset", email=address) for address in ("jana@example.org", "nikdo@example.org")]
    assert len({re.sub(r'value="[^"]*"|\w+@example.org', "", answer.text) for answer in asked}) == 1
    await village.work()
    [mail] = list((village.settings.data / "outbox").glob("*.eml"))
    body = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default).get_content()
    path = re.search(r"http://localhost:8420(/reset/\S+)", body)
    assert path
    visitor = village.nobody()
    for refused in ("kratke", "jana@example.org"):  # too short; the member's own address
        assert (await send(visitor, path[1], path[1], password=refused)).status == 422
    assert (await send(visitor, path[1], path[1], password="docela nove heslo")).status == 303
    assert (await session.get("/settings")).status == 303  # every session has ended
    assert (await send(visitor, path[1], path[1], password="jeste jine heslo")).status == 422
    assert (await send(visitor, "/log_in", "/log_in", name="jana", password="docela nove heslo")).status == 303


@pytest.mark.parametrize(("agent", "name"), [
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", "Chrome, Linux"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge, Windows"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0", "Firefox, Android"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1", "Safari, iPhone"),
    ("toot/0.50", "toot/0.50"),
    ("", ""),
])
def test_a_session_shows_the_common_name_of_its_browser(agent: str, name: str) -> None:
    assert browser_name(agent) == name
