"""Followed hashtags: through the client API, in the home timeline and its stream, and on the pages."""

import pytest

from folkmoot.network.featured.actions import feature_hashtag
from folkmoot.network.followed_tags.model import MOST_FOLLOWED
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.streaming import hub as hub_module
from tests.api.streaming import EventSource
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

ALL = "/api/v1/followed_tags"


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    return await village.by_app("jana")


async def _follow(visitor: Visitor, name: str, verb: str = "follow") -> Answer:
    return await visitor.post(f"/api/v1/tags/{name}/{verb}")


async def test_a_hashtag_knows_whether_it_is_followed(village: Village, jana: Visitor) -> None:
    await village.write("karel", "U #Kašna")
    async with village.database.write() as tx:
        await feature_hashtag(tx, village.people["jana"], "kasna")
    for verb, is_followed in (("follow", True), ("follow", True), ("unfollow", False), ("unfollow", False), ("follow", True)):
        answer = await _follow(jana, "KASNA", verb)
        assert (answer.status, answer.json["name"], answer.json["following"]) == (200, "Kašna", is_followed)
        assert answer.json["featuring"] is True
        assert (await jana.get("/api/v1/tags/kasna")).json == answer.json
        assert (await jana.get("/api/v2/search?q=kasna&type=hashtags")).json["hashtags"] == [answer.json]
    assert (await jana.post("/api/v1/tags/kasna/unfeature")).json["following"] is True
    nobodys = (await village.nobody().get("/api/v1/tags/kasna")).json
    assert not {"following", "featuring"} & set(nobodys)
    assert (await (await village.by_app("karel")).get("/api/v1/tags/kasna")).json["following"] is False
    assert (await jana.post("/api/v1/tags/123/follow")).status == 404


@pytest.mark.usefixtures("known_viewers")
async def test_the_list_is_paged_the_latest_first(village: Village, jana: Visitor) -> None:
    assert ((await jana.get(ALL)).json, "link" in (await jana.get(ALL)).headers) == ([], False)
    for name in ("prvni", "druhy", "treti"):
        await _follow(jana, name)
    whole = await jana.get(ALL)
    assert ({tag["name"] for tag in whole.json}, {tag["following"] for tag in whole.json}) == ({"prvni", "druhy", "treti"}, {True})
    first = await jana.get(f"{ALL}?limit=2")
    assert first.json == whole.json[:2]
    before = village.database.statements
    older = await jana.get(first.headers["link"].partition("<http://localhost:8420")[2].partition(">")[0])
    assert village.database.statements - before == 4  # the page, what the viewer does with its hashtags, and how much they are used
    assert older.json == whole.json[2:]
    assert (await (await village.by_app("karel")).get(ALL)).json == []


@pytest.mark.parametrize("name", ["می\u200cخواهم", "क्\u200dष"])
async def test_a_hashtag_with_a_joiner_has_a_page(village: Village, jana: Visitor, name: str) -> None:
    """Joiners are not printable by themselves, as line breaks are, but part of words."""
    await village.write("karel", f"Dobrý den #{name}")
    page = await village.nobody().get(f"/tags/{name}")
    assert (page.status, "Dobrý den" in page.text) == (200, True)
    assert (await _follow(jana, name)).json["following"] is True
    for wrong in ("kas\nna", "kas\x00na", "kas\u202ena", "kas\u200bna"):
        assert (await village.nobody().get(f"/tags/{wrong}")).status == 404


