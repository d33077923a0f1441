"""Relations through the client API: options, the end of mutes, familiar followers, and lists paged by their own rows."""

import re

from folkmoot.base.ids import parse_id
from folkmoot.base.languages import KNOWN
from tests.village import Village


async def test_following_again_changes_only_what_is_sent(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, id_ = await village.by_app("jana"), village.people["karel"].id
    first = (await jana.post(f"/api/v1/accounts/{id_}/follow", {"reblogs": "false", "notify": "true", "languages[]": ["cs", "en"]})).json
    assert (first["following"], first["showing_reblogs"], first["notifying"], first["languages"]) == (True, False, True, ["cs", "en"])
    again = (await jana.post(f"/api/v1/accounts/{id_}/follow", {"notify": "false"})).json
    assert (again["showing_reblogs"], again["notifying"], again["languages"]) == (False, False, ["cs", "en"])
    cleared = (await jana.post(f"/api/v1/accounts/{id_}/follow", {"languages[]": ""})).json
    assert (cleared["following"], cleared["languages"]) == (True, None)


async def test_a_mute_shows_its_end(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    jana = await village.by_app("jana")
    muted = (await jana.post(f"/api/v1/accounts/{village.people['karel'].id}/mute", {"duration": 3600, "notifications": "false"})).json
    await jana.post(f"/api/v1/accounts/{village.people['eva'].id}/mute")
    assert (muted["muting"], muted["muting_notifications"]) == (True, False)
    ends = {account["acct"]: account["mute_expires_at"] for account in (await jana.get("/api/v1/mutes")).json}
    assert ends["eva"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.+Z", ends["karel"])
    assert ends["karel"] == muted["muting_expires_at"]
    assert (await jana.post(f"/api/v1/accounts/{village.people['karel'].id}/unmute")).json["muting_expires_at"] is None


async def test_familiar_followers_are_those_whom_the_viewer_follows(village: Village) -> None:
    await village.settle("jana", "karel", "eva", "petr", "ida")
    for one, other in (("jana", "karel"), ("jana", "eva"), ("karel", "ida"), ("eva", "ida"), ("petr", "ida")):
        await village.follow(one, other)
    jana, ida, petr = await village.by_app("jana"), village.people["ida"].id, village.people["petr"].id
    path = f"/api/v1/accounts/familiar_followers?id[]={ida}&id[]={petr}"
    found = (await jana.get(path)).json
    assert [(item["id"], sorted(account["acct"] for account in item["accounts"])) for item in found] == [
        (str(ida), ["eva", "karel"]), (str(petr), [])]
    by_body = await jana.send("GET", "/api/v1/accounts/familiar_followers", as_json={"id": [ida, petr]})
    assert by_body.json == found
    await (await village.by_app("eva")).send("PATCH", "/api/v1/accounts/update_credentials", {"hide_collections": "true"})
    assert [account["acct"] for account in (await jana.get(path)).json[0]["accounts"]] == ["karel"]
    await (await village.by_app("ida")).send("PATCH", "/api/v1/accounts/update_credentials", {"hide_collections": "true"})
    assert (await jana.get(path)).json[0]["accounts"] == []
    assert (await jana.get("/api/v1/accounts/familiar_followers")).json == []


async def test_lists_of_accounts_are_paged_by_their_own_rows(village: Village) -> None:
    names = ["karel", "eva", "petr", "ida", "ota"]
    await village.settle("jana", *names)
    jana, own = await village.by_app("jana"), village.people["jana"].id
    await jana.send("PATCH", "/api/v1/accounts/update_credentials", {"locked": "true"})
    post = (await village.write("jana")).post.id
    for name in names:
        id_ = village.people[name].id
        visitor = await village.by_app(name)
        await visitor.post(f"/api/v1/accounts/{own}/follow")
        await visitor.post(f"/api/v1/statuses/{post}/favourite")
        await visitor.post(f"/api/v1/statuses/{post}/reblog")
        await jana.post(f"/api/v1/accounts/{id_}/follow")
        await jana.post(f"/api/v1/accounts/{id_}/mute")
    paths = [f"/api/v1/accounts/{own}/following", "/api/v1/mutes", "/api/v1/follow_requests", f"/api/v1/statuses/{post}/favourited_by",
             f"/api/v1/statuses/{post}/reblogged_by"]
    for path in paths:
        seen: list[str] = []
        address = f"{path}?limit=2"
        while address:
            answer = await jana.get(address)
            seen += [account["acct"] for account in answer.json]
            link = answer.headers.get("link", "")
            ids = {str(village.people[name].id) for name in names}
            assert not ids & set(re.findall(r"m(?:ax|in)_id=(\d+)", link)), path
            assert all(parse_id(cursor) for cursor in re.findall(r"m(?:ax|in)_id=(\d+)", link))
            address = link.partition("http://localhost:8420")[2].partition(">")[0]
        assert seen == names[::-1], path
    for name in names:
        await jana.post(f"/api/v1/follow_requests/{village.people[name].id}/{'reject' if name == 'ota' else 'authorize'}")
        await jana.post(f"/api/v1/accounts/{village.people[name].id}/block")
    assert [account["acct"] for account in (await jana.get("/api/v1/blocks?limit=2")).json] == names[:-3:-1]
    assert (await jana.get("/api/v1/follow_requests")).json == []


async def test_notes_and_removed_followers(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.follow("karel", "jana")
    jana, id_ = await village.by_app("jana"), village.people["karel"].id
    assert (await jana.post(f"/api/v1/accounts/{id_}/note", {"comment": "z knihovny"})).json["note"] == "z knihovny"
    assert (await jana.post(f"/api/v1/accounts/{id_}/note", {"comment": ""})).json["note"] == ""
    assert (await jana.post(f"/api/v1/accounts/{id_}/note", {"comment": "x" * 2001})).status == 422
    assert (await jana.post(f"/api/v1/accounts/{id_}/remove_from_followers")).json["followed_by"] is False
    assert (await jana.post("/api/v1/accounts/12/follow")).status == 404


async def test_a_follow_has_room_for_a_hundred_languages(village: Village) -> None:
    """Languages are part of an index, whose rows have a limited size."""
    _, karel = await village.settle("jana", "karel")
    jana = await village.by_app("jana")
    many = sorted(KNOWN)[:101]
    path = f"/api/v1/accounts/{karel.id}/follow"
    assert (await jana.post(path, {"languages[]": many[:100]})).json["languages"] == many[:100]
    assert (await jana.post(path, {"languages[]": many})).status in (400, 422)
