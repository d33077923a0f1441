"""Filters through the client API: their routes in both versions, and which statuses they mark where."""

from datetime import timedelta
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.network.filters import actions as filters
from folkmoot.network.filters import cache as cache_module
from folkmoot.network.filters.model import FilterContext
from folkmoot.network.posts import actions as posts
from folkmoot.network.posts.model import PollDraft, Visibility
from folkmoot.streaming import hub as hub_module
from tests.api.streaming import EventSource, Socket
from tests.village import Village, Visitor

_ALL = "/api/v2/filters"
_EVERYWHERE = [context.value for context in FilterContext]


@pytest.fixture
async def jana(village: Village) -> Visitor:
    """Jana's app. She follows Karel."""
    await village.settle("jana", "karel", "eva")
    await village.follow("jana", "karel")
    return await village.by_app("jana")


async def _create(jana: Visitor, *words: str, status: int = 200, **more: Any) -> Any:
    given = {"title": "Kašna", "context": ["home"], "keywords_attributes": [{"keyword": word} for word in words], **more}
    answer = await jana.send("POST", _ALL, as_json=given)
    assert answer.status == status, answer.text
    return answer.json


def _titles(status: Any) -> list[str]:
    return [result["filter"]["title"] for result in status["filtered"]]


async def test_a_filter_has_the_shape_that_apps_expect(jana: Visitor) -> None:
    made = await _create(jana, "kašna", "voda", filter_action="hide", context=["public", "home"], expires_in=3600)
    assert (made["title"], made["context"], made["filter_action"], made["statuses"]) == ("Kašna", ["home", "public"], "hide", [])
    assert [(one["keyword"], one["whole_word"]) for one in made["keywords"]] == [("kašna", True), ("voda", True)]
    assert made["expires_at"].endswith("Z")
    one = f"{_ALL}/{made['id']}"
    assert (await jana.get(one)).json == made
    assert (await jana.get(_ALL)).json == [made]
    fountain, water = made["keywords"]
    changed = (await jana.send("PUT", one, as_json={"title": "Voda", "expires_in": None, "keywords_attributes": [
        {"id": fountain["id"], "_destroy": True}, {"id": water["id"], "keyword": "vody"}, {"keyword": "potok", "whole_word": False},
    ]})).json
    assert (changed["title"], changed["expires_at"], changed["filter_action"]) == ("Voda", None, "hide")
    assert [(one["keyword"], one["whole_word"]) for one in changed["keywords"]] == [("vody", True), ("potok", False)]
    assert changed["keywords"][0]["id"] == water["id"]
    assert (await jana.send("PATCH", one, {"filter_action": "blur_media"})).json["filter_action"] == "blur"
    assert (await jana.send("DELETE", one)).json == {}
    assert (await jana.get(one)).status == 404
    assert (await jana.get(_ALL)).json == []


