"""Lists through the client API: their members, their timeline, and their stream."""

import pytest

from folkmoot.network.lists.model import LONGEST_TITLE, MOST_LISTS, MOST_MEMBERS
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations import actions as relations
from folkmoot.streaming import hub as hub_module
from tests.api.streaming import EventSource, Socket
from tests.village import Village, Visitor

NAMES = ("jana", "karel", "eva", "petr", "cizi")


@pytest.fixture
async def jana(village: Village) -> Visitor:
    """Jana's app. She follows Karel, Eva and Petr."""
    await village.settle(*NAMES)
    for name in NAMES[1:4]:
        await village.follow("jana", name)
    return await village.by_app("jana")


def _id(village: Village, name: str) -> str:
    return str(village.people[name].id)


async def _create(jana: Visitor, title: str = "Sousedé", **more: str) -> str:
    answer = await jana.post("/api/v1/lists", {"title": title, **more})
    assert answer.status == 200, answer.text
    return str(answer.json["id"])


async def _members(jana: Visitor, list_id: str, query: str = "") -> list[str]:
    return [account["acct"] for account in (await jana.get(f"/api/v1/lists/{list_id}/accounts{query}")).json]


async def _add(village: Village, jana: Visitor, list_id: str, *names: str) -> int:
    return (await jana.post(f"/api/v1/lists/{list_id}/accounts", {"account_ids[]": [_id(village, name) for name in names]})).status


async def test_a_list_is_created_changed_and_deleted(jana: Visitor) -> None:
    made = (await jana.post("/api/v1/lists", {"title": "  Sousedé  "})).json
    assert made == {"id": made["id"], "title": "Sousedé", "replies_policy": "list", "exclusive": False}
    other = await _create(jana, "Chór", replies_policy="none")
    assert [one["title"] for one in (await jana.get("/api/v1/lists")).json] == ["Chór", "Sousedé"]
    changed = (await jana.send("PUT", f"/api/v1/lists/{made['id']}", {"replies_policy": "followed"})).json
    assert (changed["title"], changed["replies_policy"]) == ("Sousedé", "followed")
    assert (await jana.send("PUT", f"/api/v1/lists/{made['id']}", {"title": "Ulice"})).json == {**changed, "title": "Ulice"}
    assert (await jana.get(f"/api/v1/lists/{made['id']}")).json["title"] == "Ulice"
    assert (await jana.send("DELETE", f"/api/v1/lists/{other}")).json == {}
    assert [one["id"] for one in (await jana.get("/api/v1/lists")).json] == [made["id"]]


@pytest.mark.parametrize(("sent", "status"), [
    ({}, 422), ({"title": " "}, 422), ({"title": "x" * (LONGEST_TITLE + 1)}, 422), ({"title": "x", "replies_policy": "all"}, 400),
    ({"title": "x", "exclusive": "true"}, 422), ({"title": "x", "exclusive": "false"}, 200), ({"title": "x" * LONGEST_TITLE}, 200),
])
async def test_a_wrong_list_is_refused(jana: Visitor, sent: dict[str, str], status: int) -> None:
    assert (await jana.post("/api/v1/lists", sent)).status == status
    assert len((await jana.get("/api/v1/lists")).json) == (status == 200)


async def test_members_are_followed_accounts_and_leave_with_the_follow(village: Village, jana: Visitor) -> None:
    list_id = await _create(jana)
    assert await _add(village, jana, list_id, "karel", "cizi") == 404  # all or none
    assert await _members(jana, list_id) == []
    assert await _add(village, jana, list_id, "karel", "eva", "karel") == 200
    assert await _add(village, jana, list_id, "eva", "petr") == 200  # Eva is in it already
    assert sorted(await _members(jana, list_id)) == ["eva", "karel", "petr"]
    first = await jana.get(f"/api/v1/lists/{list_id}/accounts?limit=2")
    assert [len(first.json), 'rel="next"' in first.headers["link"]] == [2, True]
    whole = await jana.get(f"/api/v1/lists/{list_id}/accounts?limit=0")
    assert (len(whole.json), "link" in whole.headers) == (3, False)
    assert [one["id"] for one in (await jana.get(f"/api/v1/accounts/{_id(village, 'eva')}/lists")).json] == [list_id]
    assert (await jana.get(f"/api/v1/accounts/{_id(village, 'cizi')}/lists")).json == []
    assert (await jana.send("DELETE", f"/api/v1/lists/{list_id}/accounts", {"account_ids[]": [_id(village, "petr")]})).status == 200
    assert (await jana.post(f"/api/v1/accounts/{_id(village, 'karel')}/unfollow")).status == 200
    assert await _members(jana, list_id) == ["eva"]
    async with village.database.write() as tx:
        await relations.block(tx, village.people["eva"], village.people["jana"].id)
    assert await _members(jana, list_id) == []


async def test_nobody_reaches_the_list_of_another_member(village: Village, jana: Visitor) -> None:
    list_id = await _create(jana)
    await _add(village, jana, list_id, "karel")
    await village.follow("eva", "karel")
    eva = await village.by_app("eva")
    one, member = f"/api/v1/lists/{list_id}", {"account_ids[]": [_id(village, "karel")]}
    for method, path, sent in (
        ("GET", one, None), ("PUT", one, {"title": "Moje"}), ("DELETE", one, None), ("GET", f"{one}/accounts", None),
        ("POST", f"{one}/accounts", member), ("DELETE", f"{one}/accounts", member), ("GET", f"/api/v1/timelines/list/{list_id}", None),
    ):
        assert (await eva.send(method, path, sent)).status == 404, (method, path)
    stream = EventSource(village, "/api/v1/streaming/list", eva, list=list_id)
    await stream.ends()
    assert stream.status == 404
    assert (await jana.get(one)).json["title"] == "Sousedé"
    assert await _members(jana, list_id) == ["karel"]
    for scopes in ("read:statuses", "write"):
        assert (await (await village.by_app("jana", scopes)).get("/api/v1/lists")).status == 403


