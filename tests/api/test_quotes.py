"""Quotes through the client API: the entities at every address, policies, revoking, notifications, streams, and statements."""

from typing import Any

import pytest

from folkmoot.network.posts.actions import set_effect
from folkmoot.network.posts.model import PostEffect
from tests.api.streaming import EventSource
from tests.village import Village, Visitor
from tests.waiting import until


async def _quote(visitor: Visitor, quoted: str, text: str = "viz", **more: str) -> Any:
    answer = await visitor.post("/api/v1/statuses", {"status": text, "quoted_status_id": quoted, **more})
    assert answer.status == 200, answer.text
    return answer.json


async def _post(visitor: Visitor, text: str = "Původní slova", **more: str) -> Any:
    return (await visitor.post("/api/v1/statuses", {"status": text, **more})).json


async def _settled(village: Village) -> tuple[Visitor, Visitor, Visitor]:
    await village.settle("author", "quoter", "viewer")
    await village.follow("viewer", "quoter")
    await village.work()
    viewer = await village.by_app("viewer")

    async def is_built() -> bool:
        return (await viewer.get("/api/v1/timelines/home")).status == 200

    await until(is_built)
    return await village.by_app("author"), await village.by_app("quoter"), viewer


async def test_a_quote_and_a_quote_in_it(village: Village) -> None:
    author, quoter, viewer = await _settled(village)
    first = await _post(author)
    second = await _quote(quoter, first["id"])
    third = await _quote(author, second["id"])
    assert second["quote"]["state"] == "accepted"
    assert second["quote"]["quoted_status"]["content"] == first["content"]
    assert second["quote"]["quoted_status"]["quote"] is None
    assert third["quote"]["quoted_status"]["quote"] == {"state": "accepted", "quoted_status_id": first["id"]}
    await village.work()
    shown = (await viewer.get(f"/api/v1/statuses/{first['id']}")).json
    assert (shown["quotes_count"], shown["quote"]) == (0, None)  # its count is folded by a timed job
    assert shown["quote_approval"] == {"automatic": ["public"], "manual": [], "current_user": "automatic"}
    by_nobody = (await village.nobody().get(f"/api/v1/statuses/{second['id']}")).json
    assert by_nobody["quote"]["quoted_status"]["id"] == first["id"]
    assert by_nobody["quote_approval"]["current_user"] == "denied"
    assert [one["quote"] for one in (await viewer.get(f"/api/v1/statuses/{second['id']}/history")).json] == [
        {"state": "accepted", "quoted_status_id": first["id"]}]


async def test_apps_that_do_not_know_quotes_get_an_address(village: Village) -> None:
    author, quoter, _ = await _settled(village)
    first = await _post(author)
    second = await _quote(quoter, first["id"])
    assert second["content"].startswith('<p class="quote-inline">RE: <a href="http://localhost:8420/posts/' + first["id"])
    assert second["content"].endswith("<p>viz</p>")
    await author.post(f"/api/v1/statuses/{first['id']}/quotes/{second['id']}/revoke")
    assert (await quoter.get(f"/api/v1/statuses/{second['id']}")).json["content"] == "<p>viz</p>"
    assert (await quoter.get(f"/api/v1/statuses/{second['id']}/source")).json["text"] == "viz"


