"""Scheduled statuses through the client API."""

from datetime import datetime, timedelta

import pytest

from folkmoot.base import clock
from folkmoot.network.posts.screening import let_pass
from folkmoot.network.scheduled.jobs import publish_due
from tests.api.test_accounts import picture
from tests.village import LIMITS, Village, Visitor

ALL = "/api/v1/scheduled_statuses"
TOO_SOON = "The time must be at least five minutes from now."


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana", "karel")
    return await village.by_app("jana")


def _in(**span: float) -> str:
    return (clock.now() + timedelta(**span)).isoformat()


async def _schedule(jana: Visitor, text: str = "Zítra", **more: object) -> dict[str, object]:
    answer = await jana.post("/api/v1/statuses", {"status": text, "scheduled_at": _in(hours=1), **more})
    assert answer.status == 200, answer.text
    return dict(answer.json)


async def test_a_status_is_scheduled_shown_moved_and_deleted(village: Village, jana: Visitor) -> None:
    media = (await jana.upload("/api/v2/media", "file", picture(), description="Kašna")).json["id"]
    at = (clock.now() + timedelta(hours=1)).replace(microsecond=0)
    made = (await jana.post("/api/v1/statuses", {
        "status": "Zítra #kasna", "scheduled_at": at.isoformat(), "media_ids[]": [media], "spoiler_text": "Pozor", "language": "cs",
        "visibility": "private",
    }, idempotency_key="k")).json
    params = made["params"]
    assert params.pop("application_id").isdigit()
    assert params == {
        "text": "Zítra #kasna", "media_ids": [media], "poll": None, "sensitive": False, "spoiler_text": "Pozor", "visibility": "private",
        "language": "cs", "in_reply_to_id": None, "scheduled_at": None, "idempotency": "k", "with_rate_limit": False,
        "quoted_status_id": None, "quote_approval_policy": "public",
    }
    assert made["scheduled_at"] == at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert set(made) == {"id", "scheduled_at", "params", "media_attachments"}
    assert [(one["id"], one["description"]) for one in made["media_attachments"]] == [(media, "Kašna")]
    shown = (await jana.get(f"{ALL}/{made['id']}")).json
    assert (shown["params"]["text"], shown["media_attachments"]) == ("Zítra #kasna", made["media_attachments"])
    assert (await jana.send("DELETE", f"/api/v1/media/{media}")).status == 422
    for method in ("PUT", "PATCH"):
        later = _in(days=2)
        moved = (await jana.send(method, f"{ALL}/{made['id']}", {"scheduled_at": later})).json
        assert datetime.fromisoformat(moved["scheduled_at"]) > clock.now() + timedelta(days=1)
    assert (await jana.send("DELETE", f"{ALL}/{made['id']}")).json == {}
    assert (await jana.get(f"{ALL}/{made['id']}")).status == 404
    assert (await jana.get(f"/api/v1/media/{media}")).status == 200  # to be used again
    assert (await jana.get(f"/api/v1/accounts/{village.people['jana'].id}/statuses")).json == []


