"""Messages have a place of their own: a list of conversations, one conversation as a page, and a count in the head."""

import re

import pytest

from folkmoot.network.attention.model import Waiting
from folkmoot.network.attention.queries import count_waiting
from folkmoot.network.notifications.actions import mark_read
from folkmoot.network.posts.actions import mute_conversation
from folkmoot.network.posts.model import PostView, Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.web.messages import without_handles, without_mentions
from tests.village import Village, Visitor
from tests.web.test_pages import form_token


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    return await village.by_browser("jana")


async def _message(village: Village, who: str, text: str, **draft: object) -> PostView:
    view = await village.write(who, text, visibility=Visibility.DIRECT, **draft)
    await village.work()
    return view


async def _waiting(village: Village, who: str) -> Waiting:
    async with village.database.read() as conn:
        return await count_waiting(conn, village.people[who].id)


def _main(page: str) -> str:
    return page[page.index("<main"):page.index("</main>")]


async def test_a_message_is_counted_as_a_message_and_stands_nowhere_else(village: Village, jana: Visitor) -> None:
    await village.follow("jana", "karel")
    karel = await village.by_browser("karel")
    view = await _message(village, "karel", "@jana klíč mám já")
    await village.write("karel", "@jana přijdeš?")
    await village.work()
    assert await _waiting(village, "jana") == Waiting(notices=1, messages=1)  # the mention that everybody can read
    for path, visitor in (("/", jana), ("/", karel), ("/@karel", jana), ("/@karel", karel), ("/@karel/with_replies", karel),
                          ("/notifications", jana), ("/notifications?show=mentions", jana)):
        page = _main((await visitor.get(path)).text)
        assert "klíč mám já" not in page, path
        assert "přijdeš?" in page, path
    assert "klíč mám já" in (await jana.get("/messages")).text
    app = await village.by_app("jana")  # the client API keeps it in both, as Mastodon does
    assert [one["id"] for one in (await app.get("/api/v1/timelines/home")).json][-1] == str(view.post.id)
    assert (await app.get("/api/v1/notifications")).json[-1]["status"]["id"] == str(view.post.id)


@pytest.mark.parametrize("is_warm", [True, False])
async def test_home_is_full_however_many_messages_lie_between(village: Village, jana: Visitor, is_warm: bool) -> None:
    await village.follow("jana", "karel")
    if is_warm:
        await jana.get("/")
        await village.work()
    for number in range(25):
        await village.write("karel", f"Veřejně {number}.")
    for number in range(25):
        await village.write("karel", f"@jana tajně {number}.", visibility=Visibility.DIRECT)
    await village.work()
    page = _main((await jana.get("/")).text)
    assert page.count("<article") == 20
    assert "Veřejně 24." in page
    assert "tajně" not in page


async def test_a_conversation_is_a_page_with_the_name_of_the_partner(village: Village, jana: Visitor) -> None:
    first = await _message(village, "karel", "@jana klíč mám já")
    await _message(village, "jana", "@karel přijdu", reply_to_id=first.post.id)
    answer = await jana.get(f"/messages/{first.post.conversation_id}")
    assert answer.status == 200
    page = _main(answer.text)
    assert re.search(r"<h1>.*Karel.*</h1>", page)
    assert page.index("klíč mám já") < page.index("přijdu")  # the oldest first
    assert ">klíč mám já<" in page  # without the mention that only names the recipient
    assert "Publish" not in page
    assert re.search(r">Send</button>", page)
    assert await _waiting(village, "jana") == Waiting()
    eva = await village.by_browser("eva")
    assert (await eva.get(f"/messages/{first.post.conversation_id}")).status == 404


async def test_the_next_message_goes_to_the_same_people(village: Village, jana: Visitor) -> None:
    first = await _message(village, "karel", "@jana @eva kdo má klíč?")
    page = (await jana.get(f"/messages/{first.post.conversation_id}")).text
    assert "Only you and Karel, Eva can read it." in page
    hidden = dict(re.findall(r'<input type="hidden" name="(form_token|form_id|purpose|conversation|reply_to)" value="([^"]*)"', page))
    people = re.findall(r'name="people\[\]" value="(\d+)"', page)
    answer = await jana.post("/posts", {**hidden, "people[]": people, "text": "Já ne."})
    assert answer.headers["location"] == f"/messages/{first.post.conversation_id}#newest"
    async with village.database.read() as conn:
        row = await conn.fetchrow("SELECT text, visibility, conversation_id FROM posts ORDER BY id DESC LIMIT 1")
    assert row
    assert tuple(row) == ("@karel @eva Já ne.", Visibility.DIRECT, first.post.conversation_id)
    for who in ("karel", "eva"):
        await village.work()
        assert (await _waiting(village, who)).messages == 1


async def test_a_refused_message_comes_back_and_keeps_its_recipients(village: Village, jana: Visitor) -> None:
    first = await _message(village, "karel", "@jana kdo má klíč?")
    form = {"form_token": form_token((await jana.get("/posts/new")).text), "purpose": "message",
            "conversation": str(first.post.conversation_id), "reply_to": str(first.post.id), "people[]": str(village.people["karel"].id)}
    answer = await jana.post("/posts", {**form, "text": "x" * 494})
    assert answer.status == 422
    assert "The text is 1 character too long." in answer.text  # with the mention that is added
    for name in ("conversation", "reply_to", "people[]"):
        assert f'name="{name}" value="{form[name]}"' in answer.text
    assert 'name="visibility"' not in answer.text
    again = await jana.post("/posts", {**form, "reply_to": "12345", "text": "Já"})
    assert again.status == 422
    assert "You can send this as a new message." in again.text
    assert 'name="reply_to"' not in again.text


