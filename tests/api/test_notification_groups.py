"""Grouped notifications: one group per kind and post; each account and post is listed once."""

import pytest

from folkmoot.network.notifications import model
from folkmoot.network.notifications.model import Kind, group_key, window_of
from tests.village import Village, Visitor


@pytest.fixture(autouse=True)
def one_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets a span of thirty years, so that none ends while a test runs."""
    monkeypatch.setattr(model, "_SPAN", 10**9)


async def _with_notifications(village: Village) -> tuple[Visitor, int, int]:
    """Three accounts favourite a post, two boost it, one replies, two follow its author."""
    await village.settle("jana", "karel", "eva", "petr")
    first, second = (await village.write("jana", "jedna")).post.id, (await village.write("jana", "dvě")).post.id
    for name in ("karel", "eva", "petr"):
        visitor = await village.by_app(name)
        await visitor.post(f"/api/v1/statuses/{first}/favourite")
        if name != "petr":
            await visitor.post(f"/api/v1/statuses/{first}/reblog")
            await visitor.post(f"/api/v1/accounts/{village.people['jana'].id}/follow")
    await (await village.by_app("petr")).post(f"/api/v1/statuses/{second}/favourite")
    await (await village.by_app("eva")).post("/api/v1/statuses", {"status": "@jana ano", "in_reply_to_id": first})
    await village.work()
    await village.work()
    return await village.by_app("jana"), first, second


async def test_groups_list_each_account_and_post_once(village: Village) -> None:
    jana, first, second = await _with_notifications(village)
    answer = (await jana.get("/api/v2/notifications")).json
    groups = {(group["type"], group.get("status_id")): group for group in answer["notification_groups"]}
    assert {key: group["notifications_count"] for key, group in groups.items() if key[0] != "mention"} == {
        ("favourite", str(first)): 3, ("favourite", str(second)): 1, ("reblog", str(first)): 2, ("follow", None): 2}
    assert len(answer["notification_groups"]) == 5
    assert len(answer["accounts"]) == len({account["id"] for account in answer["accounts"]}) == 3
    assert len(answer["statuses"]) == len({status["id"] for status in answer["statuses"]}) == 3
    known = {account["id"] for account in answer["accounts"]}
    for group in answer["notification_groups"]:
        assert set(group["sample_account_ids"]) <= known
        assert int(group["page_min_id"]) <= int(group["page_max_id"]) == group["most_recent_notification_id"]


async def test_an_app_chooses_the_grouped_types(village: Village) -> None:
    jana, _, _ = await _with_notifications(village)
    groups = (await jana.get("/api/v2/notifications?grouped_types[]=reblog")).json["notification_groups"]
    assert sorted(group["type"] for group in groups) == ["favourite"] * 4 + ["follow"] * 2 + ["mention", "reblog"]
    only = (await jana.get("/api/v2/notifications?types[]=follow")).json
    assert [group["type"] for group in only["notification_groups"]] == ["follow"]
    assert only["statuses"] == []
    assert (await jana.get("/api/v2/notifications?types[]=quote")).json["notification_groups"] == []
    assert (await jana.get("/api/v2/notifications?expand_accounts=some")).status == 400


async def test_pages_of_groups_cover_all_groups(village: Village) -> None:
    jana, _, _ = await _with_notifications(village)
    whole = [group["group_key"] for group in (await jana.get("/api/v2/notifications")).json["notification_groups"]]
    answer = await jana.get("/api/v2/notifications?limit=2")
    assert [group["group_key"] for group in answer.json["notification_groups"]] == whole[:2]
    seen: list[str] = []
    address = "/api/v2/notifications?limit=2"
    while address:
        answer = await jana.get(address)
        seen += [group["group_key"] for group in answer.json["notification_groups"]]
        address = answer.headers.get("link", "").partition("http://localhost:8420")[2].partition(">")[0]
    assert set(seen) == set(whole)
    newest = (await jana.get("/api/v2/notifications?limit=1")).json["notification_groups"][0]
    assert (await jana.get(f"/api/v2/notifications?min_id={newest['page_max_id']}")).json["notification_groups"] == []


async def test_a_group_can_be_opened_counted_and_dismissed(village: Village) -> None:
    jana, first, _ = await _with_notifications(village)
    groups = (await jana.get("/api/v2/notifications")).json["notification_groups"]
    key = next(group["group_key"] for group in groups if group.get("status_id") == str(first) and group["type"] == "favourite")
    assert (await jana.get(f"/api/v2/notifications/{key}")).json["notification_groups"][0]["notifications_count"] == 3
    people = (await jana.get(f"/api/v2/notifications/{key}/accounts")).json
    assert {account["acct"] for account in people} == {"petr", "eva", "karel"}
    assert (await jana.get("/api/v2/notifications/unread_count")).json == {"count": 5}
    assert (await jana.get("/api/v2/notifications/unread_count?limit=2")).json == {"count": 2}
    assert (await jana.get("/api/v1/notifications/unread_count")).json == {"count": 9}
    assert (await (await village.by_app("karel")).get(f"/api/v2/notifications/{key}")).status == 404
    assert (await jana.post(f"/api/v2/notifications/{key}/dismiss")).json == {}
    assert (await jana.get(f"/api/v2/notifications/{key}")).status == 404
    assert len((await jana.get("/api/v1/notifications")).json) == 6
    single = (await jana.get("/api/v1/notifications?types[]=mention")).json[0]
    assert single["group_key"] == f"ungrouped-{single['id']}"
    assert (await jana.get(f"/api/v2/notifications/{single['group_key']}")).json["notification_groups"][0]["type"] == "mention"
    for wrong in ("nothing", "favourite-1-1", "ungrouped-99999999999999999999", "ungrouped-1-2", "x" * 300):
        assert (await jana.get(f"/api/v2/notifications/{wrong}")).status == 404
    await jana.post("/api/v2/notifications/clear")
    assert (await jana.get("/api/v2/notifications")).json["notification_groups"] == []


async def test_single_notifications_can_be_removed_by_both_methods(village: Village) -> None:
    jana, _, _ = await _with_notifications(village)
    ids = [item["id"] for item in (await jana.get("/api/v1/notifications")).json]
    assert (await jana.send("DELETE", f"/api/v1/notifications/{ids[0]}")).json == {}
    assert (await jana.get(f"/api/v1/notifications/{ids[0]}")).status == 404
    assert (await jana.send("DELETE", "/api/v1/notifications/destroy_multiple", {"ids[]": ids[1:3]})).json == {}
    assert [item["id"] for item in (await jana.get("/api/v1/notifications")).json] == ids[3:]
    assert (await jana.get("/api/v2/notifications/policy")).json["for_not_following"] == "accept"
    assert (await jana.get("/api/v1/notifications?account_id=1")).json == []


async def test_a_key_selects_its_notifications(village: Village) -> None:
    moment = (await village.settle("jana"))[0].created_at
    key = group_key(Kind.FAVOURITE, 12, 99, moment)
    window = window_of(key)
    assert window
    assert (window.kind, window.post_id) == ("favourite", 12)
    assert window.begins_at <= moment < window.ends_at
    assert group_key(Kind.MENTION, 12, 99, moment) == "ungrouped-99"
