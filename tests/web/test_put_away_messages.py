"""A conversation that was removed from the list can be found again, and comes back by itself with a new message."""

import re
from typing import Any

import pytest

from folkmoot.network.conversations import queries
from folkmoot.network.posts.model import PostView, Visibility
from tests.village import Village, Visitor
from tests.web.test_pages import send

AWAY = "/messages/put_away"


async def _message(village: Village, who: str, text: str, **draft: Any) -> PostView:
    view = await village.write(who, text, visibility=Visibility.DIRECT, **draft)
    await village.work()
    return view


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    return await village.by_browser("jana")


async def _listed(visitor: Visitor, page: str) -> list[str]:
    """The ids of the conversations on a page."""
    main = (await visitor.get(page)).text.partition("<main")[2].partition("</main>")[0]
    return re.findall(r'href="/messages/(\d+)#newest"', main)


async def _put_away(village: Village, jana: Visitor, how: str) -> str:
    """Jana's conversation with Karel, unread, which she puts away in the browser or with an app. Returns its id."""
    view = await _message(village, "karel", "@jana klíč mám já")
    id_ = str(view.post.conversation_id)
    if how == "browser":
        answer = await send(jana, "/messages", f"/messages/{id_}/put_away")
        assert answer.headers["location"] == "/messages"
    else:
        app = await village.by_app("jana")
        assert (await app.send("DELETE", f"/api/v1/conversations/{id_}")).status == 200
        assert (await app.get("/api/v1/conversations")).json == []
        assert (await app.send("DELETE", f"/api/v1/conversations/{id_}")).status == 404
        assert (await app.post(f"/api/v1/conversations/{id_}/unread")).status == 404
    return id_


@pytest.mark.parametrize("how", ["browser", "app"])
async def test_it_is_found_and_put_back(village: Village, jana: Visitor, how: str) -> None:
    id_ = await _put_away(village, jana, how)
    assert (await _listed(jana, "/messages"), await _listed(jana, AWAY)) == ([], [id_])
    assert AWAY in (await jana.get("/messages")).text
    assert (await jana.get("/messages/with/karel")).headers["location"] == f"/messages/{id_}#newest"
    shown = (await jana.get(f"/messages/{id_}")).text
    assert "klíč mám já" in shown
    assert f'formaction="/messages/{id_}/put_back"' in shown
    assert (await send(jana, AWAY, f"/messages/{id_}/put_back")).headers["location"] == "/messages"
    assert (await _listed(jana, "/messages"), await _listed(jana, AWAY)) == ([id_], [])
    assert "put_back" not in (await jana.get(f"/messages/{id_}")).text
    assert [one["id"] for one in (await (await village.by_app("jana")).get("/api/v1/conversations")).json] == [id_]


@pytest.mark.parametrize("who", ["jana", "karel"])
async def test_a_new_message_brings_it_back(village: Village, jana: Visitor, who: str) -> None:
    id_ = await _put_away(village, jana, "browser")
    other = {"jana": "karel", "karel": "jana"}[who]
    await _message(village, who, f"@{other} a ještě něco", reply_to_id=int(id_))
    assert (await _listed(jana, "/messages"), await _listed(jana, AWAY)) == ([id_], [])


async def test_it_is_read_and_stays_away_after_an_edit_and_a_repeated_job(village: Village, jana: Visitor) -> None:
    id_ = await _put_away(village, jana, "browser")
    await (await village.by_app("karel")).send("PUT", f"/api/v1/statuses/{id_}", {"status": "@jana @eva klíč mám pořád já"})
    await village.work()
    async with village.database.write() as tx:
        assert await queries.refresh_after_post(tx, int(id_)) == []
        assert not await queries.is_conversation_unread(tx, village.people["jana"].id, int(id_))
    assert (await _listed(jana, "/messages"), await _listed(jana, AWAY)) == ([], [id_])
    assert await _listed(await village.by_browser("eva"), "/messages") == [id_]


async def test_others_neither_see_nor_move_it(village: Village, jana: Visitor) -> None:
    id_ = await _put_away(village, jana, "browser")
    karel, eva = await village.by_browser("karel"), await village.by_browser("eva")
    assert (await _listed(karel, "/messages"), await _listed(karel, AWAY)) == ([id_], [])
    for visitor in (karel, eva):
        assert (await send(visitor, "/messages", f"/messages/{id_}/put_back")).status == 404
    assert await _listed(jana, AWAY) == [id_]
