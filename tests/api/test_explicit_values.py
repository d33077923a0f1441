"""Sent values override defaults, also 0, false and empty ones; an empty text clears a field that an absent one leaves."""

from typing import Any

import pytest

from folkmoot.base.errors import Invalid
from folkmoot.network.posts.actions import boost_post
from folkmoot.network.posts.model import Visibility
from tests.api.test_accounts import picture
from tests.village import Village

CREDENTIALS = "/api/v1/accounts/update_credentials"


async def test_a_sent_visibility_and_sensitivity_override_narrower_defaults(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    await jana.send("PATCH", CREDENTIALS, {"source[privacy]": "private", "source[sensitive]": "true"})
    for sent, seen in (({}, ("private", True)), ({"visibility": "public"}, ("public", True)), ({"sensitive": "false"}, ("private", False)),
                       ({"visibility": "direct", "sensitive": "0"}, ("direct", False)), ({"visibility": ""}, ("private", True))):
        status = (await jana.post("/api/v1/statuses", {"status": "@jana a", **sent})).json
        assert (status["visibility"], status["sensitive"]) == seen, sent
    as_json = (await jana.send("POST", "/api/v1/statuses", as_json={"status": "a", "visibility": "public", "sensitive": False})).json
    assert (as_json["visibility"], as_json["sensitive"]) == ("public", False)
    boost = (await jana.post(f"/api/v1/statuses/{as_json['id']}/reblog", {"visibility": "private"})).json
    assert boost["visibility"] == "private"


async def test_an_empty_language_is_none_and_an_absent_one_the_default(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    await jana.send("PATCH", CREDENTIALS, {"source[language]": "cs"})
    by_default = (await jana.post("/api/v1/statuses", {"status": "a"})).json
    without = (await jana.post("/api/v1/statuses", {"status": "a", "language": ""})).json
    assert (by_default["language"], without["language"]) == ("cs", None)
    path = f"/api/v1/statuses/{by_default['id']}"
    assert (await jana.send("PUT", path, {"status": "b"})).json["language"] == "cs"
    assert (await jana.send("PUT", path, {"status": "c", "language": ""})).json["language"] is None
    assert (await jana.send("PATCH", CREDENTIALS, {"source[language]": ""})).json["source"]["language"] is None
    assert (await jana.post("/api/v1/statuses", {"status": "a"})).json["language"] is None


async def test_a_limit_of_zero_is_an_empty_page(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana", "Ahoj #kašna")).post
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    await karel.post(f"/api/v1/statuses/{post.id}/favourite")
    await karel.post(f"/api/v1/accounts/{village.people['jana'].id}/follow")
    await village.work()
    own = f"/api/v1/accounts/{village.people['jana'].id}"
    for path in ("/api/v1/timelines/home", "/api/v1/timelines/public", "/api/v1/timelines/tag/kašna", f"{own}/statuses",
                 f"{own}/followers", "/api/v1/notifications", f"/api/v1/statuses/{post.id}/favourited_by"):
        assert (await jana.get(path)).json, path
        answer = await jana.get(f"{path}?limit=0")
        assert (answer.status in (200, 206), answer.json, answer.headers.get("link")) == (True, [], None), path
    assert (await jana.get("/api/v2/notifications?limit=0")).json["notification_groups"] == []
    assert (await jana.get("/api/v1/notifications/unread_count?limit=0")).json == {"count": 0}
    assert (await jana.get("/api/v2/notifications/unread_count?limit=0")).json == {"count": 0}
    found = (await jana.get("/api/v2/search?q=jana&limit=0&offset=0")).json
    assert found == {"accounts": [], "statuses": [], "hashtags": []}


async def test_a_cursor_of_zero_is_a_bound(village: Village) -> None:
    await village.settle("jana")
    ids = sorted([str((await village.write("jana", str(number))).post.id) for number in range(3)], key=int)
    jana = await village.by_app("jana")
    for path in (f"/api/v1/accounts/{village.people['jana'].id}/statuses", "/api/v1/timelines/public", "/api/v1/timelines/home"):
        assert (await jana.get(f"{path}?max_id=0")).json == [], path
        assert [status["id"] for status in (await jana.get(f"{path}?min_id=0&limit=2")).json] == [ids[1], ids[0]], path
        assert [status["id"] for status in (await jana.get(f"{path}?since_id=0&limit=2")).json] == [ids[2], ids[1]], path
        assert (await jana.get(f"{path}?max_id=abc")).status == 400


@pytest.mark.parametrize("change", [{}, {"display_name": "", "note": "", "locked": "false", "bot": "0", "hide_collections": "off"}])
async def test_an_empty_text_clears_and_an_absent_one_leaves(village: Village, change: dict[str, Any]) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    before = (await jana.send("PATCH", CREDENTIALS, {
        "display_name": "Jana N.", "note": "Knihovnice", "locked": "true", "bot": "true", "hide_collections": "true",
        "fields_attributes[0][name]": "Web", "fields_attributes[0][value]": "a"})).json
    after = (await jana.send("PATCH", CREDENTIALS, change)).json
    seen = tuple(after[name] for name in ("display_name", "locked", "bot", "hide_collections")), after["source"]["note"]
    assert seen == ((("", False, False, False), "") if change else (("Jana N.", True, True, True), "Knihovnice"))
    assert after["fields"] == before["fields"] != []
    assert (await jana.send("PATCH", CREDENTIALS, as_json={"fields_attributes": None})).json["fields"] == before["fields"]
    assert (await jana.send("PATCH", CREDENTIALS, as_json={"fields_attributes": []})).json["fields"] == []


async def test_an_empty_description_clears_the_old_one(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    media = (await jana.upload("/api/v2/media", "file", picture(), description="Plocha", focus="0.5,-0.5")).json
    path = f"/api/v1/media/{media['id']}"
    assert (await jana.send("PUT", path, {"focus": "0,0"})).json["description"] == "Plocha"
    assert (await jana.get(path)).json["meta"]["focus"] == {"x": 0.0, "y": 0.0}
    assert (await jana.send("PUT", path, {"description": ""})).json["description"] is None
    status = (await jana.post("/api/v1/statuses", {"status": "a", "media_ids[]": [media["id"]]})).json
    for text, seen in (("Kašna", "Kašna"), ("", None)):
        edited = await jana.send("PUT", f"/api/v1/statuses/{status['id']}", as_json={
            "status": "a", "media_ids": [media["id"]], "media_attributes": [{"id": media["id"], "description": text}]})
        assert edited.json["media_attachments"][0]["description"] == seen


async def test_an_empty_picture_removes_the_old_one(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    for name in ("avatar", "header"):
        assert "/static/" not in (await jana.upload(CREDENTIALS, name, picture(), "PATCH")).json[name]
        assert "/static/" not in (await jana.send("PATCH", CREDENTIALS, {"note": "a"})).json[name]
        assert "/static/" in (await jana.send("PATCH", CREDENTIALS, {name: ""})).json[name]


@pytest.mark.parametrize("is_locked", [False, True])
async def test_false_options_of_a_follow_are_kept(village: Village, is_locked: bool) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    await karel.send("PATCH", CREDENTIALS, {"locked": "true" if is_locked else "false"})
    path = f"/api/v1/accounts/{village.people['karel'].id}/follow"
    for sent, seen in (({"reblogs": "false", "notify": "true"}, (False, True)), ({}, (False, True)), ({"notify": "false"}, (False, False)),
                       ({"reblogs": "true"}, (True, False)), ({"reblogs": "0", "notify": "1"}, (False, True))):
        relation = (await jana.post(path, sent)).json
        assert (relation["showing_reblogs"], relation["notifying"]) == seen, sent
        assert relation["requested"] is is_locked
    if is_locked:
        await karel.post(f"/api/v1/follow_requests/{village.people['jana'].id}/authorize")
        relation = (await jana.get(f"/api/v1/accounts/relationships?id[]={village.people['karel'].id}")).json[0]
        assert (relation["showing_reblogs"], relation["notifying"]) == (False, True)
        return
    for sent, languages in (({"languages[]": ["cs"]}, ["cs"]), ({}, ["cs"]), ({"languages[]": ""}, None)):
        assert (await jana.post(path, sent)).json["languages"] == languages, sent


async def test_zero_and_false_of_a_mute_a_note_and_a_poll(village: Village) -> None:
    await village.settle("jana", "karel")
    jana = await village.by_app("jana")
    path = f"/api/v1/accounts/{village.people['karel'].id}"
    muted = (await jana.post(f"{path}/mute", {"duration": "600", "notifications": "false"})).json
    assert muted["muting_expires_at"]
    assert muted["muting_notifications"] is False
    muted = (await jana.post(f"{path}/mute", {"duration": "0"})).json
    assert (muted["muting_expires_at"], muted["muting_notifications"]) == (None, True)
    assert (await jana.post(f"{path}/note", {"comment": "sousedka"})).json["note"] == "sousedka"
    assert (await jana.post(f"{path}/note", {"comment": ""})).json["note"] == ""
    for seconds in ("0", "", "-1", "299"):
        answer = await jana.post("/api/v1/statuses", {"status": "?", "poll[options][]": ["a", "b"], "poll[expires_in]": seconds})
        assert answer.status == 422, seconds


async def test_a_direct_boost_is_refused(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana")).post
    karel = await village.by_app("karel")
    refused = await karel.post(f"/api/v1/statuses/{post.id}/reblog", {"visibility": "direct"})
    assert (refused.status, "visibility" in refused.json.get("error", "")) == (422, True)
    with pytest.raises(Invalid):
        async with village.database.write() as tx:
            await boost_post(tx, village.people["karel"], post.id, Visibility.DIRECT)
    await village.work()
    assert (await karel.get("/api/v1/conversations")).json == []


@pytest.mark.parametrize("sent", ["0", "abc", "-1", "1.5", "9" * 30])
async def test_invalid_ids_of_media_and_reported_posts_are_refused(village: Village, sent: str) -> None:
    """Ignoring them would publish a post without its picture, or report an account instead of a post."""
    await village.settle("jana", "karel")
    jana = await village.by_app("jana")
    report = {"account_id": str(village.people["karel"].id), "category": "spam"}
    for as_json in (True, False):
        lists: Any = {"media_ids": [sent]} if as_json else {"media_ids[]": sent}
        status = {"status": "s obrázkem", **lists}
        answer = await (jana.send("POST", "/api/v1/statuses", as_json=status) if as_json else jana.post("/api/v1/statuses", status))
        assert answer.status == 422, as_json
        lists = {"status_ids": [sent]} if as_json else {"status_ids[]": sent}
        about = {**report, **lists}
        answer = await (jana.send("POST", "/api/v1/reports", as_json=about) if as_json else jana.post("/api/v1/reports", about))
        assert answer.status in (404, 422), as_json
    assert (await jana.get(f"/api/v1/accounts/{village.people['jana'].id}/statuses")).json == []
    assert (await jana.send("POST", "/api/v1/statuses", as_json={"status": "bez obrázku", "media_ids": [""]})).status == 200


async def test_a_marker_can_be_set_back_to_the_beginning(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    for as_json in ({"last_read_id": "0"}, {"last_read_id": 0}):
        answer = await jana.send("POST", "/api/v1/markers", as_json={"notifications": as_json})
        assert (answer.status, answer.json.get("notifications", {}).get("last_read_id")) == (200, "0")
    for wrong in ({}, {"last_read_id": ""}, {"last_read_id": "abc"}, {"last_read_id": None}):
        assert (await jana.send("POST", "/api/v1/markers", as_json={"notifications": wrong})).status == 400, wrong
