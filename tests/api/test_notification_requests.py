"""Notification policies and requests through the client API, with its lists, streams and devices."""

import pytest

from folkmoot.network.notifications import jobs
from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts.model import PostView
from tests.api import shapes
from tests.api.streaming import EventSource, Socket
from tests.village import Village, Visitor

V1, V2, REQUESTS = "/api/v1/notifications", "/api/v2/notifications", "/api/v1/notifications/requests"
EMPTY = {"pending_requests_count": 0, "pending_notifications_count": 0}
ACCEPTED = dict.fromkeys(
    ("for_not_following", "for_not_followers", "for_new_accounts", "for_private_mentions", "for_limited_accounts", "for_bots"), "accept"
)


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel", "eva")
    return await village.by_app("jana")


async def _mention(village: Village, sender: str) -> PostView:
    view = await village.write(sender, "@jana ahoj")
    await jobs.tell(village.database, [village.people["jana"].id], Kind.MENTION, village.people[sender].id, view.post.id)
    return view


async def test_a_policy_is_read_and_changed_by_both_versions(jana: Visitor) -> None:
    assert (await jana.get(f"{V2}/policy")).json == {**ACCEPTED, "summary": EMPTY}
    changed = await jana.send("PATCH", f"{V2}/policy", {"for_new_accounts": "filter", "for_bots": "drop"})
    expected = {**ACCEPTED, "for_new_accounts": "filter", "for_bots": "drop", "summary": EMPTY}
    assert (changed.status, changed.json, (await jana.get(f"{V2}/policy")).json) == (200, expected, expected)
    assert (await jana.send("PUT", f"{V2}/policy", as_json={"for_private_mentions": "drop"})).json == {
        **expected, "for_private_mentions": "drop"}
    old = {"filter_not_following": False, "filter_not_followers": False, "filter_new_accounts": True, "filter_private_mentions": True,
           "summary": EMPTY}
    assert (await jana.get(f"{V1}/policy")).json == old
    sent = {"filter_private_mentions": "true", "filter_new_accounts": "false", "filter_not_followers": "true"}
    for method in ("PUT", "PATCH"):
        assert (await jana.send(method, f"{V1}/policy", sent)).json == {
            **old, "filter_new_accounts": False, "filter_not_followers": True}
    now = (await jana.get(f"{V2}/policy")).json
    assert (now["for_private_mentions"], now["for_not_followers"], now["for_new_accounts"]) == ("drop", "filter", "accept")
    assert (await jana.send("PATCH", f"{V2}/policy", {"for_bots": "maybe"})).status == 400
    assert (await jana.get(f"{V2}/policy")).json == now


async def test_a_request_holds_what_no_list_shows(village: Village, jana: Visitor) -> None:
    await jana.send("PATCH", f"{V2}/policy", {"for_not_following": "filter"})
    first, last = await _mention(village, "karel"), await _mention(village, "karel")
    await _mention(village, "eva")
    for path in (V1, f"{V1}?types[]=mention", f"{V1}?account_id={village.people['jana'].id}"):
        assert (await jana.get(path)).json == [], path
    assert (await jana.get(V2)).json["notification_groups"] == []
    for path in (f"{V1}/unread_count", f"{V2}/unread_count"):
        assert (await jana.get(path)).json == {"count": 0}
    found = (await jana.get(REQUESTS)).json
    assert [one["account"]["acct"] for one in found] == ["eva", "karel"]
    assert not shapes.problems(found, [shapes.NOTIFICATION_REQUEST])
    assert (found[1]["notifications_count"], found[1]["last_status"]["id"]) == ("2", str(last.post.id))
    assert (await jana.get(f"{REQUESTS}/{found[1]['id']}")).json == found[1]
    assert (await jana.get(f"{V2}/policy")).json["summary"] == {"pending_requests_count": 2, "pending_notifications_count": 3}
    whole = (await jana.get(f"{V1}?include_filtered=true")).json
    assert [one["account"]["acct"] for one in whole] == ["eva", "karel", "karel"]
    assert len((await jana.get(f"{V2}?include_filtered=true")).json["notification_groups"]) == 3
    of_karel = (await jana.get(f"{V1}?account_id={village.people['karel'].id}")).json
    assert [one["status"]["id"] for one in of_karel] == [str(last.post.id), str(first.post.id)]
    assert (await jana.get(f"{V1}/{of_karel[1]['id']}")).json == of_karel[1]
    assert (await jana.post(f"{V1}/{of_karel[1]['id']}/dismiss")).json == {}
    assert (await jana.get(f"{REQUESTS}/{found[1]['id']}")).json["notifications_count"] == "1"
    assert (await jana.send("DELETE", f"{V1}/{of_karel[0]['id']}")).status == 200
    assert (await jana.get(f"{REQUESTS}/{found[1]['id']}")).status == 404


