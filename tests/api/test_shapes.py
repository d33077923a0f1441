"""Every entity has exactly the keys and types that apps expect, for members and for visitors."""

from typing import Any

import pytest

from tests.api import shapes
from tests.api.shapes import problems
from tests.api.test_accounts import picture
from tests.village import Village, Visitor

OOB = "urn:ietf:wg:oauth:2.0:oob"


@pytest.fixture
async def day(village: Village) -> dict[str, str]:
    """A network with one entity of each type; returns their ids by name."""
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    await jana.send("PATCH", "/api/v1/accounts/update_credentials", {
        "note": "Knihovnice", "fields_attributes[0][name]": "Web", "fields_attributes[0][value]": "https://example.org"})
    media = (await jana.upload("/api/v2/media", "file", picture(), description="Plocha")).json
    post = (await jana.post("/api/v1/statuses", {
        "status": "@karel hle #kašna https://example.org/", "media_ids[]": [media["id"]], "language": "cs"})).json
    asked = (await jana.post("/api/v1/statuses", {
        "status": "?", "poll[options][]": ["ano", "ne"], "poll[expires_in]": 600})).json
    reply = (await karel.post("/api/v1/statuses", {"status": "@jana pěkné", "in_reply_to_id": post["id"]})).json
    boost = (await jana.post(f"/api/v1/statuses/{asked['id']}/reblog")).json
    inner = (await karel.post("/api/v1/statuses", {"status": "viz", "quoted_status_id": post["id"]})).json
    quote = (await jana.post("/api/v1/statuses", {"status": "viz", "quoted_status_id": inner["id"]})).json
    direct = (await karel.post("/api/v1/statuses", {"status": "@jana tajně", "visibility": "direct"})).json
    for verb in ("favourite", "reblog"):
        await karel.post(f"/api/v1/statuses/{post['id']}/{verb}")
    await karel.post(f"/api/v1/accounts/{village.people['jana'].id}/follow")
    await jana.post("/api/v1/markers", {"home[last_read_id]": post["id"]})
    await village.work()
    return {"jana": str(village.people["jana"].id), "karel": str(village.people["karel"].id), "post": post["id"], "asked": asked["id"],
            "poll": asked["poll"]["id"], "reply": reply["id"], "boost": boost["id"], "direct": direct["id"],
            "quote": quote["id"], "inner": inner["id"]}


FOR_ALL = [
    ("/api/v1/accounts/{jana}", shapes.ACCOUNT, shapes.ACCOUNT),
    ("/api/v1/accounts?id[]={jana}", [shapes.ACCOUNT], [shapes.ACCOUNT]),
    ("/api/v1/accounts/lookup?acct=jana", shapes.ACCOUNT, shapes.ACCOUNT),
    ("/api/v1/accounts/{jana}/followers", [shapes.ACCOUNT], [shapes.ACCOUNT]),
    ("/api/v1/accounts/{jana}/statuses", [shapes.STATUS], [shapes.MEMBERS_STATUS]),
    ("/api/v1/statuses/{post}", shapes.STATUS, shapes.MEMBERS_STATUS),
    ("/api/v1/statuses/{asked}", shapes.STATUS, shapes.MEMBERS_STATUS),
    ("/api/v1/statuses/{boost}", shapes.STATUS, shapes.MEMBERS_STATUS),
    ("/api/v1/statuses/{quote}", shapes.STATUS, shapes.MEMBERS_STATUS),
    ("/api/v1/statuses/{quote}/history", [shapes.EDIT], [shapes.EDIT]),
    ("/api/v1/statuses?id[]={post}&id[]={boost}", [shapes.STATUS], [shapes.MEMBERS_STATUS]),
    ("/api/v1/statuses/{post}/context", shapes.CONTEXT, shapes.MEMBERS_CONTEXT),
    ("/api/v1/statuses/{post}/history", [shapes.EDIT], [shapes.EDIT]),
    ("/api/v1/statuses/{post}/favourited_by", [shapes.ACCOUNT], [shapes.ACCOUNT]),
    ("/api/v1/statuses/{post}/reblogged_by", [shapes.ACCOUNT], [shapes.ACCOUNT]),
    ("/api/v1/polls/{poll}", shapes.POLL, shapes.OWN_POLL),
    ("/api/v1/timelines/public?local=true", [shapes.STATUS], [shapes.MEMBERS_STATUS]),
    ("/api/v1/timelines/tag/kašna", [shapes.STATUS], [shapes.MEMBERS_STATUS]),
    ("/api/v1/tags/kašna", shapes.TAG, shapes.MEMBERS_TAG),
    ("/api/v2/search?q=kasna", shapes.SEARCH, shapes.MEMBERS_SEARCH),
    ("/api/v2/search?q=karel", shapes.SEARCH, shapes.MEMBERS_SEARCH),
    ("/api/v1/instance", shapes.OLD_INSTANCE, shapes.OLD_INSTANCE),
    ("/api/v2/instance", shapes.INSTANCE, shapes.INSTANCE),
]
FOR_MEMBERS = [
    ("/api/v1/statuses/{post}/quotes", [shapes.MEMBERS_STATUS]),
    ("/api/v1/accounts/verify_credentials", shapes.CREDENTIAL_ACCOUNT),
    ("/api/v1/profile", shapes.PROFILE),
    ("/api/v1/preferences", shapes.PREFERENCES),
    ("/api/v1/accounts/relationships?id[]={karel}", [shapes.RELATIONSHIP]),
    ("/api/v1/timelines/home", [shapes.MEMBERS_STATUS]),
    ("/api/v1/notifications", [shapes.NOTIFICATION]),
    ("/api/v2/notifications", shapes.GROUPED_NOTIFICATIONS),
    ("/api/v1/conversations", [shapes.CONVERSATION]),
    ("/api/v1/markers?timeline[]=home", shapes.MARKERS),
    ("/api/v1/statuses/{post}/source", {"id": shapes.ID, "text": str, "spoiler_text": str}),
    ("/api/v1/apps/verify_credentials", shapes.APPLICATION),
]


