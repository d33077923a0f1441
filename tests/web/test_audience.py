"""Visibility of posts from forms and apps: an explicit choice wins, and nothing becomes public by omission."""

import re

import pytest

from folkmoot.network.folding import fold_counters
from folkmoot.network.posts.model import Visibility
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel")
    return await village.by_browser("jana")


async def _send(visitor: Visitor, **form: str) -> Answer:
    token = form_token((await visitor.get("/posts/new")).text)
    return await visitor.post("/posts", {"form_token": token, "text": "@karel Ahoj", **form})


async def _newest(village: Village) -> tuple[str, int]:
    async with village.database.read() as conn:
        row = await conn.fetchrow("SELECT text, visibility FROM posts ORDER BY id DESC LIMIT 1")
    return (row["text"], row["visibility"]) if row else ("", -1)


async def _prefer(village: Village, name: str, visibility: Visibility) -> None:
    async with village.database.write() as tx:
        await tx.execute(
            "UPDATE logins SET settings = settings || jsonb_build_object('visibility', $2::int) WHERE account_id = $1",
            village.people[name].id, int(visibility),
        )


async def test_a_message_is_sent_and_not_published(jana: Visitor) -> None:
    by_audience = '<span class="for-posts">Publish</span><span class="for-messages">Send</span>'
    post = f'<span class="for-now">{by_audience}</span><span class="for-waiting">Schedule</span>'
    for path, words in (("/posts/new?to=karel", "Send"), ("/posts/new", post)):
        button = re.search(r'<button class="button main" data-busy="[^"]*">(.*?)</button>', (await jana.get(path)).text)
        assert button
        assert button[1] == words


@pytest.mark.parametrize("fields", [{}, {"visibility": "0"}, {"visibility": "9"}, {"visibility": ""}])
async def test_a_message_is_direct_whatever_the_form_says(village: Village, jana: Visitor, fields: dict[str, str]) -> None:
    assert (await _send(jana, purpose="message", **fields)).status == 303
    assert await _newest(village) == ("@karel Ahoj", Visibility.DIRECT)


async def test_the_form_of_a_message_offers_no_other_audience(jana: Visitor) -> None:
    page = (await jana.get("/posts/new?to=karel")).text
    assert 'name="visibility"' not in page
    assert re.search(r'name="purpose" value="message"', page)
    assert "@karel </textarea>" in page
    assert 'name="visibility"' in (await jana.get("/posts/new")).text
    assert (await jana.get("/posts/new?to=nikdo")).status == 404


async def test_a_message_that_names_nobody_comes_back(village: Village, jana: Visitor) -> None:
    answer = await _send(jana, purpose="message", text="Ahoj")
    assert answer.status == 422
    assert 'name="purpose" value="message"' in answer.text
    assert 'name="visibility"' not in answer.text
    assert (await _newest(village))[1] == -1


@pytest.mark.parametrize("parent", list(Visibility))
async def test_a_reply_never_has_more_readers_by_omission(village: Village, jana: Visitor, parent: Visibility) -> None:
    post = await village.write("karel", "@jana Co ty na to?", visibility=parent)
    await village.follow("jana", "karel")
    for path in (f"/posts/new?reply_to={post.post.id}", f"/@karel/{post.post.id}"):
        answer = await jana.get(path)
        if parent is Visibility.DIRECT:  # answered in its conversation
            assert answer.headers["location"].startswith(f"/messages/{post.post.conversation_id}")
        else:
            assert re.search(rf'name="visibility" value="{int(parent)}"( checked|>)', answer.text), path
    assert (await _send(jana, purpose="reply", reply_to=str(post.post.id))).status == 303
    assert await _newest(village) == ("@karel Ahoj", parent)
    assert (await _send(jana, purpose="reply", reply_to=str(post.post.id), visibility="0")).status == 303
    assert await _newest(village) == ("@karel Ahoj", Visibility.PUBLIC)  # chosen explicitly
    app = await village.by_app("jana")
    sent = await app.post("/api/v1/statuses", {"status": "@karel Tak ano", "in_reply_to_id": str(post.post.id)})
    assert sent.json["visibility"] == ("public", "unlisted", "private", "direct")[parent]


async def test_a_refused_reply_to_a_missing_post_gets_no_wider_visibility(village: Village, jana: Visitor) -> None:
    answer = await _send(jana, purpose="reply", reply_to="12345")
    assert answer.status == 422
    assert re.search(r'name="visibility" value="3" checked', answer.text)
    assert 'name="purpose" value="post"' in answer.text


@pytest.mark.parametrize("default", list(Visibility)[:3])
async def test_an_explicit_visibility_wins_over_the_default(village: Village, jana: Visitor, default: Visibility) -> None:
    await _prefer(village, "jana", default)
    app = await village.by_app("jana")
    words = ("public", "unlisted", "private", "direct")
    for word in words:
        assert (await app.post("/api/v1/statuses", {"status": "@karel Ahoj", "visibility": word})).json["visibility"] == word
    assert (await app.post("/api/v1/statuses", {"status": "Ahoj"})).json["visibility"] == words[default]
    jana = await village.by_browser("jana")
    for visibility in Visibility:
        await _send(jana, visibility=str(int(visibility)))
        assert (await _newest(village))[1] == visibility
    await _send(jana)
    assert (await _newest(village))[1] == default


async def test_saving_other_settings_does_not_widen_the_default(village: Village, jana: Visitor) -> None:
    await _prefer(village, "jana", Visibility.FOLLOWERS)
    jana = await village.by_browser("jana")
    token = form_token((await jana.get("/settings/appearance")).text)
    assert (await jana.post("/settings/appearance", {"form_token": token, "theme": "dark", "language": "cs"})).status == 303
    app = await village.by_app("jana")
    assert (await app.post("/api/v1/statuses", {"status": "Ahoj"})).json["visibility"] == "private"


async def test_a_thread_counts_the_replies_that_its_page_shows(village: Village, jana: Visitor) -> None:
    await village.settle("eva")
    post = (await village.write("jana", "Co myslíte?")).post
    await village.write("karel", "@jana Jen tobě", visibility=Visibility.DIRECT, reply_to_id=post.id)
    await village.write("karel", "Všem", reply_to_id=post.id)
    await fold_counters(village.database)
    button = re.compile(rf'href="/posts/new\?reply_to={post.id}".*?</a>')
    for visitor, shown in ((jana, "2"), (await village.by_browser("eva"), "1")):
        page = (await visitor.get(f"/@jana/{post.id}")).text
        number = button.search(page)
        assert number
        assert f"<b>{shown}</b>" in number[0]
        assert re.search(rf'class="note">{shown} (repl|odpov)', page)
    own = button.search((await jana.get("/@jana")).text)  # other pages show the public count
    assert own
    assert "<b>1</b>" in own[0]
