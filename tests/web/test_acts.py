"""Buttons under posts, as a browser without JavaScript uses them: polls, marks, edits."""

import re

import pytest

from folkmoot.network.posts.model import PollDraft, Post
from folkmoot.network.relations.actions import block
from tests.village import Answer, Village
from tests.web.test_pages import form_token, send

FRUIT = PollDraft(titles=("hrušky", "jablka", "švestky"), expires_in=600, is_multiple=True, hides_totals=True)


def _choices(page: str, post: Post) -> list[str]:
    """The answers that the page offers."""
    return re.findall(rf'name="choices_{post.id}\[\]" value="(\d)"', page)


async def test_a_further_answer_can_be_chosen_until_none_is_left(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana", "Co letos?", poll=FRUIT)).post
    page, karel = f"/@jana/{post.id}", await village.by_browser("karel")
    assert _choices((await karel.get(page)).text, post) == ["0", "1", "2"]

    async def vote(*chosen: int) -> Answer:
        return await send(karel, page, f"/posts/{post.id}/vote", **{f"choices_{post.id}[]": chosen})

    assert (await vote(1)).status == 303
    assert _choices((await karel.get(page)).text, post) == ["0", "2"]
    assert (await vote(1)).status == 422
    assert (await vote(0, 2)).status == 303
    assert _choices((await karel.get(page)).text, post) == []
    assert (await karel.get(page)).text.count('class="mine"') == 3


async def test_a_corrected_typo_leaves_the_poll(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana", "Co leots?", poll=FRUIT)).post
    karel, jana = await village.by_app("karel"), await village.by_browser("jana")
    assert post.poll
    await karel.post(f"/api/v1/polls/{post.poll.id}/votes", {"choices[]": [1]})
    before = (await karel.get(f"/api/v1/polls/{post.poll.id}")).json
    form = (await jana.get(f"/posts/{post.id}/edit")).text
    titles = [title for title in re.findall(r'name="poll_titles\[\]"[^>]* value="([^"]*)"', form) if title]
    saved = await jana.post(f"/posts/{post.id}/edit", {
        "form_token": form_token(form), "has_tools": "true", "text": "Co letos?", "with_poll": "true", "poll_titles[]": titles,
        "poll_is_multiple": "true", "poll_expires_in": "604800"})
    assert saved.status == 303
    assert "Co letos?" in (await karel.get(f"/api/v1/statuses/{post.id}")).json["content"]
    assert (await karel.get(f"/api/v1/polls/{post.poll.id}")).json == before


LISTS = {"favourite": ("/favourites", "unfavourite"), "bookmark": ("/bookmarks", "unbookmark"), "boost": ("/@karel", "unboost")}


@pytest.mark.parametrize("verb", LISTS)
async def test_own_lists_offer_to_take_marks_on_invisible_posts_back(village: Village, verb: str) -> None:
    page, undo = LISTS[verb]
    jana, karel, _ = await village.settle("jana", "karel", "eva")
    hidden = (await village.write("jana", "Tajné")).post
    shown = (await village.write("eva", "Veřejné")).post
    browser, others = await village.by_browser("karel"), await village.by_browser("eva")
    for post in (hidden, shown):
        await send(browser, f"/@{post.author.username}/{post.id}", f"/posts/{post.id}/{verb}")
    button = f'formaction="/posts/{hidden.id}/{undo}"'
    assert "Tajné" in (await browser.get(page)).text
    async with village.database.write() as tx:
        await block(tx, jana, karel.id)
    listed = (await browser.get(page)).text
    assert button in listed
    assert "Tajné" not in listed
    assert "Veřejné" in listed
    assert (await browser.get(f"{page}?before={hidden.id - 1}")).text.count("withheld") == 0  # marks have later ids
    if verb == "boost":
        assert "withheld" not in (await others.get(page)).text
    answer = await browser.post(f"/posts/{hidden.id}/{undo}", {"form_token": form_token(listed)}, referer=f"http://localhost:8420{page}")
    assert (answer.status, answer.headers["location"]) == (303, page)
    assert "withheld" not in (await browser.get(page)).text


async def test_a_mention_added_in_the_browser_is_told_once(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_browser("jana"), await village.by_app("karel")
    post = (await village.write("jana", "Přijďte")).post
    await village.work()
    for text in ("Přijďte, @karel", "Přijďte", "Přijď, @karel"):
        await send(jana, f"/posts/{post.id}/edit", f"/posts/{post.id}/edit", text=text)
        await village.work()
    assert [one["type"] for one in (await karel.get("/api/v1/notifications")).json] == ["mention"]
