"""The review without JavaScript, and the same through the client API."""

import re
from html import unescape
from urllib.parse import urlsplit

import pytest

from folkmoot.base import clock
from folkmoot.moderation.clauses.published import current
from folkmoot.network.posts.model import PostEffect, PostView
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from tests.api.test_accounts import picture
from tests.moderation.court import Court
from tests.moderation.review_table import NO_GOLD, ReviewTable, hidden, send_answer
from tests.village import Village
from tests.web.test_pages import form_token

BASE = "/api/folkmoot/v1/jury"


@pytest.fixture
async def table(village: Village) -> ReviewTable:
    made = ReviewTable(await Court(village).open())
    await made.make_jurors("jana")
    return made


async def test_a_juror_begins_judges_everything_and_reads_what_became_of_it(table: ReviewTable) -> None:
    _, first = await table.seated("jana", "Come to @author tonight.")
    await table.seated("jana", "Second.")
    jana = await table.village.by_browser("jana")
    page = (await jana.get("/jury")).text
    assert "You are needed for a moment." in page
    begun = await jana.post("/jury/review", {"form_token": form_token(page)})
    assert begun.headers["location"] == "/jury/review"
    page = (await jana.get("/jury/review")).text
    assert "Come to @… tonight." in unescape(page)
    main = re.search(r"<main.*</main>", page, re.S)
    assert main
    assert not re.search(r"@author|Author|reporter", main[0])
    assert "<time" not in main[0]
    assert "Your share: 1 of 2" in page
    assert "checked" not in re.search(r'<fieldset class="answers.*?</fieldset>', page, re.S)[0]  # type: ignore[index]

    refused = await send_answer(jana, page, sureness="3")
    assert (refused.status, "Choose a rule" in unescape(refused.text)) == (422, True)
    assert re.search(r'name="sureness" value="3" checked', refused.text)
    answered = await send_answer(jana, page, clause="2", severity="3", sureness="3")
    assert answered.headers["location"] == f"/jury/review?after={hidden(page, 'item')}"
    back = await send_answer(jana, page, clause="0")  # the page that "back" shows
    assert back.headers["location"].startswith("/jury/review?passed=")
    page = (await jana.get(answered.headers["location"])).text
    assert "Your share: 2 of 2" in page
    last = await send_answer(jana, page, unsure="true")
    assert last.headers["location"].startswith("/jury/rest?after=")
    assert "Nothing waits for you now. Thank you." in (await jana.get(last.headers["location"])).text
    assert (await jana.get("/jury/review")).headers["location"] == "/jury"

    async with table.database.read() as conn:
        rows = [tuple(row) for row in await conn.fetch("SELECT answer, severity, sureness FROM jury_seats ORDER BY case_id")]
    assert rows == [(1, 3, 3), (2, None, None)]
    assert "Nothing yet" in (await jana.get("/jury/outcomes")).text
    await table.court.decide("moderator", first, "keep")
    page = unescape((await jana.get("/jury/outcomes")).text)
    assert "Come to @… tonight." in page
    assert page.count("It breaks no rule") == 1


async def test_a_lost_item_is_passed_over_with_a_kind_word(table: ReviewTable) -> None:
    _, first = await table.seated("jana", "First.")
    await table.seated("jana", "Second.")
    jana = await table.village.by_browser("jana")
    await table.take("jana")
    page = (await jana.get("/jury/review")).text
    await table.court.decide("moderator", first, "keep")
    passed = await send_answer(jana, page, clause="0")
    assert passed.headers["location"] == "/jury/review?passed=decided"
    page = (await jana.get(passed.headers["location"])).text
    assert "decided in the meantime" in page
    assert "Second." in page
    skipped = await send_answer(jana, page, "/jury/review/skip", avoid="2", without_pictures="true")
    assert skipped.headers["location"] == "/jury/rest"
    record = await table.box.record("jana")
    assert record
    assert (record.choices.avoided, record.choices.without_pictures) == (("violence",), True)