async def test_one_too_many_is_refused(jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_FOLLOWED == 100
    monkeypatch.setattr("folkmoot.network.followed_tags.actions.MOST_FOLLOWED", 1)
    assert [(await _follow(jana, name)).status for name in ("jeden", "dva", "jeden")] == [200, 422, 200]


async def test_scopes(village: Village, jana: Visitor) -> None:
    reader, writer = await village.by_app("jana", "read:follows"), await village.by_app("jana", "write:follows")
    assert ((await reader.get(ALL)).status, (await writer.get(ALL)).status) == (200, 403)
    assert ((await _follow(reader, "kasna")).status, (await _follow(writer, "kasna")).status) == (403, 200)
    assert (await _follow(village.nobody(), "kasna")).status == 401


async def test_the_home_and_its_stream_show_the_same_posts(village: Village, jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "GATHER_SECONDS", 0.02)
    await village.settle("petr", "cizi")
    await village.follow("jana", "petr")
    for name in ("kasna", "voda"):
        await _follow(jana, name)
    async with village.database.write() as tx:
        await relations.mute(tx, village.people["jana"], village.people["eva"].id)
        await relations.block(tx, village.people["cizi"], village.people["jana"].id)
        await relations.follow(tx, village.people["jana"], village.people["petr"].id, languages=["en"])
    parent = await village.write("karel", "bez znaku")
    stream = await EventSource(village, "/api/v1/streaming/user", jana).open()
    written = {
        "public": (await village.write("karel", "teče #Kašna i #voda")).post.id,
        "reply": (await village.write("karel", "a #voda taky", reply_to_id=parent.post.id)).post.id,
        "unlisted": (await village.write("karel", "#voda tiše", visibility=Visibility.UNLISTED)).post.id,
        "private": (await village.write("karel", "#voda svým", visibility=Visibility.FOLLOWERS)).post.id,
        "direct": (await village.write("karel", "@jana #voda", visibility=Visibility.DIRECT)).post.id,
        "other": (await village.write("karel", "#jinde")).post.id,
        "muted": (await village.write("eva", "#voda")).post.id,
        "blocking": (await village.write("cizi", "#voda")).post.id,
        "followed": (await village.write("petr", "#voda", language="en")).post.id,
        "other language": (await village.write("petr", "#voda", language="cs")).post.id,
    }
    for id_ in written.values():
        village.database.live.publish("posts.new", {"post_id": id_})
    expected = ["followed", "public", "reply"]
    names = {str(id_): name for name, id_ in written.items()}
    for is_warm in (False, True):
        home = await jana.get("/api/v1/timelines/home")
        assert sorted(names[status["id"]] for status in home.json) == expected
        if not is_warm:
            await village.work()

    def streamed() -> list[str]:
        return sorted(names[payload["id"]] for name, payload in stream.events if name == "update")  # without the mention

    await stream.until(lambda: len(streamed()) >= len(expected))
    assert streamed() == expected
    await stream.close()


async def test_the_pages(village: Village, jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    await village.write("karel", "teče #Kašna")
    browser = await village.by_browser("jana")
    page = (await browser.get("/tags/Kašna")).text
    assert 'formaction="/tags/Ka%C5%A1na/follow"' in page
    assert 'formaction="/tags' not in (await village.nobody().get("/tags/Kašna")).text
    token = form_token(page)
    assert (await browser.post("/tags/Kašna/follow", {"form_token": token, "back": "/tags/Kašna"})).status == 303
    assert 'formaction="/tags/Ka%C5%A1na/unfollow"' in (await browser.get("/tags/kasna")).text.replace("kasna", "Ka%C5%A1na")
    assert "teče" in (await browser.get("/")).text
    own = (await browser.get("/hashtags")).text
    assert "#Kašna" in own
    refused = await browser.post("/hashtags", {"form_token": token, "name": "dvě <b>slova"})
    assert (refused.status, "This is not a hashtag." in refused.text, "dvě &lt;b&gt;slova" in refused.text) == (422, True, True)
    assert (await browser.post("/hashtags", {"form_token": token, "name": "#voda"})).headers["location"] == "/hashtags"
    assert {tag["name"] for tag in (await jana.get(ALL)).json} == {"Kašna", "voda"}
    monkeypatch.setattr("folkmoot.network.followed_tags.actions.MOST_FOLLOWED", 2)
    refused = await browser.post("/tags/dalsi/follow", {"form_token": token})
    assert (refused.status, "You can follow at most 2 hashtags." in refused.text) == (422, True)
    assert (await browser.post("/tags/kasna/unfollow", {"form_token": token, "back": "/hashtags"})).headers["location"] == "/hashtags"
    assert "teče" not in (await browser.get("/")).text
    assert 'href="/hashtags"' in (await browser.get("/")).text