@pytest.mark.parametrize("at", ["zítra", "", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
async def test_a_time_that_is_none_is_refused(jana: Visitor, at: str) -> None:
    made = await _schedule(jana)
    answer = await jana.send("PUT", f"{ALL}/{made['id']}", {"scheduled_at": at})
    assert answer.status == (400 if at == "" else 422)
    assert (await jana.get(f"{ALL}/{made['id']}")).json["scheduled_at"] == made["scheduled_at"]


async def test_a_time_that_is_too_soon_is_refused_in_the_documented_form(jana: Visitor) -> None:
    answer = await jana.post("/api/v1/statuses", {"status": "a", "scheduled_at": _in(minutes=4)})
    assert (answer.status, TOO_SOON in answer.json["error"]) == (422, True)
    assert list(answer.json["details"]) == ["scheduled_at"]
    made = await _schedule(jana)
    for moment in (_in(minutes=4), _in(minutes=-4)):  # a past time does not publish an existing one
        answer = await jana.send("PUT", f"{ALL}/{made['id']}", {"scheduled_at": moment})
        assert (answer.status, TOO_SOON in answer.json["error"]) == (422, True)
    assert len((await jana.get(ALL)).json) == 1


async def test_the_list_is_paged_the_latest_written_first(village: Village, jana: Visitor) -> None:
    assert ((await jana.get(ALL)).json, "link" in (await jana.get(ALL)).headers) == ([], False)
    made = [str((await _schedule(jana, f"text {number}"))["id"]) for number in range(3)]
    first = await jana.get(f"{ALL}?limit=2")
    assert {one["id"] for one in first.json} <= set(made)
    assert [one["id"] for one in first.json] == sorted(made, key=int, reverse=True)[:2]
    path = first.headers["link"].partition("<http://localhost:8420")[2].partition(">")[0]
    assert [one["id"] for one in (await jana.get(path)).json] == [min(made, key=int)]
    karel = await village.by_app("karel")
    assert (await karel.get(ALL)).json == []
    for answer in (
        await karel.get(f"{ALL}/{made[0]}"), await karel.send("DELETE", f"{ALL}/{made[0]}"),
        await karel.send("PUT", f"{ALL}/{made[0]}", {"scheduled_at": _in(hours=2)}),
    ):
        assert (answer.status, answer.json) == (404, {"error": "Record not found"})
    assert len((await jana.get(ALL)).json) == 3


async def test_a_repeated_request_gets_the_same_answer_before_and_after_the_publication(village: Village, jana: Visitor) -> None:
    sent = {"status": "Zítra", "scheduled_at": _in(minutes=10)}
    made = (await jana.post("/api/v1/statuses", sent, idempotency_key="k")).json
    assert (await jana.post("/api/v1/statuses", sent, idempotency_key="k")).json == made
    with clock.stopped_at(clock.now() + timedelta(minutes=11)):
        late = (await jana.post("/api/v1/statuses", sent, idempotency_key="k")).json  # due, and not published yet
        assert late == made
        await publish_due(village.database, LIMITS, let_pass)
        published = (await jana.post("/api/v1/statuses", sent, idempotency_key="k")).json
    assert published["content"] == "<p>Zítra</p>"
    own = f"/api/v1/accounts/{village.people['jana'].id}/statuses"
    assert [one["id"] for one in (await jana.get(own)).json] == [published["id"]]
    assert published["application"]["name"] == "Zvonek"


async def test_a_missing_answered_status_is_named(jana: Visitor) -> None:
    answer = await jana.post("/api/v1/statuses", {"status": "a", "scheduled_at": _in(hours=1), "in_reply_to_id": "7"})
    assert (answer.status, answer.json) == (404, {"error": "The post you are trying to reply to does not appear to exist."})


async def test_scopes(village: Village, jana: Visitor) -> None:
    made = await _schedule(jana)
    reader, writer = await village.by_app("jana", "read:statuses"), await village.by_app("jana", "write:statuses")
    assert ((await reader.get(ALL)).status, (await writer.get(ALL)).status) == (200, 403)
    path = f"{ALL}/{made['id']}"
    assert ((await reader.send("DELETE", path)).status, (await writer.send("DELETE", path)).status) == (403, 200)
    assert (await village.nobody().get(ALL)).status == 401


async def test_a_quote_is_scheduled_and_published(village: Village) -> None:
    await village.settle("quoted", "quoter")
    quoted = await village.write("quoted", "Původní slova")
    quoter = await village.by_app("quoter")
    made = (await quoter.post("/api/v1/statuses", {
        "status": "viz", "quoted_status_id": str(quoted.post.id), "quote_approval_policy": "nobody",
        "scheduled_at": (clock.now() + timedelta(hours=1)).isoformat(),
    })).json
    assert (made["params"]["quoted_status_id"], made["params"]["quote_approval_policy"]) == (str(quoted.post.id), "nobody")
    with clock.stopped_at(clock.now() + timedelta(hours=2)):
        await publish_due(village.database, limits=LIMITS, screener=let_pass)
    status, = [one for one in (await quoter.get("/api/v1/timelines/public")).json if one["quote"]]
    assert (status["quote"]["quoted_status"]["id"], status["quote_approval"]["automatic"]) == (str(quoted.post.id), [])