async def test_lists_and_members_are_limited(village: Village, jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (MOST_LISTS, MOST_MEMBERS) == (50, 500)
    monkeypatch.setattr("folkmoot.network.lists.actions.MOST_LISTS", 2)
    monkeypatch.setattr("folkmoot.network.lists.actions.MOST_MEMBERS", 2)
    list_id = await _create(jana)
    await _create(jana, "Druhý")
    assert (await jana.post("/api/v1/lists", {"title": "Třetí"})).status == 422
    assert await _add(village, jana, list_id, "karel", "eva") == 200
    assert await _add(village, jana, list_id, "petr") == 422
    assert sorted(await _members(jana, list_id)) == ["eva", "karel"]


@pytest.mark.parametrize(("policy", "replies"), [("none", set()), ("list", {"to eva"}), ("followed", {"to eva", "to petr"})])
async def test_the_timeline_and_the_stream_show_the_same_posts(
    village: Village, jana: Visitor, policy: str, replies: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "GATHER_SECONDS", 0.02)
    list_id = await _create(jana, replies_policy=policy)
    await _add(village, jana, list_id, "karel", "eva")
    parents = {name: (await village.write(name, f"od {name}")).post.id for name in NAMES}
    stream = await EventSource(village, "/api/v1/streaming/list", jana, list=list_id).open()
    socket = await Socket(village, jana, stream="list", list=list_id).open()
    written = {
        "public": (await village.write("karel", "všem")).post.id,
        "private": (await village.write("karel", "svým", visibility=Visibility.FOLLOWERS)).post.id,
        "direct": (await village.write("karel", "@jana", visibility=Visibility.DIRECT)).post.id,
        "not in the list": (await village.write("petr", "odjinud")).post.id,
        "to himself": (await village.write("karel", "Venku je hezky", reply_to_id=parents["karel"])).post.id,
        "to jana": (await village.write("karel", "Kašna teče", reply_to_id=parents["jana"])).post.id,
        "to eva": (await village.write("karel", "Dobrý den", reply_to_id=parents["eva"])).post.id,
        "to petr": (await village.write("karel", "Dobrý den", reply_to_id=parents["petr"])).post.id,
        "to cizi": (await village.write("karel", "Dobrý den", reply_to_id=parents["cizi"])).post.id,
    }
    async with village.database.write() as tx:
        written["boost"] = (await posts.boost_post(tx, village.people["karel"], parents["cizi"])).post.id
    for id_ in written.values():
        village.database.live.publish("posts.new", {"post_id": id_})
    expected = {"public", "private", "to himself", "to jana", "boost"} | replies
    names = {str(id_): name for name, id_ in written.items()}
    page = await jana.get(f"/api/v1/timelines/list/{list_id}?since_id={max(parents.values())}")
    assert sorted(names[status["id"]] for status in page.json) == sorted(expected)
    await stream.until(lambda: len(stream.events) >= len(expected))
    await socket.until(lambda: len(socket.events("list", list_id)) >= len(expected))
    for events in (stream.events, socket.events("list", list_id)):
        assert sorted(names[payload["id"]] for _, payload in events) == sorted(expected)
    await stream.close()
    await socket.close()


async def test_a_list_leaves_out_what_the_reader_avoids(village: Village, jana: Visitor) -> None:
    list_id = await _create(jana)
    await _add(village, jana, list_id, "karel", "eva", "petr")
    for name in ("karel", "eva", "petr"):
        await village.write(name, name, language="cs")
    async with village.database.write() as tx:
        me = village.people["jana"]
        boost = (await posts.boost_post(tx, village.people["petr"], (await village.write("cizi")).post.id)).post
        await relations.mute(tx, me, village.people["karel"].id)
        await relations.follow(tx, me, village.people["eva"].id, languages=["en"])
        await relations.follow(tx, me, village.people["petr"].id, shows_boosts=False)
    found = (await jana.get(f"/api/v1/timelines/list/{list_id}")).json
    assert [status["account"]["acct"] for status in found] == ["petr"]
    assert str(boost.id) not in [status["id"] for status in found]


@pytest.mark.usefixtures("known_viewers")
async def test_a_page_of_a_list_is_one_statement_and_is_paged_by_links(village: Village, jana: Visitor) -> None:
    list_id = await _create(jana)
    await _add(village, jana, list_id, "karel", "eva")
    ids = [str((await village.write(("karel", "eva")[number % 2])).post.id) for number in range(5)]
    first = await jana.get(f"/api/v1/timelines/list/{list_id}?limit=3")
    assert [status["id"] for status in first.json] == sorted(ids, reverse=True)[:3]
    before = village.database.statements
    again = await jana.get(f"/api/v1/timelines/list/{list_id}?limit=3")
    assert village.database.statements - before == 2  # whose list it is, and the page
    older = again.headers["link"].partition(">")[0].partition("localhost:8420")[2]
    assert [status["id"] for status in (await jana.get(older)).json] == sorted(ids, reverse=True)[3:]
