"""Blocked networks: nothing of them is shown or arrives, follows end, and nobody else is affected. There is no federation yet, so
accounts of other networks are made by hand."""

import pytest

from folkmoot.base.errors import Forbidden
from folkmoot.base.handles import domain_of, shown_domain
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.notifications import jobs
from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations import actions as relations
from tests.village import Village, Visitor

FAR, PATH = "daleko.example", "/api/v1/domain_blocks"


@pytest.fixture
async def jana(village: Village) -> Visitor:
    """Jana, her friend Karel, and Vlasta of another network, who follow each other and want to be found."""
    await village.settle("jana", "karel", "vlasta")
    async with village.database.write() as tx:
        await tx.execute("DELETE FROM logins WHERE account_id = $1", village.people["vlasta"].id)
        await tx.execute("UPDATE accounts SET is_discoverable = true, is_indexable = true")
        await tx.execute("UPDATE accounts SET domain = $2 WHERE id = $1", village.people["vlasta"].id, FAR)
    for one, other in (("jana", "karel"), ("jana", "vlasta"), ("vlasta", "jana"), ("karel", "vlasta")):
        await village.follow(one, other)
    return await village.by_app("jana")


async def _write_afar(village: Village, text: str, **draft: object) -> int:
    view = await village.write("vlasta", text, **draft)
    async with village.database.write() as tx:
        await tx.execute("UPDATE posts SET domain = $2 WHERE id = $1", view.post.id, FAR)
    return view.post.id


def _relation(village: Village, name: str) -> str:
    return f"/api/v1/accounts/relationships?id[]={village.people[name].id}"


async def test_a_block_ends_follows_and_forbids_new_ones(village: Village, jana: Visitor) -> None:
    assert (await jana.get(f"{PATH}/preview?domain={FAR}")).json == {"following_count": 1, "followers_count": 1}
    assert (await jana.post(PATH, {"domain": " https://Daleko.Example./@vlasta "})).json == {}
    assert (await jana.get(PATH)).json == [FAR]
    await village.work()
    relation, = (await jana.get(_relation(village, "vlasta"))).json
    assert {name: relation[name] for name in ("domain_blocking", "following", "followed_by")} == {
        "domain_blocking": True, "following": False, "followed_by": False}
    relation, = (await jana.get(_relation(village, "karel"))).json
    assert (relation["domain_blocking"], relation["following"]) == (False, True)
    assert (await jana.post(f"/api/v1/accounts/{village.people['vlasta'].id}/follow")).status == 403
    with pytest.raises(Forbidden):
        async with village.database.write() as tx:
            await relations.follow(tx, await get_account(tx, village.people["vlasta"].id), village.people["jana"].id)
    await village.follow("karel", "vlasta")  # others are not affected
    assert (await jana.send("DELETE", PATH, {"domain": FAR})).json == {}
    assert (await jana.send("DELETE", f"{PATH}?domain={FAR}")).json == {}
    assert (await jana.post(f"/api/v1/accounts/{village.people['vlasta'].id}/follow")).json["following"]


async def test_posts_of_a_blocked_network_are_in_no_timeline_and_no_search(village: Village, jana: Visitor) -> None:
    afar, near = await _write_afar(village, "Mlha #kasna"), (await village.write("karel", "Slunce #kasna")).post.id
    async with village.database.write() as tx:
        boost = (await posts.boost_post(tx, village.people["karel"], afar)).post.id
    await village.work()
    list_id = (await jana.post("/api/v1/lists", {"title": "Všichni"})).json["id"]
    await jana.post(f"/api/v1/lists/{list_id}/accounts", {"account_ids[]": [village.people["karel"].id]})
    places = {
        "/api/v1/timelines/home": {afar, near}, "/api/v1/timelines/public": {afar, near}, "/api/v1/timelines/tag/kasna": {afar, near},
        f"/api/v1/timelines/list/{list_id}": {boost, near},
    }

    async def shown(visitor: Visitor) -> dict[str, set[int]]:
        return {path: {int(status["id"]) for status in (await visitor.get(path)).json} for path in places}

    async def found(visitor: Visitor) -> tuple[int, list[str]]:
        people = [account["username"] for account in (await visitor.get("/api/v1/directory")).json]
        return len((await visitor.get("/api/v2/search?q=mlha&type=statuses")).json["statuses"]), sorted(people)

    assert await shown(jana) == places
    assert await found(jana) == (1, ["jana", "karel", "vlasta"])
    await jana.post(PATH, {"domain": FAR})
    hidden = {path: {near} for path in places}
    assert await shown(jana) == hidden
    assert await found(jana) == (0, ["jana", "karel"])
    await village.work()  # follows end
    assert await shown(jana) == hidden
    karel = await village.by_app("karel")
    assert int((await karel.get("/api/v1/timelines/public")).json[1]["id"]) == afar
    await jana.send("DELETE", PATH, {"domain": FAR})
    assert afar in (await shown(jana))["/api/v1/timelines/public"]


