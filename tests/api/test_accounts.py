"""Accounts, relations, notifications, conversations, search, through the client API."""

import io
from urllib.parse import urlencode

from PIL import Image

from tests.village import Village


def picture(color: str = "#7A3B2E", size: tuple[int, int] = (300, 200), format_: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, format_)
    return out.getvalue()


async def test_following_a_locked_account_sends_a_request(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    await jana.send("PATCH", "/api/v1/accounts/update_credentials", {"locked": "true"})
    id_jana, id_karel = village.people["jana"].id, village.people["karel"].id
    assert (await karel.post(f"/api/v1/accounts/{id_jana}/follow")).json["requested"] is True
    await village.work()
    assert [item["type"] for item in (await jana.get("/api/v1/notifications")).json] == ["follow_request"]
    assert [account["acct"] for account in (await jana.get("/api/v1/follow_requests")).json] == ["karel"]
    assert (await jana.get("/api/v1/accounts/verify_credentials")).json["source"]["follow_requests_count"] == 1
    assert (await jana.post(f"/api/v1/follow_requests/{id_karel}/authorize")).json["followed_by"] is True
    relation = (await karel.get(f"/api/v1/accounts/relationships?id[]={id_jana}&id[]=5")).json
    assert [(found["id"], found["following"], found["requested"]) for found in relation] == [(str(id_jana), True, False)]


async def test_a_block_ends_both_follows_and_prevents_new_ones(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.follow("jana", "karel")
    await village.follow("karel", "jana")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    relation = (await jana.post(f"/api/v1/accounts/{village.people['karel'].id}/block")).json
    assert (relation["blocking"], relation["following"], relation["followed_by"]) == (True, False, False)
    assert (await karel.post(f"/api/v1/accounts/{village.people['jana'].id}/follow")).status == 403
    assert [account["acct"] for account in (await jana.get("/api/v1/blocks")).json] == ["karel"]
    assert (await jana.post(f"/api/v1/accounts/{village.people['jana'].id}/follow")).status == 403


async def test_a_profile_with_pictures_and_fields(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    answer = await jana.send("PATCH", "/api/v1/accounts/update_credentials", {
        "display_name": "Jana Malá", "note": "Knihovnice <script>", "fields_attributes[0][name]": "Web",
        "fields_attributes[0][value]": "https://example.org", "source[privacy]": "private", "source[language]": "cs",
    })
    own = answer.json
    assert (own["display_name"], own["source"]["privacy"], own["source"]["language"]) == ("Jana Malá", "private", "cs")
    assert own["note"] == "<p>Knihovnice &lt;script&gt;</p>"
    assert own["fields"][0]["value"].startswith("<a href=")
    assert (await jana.post("/api/v1/statuses", {"status": "jen nám"})).json["visibility"] == "private"
    uploaded = await jana.upload("/api/v1/accounts/update_credentials", "avatar", picture(), "PATCH")
    assert "/media/" in uploaded.json["avatar"]
    path = uploaded.json["avatar"].removeprefix("http://localhost:8420")
    shown = await village.nobody().get(path)
    assert shown.status == 200
    assert len(shown.body) == int(shown.headers["content-length"]), shown.headers
    assert Image.open(io.BytesIO(shown.body)).size == (400, 400)
    assert "/static/avatar.png" in (await jana.send("DELETE", "/api/v1/profile/avatar")).json["avatar"]
    assert (await village.nobody().get(path)).status == 404
    assert not [file for file in (village.settings.data / "media").rglob("*") if file.is_file()]


async def test_a_too_long_profile_is_refused_completely(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    answer = await jana.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "x" * 31, "note": "y" * 501})
    assert answer.status == 422
    assert set(answer.json["details"]) == {"display_name", "note"}
    assert (await jana.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "M0derátor"})).status == 422
    assert (await jana.get("/api/v1/accounts/verify_credentials")).json["display_name"] == "Jana"


async def test_actions_of_others_create_notifications(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("jana")).post
    karel, jana = await village.by_app("karel"), await village.by_app("jana")
    await karel.post(f"/api/v1/accounts/{village.people['jana'].id}/follow")
    await karel.post(f"/api/v1/statuses/{post.id}/favourite")
    await karel.post(f"/api/v1/statuses/{post.id}/reblog")
    await karel.post("/api/v1/statuses", {"status": "@jana ano", "in_reply_to_id": post.id})
    await village.work()
    await village.work()
    found = (await jana.get("/api/v1/notifications")).json
    assert sorted(item["type"] for item in found) == ["favourite", "follow", "mention", "reblog"]
    assert (await karel.get("/api/v1/notifications")).json == []
    only = (await jana.get("/api/v1/notifications?types[]=mention&types[]=poll")).json
    assert [item["type"] for item in only] == ["mention"]
    rest = (await jana.get("/api/v1/notifications?exclude_types[]=mention&limit=2")).json
    assert len(rest) == 2
    assert (await jana.get("/api/v1/notifications/unread_count")).json == {"count": 4}
    marker = await jana.post("/api/v1/markers", {"notifications[last_read_id]": found[0]["id"]})
    assert marker.json["notifications"]["version"] == 1
    assert (await jana.get("/api/v1/notifications/unread_count")).json == {"count": 0}
    await jana.post(f"/api/v1/notifications/{found[0]['id']}/dismiss")
    assert len((await jana.get("/api/v1/notifications")).json) == 3
    await jana.post("/api/v1/notifications/clear")
    assert (await jana.get("/api/v1/notifications")).json == []


