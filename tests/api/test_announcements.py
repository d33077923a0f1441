"""Reactions to the announcement of new rules: through the client API, on its streams, and on the page."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.clauses.model import MOST_EMOJIS
from folkmoot.moderation.clauses.published import replace_own
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from tests.api.streaming import EventSource
from tests.moderation.policies import edited, publish
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

ALL = "/api/v1/announcements"
FAMILY = "👩‍👩‍👧‍👦"  # with joiners


@pytest.fixture
async def announced(village: Village) -> AsyncIterator[str]:
    """The id of an announcement; Jana and Karel joined before."""
    await village.settle("jana", "karel")
    begins = (clock.now() + timedelta(days=14)).date()
    await publish(village.database, edited(f"{begins}.2", begins=begins.isoformat()))
    yield f"{begins:%Y%m%d}02"
    replace_own(())


async def _react(visitor: Visitor, announcement: str, emoji: str, method: str = "PUT") -> Answer:
    return await visitor.send(method, f"{ALL}/{announcement}/reactions/{emoji}")


async def _reactions(visitor: Visitor) -> list[tuple[str, int, bool]]:
    [one] = (await visitor.get(ALL)).json
    return [(reaction["name"], reaction["count"], reaction["me"]) for reaction in one["reactions"]]


async def test_members_react_and_take_it_back(village: Village, announced: str) -> None:
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    for emoji in ("👍", "👍", FAMILY, "🇨🇿"):
        assert (await _react(jana, announced, emoji)).json == {}
    await _react(karel, announced, "👍")
    assert await _reactions(jana) == [("👍", 2, True), (FAMILY, 1, True), ("🇨🇿", 1, True)]
    assert await _reactions(karel) == [("👍", 2, True), (FAMILY, 1, False), ("🇨🇿", 1, False)]
    for _ in range(2):
        assert (await _react(jana, announced, FAMILY, "DELETE")).json == {}
    assert (await _react(karel, announced, "🇨🇿", "DELETE")).status == 200  # another member's stays
    assert await _reactions(karel) == [("👍", 2, True), ("🇨🇿", 1, False)]


@pytest.mark.parametrize("name", ["kasna", "a", "1", "👍👍", "👍a", "👍" + "\u0301" * 9, "👍" + "\u200d👍" * 9, "<b>"])
async def test_only_an_emoji_is_a_reaction(village: Village, announced: str, name: str) -> None:
    jana = await village.by_app("jana")
    assert (await _react(jana, announced, name)).status == 422
    assert await _reactions(jana) == []


async def test_the_number_of_different_emojis_is_limited(village: Village, announced: str) -> None:
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    emojis = [chr(0x1F400 + number) for number in range(MOST_EMOJIS)]
    assert {(await _react(jana, announced, emoji)).status for emoji in emojis} == {200}
    assert (await _react(karel, announced, "👍")).status == 422
    assert (await _react(karel, announced, emojis[0])).status == 200
    await _react(jana, announced, emojis[1], "DELETE")
    assert (await _react(karel, announced, "👍")).status == 200


async def test_only_who_is_told_and_may_write_reacts(village: Village, announced: str) -> None:
    jana = await village.by_app("jana")
    assert (await _react(jana, "1", "👍")).status == 404
    assert (await _react(await village.by_app("jana", "read"), announced, "👍")).status == 403
    await _react(jana, announced, "👍")
    async with village.database.write() as tx:
        await set_effect(tx, village.people["jana"].id, AccountEffect.FROZEN)
    jana = await village.by_app("jana")
    assert (await _react(jana, announced, "🎉")).status == 403
    assert (await _react(jana, announced, "👍", "DELETE")).status == 200


async def test_streams_are_told_the_new_number(village: Village, announced: str) -> None:
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    stream = await EventSource(village, "/api/v1/streaming/user", karel).open()
    public = await EventSource(village, "/api/v1/streaming/public", karel).open()
    for method in ("PUT", "DELETE"):
        await _react(jana, announced, "👍", method)
    await stream.until(lambda: len(stream.events) >= 2)
    counted = {"announcement_id": announced, "name": "👍"}
    assert stream.events == [("announcement.reaction", {**counted, "count": 1}), ("announcement.reaction", {**counted, "count": 0})]
    assert public.events == []
    await stream.close()
    await public.close()


async def test_the_page_has_buttons(village: Village, announced: str) -> None:
    await _react(await village.by_app("karel"), announced, "🎉")
    browser = await village.by_browser("jana")
    page = (await browser.get("/")).text
    path = f"/rules/{announced[:4]}-{announced[4:6]}-{announced[6:8]}.2/react"
    assert f'action="{path}"' in page
    assert 'value="🎉" aria-pressed="false">🎉 1<' in page
    for count in ("🎉 2", "🎉 1"):
        answer = await browser.post(path, {"form_token": form_token(page), "emoji": "🎉"})
        assert answer.headers["location"] == "/#rules-news"
        assert f'aria-pressed="{"true" if count == "🎉 2" else "false"}">{count}<' in (await browser.get("/")).text
    assert (await browser.post("/rules/1/react", {"form_token": form_token(page), "emoji": "🎉"})).status == 404