async def test_notifications_and_messages_from_a_blocked_network_are_hidden_and_none_arrive(village: Village, jana: Visitor) -> None:
    ids = [village.people[name].id for name in ("jana", "vlasta")]
    await _write_afar(village, "@jana tajně", visibility=Visibility.DIRECT)
    await village.work()
    mentioned = "/api/v1/notifications?types[]=mention"
    assert len((await jana.get(mentioned)).json) == 1
    browser = await village.by_browser("jana")
    assert 'data-waiting="messages" data-plus="0">' in (await browser.get("/settings")).text
    await jana.post(PATH, {"domain": FAR})
    assert (await jana.get(mentioned)).json == []
    assert 'data-waiting="messages" data-plus="0" hidden>' in (await browser.get("/settings")).text
    second = await _write_afar(village, "@jana podruhé")
    await jobs.tell(village.database, [ids[0]], Kind.MENTION, ids[1], second)
    await jana.send("DELETE", PATH, {"domain": FAR})
    assert len((await jana.get(mentioned)).json) == 1


@pytest.mark.parametrize(("sent", "status"), [
    ("", 422), (" ", 422), ("daleko", 422), ("daleko example.org", 422), ("-x.example", 422), ("localhost:8420", 422), ("a..example", 422),
    ("příklad.cz", 200), ("xn--pklad-zsa96e.cz", 200), ("@karel@daleko.example", 200), (f"{'x' * 64}.example", 422),
])
async def test_what_is_no_other_network_is_refused(jana: Visitor, sent: str, status: int) -> None:
    for method in ("POST", "DELETE"):
        assert (await jana.send(method, PATH, {"domain": sent})).status == status
    assert (await jana.get(f"{PATH}/preview")).status == 422
    assert (await jana.get(PATH)).json == []


async def test_blocked_networks_are_limited_and_paged(village: Village, jana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.network.domain_blocks.actions.MOST_DOMAINS", 3)
    for name in ("a", "b", "c", "b"):
        assert (await jana.post(PATH, {"domain": f"{name}.example"})).status == 200
    assert (await jana.post(PATH, {"domain": "d.example"})).status == 422
    first = await jana.get(f"{PATH}?limit=2")
    assert first.json == ["c.example", "b.example"]
    older = first.headers["link"].partition(">")[0].partition("localhost:8420")[2]
    assert (await jana.get(older)).json == ["a.example"]
    assert (await (await village.by_app("karel")).get(PATH)).json == []
    assert (await (await village.by_app("jana", "read:statuses")).get(PATH)).status == 403


def test_a_domain_is_one_whatever_its_spelling() -> None:
    for text in ("Příklad.CZ", "příklad.cz.", "https://příklad.cz/@jana", "@jana@příklad.cz", "xn--pklad-zsa96e.cz", "příklad.cz:443"):
        assert domain_of(text) == "xn--pklad-zsa96e.cz", text
    assert shown_domain("xn--pklad-zsa96e.cz") == "příklad.cz"
    assert domain_of("daleko.example:8443") == "daleko.example:8443"