async def test_muting_hides_posts_and_notifications(village: Village) -> None:
    await village.settle("jana", "karel")
    await village.follow("jana", "karel")
    jana = await village.by_app("jana")
    assert (await jana.post(f"/api/v1/accounts/{village.people['karel'].id}/mute", {"duration": 3600})).json["muting"] is True
    await village.write("karel", "@jana slyšíš?")
    await village.work()
    assert (await jana.get("/api/v1/timelines/home")).json == []
    assert (await jana.get("/api/v1/notifications")).json == []


async def test_direct_posts_create_conversations(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    first = (await jana.post("/api/v1/statuses", {"status": "@karel kdy?", "visibility": "direct"})).json
    await village.work()
    answer = (await karel.post("/api/v1/statuses", {"status": "@jana v pět", "visibility": "direct", "in_reply_to_id": first["id"]})).json
    await village.work()
    [conversation] = (await jana.get("/api/v1/conversations")).json
    assert (conversation["unread"], conversation["last_status"]["id"]) == (True, answer["id"])
    assert [account["acct"] for account in conversation["accounts"]] == ["karel"]
    assert (await jana.post(f"/api/v1/conversations/{conversation['id']}/read")).json["unread"] is False
    assert (await (await village.by_app("eva")).get("/api/v1/conversations")).json == []
    await karel.send("DELETE", f"/api/v1/statuses/{answer['id']}")
    await village.work()
    [conversation] = (await jana.get("/api/v1/conversations")).json
    assert conversation["last_status"]["id"] == first["id"]


async def test_search_ignores_case_and_diacritics(village: Village) -> None:
    await village.settle("jana", "dvorakova")
    jana = await village.by_app("jana")
    dvorakova = await village.by_app("dvorakova")
    await dvorakova.send("PATCH", "/api/v1/accounts/update_credentials", {"display_name": "Eva Dvořáková"})
    await village.write("dvorakova", "Žluťoučký kůň #Žluťoučký")
    for query, accounts, statuses, hashtags in (
        ("DVORAK", 1, 0, 0), ("dvořáková eva", 1, 0, 0), ("zlutoucky KUN", 0, 1, 0), ("#žluť", 0, 0, 1), ("#zlutoucky", 0, 1, 1),
        ("nic takového", 0, 0, 0), ("'):*&|!", 0, 0, 0), ("%", 0, 0, 0),
    ):
        found = (await jana.send("GET", "/api/v2/search?" + urlencode({"q": query}))).json
        assert tuple(len(found[kind]) for kind in ("accounts", "statuses", "hashtags")) == (accounts, statuses, hashtags), query
    await dvorakova.send("PATCH", "/api/v1/accounts/update_credentials", {"indexable": "false"})
    assert (await jana.get("/api/v2/search?q=zlutoucky&type=statuses")).json["statuses"] == []
    assert (await village.nobody().get("/api/v2/search?q=zlutoucky")).json["statuses"] == []
    assert (await village.nobody().get("/api/v2/search?q=x&resolve=true")).status == 401


async def test_the_network_describes_itself(village: Village) -> None:
    await village.settle("jana")
    new = (await village.nobody().get("/api/v2/instance")).json
    assert new["configuration"]["statuses"]["max_characters"] == 500
    assert new["domain"] == "localhost:8420"
    assert (await village.nobody().get("/api/v1/instance")).json["max_toot_chars"] == 500


async def test_an_app_reads_back_what_another_process_has_changed(village: Village) -> None:
    """The message that drops cached viewers in other processes takes a moment, in which an app already asks again."""
    await village.settle("jana")
    jana = await village.by_app("jana")
    await jana.get("/api/v1/accounts/verify_credentials")
    async with village.database.write() as tx:
        await tx.execute("UPDATE accounts SET is_discoverable = false, bio = 'nové'")
        await tx.execute("""UPDATE logins SET settings = '{"is_sensitive": true}'""")
    own = (await jana.get("/api/v1/accounts/verify_credentials")).json
    assert (own["discoverable"], own["source"]["note"], own["source"]["sensitive"]) == (False, "nové", True)
    assert (await jana.get("/api/v1/profile")).json["note"] == "nové"
    assert (await jana.get("/api/v1/preferences")).json["posting:default:sensitive"] is True
