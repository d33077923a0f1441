"""One's own marks are taken back by apps and in the browser, also after the author has blocked the member."""

import pytest

from tests.village import Village
from tests.web.test_pages import form_token

VERBS = {"favourite": "favourited", "reblog": "reblogged", "bookmark": "bookmarked", "mute": "muted"}


@pytest.mark.parametrize("verb", VERBS)
async def test_an_app_takes_back_a_mark_after_a_block(village: Village, verb: str) -> None:
    await village.settle("jana", "karel", "eva")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    post = (await jana.post("/api/v1/statuses", {"status": "Tajné @eva #heslo", "spoiler_text": "Pozor"})).json
    await karel.post(f"/api/v1/statuses/{post['id']}/{verb}")
    await jana.post(f"/api/v1/accounts/{village.people['karel'].id}/block")
    answer = await karel.post(f"/api/v1/statuses/{post['id']}/un{verb}")
    assert answer.status == 200
    assert set(answer.json) == set(post) - {"pinned"}
    assert (answer.json["id"], answer.json[VERBS[verb]], answer.json["content"], answer.json["account"]["acct"]) == (
        post["id"], False, "", "jana")
    assert not any(word in answer.text for word in ("Tajné", "heslo", "Pozor", '"eva"'))
    assert (await karel.post(f"/api/v1/statuses/{post['id']}/un{verb}")).status == 404
    assert (await karel.post(f"/api/v1/statuses/{post['id']}/{verb}")).status == 404


@pytest.mark.parametrize("verb", ["favourite", "boost", "bookmark", "mute"])
async def test_a_browser_takes_back_a_mark_after_a_block(village: Village, verb: str) -> None:
    """With and without JavaScript; the buttons that come back show no content."""
    await village.settle("jana", "karel")
    karel, seen = await village.by_browser("karel"), await village.by_app("karel")
    for headers in ({"x_folkmoot_part": "1"}, {}):
        post = (await village.write("jana", "Tajné")).post
        page = f"/@jana/{post.id}"
        token = form_token((await karel.get(page)).text)
        await karel.post(f"/posts/{post.id}/{verb}", {"form_token": token})
        await (await village.by_app("jana")).post(f"/api/v1/accounts/{village.people['karel'].id}/block")
        answer = await karel.post(f"/posts/{post.id}/un{verb}", {"form_token": token}, referer=f"http://localhost:8420{page}", **headers)
        if headers:
            assert answer.status == 200
            assert f"/posts/{post.id}/{verb}" in answer.text
            assert "Tajné" not in answer.text
        else:
            assert (answer.status, answer.headers["location"]) == (303, "/")
        await (await village.by_app("jana")).post(f"/api/v1/accounts/{village.people['karel'].id}/unblock")
        status = (await seen.get(f"/api/v1/statuses/{post.id}")).json
        assert not any(status[flag] for flag in VERBS.values())