async def test_too_many_topics_left_to_others_are_refused_on_the_page(table: ReviewTable) -> None:
    await table.seated("jana")
    others = [clause.key for clause in current().clauses if clause.key != "violence"]
    async with table.database.write() as tx:
        jana_id = table.village.people["jana"].id
        await tx.execute("UPDATE jurors SET avoided = $2 WHERE account_id = $1", jana_id, others[: len(current().clauses) // 2])
    jana = await table.village.by_browser("jana")
    await table.take("jana")
    refused = await send_answer(jana, (await jana.get("/jury/review")).text, "/jury/review/skip", avoid="2")
    assert (refused.status, "at most half of the topics" in unescape(refused.text)) == (422, True)


async def test_an_answer_to_a_gold_question_is_explained_on_the_next_page(table: ReviewTable) -> None:
    await table.seated("jana", "A case.")
    await table.due_gold("jana")
    jana = await table.village.by_browser("jana")
    await table.take("jana")
    gold = (await jana.get("/jury/review")).text
    assert "A case." not in gold
    with clock.drawn_from("g"):  # without a seed, once in ten times the next one is gold, too
        answered = await send_answer(jana, gold, clause="0")
    page = (await jana.get(answered.headers["location"])).text
    assert "We knew the answer to the one before" in page
    assert "A case." in page
    # Except for words, rules and the item itself, the pages are the same.
    case = (await jana.get("/jury/review")).text
    assert _skeleton(gold) == _skeleton(case)
    outcomes = (await jana.get("/jury/outcomes")).text
    assert "Known before" in outcomes


def _skeleton(page: str) -> list[str]:
    """The tags and names of a page, without what differs from item to item."""
    page = re.sub(r'<details class="more-rules">.*?</details>', "", page, flags=re.S)
    main = re.search(r"<main.*</main>", page, re.S)
    assert main
    tags = re.findall(r"<(/?[a-z]+)((?: [^<>]*)?)>", main[0])
    return sorted(f"{tag} {' '.join(re.findall(r'(class|name|id|type|data-[a-z]+)=', rest))}" for tag, rest in tags if tag != "br")


async def test_a_break_can_be_taken_and_mails_turned_off(table: ReviewTable) -> None:
    await table.seated("jana")
    jana = await table.village.by_browser("jana")
    await table.take("jana")
    page = (await jana.get("/jury/rest")).text
    assert "Have a break, as long as you like." in page
    assert (await jana.post("/jury/review", {"form_token": form_token(page)})).headers["location"] == "/jury/review"
    page = (await jana.get("/jury")).text
    assert re.search(r'name="wants_mails"[^>]* checked', page)
    assert (await jana.post("/jury/mails", {"form_token": form_token(page)})).headers["location"] == "/jury?saved=1"
    assert not re.search(r'name="wants_mails"[^>]* checked', (await jana.get("/jury")).text)


async def test_who_is_no_juror_sees_nothing_of_it(table: ReviewTable) -> None:
    await table.seated("jana")
    item = (await table.take("jana")).item
    assert item
    reader = await table.village.by_browser("reader")
    page = (await reader.get("/jury")).text
    assert (await reader.get("/jury/review")).headers["location"] == "/jury"
    for path in ("/jury/review", "/jury/review/answer", "/jury/review/skip", "/jury/mails"):
        sent = await reader.post(path, {"form_token": form_token(page), "item": item.id, "seen": item.seen_key, "clause": "0"})
        assert sent.status == 404, path
    assert "Nothing yet" in (await reader.get("/jury/outcomes")).text
    assert (await table.village.nobody().get("/jury/review")).status in (303, 401)


async def test_a_withdrawn_picture_is_for_jurors_who_have_it_open(table: ReviewTable) -> None:
    author, jana = await table.village.by_app("author"), await table.village.by_browser("jana")
    upload = (await author.upload("/api/v2/media", "file", picture(size=(40, 30)), description="@author in a hat")).json
    posted = (await author.post("/api/v1/statuses", {"status": "Look", "language": "en", "media_ids[]": upload["id"]})).json
    path = urlsplit(posted["media_attachments"][0]["url"]).path
    async with table.database.write() as tx:
        await tx.execute("UPDATE posts SET effect = $2 WHERE id = $1", int(posted["id"]), PostEffect.HIDDEN)
    async with table.database.read() as conn:
        (view,) = [PostView(post=post) for post in (await list_posts_by_ids_unscoped(conn, [int(posted["id"])])).values()]
    await table.court.report("reporter", view, clauses=("violence",))
    case = next(case for case in await table.court.queue() if case.subject_id == view.post.id)
    await table.seat(case, "jana")
    assert (await jana.get(path)).status == 404
    await table.take("jana")
    assert (await jana.get(path)).status == 200
    page = unescape((await jana.get("/jury/review")).text)
    assert "@… in a hat" in page
    assert "No pictures any more" in page
    assert (await (await table.village.by_browser("reader")).get(path)).status == 404
    await table.answer("jana", (await table.desk("jana")).item.id, "", hidden(page, "seen"))  # type: ignore[union-attr]
    assert (await jana.get(path)).status == 404


async def test_an_app_does_the_same(table: ReviewTable) -> None:
    root = await table.village.write("reader", "Who comes?", language="en")
    await table.seated("jana", "@reader me", reply_to_id=root.post.id)
    await table.seated("jana", "Second.")
    plain = await table.village.by_app("jana", "read write")
    assert (await plain.get(f"{BASE}/items")).status == 403
    jana = await table.village.by_app("jana", "jury")
    found = (await jana.get(f"{BASE}/items")).json
    assert found == {"item": None, "waits": True, "done": 0, "share": 2, "is_enough": False, "pause": False}
    found = (await jana.post(f"{BASE}/items")).json
    item = found["item"]
    assert (item["post"]["text"], item["post"]["letter"], item["conversation"][0]["letter"]) == ("@A me", "", "A")
    assert set(item) == {"id", "post", "conversation", "likely", "seen"}
    for bad in ({"rule": "77"}, {"rule": "9" * 5000}, {"rule": "0", "sureness": 4}, {"rule": "0", "severity": 9}):
        assert (await jana.send("POST", f"{BASE}/items/{item['id']}/answer", as_json={"seen": item["seen"], **bad})).status == 422
    changed = await jana.send("POST", f"{BASE}/items/{item['id']}/answer", as_json={"rule": "0", "seen": "x"})
    assert changed.status == 409
    sent = {"rule": "2", "severity": 2, "sureness": 1, "seen": item["seen"]}
    assert (await jana.send("POST", f"{BASE}/items/{item['id']}/answer", as_json=sent)).json == {"known": None}
    assert (await jana.send("POST", f"{BASE}/items/1/answer", as_json=sent)).status == 404
    await table.due_gold("jana")
    item = (await jana.post(f"{BASE}/items")).json["item"]
    known = (await jana.send("POST", f"{BASE}/items/{item['id']}/answer", as_json={"rule": "", "seen": item["seen"]})).json["known"]
    assert (known["was_known"], known["answer"], known["item_id"]) == (True, None, item["id"])
    assert [one["item_id"] for one in (await jana.get(f"{BASE}/outcomes")).json] == [item["id"]]
    await table.due_gold("jana", NO_GOLD)
    second = (await jana.post(f"{BASE}/items")).json["item"]
    assert second["post"]["text"] == "Second."
    skipped = await jana.send("POST", f"{BASE}/items/{second['id']}/skip", as_json={"avoided": ["2"]})
    assert skipped.status == 200
    assert (await jana.get(f"{BASE}")).json["avoided"] == ["2"]
    assert (await jana.send("PUT", f"{BASE}/calls", as_json={"mails": False})).status == 200
    assert (await jana.get(f"{BASE}")).json["mails"] is False