@pytest.mark.parametrize("policy", ["public", "followers", "nobody"])
async def test_policies_of_a_post_and_of_the_member(village: Village, policy: str) -> None:
    author, quoter, viewer = await _settled(village)
    await village.follow("viewer", "author")
    assert (await author.get("/api/v1/preferences")).json["posting:default:quote_policy"] == "public"
    by_param = await _post(author, quote_approval_policy=policy)
    changed = await author.send("PATCH", "/api/v1/accounts/update_credentials", {"source[quote_policy]": policy})
    assert changed.json["source"]["quote_policy"] == policy
    assert (await author.get("/api/v1/preferences")).json["posting:default:quote_policy"] == policy
    by_default = await _post(author)
    expected = {"public": (200, 200), "followers": (403, 200), "nobody": (403, 403)}[policy]
    for post in (by_param, by_default):
        assert post["quote_approval"] == {
            "automatic": [] if policy == "nobody" else [policy], "manual": [], "current_user": "automatic"}
        for visitor, status in zip((quoter, viewer), expected, strict=True):
            for address in (f"/api/v1/statuses/{post['id']}", "/api/v1/timelines/public?local=true"):
                found = (await visitor.get(address)).json
                one = found if isinstance(found, dict) else next(each for each in found if each["id"] == post["id"])
                assert one["quote_approval"]["current_user"] == ("automatic" if status == 200 else "denied")
            answer = await visitor.post("/api/v1/statuses", {"status": "viz", "quoted_status_id": post["id"]})
            assert answer.status == status
    assert (await _post(author, visibility="private", quote_approval_policy="public"))["quote_approval"]["automatic"] == []


