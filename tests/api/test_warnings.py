"""Moderation warnings: apps are told of statements of reasons and of kept posts, in every place where they read notifications."""

from typing import Any

import pytest

from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.streaming import hub as hub_module
from tests.api import shapes
from tests.api.streaming import EventSource
from tests.moderation.court import Court
from tests.village import Village, Visitor

ALL = "/api/v1/notifications"
GROUPS = "/api/v2/notifications"


@pytest.fixture
async def court(village: Village, monkeypatch: pytest.MonkeyPatch) -> Court:
    monkeypatch.setattr(hub_module, "GATHER_SECONDS", 0.02)
    return await Court(village).open()


async def _decided(court: Court, action: str, **decision: Any) -> tuple[Visitor, int]:
    """A reported post, decided; the author's app and the id of the post."""
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    await court.decide("moderator", case, action, explanation="Takhle se lidem nevyhrožuje.", **decision)
    return await court.village.by_app("author"), view.post.id


@pytest.mark.parametrize(("action", "wire"), [
    ("label", "mark_statuses_as_sensitive"), ("hide", "delete_statuses"), ("remove", "delete_statuses"),
])
async def test_a_statement_is_a_warning(court: Court, action: str, wire: str) -> None:
    app, post_id = await _decided(court, action)
    (_, statement_id), = await court.told("author")
    notification, = (await app.get(ALL)).json
    assert shapes.problems(notification, shapes.NOTIFICATION) == []
    assert (notification["type"], notification["account"]["acct"]) == ("moderation_warning", "author")
    warning = notification["moderation_warning"]
    assert (warning["id"], warning["action"], warning["status_ids"]) == (str(statement_id), wire, [str(post_id)])
    assert "Takhle se lidem nevyhrožuje." in warning["text"]
    assert "No calls to violence" in warning["text"]
    assert warning["appeal"] is None
    assert (await app.get(f"{ALL}/{notification['id']}")).json == notification


async def test_a_deleted_post_that_is_kept_is_a_warning(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    app = await court.village.by_app("author")
    stream = await EventSource(court.village, "/api/v1/streaming/user/notification", app).open()
    assert (await app.send("DELETE", f"/api/v1/statuses/{view.post.id}")).status == 200
    await court.village.work()
    heard, = await stream.hears("notification")
    await stream.close()
    listed, = (await app.get(ALL)).json
    assert heard == listed
    assert shapes.problems(listed, shapes.NOTIFICATION) == []
    warning = listed["moderation_warning"]
    assert (warning["action"], warning["status_ids"]) == ("none", [str(view.post.id)])
    assert "under review" in warning["text"]


async def test_a_warning_is_told_filtered_counted_and_dismissed_like_others(court: Court) -> None:
    app, _ = await _decided(court, "remove")
    stream = await EventSource(court.village, "/api/v1/streaming/user", app).open()
    await (await court.village.by_app("reader")).post("/api/v1/statuses", {"status": "@author co se stalo?"})
    await court.village.work()
    await stream.hears("notification")
    await stream.close()
    assert [one["type"] for one in (await app.get(ALL)).json] == ["mention", "moderation_warning"]
    warning, = (await app.get(f"{ALL}?types[]=moderation_warning")).json
    assert [one["type"] for one in (await app.get(f"{ALL}?exclude_types[]=moderation_warning")).json] == ["mention"]
    assert (await app.get(f"{ALL}/unread_count?types[]=moderation_warning")).json == {"count": 1}
    groups = (await app.get(GROUPS)).json
    assert shapes.problems(groups, shapes.GROUPED_NOTIFICATIONS) == []
    group = next(one for one in groups["notification_groups"] if one["type"] == "moderation_warning")
    assert (group["moderation_warning"], group["notifications_count"]) == (warning["moderation_warning"], 1)
    only = (await app.get(f"{GROUPS}?types[]=moderation_warning")).json["notification_groups"]
    assert only == [group]
    opened, = (await app.get(f"{GROUPS}/{group['group_key']}")).json["notification_groups"]
    assert opened["moderation_warning"] == warning["moderation_warning"]
    assert (await app.get(f"{GROUPS}/unread_count")).json == {"count": 2}
    assert (await app.post(f"{ALL}/{warning['id']}/dismiss")).status == 200
    assert [one["type"] for one in (await app.get(ALL)).json] == ["mention"]


async def test_an_appeal_against_it_is_shown_with_its_state(court: Court) -> None:
    app, _ = await _decided(court, "remove")
    (_, statement_id), = await court.told("author")
    async with court.database.write() as tx:
        verdict_id = await tx.fetchval(
            "SELECT r.verdict_id FROM statements AS s JOIN restrictions AS r ON r.id = s.restriction_id WHERE s.id = $1", statement_id
        )
        await lodge_appeal(tx, court.village.people["author"], verdict_id, "Byl to citát z filmu.")
    notification, = (await app.get(ALL)).json
    assert notification["moderation_warning"]["appeal"] == {"text": "Byl to citát z filmu.", "state": "pending"}
    appealed, = await court.queue()
    await court.decide("other_moderator", appealed, "keep")
    notification, = (await app.get(f"{ALL}?types[]=moderation_warning")).json
    assert notification["moderation_warning"]["appeal"]["state"] == "approved"


async def test_kinds_that_apps_do_not_know_exist_in_no_list(court: Court) -> None:
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    await court.decide("moderator", case, "remove")
    assert [kind for kind, _ in await court.told("reporter")] == ["report"]
    app = await court.village.by_app("reporter")
    async with court.database.read() as conn:
        id_ = await conn.fetchval("SELECT id FROM notifications WHERE kind = 'report'")
    assert (await app.get(ALL)).json == []
    assert (await app.get(f"{ALL}/{id_}")).status == 404
    assert (await app.get(f"{GROUPS}/ungrouped-{id_}")).status == 404
    assert (await app.get(f"{GROUPS}/ungrouped-{id_}/accounts")).status == 404


async def test_the_page_that_apps_open_leads_to_the_statement(court: Court) -> None:
    app, _ = await _decided(court, "remove")
    warning = (await app.get(ALL)).json[0]["moderation_warning"]
    author, reader = await court.village.by_browser("author"), await court.village.by_browser("reader")
    assert (await author.get(f"/disputes/strikes/{warning['id']}")).headers["location"].endswith(f"/statements/{warning['id']}")
    assert (await reader.get(f"/disputes/strikes/{warning['id']}")).headers["location"].endswith("/notifications")


async def test_the_page_of_notices_shows_it_once(court: Court) -> None:
    await _decided(court, "remove")
    page = (await (await court.village.by_browser("author")).get("/notifications")).text
    assert page.count('href="/statements/') == 1
