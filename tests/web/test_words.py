"""The words of posts on pages: handles, audience, directions of scripts, languages, bounds of pages."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

import folkmoot.web
from tests.village import Village, Visitor
from tests.web.test_pages import form_token

FAMILY = "👨‍👩‍👧‍👦"
HEBREW, ARABIC = "שלום עולם!", "صباح الخير (2026)"
TEMPLATES = Path(folkmoot.web.__file__).parent / "templates"


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    return await village.by_browser("jana")


async def _send(visitor: Visitor, path: str, form_path: str, **form: str) -> tuple[int, str]:
    answer = await visitor.post(path, {"form_token": form_token((await visitor.get(form_path)).text), **form})
    return answer.status, answer.text


async def _posts(village: Village) -> int:
    async with village.database.read() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM posts"))


@pytest.mark.parametrize("handle", ["karel", "@karel", "karel@localhost:8420", "@KAREL@LocalHost:8420"])
async def test_pages_know_every_spelling_of_a_handle(jana: Visitor, handle: str) -> None:
    assert "@karel </textarea>" in (await jana.get(f"/posts/new?to={handle}")).text
    assert (await jana.get(f"/@{handle.removeprefix('@')}")).status == 200
    assert 'href="/@karel"' in (await jana.get(f"/search?q={handle}")).text
    for unknown in (f"/posts/new?to={handle.removeprefix('@').partition('@')[0]}@elsewhere.example", "/@karel@elsewhere.example"):
        assert (await jana.get(unknown)).status == 404


@pytest.mark.parametrize("fields", [{"purpose": "message"}, {"visibility": "3"}])
async def test_a_message_to_a_mistyped_name_comes_back_with_its_text(village: Village, jana: Visitor, fields: dict[str, str]) -> None:
    for text, said in (("@karell Sejdeme se?", "Nobody here is called @karell"), ("Sejdeme se?", "This names nobody")):
        status, page = await _send(jana, "/posts", "/posts/new?to=karel", text=text, cover="tajné", **fields)
        assert status == 422
        assert said in page
        assert f">{text}</textarea>" in page
        assert 'value="tajné"' in page
        assert await _posts(village) == 0
    for text in ("@karel@localhost:8420 Sejdeme se?", "@jana koupit chleba"):
        assert (await _send(jana, "/posts", "/posts/new", text=text, **fields))[0] == 303


async def test_a_note_to_oneself_goes_on_in_its_conversation(village: Village, jana: Visitor) -> None:
    note = await village.write("jana", "@jana koupit chleba", visibility=3)
    await village.work()
    conversation = re.search(r'href="(/messages/\d+)', (await jana.get("/messages")).text)
    assert conversation
    page = (await jana.get(conversation[1])).text
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert form["reply_to"] == str(note.post.id)
    assert (await jana.post("/posts", {**form, "text": "a mléko"})).status == 303
    assert await _posts(village) == 2


async def test_texts_have_the_direction_of_their_script(village: Village, jana: Visitor) -> None:
    app = await village.by_app("karel")
    row = {"fields_attributes[0][name]": HEBREW, "fields_attributes[0][value]": ARABIC}
    await app.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": HEBREW, "note": f"{ARABIC}\n\nČesky.", **row})
    poll = {"poll[options][]": [HEBREW, ARABIC], "poll[expires_in]": "600"}
    status = (await app.post("/api/v1/statuses", {"status": f"{HEBREW}\n\nČesky.", "spoiler_text": ARABIC, **poll})).json
    assert status["content"] == f"<p>{HEBREW}</p><p>Česky.</p>"
    page = (await jana.get(f"/@karel/{status['id']}")).text
    assert f'<p dir="auto">{HEBREW}</p><p dir="auto">Česky.</p>' in page
    assert f"<bdi>{HEBREW}</bdi></a>" in page
    typed = f'@jana https://example.org {HEBREW} <p> translate="no"'
    id_ = (await app.post("/api/v1/statuses", {"status": typed})).json["id"]
    reply = (await jana.get(f"/@karel/{id_}")).text
    mention = '<p dir="auto"><span class="h-card" translate="no" dir="ltr"><a [^>]*>@<span>jana</span></a></span>'
    assert re.search(rf'{mention} <a [^>]* dir="ltr">', reply)
    assert f'{HEBREW} &lt;p&gt; translate="no"</p>' in reply  # what members type is not changed
    assert re.search(rf'<span dir="auto" class="said" lang="">{re.escape(ARABIC)}</span>', page)
    assert f'<span dir="auto" class="said">{HEBREW}</span>' in page
    assert f"Mute \u2068{HEBREW}\u2069</button>" in page
    assert re.search(rf"<title>\u2068{HEBREW}\u2069: \u2068", page)
    profile = (await jana.get("/@karel")).text
    assert f'<p dir="auto">{ARABIC}</p><p dir="auto">Česky.</p>' in profile
    assert f"<h1><bdi>{HEBREW}</bdi>" in profile
    assert f'<dt><bdi>{HEBREW}</bdi></dt><dd dir="auto" class="said">{ARABIC}</dd>' in profile


def test_every_template_gives_texts_of_members_a_direction() -> None:
    """Texts of members have the class `said`; their paragraphs get the direction from `trusted_html`."""
    found = 0
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text("utf-8")
        for tag in re.finditer(r"<\w+\b(?:\{%.*?%\}|\{\{.*?\}\}|[^<>])*>", text):
            is_text = re.search(r'class="[^"]*\bsaid\b', tag[0]) or tag[0].startswith("<textarea")
            has_paragraphs = text.startswith("{{ trusted_html(", tag.end()) and "value_html" not in text[tag.end() : tag.end() + 40]
            if is_text and not has_paragraphs:
                found += 1
                assert 'dir="auto"' in tag[0], f"{path.name}: {tag[0]}"
    assert found > 30


_NAME = re.compile(r"\{\{ (?:\w+\.)*(?:account|author|person|list|one|hashtag)\.(?:name|title) \}\}|#?\{\{ hashtag \}\}")
# Also apart: values, and what is only heard.
_APART = re.compile(r"""(?:<bdi[^<]*|dir="auto"(?:[^<]|<strong>)*|class="sr"[^<]*|="[^"]*)$""")


def test_every_template_isolates_names_and_hashtags_of_members() -> None:
    """A name in a script from right to left must not turn what stands around it on the same line."""
    found = [
        (path.name, name[0], _APART.search(line[: name.start()]) is not None)
        for path in TEMPLATES.rglob("*.html") for line in path.read_text("utf-8").split("\n") for name in _NAME.finditer(line)
    ]
    assert len(found) > 10
    assert [one for one in found if not one[2]] == []


async def test_a_long_text_is_not_cut_within_a_character(village: Village, jana: Visitor) -> None:
    await village.write("karel", f"@jana {FAMILY * 200}", visibility=3)
    await village.work()
    page = (await jana.get("/messages")).text
    assert f"{FAMILY}…" in page


async def test_the_form_offers_the_language_of_the_post_and_of_the_member(village: Village, jana: Visitor) -> None:
    def chosen(page: str) -> list[str]:
        return re.findall(r'<option value="([^"]*)"[^>]* selected', page.partition('<select id="language"')[2].partition("</select>")[0])

    app = await village.by_app("jana")
    await app.send("PATCH", "/api/v1/accounts/update_credentials", {"source[language]": "csb"})
    jana = await village.by_browser("jana")
    assert chosen((await jana.get("/posts/new")).text) == ["csb"]
    for language, shown in (("pt-BR", "pt"), ("tok", "tok"), ("", "")):
        path = f"/posts/{(await app.post('/api/v1/statuses', {'status': 'a', 'language': language})).json['id']}/edit"
        assert chosen((await jana.get(path)).text) == [shown]
        assert (await _send(jana, path, path, text="b", language=shown))[0] == 303
        assert (await app.get(f"/api/v1/statuses/{path.split('/')[2]}")).json["language"] == (shown or None)
    page = (await jana.get("/settings/appearance")).text
    assert re.search(r'<option value="csb"[^>]* selected', page)
    assert (await _send(jana, "/settings/appearance", "/settings/appearance", post_language="csb"))[0] == 303
    assert (await _send(jana, "/settings/appearance", "/settings/appearance", post_language="nesmysl"))[0] == 422


@pytest.mark.parametrize(("accepted", "language"), [
    ("cs-CZ,en;q=0.5", "cs"), ("sk", "cs"), ("csb", "en"), ("cs;q=0, en;q=0.1", "en"), ("en-GB;q=0.9, cs;q=0.95", "cs"),
    ("ces", "cs"), ("*", "en"), ("de, cs;q=0.1", "cs"),
])
async def test_pages_are_in_the_language_that_the_browser_prefers(village: Village, accepted: str, language: str) -> None:
    page = (await village.nobody().get("/about", accept_language=accepted)).text
    assert re.search(r'<html lang="(\w+)"', page)[1] == language  # type: ignore[index]


async def test_zero_is_a_bound_of_a_page(village: Village, jana: Visitor) -> None:
    for number in range(3):
        await village.write("jana", f"slovo {number} #a")
    for path in ("/explore?", "/tags/a?", "/@jana?", "/?", "/search?q=slovo&"):
        assert "slovo 2" in (await jana.get(path)).text, path
        assert "slovo 2" not in (await jana.get(f"{path}before=0")).text, path
    assert 'href="?after=' not in (await jana.get("/explore?after=0")).text


async def test_a_hashtag_page_has_every_spelling(village: Village, jana: Visitor) -> None:
    await village.write("jana", "Tady je #ที่นี่ a #Œuvre.")
    for name in ("ที่นี่", "Œuvre", "oeuvre", "OEUVRE"):
        assert "Tady je" in (await jana.get(f"/tags/{name}")).text, name
        assert f">#{'ที่นี่' if name == 'ที่นี่' else 'Œuvre'}</bdi>" in (await jana.get(f"/search?{urlencode({'q': '#' + name[:4]})}")).text
    assert (await jana.get("/tags/two words")).status == 404