async def test_requests_are_paged_by_links(village: Village, jana: Visitor) -> None:
    await jana.send("PATCH", f"{V2}/policy", {"for_not_following": "filter"})
    names = ["karel", "eva", *(account.username for account in await village.settle("petr", "vera"))]
    for name in names:
        await _mention(village, name)
    shown, path = [], f"{REQUESTS}?limit=3"
    while path:
        answer = await jana.get(path)
        shown += [one["account"]["acct"] for one in answer.json]
        path = answer.headers.get("link", "").partition(">")[0].partition("localhost:8420")[2] if answer.json else ""
    assert shown == names[::-1]


async def test_accepting_merges_at_once_and_is_told_to_streams(village: Village, jana: Visitor) -> None:
    await jana.send("PATCH", f"{V2}/policy", {"for_not_following": "filter"})
    stream = await EventSource(village, "/api/v1/streaming/user/notification", jana).open()
    socket = await Socket(village, jana, stream="user").open()
    statuses = await EventSource(village, "/api/v1/streaming/user", await village.by_app("jana", "read:statuses")).open()
    for name in ("karel", "eva", "karel"):
        await _mention(village, name)
    by_name = {one["account"]["acct"]: one["id"] for one in (await jana.get(REQUESTS)).json}
    assert (await jana.post(f"{REQUESTS}/{by_name['karel']}/accept")).json == {}
    assert await stream.hears("notifications_merged") == ["1"]
    await socket.until(lambda: ("notifications_merged", "1") in socket.events("user"))
    assert (await jana.get(f"{REQUESTS}/merged")).json == {"merged": True}
    assert [one["account"]["acct"] for one in (await jana.get(V1)).json] == ["karel", "karel"]
    assert [one["id"] for one in (await jana.get(REQUESTS)).json] == [by_name["eva"]]
    assert (await jana.post(f"{REQUESTS}/{by_name['karel']}/accept")).status == 404
    await _mention(village, "karel")
    assert len(await stream.hears("notification")) == 1  # none of those that were filtered
    assert statuses.events == []
    for client in (stream, socket, statuses):
        await client.close()


async def test_several_requests_are_accepted_and_dismissed(village: Village, jana: Visitor) -> None:
    await jana.send("PATCH", f"{V2}/policy", {"for_not_following": "filter"})
    await village.settle("petr", "vera")
    for name in ("karel", "eva", "petr", "vera"):
        await _mention(village, name)
    by_name = {one["account"]["acct"]: one["id"] for one in (await jana.get(REQUESTS)).json}
    assert (await jana.post(f"{REQUESTS}/accept", {"id[]": [by_name["karel"], by_name["eva"], "17"]})).json == {}
    assert (await jana.post(f"{REQUESTS}/dismiss", {"id[]": [by_name["petr"], "17"]})).json == {}
    assert sorted(one["account"]["acct"] for one in (await jana.get(V1)).json) == ["eva", "karel"]
    assert [one["account"]["acct"] for one in (await jana.get(REQUESTS)).json] == ["vera"]
    assert (await jana.post(f"{REQUESTS}/{by_name['vera']}/dismiss")).json == {}
    assert (await jana.get(REQUESTS)).json == []
    assert (await jana.get(f"{V1}?include_filtered=true&types[]=mention")).json == (await jana.get(V1)).json


async def test_nobody_reaches_the_requests_of_another_member(village: Village, jana: Visitor) -> None:
    await jana.send("PATCH", f"{V2}/policy", {"for_not_following": "filter"})
    await _mention(village, "karel")
    request, = (await jana.get(REQUESTS)).json
    eva = await village.by_app("eva")
    assert (await eva.get(REQUESTS)).json == []
    assert (await eva.get(f"{REQUESTS}/{request['id']}")).status == 404
    for verb in ("accept", "dismiss"):
        assert (await eva.post(f"{REQUESTS}/{request['id']}/{verb}")).status == 404
        assert (await eva.post(f"{REQUESTS}/{verb}", {"id[]": [request["id"]]})).status == 200
    assert (await jana.get(REQUESTS)).json == [request]
    reader = await village.by_app("jana", "read:notifications")
    assert (await reader.post(f"{REQUESTS}/{request['id']}/accept")).status == 403
    assert (await (await village.by_app("jana", "read:statuses")).get(REQUESTS)).status == 403
