"""Buttons under posts, as a browser without JavaScript uses them: polls."""

import re

from folkmoot.network.posts.model import PollDraft, Post
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
    titles = [title for title in re.findall(r'name="poll_titles\[\]" maxlength="50" value="([^"]*)"', form) if title]
    saved = await jana.post(f"/posts/{post.id}/edit", {
        "form_token": form_token(form), "has_tools": "true", "text": "Co letos?", "with_poll": "true", "poll_titles[]": titles,
        "poll_is_multiple": "true", "poll_expires_in": "604800"})
    assert saved.status == 303
    assert "Co letos?" in (await karel.get(f"/api/v1/statuses/{post.id}")).json["content"]
    assert (await karel.get(f"/api/v1/polls/{post.poll.id}")).json == before