@pytest.mark.parametrize("path", ["/@karel/{}", "/posts/{}", "/posts/new?reply_to={}"])
async def test_every_address_of_a_message_leads_to_its_conversation(village: Village, jana: Visitor, path: str) -> None:
    view = await _message(village, "karel", "@jana klíč mám já")
    answer = await jana.get(path.format(view.post.id))
    while answer.status == 303 and not answer.headers["location"].startswith("/messages"):
        answer = await jana.get(answer.headers["location"])
    assert answer.headers["location"].startswith(f"/messages/{view.post.conversation_id}")


async def test_an_old_message_is_shown_with_those_around_it(village: Village, jana: Visitor) -> None:
    first = await village.write("karel", "@jana zpráva 0.", visibility=Visibility.DIRECT)
    for number in range(1, 45):
        await village.write("karel", f"@jana zpráva {number}.", visibility=Visibility.DIRECT, reply_to_id=first.post.id)
    place = f"/messages/{first.post.conversation_id}"
    newest = _main((await jana.get(place)).text)
    assert newest.count("<article") == 40
    assert "zpráva 4." not in newest
    assert "Earlier messages" in newest
    around = _main((await jana.get(f"{place}?at={first.post.id}")).text)
    assert f'id="p{first.post.id}"' in around
    assert "To the newest messages" in around


async def test_write_on_a_profile_continues_the_conversation_of_two(village: Village, jana: Visitor) -> None:
    await _message(village, "karel", "@jana @eva ve třech")
    assert (await jana.get("/messages/with/karel")).headers["location"] == "/posts/new?to=karel"
    assert re.search(r"<h1>Message: .*Karel.*</h1>", (await jana.get("/posts/new?to=karel")).text)
    view = await _message(village, "karel", "@jana ve dvou")
    assert (await jana.get("/messages/with/karel")).headers["location"] == f"/messages/{view.post.conversation_id}#newest"
    assert (await jana.get("/messages/with/nikdo")).status == 404
    assert 'href="/messages/with/karel"' in (await jana.get("/messages/new?q=kar")).text


async def test_muted_and_blocked_messages_are_not_counted(village: Village, jana: Visitor) -> None:
    await _message(village, "karel", "@jana haló")
    view = await _message(village, "eva", "@jana haló")
    other = await _message(village, "eva", "@jana ještě něco")
    async with village.database.write() as tx:
        await mute_conversation(tx, village.people["jana"], other.post.id)
    assert (await _waiting(village, "jana")).messages == 2
    assert view.post.conversation_id != other.post.conversation_id
    async with village.database.write() as tx:
        await relations.mute(tx, village.people["jana"], village.people["karel"].id)
    assert (await _waiting(village, "jana")).messages == 1
    async with village.database.write() as tx:
        await relations.block(tx, village.people["jana"], village.people["eva"].id)
    assert (await _waiting(village, "jana")).messages == 0


async def test_the_head_shows_all_counts(village: Village, jana: Visitor) -> None:
    await _message(village, "karel", "@jana haló")
    await village.follow("eva", "jana")
    await village.work()
    async with village.database.write() as tx:
        await tx.execute("UPDATE accounts SET is_locked = true WHERE id = $1", village.people["jana"].id)
    async with village.database.write() as tx:
        await relations.follow(tx, village.people["karel"], village.people["jana"].id)
    await village.work()
    page = (await jana.get("/explore")).text
    badges = re.findall(r'data-waiting="(\w+)"[^>]*>(?:<[^>]*>[^<]*</span>)<span data-count>(\d+)', page)
    assert set(badges) == {("notices", "2"), ("messages", "1"), ("requests", "1")}
    async with village.database.write() as tx:
        await mark_read(tx, village.people["jana"].id, "notifications", 2**62)
    assert (await _waiting(village, "jana")).notices == 0


async def test_deleting_a_message_leads_back_to_the_messages(village: Village, jana: Visitor) -> None:
    view = await _message(village, "jana", "@karel omyl")
    token = form_token((await jana.get("/posts/new")).text)
    answer = await jana.post(f"/posts/{view.post.id}/delete", {"form_token": token})
    assert answer.headers["location"] == "/messages?deleted=1"
    assert "The message is deleted." in (await jana.get("/messages?deleted=1")).text


@pytest.mark.parametrize(("html", "shown"), [
    ('<p>{at} klíč</p>', "<p>klíč</p>"), ('<p>{at} {at} klíč {at}</p><p>b</p>', '<p>klíč {at}</p><p>b</p>'),
    ("<p>{at}</p>", "<p>{at}</p>"), ("<p>klíč {at}</p>", "<p>klíč {at}</p>"), ("", ""),
])
def test_only_mentions_at_the_beginning_are_left_out(html: str, shown: str) -> None:
    at = '<span class="h-card" translate="no"><a href="/@jana" class="u-url mention">@<span>jana</span></a></span>'
    assert without_mentions(html.replace("{at}", at)) == shown.replace("{at}", at)
    plain = re.sub(r"<[^>]*>", "", html.replace("{at}", "@jana@example.org"))
    assert without_handles(plain) == re.sub(r"<[^>]*>", "", shown.replace("{at}", "@jana@example.org"))


def test_a_long_text_of_one_word_is_read_in_linear_time() -> None:
    text = "@" + "a." * 200_000  # takes hours if each end is tried
    assert without_handles(text) == text
    assert without_mentions(f"<p>{text}</p>") == f"<p>{text}</p>"