async def test_faulty_quotes_are_refused(village: Village) -> None:
    author, quoter, _ = await _settled(village)
    secret = await _post(author, "@author tajně", visibility="direct")
    post = await _post(author)
    answers = [await quoter.post("/api/v1/statuses", {"status": "viz", "quoted_status_id": id_}) for id_ in (secret["id"], "12", "x")]
    assert [answer.status for answer in answers] == [404] * 3
    assert len({answer.body for answer in answers}) == 1
    assert "quote" in answers[0].json["error"]
    assert (await quoter.post("/api/v1/statuses", {"status": "a", "quote_approval_policy": "friends"})).status == 422
    direct = await quoter.post("/api/v1/statuses", {"status": "@quoter", "quoted_status_id": post["id"], "visibility": "direct"})
    assert direct.status == 422
    assert list(direct.json["details"]) == ["quoted_status_id"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_the_policy_of_a_post_is_changed(village: Village, method: str) -> None:
    author, quoter, _ = await _settled(village)
    post = await _post(author)
    address = f"/api/v1/statuses/{post['id']}/interaction_policy"
    changed = (await author.send(method, address, {"quote_approval_policy": "nobody"})).json
    assert changed["quote_approval"]["automatic"] == []
    assert (await quoter.get("/api/v1/timelines/public")).json[0]["quote_approval"]["current_user"] == "denied"
    assert (await author.send(method, address)).json["quote_approval"] == changed["quote_approval"]
    assert (await quoter.send(method, address, {"quote_approval_policy": "public"})).status == 404
    edited = await author.send("PUT", f"/api/v1/statuses/{post['id']}", {"status": "a", "quote_approval_policy": "followers"})
    assert edited.json["quote_approval"]["automatic"] == ["followers"]


async def test_revoking_a_quote(village: Village) -> None:
    author, quoter, viewer = await _settled(village)
    first = await _post(author)
    second = await _quote(quoter, first["id"])
    await village.work()
    address = f"/api/v1/statuses/{first['id']}/quotes/{second['id']}/revoke"
    assert [one["id"] for one in (await viewer.get(f"/api/v1/statuses/{first['id']}/quotes")).json] == [second["id"]]
    assert (await quoter.post(address)).status == (await viewer.post(address)).status == 404
    revoked = (await author.post(address)).json
    assert (revoked["id"], revoked["quote"]) == (second["id"], {"state": "revoked", "quoted_status": None})
    for visitor in (author, quoter, viewer, village.nobody()):
        shown = await visitor.get(f"/api/v1/statuses/{second['id']}")
        assert shown.json["quote"] == {"state": "revoked", "quoted_status": None}
        assert "Původní" not in shown.text
    assert (await viewer.get(f"/api/v1/statuses/{first['id']}/quotes")).json == []
    assert (await village.nobody().get(f"/api/v1/statuses/{first['id']}/quotes")).status == 401


async def test_the_list_of_quotes_is_paged(village: Village) -> None:
    author, quoter, viewer = await _settled(village)
    first = await _post(author)
    ids = [(await _quote(quoter, first["id"], str(number)))["id"] for number in range(3)][::-1]
    address = f"/api/v1/statuses/{first['id']}/quotes?limit=2"
    page = await viewer.get(address)
    assert [one["id"] for one in page.json] == ids[:2]
    older = page.headers["link"].partition(">")[0].removeprefix("<http://localhost:8420")
    assert [one["id"] for one in (await viewer.get(older)).json] == ids[2:]


_PLACES = [
    "/api/v1/statuses/{quote}", "/api/v1/statuses?id[]={quote}", "/api/v1/statuses/{reply}/context",
    "/api/v1/timelines/home", "/api/v1/timelines/public", "/api/v1/timelines/tag/kasna", "/api/v1/accounts/{quoter}/statuses",
    "/api/v1/bookmarks", "/api/v1/favourites", "/api/v1/notifications", "/api/v2/notifications", "/api/v2/search?q=kasna",
    "/api/v1/statuses/{boost}", "/api/v1/statuses/{first}/quotes", "/api/v1/statuses/{quote}/history",
]


def _states(found: Any, quote_id: str) -> list[str]:
    """The states of the quote of this status, wherever it stands in an answer."""
    if isinstance(found, list):
        return [state for one in found for state in _states(one, quote_id)]
    if not isinstance(found, dict):
        return []
    own = [found["quote"]["state"]] if found.get("id") == quote_id and found.get("quote") else []
    return own + [state for value in found.values() for state in _states(value, quote_id)]


async def test_a_hidden_post_is_shown_in_no_quote(village: Village) -> None:
    """The same addresses show the quoted words before and only the state after, at once; nothing is cached too long."""
    author, quoter, viewer = await _settled(village)
    first = await _post(author, "sedmikráska")
    quote = await _quote(quoter, first["id"], "@viewer viz #kasna")
    reply = await _post(viewer, "@quoter ano", in_reply_to_id=quote["id"])
    for verb in ("bookmark", "favourite"):
        await viewer.post(f"/api/v1/statuses/{quote['id']}/{verb}")
    boost = (await viewer.post(f"/api/v1/statuses/{quote['id']}/reblog")).json
    await village.work()
    names = {"quote": quote["id"], "reply": reply["id"], "boost": boost["id"], "first": first["id"],
             "quoter": str(village.people["quoter"].id)}
    for effect, state in ((PostEffect.NONE, "accepted"), (PostEffect.HIDDEN, "unauthorized"), (PostEffect.NONE, "accepted"),
                          (PostEffect.REMOVED, "unauthorized")):
        async with village.database.write() as tx:
            await set_effect(tx, int(first["id"]), effect, None)
        for place in _PLACES:
            answer = await viewer.get(place.format(**names))
            if "/quotes" in place and state != "accepted":
                assert answer.status == 404
                continue
            assert answer.status == 200, place
            if "/history" not in place:
                assert set(_states(answer.json, quote["id"])) == {state}, place
                assert ("sedmikráska" in answer.text) == (state == "accepted"), place
            assert (first["id"] in answer.text.replace(f"/posts/{first['id']}", "")) == (state == "accepted"), place


@pytest.mark.parametrize(("act", "state"), [("mute", "muted_account"), ("block", "blocked_account")])
async def test_a_quote_of_somebody_muted_or_blocked_says_so(village: Village, act: str, state: str) -> None:
    author, quoter, viewer = await _settled(village)
    first = await _post(author)
    await _quote(quoter, first["id"])
    await village.work()
    await viewer.post(f"/api/v1/accounts/{village.people['author'].id}/{act}")
    quote = (await viewer.get("/api/v1/timelines/home")).json[0]["quote"]
    assert (quote["state"], quote["quoted_status"]["id"]) == (state, first["id"])
    assert (await quoter.get("/api/v1/timelines/home")).json[0]["quote"]["state"] == "accepted"


async def test_an_edit_of_the_quoted_post_shows_in_the_quote(village: Village) -> None:
    author, quoter, viewer = await _settled(village)
    first = await _post(author)
    await _quote(quoter, first["id"])
    await village.work()
    assert "Původní" in (await viewer.get("/api/v1/timelines/home")).text
    await author.send("PUT", f"/api/v1/statuses/{first['id']}", {"status": "Nová slova"})
    home = (await viewer.get("/api/v1/timelines/home")).text
    assert "Nová slova" in home
    assert "Původní" not in home


async def test_notifications_of_quotes(village: Village) -> None:
    author, quoter, _ = await _settled(village)
    first = await _post(author)
    second = await _quote(quoter, first["id"], "@author viz")
    await village.work()
    told, = (await author.get("/api/v1/notifications")).json  # once, although the quote also mentions the author
    assert (told["type"], told["status"]["id"], told["account"]["username"]) == ("quote", second["id"], "quoter")
    group, = (await author.get("/api/v2/notifications?types[]=quote")).json["notification_groups"]
    assert (group["type"], group["status_id"]) == ("quote", second["id"])
    for text in ("jinak", "ještě jinak"):
        await author.send("PUT", f"/api/v1/statuses/{first['id']}", {"status": text})
    await village.work()
    told, = (await quoter.get("/api/v1/notifications?exclude_types[]=follow")).json
    assert (told["type"], told["status"]["id"], told["account"]["username"]) == ("quoted_update", second["id"], "author")


async def test_no_notification_of_own_quotes_and_of_revoked_ones(village: Village) -> None:
    author, quoter, _ = await _settled(village)
    first = await _post(author)
    await _quote(author, first["id"])
    second = await _quote(quoter, first["id"])
    await author.post(f"/api/v1/statuses/{first['id']}/quotes/{second['id']}/revoke")
    await author.send("PUT", f"/api/v1/statuses/{first['id']}", {"status": "jinak"})
    await village.work()
    assert [one["type"] for one in (await author.get("/api/v1/notifications")).json] == ["quote"]
    assert (await quoter.get("/api/v1/notifications?exclude_types[]=follow")).json == []


async def test_a_deleted_quote_can_be_rewritten(village: Village) -> None:
    author, quoter, _ = await _settled(village)
    first = await _post(author)
    second = await _quote(quoter, first["id"])
    deleted = (await quoter.send("DELETE", f"/api/v1/statuses/{second['id']}")).json
    assert (deleted["text"], deleted["quote"]["quoted_status"]["id"]) == ("viz", first["id"])


async def test_streams_show_quotes_and_their_end(village: Village) -> None:
    author, quoter, viewer = await _settled(village)
    await viewer.post(f"/api/v1/accounts/{village.people['author'].id}/mute")
    first = await _post(author)
    own, others = EventSource(village, "/api/v1/streaming/user", quoter), EventSource(village, "/api/v1/streaming/user", viewer)
    for stream in (own, others):
        await stream.until(lambda stream=stream: stream.status == 200)
    second = await _quote(quoter, first["id"])
    await village.work()
    update, = await own.hears("update")
    assert update["quote"]["state"] == "accepted"
    update, = await others.hears("update")
    assert (update["quote"]["state"], update["quote"]["quoted_status"]["id"]) == ("muted_account", first["id"])
    await author.post(f"/api/v1/statuses/{first['id']}/quotes/{second['id']}/revoke")
    await village.work()
    for stream in (own, others):
        update, = await stream.hears("status.update")
        assert update["quote"] == {"state": "revoked", "quoted_status": None}
        await stream.close()


@pytest.mark.usefixtures("known_viewers")
async def test_pages_take_a_fixed_number_of_statements(village: Village) -> None:
    author, quoter, viewer = await _settled(village)
    first = await _post(author)

    async def statements(path: str) -> int:
        for _ in range(2):  # the second time all fragments are in memory
            before = village.database.statements
            assert (await viewer.get(path)).status == 200
        return village.database.statements - before

    await _post(quoter)
    await village.work()
    home, public = "/api/v1/timelines/home", "/api/v1/timelines/public?local=true"
    plain = [await statements(path) for path in (home, public)]
    found = []
    for number in (1, 4):
        for _ in range(number):
            await _quote(quoter, first["id"])
        await village.work()
        found.append([await statements(path) for path in (home, public)])
    assert found == [[one + 1 for one in plain]] * 2