async def _is_shaped(visitor: Visitor, path: str, shape: Any) -> None:
    answer = await visitor.get(path)
    assert answer.status in (200, 206), (path, answer.body)
    assert answer.json, f"{path} is empty and shows nothing"
    assert problems(answer.json, shape, path) == []


async def test_public_entities_have_their_shapes_for_visitors_and_members(village: Village, day: dict[str, str]) -> None:
    jana = await village.by_app("jana")
    for path, for_nobody, for_members in FOR_ALL:
        await _is_shaped(village.nobody(), path.format(**day), for_nobody)
        await _is_shaped(jana, path.format(**day), for_members)


async def test_entities_of_members_have_their_shapes(village: Village, day: dict[str, str]) -> None:
    jana = await village.by_app("jana")
    for path, shape in FOR_MEMBERS:
        await _is_shaped(jana, path.format(**day), shape)


async def test_pinned_is_present_only_on_pinnable_statuses(village: Village, day: dict[str, str]) -> None:
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    own = (await jana.get(f"/api/v1/statuses/{day['post']}")).json
    boost = (await jana.get(f"/api/v1/statuses/{day['boost']}")).json
    assert own["pinned"] is False
    assert "pinned" not in boost
    assert boost["reblog"]["pinned"] is False
    assert "pinned" not in (await karel.get(f"/api/v1/statuses/{day['post']}")).json
    assert "pinned" not in (await karel.get(f"/api/v1/statuses/{day['direct']}")).json


async def test_responses_to_actions_have_their_shapes(village: Village, day: dict[str, str]) -> None:
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    for verb in ("favourite", "reblog", "bookmark", "unreblog", "unbookmark", "mute", "unmute", "unfavourite"):
        answer = await karel.post(f"/api/v1/statuses/{day['post']}/{verb}")
        assert problems(answer.json, shapes.MEMBERS_STATUS, verb) == []
    voted = await karel.post(f"/api/v1/polls/{day['poll']}/votes", {"choices[]": ["0"]})
    assert problems(voted.json, shapes.OWN_POLL) == []
    for verb in ("follow", "mute", "block", "unblock", "unmute", "unfollow", "note", "remove_from_followers"):
        answer = await jana.post(f"/api/v1/accounts/{day['karel']}/{verb}")
        assert problems(answer.json, shapes.RELATIONSHIP, verb) == []
    upload = await jana.upload("/api/v2/media", "file", picture())
    assert problems(upload.json, shapes.MEDIA) == []
    changed = await jana.send("PATCH", "/api/v1/profile", {"note": "<b>"})
    assert problems(changed.json, shapes.PROFILE) == []
    assert changed.json["note"] == "<b>"
    deleted = await jana.send("DELETE", f"/api/v1/statuses/{day['post']}")
    assert problems(deleted.json, shapes.DELETED_STATUS) == []
    assert deleted.json["media_attachments"]


async def test_apps_and_tokens_are_shaped(village: Village) -> None:
    app = await village.nobody().post("/api/v1/apps", {"client_name": "Zvonek", "redirect_uris": OOB, "website": "https://example.org"})
    assert problems(app.json, shapes.CREDENTIAL_APPLICATION) == []
    assert app.json["client_secret_expires_at"] == 0
    token = await village.nobody().post("/oauth/token", {
        "grant_type": "client_credentials", "client_id": app.json["client_id"], "client_secret": app.json["client_secret"]})
    assert problems(token.json, shapes.TOKEN) == []
    assert token.json["scope"] == "read"


async def test_a_suspended_account_is_blanked_not_gone(village: Village, day: dict[str, str]) -> None:
    jana = await village.by_app("jana")
    await jana.upload("/api/v1/accounts/update_credentials", "avatar", picture(), "PATCH")
    async with village.database.write() as tx:
        await tx.execute("UPDATE accounts SET effect = 3 WHERE id = $1", village.people["jana"].id)
    account = (await village.nobody().get(f"/api/v1/accounts/{day['jana']}")).json
    assert problems(account, {**shapes.ACCOUNT, "suspended": bool}) == []
    assert (account["note"], account["display_name"], account["fields"], account["suspended"]) == ("", "", [], True)
    assert "/static/avatar.png" in account["avatar"]


def test_a_shape_detects_differences() -> None:
    shape = {"id": shapes.ID, "poll": shapes.maybe(dict), "tags": [str], "pinned?": bool}
    assert problems({"id": "1", "poll": None, "tags": ["a"]}, shape) == []
    for wrong in ({"id": 1, "poll": None, "tags": []}, {"id": "1", "tags": []}, {"id": "1", "poll": None, "tags": [1]},
                  {"id": "1", "poll": None, "tags": [], "pinned": None}, {"id": "1", "poll": None, "tags": [], "text": ""}):
        assert len(problems(wrong, shape)) == 1, wrong