async def test_keywords_in_a_form_are_read_as_other_servers_read_them(jana: Visitor) -> None:
    form = "title=test&context[]=public&keywords_attributes[][keyword]=foo&keywords_attributes[][whole_word]=false" \
        "&keywords_attributes[][keyword]=bar"
    answer = await jana.send("POST", _ALL, body=form.encode(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert [(one["keyword"], one["whole_word"]) for one in answer.json["keywords"]] == [("foo", False), ("bar", True)]
    assert answer.json["filter_action"] == "warn"


async def test_keywords_and_statuses_have_routes_of_their_own(village: Village, jana: Visitor) -> None:
    made = await _create(jana)
    one = f"{_ALL}/{made['id']}"
    word = (await jana.post(f"{one}/keywords", {"keyword": "kašna", "whole_word": "false"})).json
    assert word == {"id": word["id"], "keyword": "kašna", "whole_word": False}
    assert (await jana.get(f"{one}/keywords")).json == [word] == [(await jana.get(f"{_ALL}/keywords/{word['id']}")).json]
    changed = (await jana.send("PUT", f"{_ALL}/keywords/{word['id']}", {"keyword": "voda"})).json
    assert changed == {**word, "keyword": "voda"}
    assert (await jana.send("PUT", f"{_ALL}/keywords/{word['id']}", {"keyword": " "})).status == 422
    assert (await jana.send("DELETE", f"{_ALL}/keywords/{word['id']}")).json == {}
    assert (await jana.get(f"{_ALL}/keywords/{word['id']}")).status == 404
    post_id = str((await village.write("karel")).post.id)
    added = (await jana.post(f"{one}/statuses", {"status_id": post_id})).json
    assert added == {"id": added["id"], "status_id": post_id}
    assert (await jana.post(f"{one}/statuses", {"status_id": post_id})).json == added
    assert (await jana.get(f"{one}/statuses")).json == [added] == [(await jana.get(f"{_ALL}/statuses/{added['id']}")).json]
    secret = str((await village.write("eva", visibility=Visibility.FOLLOWERS)).post.id)
    assert (await jana.post(f"{one}/statuses", {"status_id": secret})).status == 404
    assert (await jana.send("DELETE", f"{_ALL}/statuses/{added['id']}")).json == {}
    assert (await jana.get(f"{_ALL}/statuses/{added['id']}")).status == 404
    assert (await jana.get(one)).json == {**made, "keywords": [], "statuses": []}


@pytest.mark.parametrize("wrong", [
    {"title": " "}, {"title": "x" * 257}, {"context": []}, {"context": ["doma"]}, {"context": ["home", "x"]}, {"expires_in": -5},
    {"filter_action": "burn"}, {"keywords_attributes": [{"keyword": ""}]}, {"keywords_attributes": [{"keyword": "\u0301"}]},
    {"keywords_attributes": [{"keyword": "x" * 257}]},
])
async def test_a_wrong_filter_is_refused_whole(jana: Visitor, wrong: dict[str, Any]) -> None:
    made = await _create(jana, "kašna")
    refused = await jana.send("POST", _ALL, as_json={"title": "b", "context": ["home"], **wrong})
    assert (refused.status, bool(refused.json["details"])) == (422, True)
    assert (await jana.send("PUT", f"{_ALL}/{made['id']}", as_json=wrong)).status == 422
    assert (await jana.get(_ALL)).json == [made]


async def test_nobody_reaches_the_filter_of_another_member(village: Village, jana: Visitor) -> None:
    made = await _create(jana, "kašna")
    post_id = str((await village.write("karel")).post.id)
    filtered = (await jana.post(f"{_ALL}/{made['id']}/statuses", {"status_id": post_id})).json
    mine = (await jana.get(_ALL)).json
    eva = await village.by_app("eva")
    own = await _create(eva, "voda")
    word, one = made["keywords"][0]["id"], f"{_ALL}/{made['id']}"
    for method, path, sent in (
        ("GET", one, None), ("PUT", one, {"title": "x"}), ("DELETE", one, None), ("GET", f"{one}/keywords", None),
        ("POST", f"{one}/keywords", {"keyword": "x"}), ("GET", f"{one}/statuses", None),
        ("POST", f"{one}/statuses", {"status_id": post_id}),
        ("GET", f"{_ALL}/keywords/{word}", None), ("PUT", f"{_ALL}/keywords/{word}", {"keyword": "x"}),
        ("DELETE", f"{_ALL}/keywords/{word}", None), ("GET", f"{_ALL}/statuses/{filtered['id']}", None),
        ("DELETE", f"{_ALL}/statuses/{filtered['id']}", None), ("GET", f"/api/v1/filters/{word}", None),
        ("PUT", f"/api/v1/filters/{word}", {"phrase": "x"}), ("DELETE", f"/api/v1/filters/{word}", None),
        ("PUT", f"{_ALL}/{own['id']}", {"keywords_attributes[0][id]": word, "keywords_attributes[0][keyword]": "x"}),
        ("PUT", f"{_ALL}/{own['id']}", {"keywords_attributes[0][id]": word, "keywords_attributes[0][_destroy]": "1"}),
    ):
        assert (await eva.send(method, path, sent)).status == 404, (method, path)
    assert (await jana.get(_ALL)).json == mine
    for scopes, method in (("read:statuses", "GET"), ("read", "POST"), ("write", "GET")):
        assert (await (await village.by_app("jana", scopes)).send(method, _ALL, {"title": "x"} if method == "POST" else None)).status == 403


async def test_filters_are_limited(jana: Visitor, monkeypatch: pytest.MonkeyPatch, village: Village) -> None:
    for name, limit in (("MOST_FILTERS", 2), ("MOST_KEYWORDS", 3), ("MOST_LETTERS", 20), ("MOST_POSTS", 1)):
        monkeypatch.setattr(filters, name, limit)
    made = await _create(jana, "a", "b")
    one = f"{_ALL}/{made['id']}"
    await _create(jana, status=200)
    assert "You can have 2 filters." in (await _create(jana, status=422))["error"]
    assert (await jana.post(f"{one}/keywords", {"keyword": "c"})).status == 200
    assert (await jana.post(f"{one}/keywords", {"keyword": "d"})).status == 422
    word = (await jana.get(one)).json["keywords"][0]["id"]
    assert (await jana.send("PUT", f"{_ALL}/keywords/{word}", {"keyword": "x" * 19})).status == 422
    assert (await jana.send("PUT", f"{_ALL}/keywords/{word}", {"keyword": "x" * 18})).status == 200
    ids = [str((await village.write("karel")).post.id) for _ in range(2)]
    assert [(await jana.post(f"{one}/statuses", {"status_id": id_})).status for id_ in (*ids, ids[0])] == [200, 422, 200]


async def test_statuses_tell_which_filters_apply(village: Village, jana: Visitor) -> None:
    made = await _create(jana, "kašna", "voda", "tramvaj", context=["home"])
    plain = (await village.write("karel", "Nic")).post
    texts = [
        (await village.write("karel", "KASNA a #Voda")).post,
        (await village.write("karel", "Dobrý den", cover="Kašna")).post,
        (await village.write("karel", "Co dnes?", poll=PollDraft(titles=("Voda", "Pivo"), expires_in=3600))).post,
    ]
    for post in texts:
        status = (await jana.get(f"/api/v1/statuses/{post.id}")).json
        assert _titles(status) == ["Kašna"]
    own = (await village.write("jana", "Kašna je moje")).post
    found = {status["id"]: status for status in (await jana.get("/api/v1/timelines/home")).json}
    assert found[str(plain.id)]["filtered"] == found[str(own.id)]["filtered"] == []
    [result] = found[str(texts[0].id)]["filtered"]
    assert result == {
        "filter": {name: made[name] for name in ("id", "title", "context", "expires_at", "filter_action")},
        "keyword_matches": ["kašna", "voda"], "status_matches": None,
    }
    assert "filtered" not in (await village.nobody().get(f"/api/v1/statuses/{plain.id}")).json
    assert (await (await village.by_app("eva")).get(f"/api/v1/statuses/{texts[0].id}")).json["filtered"] == []
    await jana.post(f"{_ALL}/{made['id']}/statuses", {"status_id": str(plain.id)})
    async with village.database.write() as tx:
        boost = (await posts.boost_post(tx, village.people["eva"], plain.id)).post
    status = (await jana.get(f"/api/v1/statuses/{boost.id}")).json
    assert status["filtered"] == status["reblog"]["filtered"]
    assert (status["filtered"][0]["keyword_matches"], status["filtered"][0]["status_matches"]) == (None, [str(plain.id)])


async def test_every_list_of_statuses_is_marked(village: Village, jana: Visitor) -> None:
    """The same status through each route that lists statuses for a member."""
    await _create(jana, "kašna", context=_EVERYWHERE)
    root = (await village.write("jana", "Co je nového?")).post
    post = (await village.write("karel", "#Kašna teče, @jana", reply_to_id=root.id)).post
    top = (await village.write("karel", "#Kašna stojí")).post
    made = (await jana.post("/api/v1/lists", {"title": "x"})).json
    await jana.post(f"/api/v1/lists/{made['id']}/accounts", {"account_ids[]": [str(village.people["karel"].id)]})
    for verb in ("bookmark", "favourite"):
        assert _titles((await jana.post(f"/api/v1/statuses/{post.id}/{verb}")).json) == ["Kašna"]
    await village.write("karel", "@jana kašna", visibility=Visibility.DIRECT)
    await village.work()
    for path, pick in (
        ("/api/v1/timelines/home", lambda answer: answer), ("/api/v1/timelines/public", lambda answer: answer),
        ("/api/v1/timelines/tag/kasna", lambda answer: answer), (f"/api/v1/timelines/list/{made['id']}", lambda answer: answer),
        (f"/api/v1/accounts/{village.people['karel'].id}/statuses", lambda answer: answer),
        (f"/api/v1/statuses?id[]={top.id}", lambda answer: answer), ("/api/v1/bookmarks", lambda answer: answer),
        ("/api/v1/favourites", lambda answer: answer), (f"/api/v1/statuses/{root.id}/context", lambda answer: answer["descendants"]),
        (f"/api/v1/statuses/{post.id}", lambda answer: [answer]),
        ("/api/v1/notifications", lambda answer: [one["status"] for one in answer]),
        ("/api/v2/notifications", lambda answer: answer["statuses"]),
        ("/api/v1/conversations", lambda answer: [one["last_status"] for one in answer]),
        ("/api/v2/search?q=kasna&type=statuses", lambda answer: answer["statuses"]),
    ):
        statuses = [one for one in pick((await jana.get(path)).json) if one["account"]["acct"] == "karel"]
        assert statuses, path
        assert {tuple(_titles(status)) for status in statuses} == {("Kašna",)}, path


async def test_an_expired_filter_does_not_apply_and_is_deleted_a_month_later(village: Village, jana: Visitor) -> None:
    post_id = (await village.write("karel", "Kašna")).post.id
    await _create(jana, "kašna", expires_in=3600)
    unending = await _create(jana, "kašna", title="Navždy", expires_in=0)
    assert _titles((await jana.get(f"/api/v1/statuses/{post_id}")).json) == ["Navždy", "Kašna"]
    with clock.stopped_at(clock.now() + timedelta(hours=1, seconds=5)):
        assert _titles((await jana.get(f"/api/v1/statuses/{post_id}")).json) == ["Navždy"]
        assert [one["title"] for one in (await jana.get(_ALL)).json] == ["Navždy", "Kašna"]
        await filters.forget_expired(village.database)
        assert len((await jana.get(_ALL)).json) == 2
    with clock.stopped_at(clock.now() + timedelta(days=31)):
        await filters.forget_expired(village.database)
    assert (await jana.get(_ALL)).json == [unending]


async def test_a_filtered_post_that_is_deleted_leaves_its_filter(village: Village, jana: Visitor) -> None:
    made = await _create(jana)
    kept, gone = [(await village.write("karel")).post.id for _ in range(2)]
    for post_id in (kept, gone):
        await jana.post(f"{_ALL}/{made['id']}/statuses", {"status_id": str(post_id)})
    async with village.database.write() as tx:
        await tx.execute("DELETE FROM posts WHERE id = $1", gone)
    await filters.forget_expired(village.database)
    assert [one["status_id"] for one in (await jana.get(f"{_ALL}/{made['id']}/statuses")).json] == [str(kept)]


async def test_hidden_posts_are_left_out_of_notifications(village: Village, jana: Visitor) -> None:
    texts = ["@jana kašna", "@jana dobrý den", "@jana zase kašna"]
    for text in texts:
        await village.write("karel", text)
        await village.work()
    mine = (await village.write("jana", "Moje kašna")).post.id
    async with village.database.write() as tx:
        await posts.favourite_post(tx, village.people["karel"], mine)
    await village.work()
    v1, v2 = "/api/v1/notifications", "/api/v2/notifications"

    async def counts() -> tuple[int, ...]:
        return (
            len((await jana.get(v1)).json), len((await jana.get(v2)).json["notification_groups"]),
            (await jana.get(f"{v1}/unread_count")).json["count"], (await jana.get(f"{v2}/unread_count")).json["count"],
        )

    assert await counts() == (4, 4, 4, 4)
    for contexts, action in ((["home"], "hide"), (["notifications"], "warn")):
        await _create(jana, "kašna", context=contexts, filter_action=action)
        assert await counts() == (4, 4, 4, 4)
    hidden = await _create(jana, "kašna", context=["notifications"], filter_action="hide")
    assert await counts() == (2, 2, 2, 2)
    for path, pick in ((v1, lambda answer: answer), (v2, lambda answer: answer["statuses"])):  # the newest mention is hidden
        assert pick((await jana.get(f"{path}?limit=0")).json) == []
        page = await jana.get(f"{path}?limit=1&exclude_types[]=favourite")
        [status] = [one.get("status", one) for one in pick(page.json)]
        assert "dobrý den" in status["content"]
        older = page.headers["link"].partition(">")[0].partition("localhost:8420")[2]
        assert pick((await jana.get(older)).json) == []
        newer = page.headers["link"].partition("max_id=")[2].partition("<")[2].partition(">")[0].partition("localhost:8420")[2]
        assert pick((await jana.get(newer)).json) == []
        [first] = [one.get("status", one) for one in pick((await jana.get(f"{path}?limit=1&min_id=1")).json)]
        assert first == status
    await jana.send("DELETE", f"{_ALL}/{hidden['id']}")
    assert await counts() == (4, 4, 4, 4)


@pytest.mark.usefixtures("known_viewers")
async def test_members_without_filters_run_no_statement_for_them(village: Village, jana: Visitor) -> None:
    await village.write("karel", "Kašna")
    home = "/api/v1/timelines/public"

    async def spent() -> int:
        await jana.get(home)
        before = village.database.statements
        await jana.get(home)
        return village.database.statements - before

    assert await spent() == 1
    made = await _create(jana, "kašna")
    assert await spent() == 1
    assert _titles((await jana.get(home)).json[0]) == ["Kašna"]
    await jana.send("DELETE", f"{_ALL}/{made['id']}")
    assert await spent() == 1
    assert (await jana.get(home)).json[0]["filtered"] == []


async def test_a_change_acts_at_once_in_another_process(village: Village, jana: Visitor) -> None:
    """Two processes: each with its own caches, on one database. The second one applies a change that the first one made."""
    post_id = (await village.write("karel", "Kašna a voda")).post.id
    other = Village(village.database, village.settings)
    there = Visitor(other.front, token=jana._token)
    path = f"/api/v1/statuses/{post_id}"
    assert (await there.get(path)).json["filtered"] == []
    made = await _create(jana, "kašna")
    assert _titles((await there.get(path)).json) == ["Kašna"]
    await jana.send("PUT", f"{_ALL}/keywords/{made['keywords'][0]['id']}", {"keyword": "potok"})
    assert (await there.get(path)).json["filtered"] == []
    await jana.post(f"{_ALL}/{made['id']}/keywords", {"keyword": "voda"})
    assert _titles((await there.get(path)).json) == ["Kašna"]
    await jana.send("DELETE", f"{_ALL}/{made['id']}")
    assert (await there.get(path)).json["filtered"] == []


async def test_an_edited_post_is_matched_again(village: Village, jana: Visitor) -> None:
    await _create(jana, "kašna")
    karel = await village.by_app("karel")
    id_ = (await karel.post("/api/v1/statuses", {"status": "Dobrý den"})).json["id"]
    assert (await jana.get(f"/api/v1/statuses/{id_}")).json["filtered"] == []
    await karel.send("PUT", f"/api/v1/statuses/{id_}", {"status": "Kašna"})
    assert _titles((await jana.get(f"/api/v1/statuses/{id_}")).json) == ["Kašna"]


async def test_the_cache_holds_only_so_much(village: Village, jana: Visitor) -> None:
    eva = await village.by_app("eva")
    for who in (jana, eva):
        await _create(who, "kašna" * 10)
    sets = cache_module.FilterSets(village.database, largest=70)
    for name in ("jana", "eva", "jana"):
        found = await sets.of(village.people[name].id, 1)
        assert found is not None
        assert list(sets._sets) == [village.people[name].id]
        assert sets._size == found.size


async def test_streams_mark_statuses_and_hear_of_changed_filters(
    village: Village, jana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "GATHER_SECONDS", 0.02)
    await _create(jana, "kašna", context=["notifications"], filter_action="hide")
    stream = await EventSource(village, "/api/v1/streaming/user", jana).open()
    socket = await Socket(village, jana, stream="user").open()
    public = await EventSource(village, "/api/v1/streaming/public", jana).open()
    for number, text in enumerate(("@jana kašna", "@jana voda"), 1):
        village.database.live.publish("posts.new", {"post_id": (await village.write("karel", text)).post.id})
        await village.work()
        updates = await stream.hears("update", number)
        assert _titles(updates[-1]) == ["Kašna"] * (number == 1)
        await public.hears("update", number)
    assert [one["status"]["content"] for one in await stream.hears("notification")] == [updates[-1]["content"]]
    await _create(jana, "voda", title="Voda")
    assert await stream.hears("filters_changed") == [None]
    await socket.until(lambda: ("filters_changed", None) in socket.events("user"))
    village.database.live.publish("posts.new", {"post_id": (await village.write("karel", "voda")).post.id})
    assert _titles((await stream.hears("update", 3))[-1]) == ["Voda"]
    assert _titles((await public.hears("update", 3))[-1]) == ["Voda"]
    assert "filters_changed" not in [name for name, _ in public.events]
    for client in (stream, socket, public):
        await client.close()


async def test_version_1_shows_each_keyword_as_a_filter(jana: Visitor) -> None:
    old = "/api/v1/filters"
    made = await _create(jana, "kašna", "voda", filter_action="blur")
    assert [one["phrase"] for one in (await jana.get(old)).json] == ["kašna", "voda"]
    first, second = (one["id"] for one in made["keywords"])
    assert (await jana.get(f"{old}/{first}")).json == {
        "id": first, "phrase": "kašna", "context": ["home"], "whole_word": True, "expires_at": None, "irreversible": False
    }
    changed = await jana.send("PUT", f"{old}/{first}", {"phrase": "potok", "whole_word": "false", "context[]": "home"})
    assert (changed.json["phrase"], changed.json["whole_word"], changed.status) == ("potok", False, 200)
    for wrong in ({"context[]": "public"}, {"irreversible": "true"}, {"expires_in": "60"}):
        assert (await jana.send("PUT", f"{old}/{first}", wrong)).status == 422
    whole = (await jana.get(f"{_ALL}/{made['id']}")).json
    assert (whole["title"], whole["filter_action"], whole["context"]) == ("Kašna", "blur", ["home"])
    assert (await jana.send("DELETE", f"{old}/{first}")).json == {}
    assert (await jana.send("PUT", f"{old}/{second}", {"irreversible": "true", "expires_in": ""})).json["irreversible"] is True
    assert (await jana.send("DELETE", f"{old}/{second}")).json == {}
    assert (await jana.get(old)).json == (await jana.get(_ALL)).json == []
    for wrong in ({"phrase": "", "context[]": "home"}, {"phrase": "x"}, {"phrase": "x", "context[]": "doma"}):
        assert (await jana.post(old, wrong)).status == 422
    new = (await jana.post(old, {"phrase": "zvon", "context[]": ["home", "public"]})).json
    assert (new["whole_word"], new["irreversible"], new["context"]) == (False, False, ["home", "public"])
    assert [one["title"] for one in (await jana.get(_ALL)).json] == ["zvon"]
    assert "deprecation" in (await jana.get(old)).headers
