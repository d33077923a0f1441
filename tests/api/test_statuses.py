"""Statuses through the client API: shapes, paging and errors that apps expect."""

import pytest

from tests.village import Village


async def test_a_status_has_the_shape_that_clients_expect(village: Village) -> None:
    await village.settle("jana", "karel")
    jana = await village.by_app("jana")
    answer = await jana.post("/api/v1/statuses", {"status": "Ahoj @karel #kašna", "spoiler_text": "pozor", "language": "cs"})
    status = answer.json
    assert answer.status == 200
    for name in ("card", "poll", "reblog", "in_reply_to_id", "in_reply_to_account_id", "edited_at"):
        assert status[name] is None
    assert status["visibility"] == "public"
    assert (status["spoiler_text"], status["sensitive"], status["language"]) == ("pozor", True, "cs")
    assert status["application"] == {"name": "Zvonek", "website": None}
    assert status["mentions"] == [{"id": str(village.people["karel"].id), "username": "karel", "acct": "karel",
                                   "url": "http://localhost:8420/@karel"}]
    assert [tag["name"] for tag in status["tags"]] == ["kašna"]
    assert status["account"]["acct"] == "jana"
    assert status["account"]["created_at"].endswith("T00:00:00.000Z")
    assert status["id"].isdigit()
    assert (status["favourited"], status["reblogged"], status["muted"], status["bookmarked"], status["pinned"]) == (False,) * 5
    for_nobody = (await village.nobody().get(f"/api/v1/statuses/{status['id']}")).json
    assert not {"favourited", "reblogged", "muted", "bookmarked", "pinned", "filtered"} & set(for_nobody)


async def test_actions_return_the_updated_status(village: Village) -> None:
    await village.settle("jana", "karel")
    id_ = (await village.write("jana")).post.id
    karel = await village.by_app("karel")
    for verb, flag, count in (("favourite", "favourited", "favourites_count"), ("bookmark", "bookmarked", None)):
        status = (await karel.post(f"/api/v1/statuses/{id_}/{verb}")).json
        assert status[flag] is True
        assert count is None or status[count] == 1
        assert (await karel.post(f"/api/v1/statuses/{id_}/un{verb}")).json[flag] is False
    boost = (await karel.post(f"/api/v1/statuses/{id_}/reblog")).json
    assert boost["reblog"]["id"] == str(id_)
    assert boost["reblog"]["reblogged"] is True
    assert boost["reblog"]["reblogs_count"] == 1
    assert boost["account"]["acct"] == "karel"
    assert (await karel.post(f"/api/v1/statuses/{id_}/unreblog")).json["reblogged"] is False


async def test_a_deleted_status_is_returned_with_its_source(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    id_ = (await jana.post("/api/v1/statuses", {"status": "znovu & líp"})).json["id"]
    deleted = (await jana.send("DELETE", f"/api/v1/statuses/{id_}")).json
    assert deleted["text"] == "znovu & líp"
    assert "content" not in deleted
    assert (await jana.get(f"/api/v1/statuses/{id_}")).status == 404


async def test_an_edit_has_history_and_source(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    id_ = (await jana.post("/api/v1/statuses", {"status": "prvni"})).json["id"]
    edited = (await jana.send("PUT", f"/api/v1/statuses/{id_}", {"status": "první"})).json
    assert edited["edited_at"]
    assert [version["content"] for version in (await jana.get(f"/api/v1/statuses/{id_}/history")).json] == ["<p>prvni</p>", "<p>první</p>"]
    assert (await jana.get(f"/api/v1/statuses/{id_}/source")).json == {"id": id_, "text": "první", "spoiler_text": ""}


async def test_polls_by_form_and_by_json(village: Village) -> None:
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    by_form = await jana.post("/api/v1/statuses", {"status": "?", "poll[options][]": ["ano", "ne"], "poll[expires_in]": 600})
    by_json = await jana.send("POST", "/api/v1/statuses", as_json={
        "status": "?", "poll": {"options": ["ano", "ne"], "expires_in": 600, "multiple": True, "hide_totals": True}})
    for answer in (by_form, by_json):
        assert [option["title"] for option in answer.json["poll"]["options"]] == ["ano", "ne"]
    hidden = by_json.json["poll"]
    assert (hidden["multiple"], hidden["expired"], hidden["voted"], hidden["options"][0]["votes_count"]) == (True, False, True, None)
    poll = (await karel.post(f"/api/v1/polls/{by_form.json['poll']['id']}/votes", {"choices[]": [1]})).json
    assert (poll["voted"], poll["own_votes"], poll["votes_count"]) == (True, [1], 1)
    again = await karel.post(f"/api/v1/polls/{by_form.json['poll']['id']}/votes", {"choices[]": [1]})
    assert again.status == 422
    assert (await karel.get(f"/api/v1/statuses/{by_form.json['id']}")).json["poll"]["own_votes"] == [1]


async def test_the_link_header_pages_through_a_list(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    written = [int((await jana.post("/api/v1/statuses", {"status": str(number)})).json["id"]) for number in range(7)]
    for id_ in written:
        await jana.post(f"/api/v1/statuses/{id_}/favourite")
    for start in ("/api/v1/timelines/public?local=true&limit=3", f"/api/v1/accounts/{village.people['jana'].id}/statuses?limit=3",
                  "/api/v1/favourites?limit=3"):
        seen: list[int] = []
        address: str | None = start
        while address:
            answer = await jana.get(address)
            seen += [int(status["id"]) for status in answer.json]
            link = answer.headers.get("link", "")
            address = link.partition("http://localhost:8420")[2].partition(">")[0] or None
            if address:
                assert "limit=3" in address
            assert bool(answer.json) == bool(link)
        assert sorted(seen) == sorted(written), start


@pytest.mark.parametrize(("method", "path", "form", "status"), [
    ("POST", "/api/v1/statuses", {}, 422),
    ("POST", "/api/v1/statuses", {"status": "x" * 501}, 422),
    ("POST", "/api/v1/statuses", {"status": "a", "visibility": "secret"}, 422),
    ("POST", "/api/v1/statuses", {"status": "a", "in_reply_to_id": "12"}, 404),
    ("POST", "/api/v1/statuses", {"status": "a", "in_reply_to_id": "abc"}, 404),
    ("POST", "/api/v1/statuses", {"status": "a\x00b"}, 400),
    ("POST", "/api/v1/statuses", {"status": "a", "sensitive": "maybe"}, 400),
    ("POST", "/api/v1/statuses", {"status": "a", "poll[options][]": ["x"], "poll[expires_in]": "soon"}, 400),
    ("POST", "/api/v1/statuses", {"status": "a", "scheduled_at": "9999-01-01T00:00:00Z"}, 422),
    ("GET", "/api/v1/statuses/0", None, 404),
    ("GET", "/api/v1/statuses/99999999999999999999", None, 404),
    ("GET", "/api/v1/timelines/home?limit=-1", None, 400),
    ("GET", "/api/v1/timelines/home?max_id=abc", None, 400),
    ("GET", "/api/v1/timelines/home?limit=99999", None, 206),
    ("GET", "/api/v2/search", None, 400),
    ("GET", "/api/v1/nothing/here", None, 404),
    ("PATCH", "/api/v1/timelines/home", None, 405),
    ("POST", "/api/v1/polls/1/votes", {"choices[]": ["-1"]}, 400),
])
async def test_invalid_input_gets_the_documented_error(
    village: Village, method: str, path: str, form: dict[str, object] | None, status: int
) -> None:
    await village.settle("jana")
    answer = await (await village.by_app("jana")).send(method, path, form)
    assert answer.status == status
    if status >= 400:
        assert isinstance(answer.json["error"], str)
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_broken_and_huge_bodies_are_refused(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    for body, kind, status in (
        (b"{", "application/json", 400), (b"[" * 100_000, "application/json", 400), (b"[1]", "application/json", 400),
        (b'{"status": {"a": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}}", "application/json", 400),
        (b"x" * 2_000_000, "application/json", 413), (b"a" * 100, "text/csv", 400), (b"--x", "multipart/form-data", 400),
        (b"%ff=%ff", "application/x-www-form-urlencoded", 422), (b'{"status": "\\ud800"}', "application/json", 400),
        (b"a[b][c][d][e][f][g]=1", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % number for number in range(400)), "application/x-www-form-urlencoded", 400),
    ):
        answer = await jana.send("POST", "/api/v1/statuses", body=body, headers={"content-type": kind})
        assert answer.status == status, (kind, body[:40], answer.body)
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM posts") == 0


async def test_every_response_has_limits_that_browsers_can_read(village: Village) -> None:
    await village.settle("jana")
    answer = await (await village.by_app("jana")).get("/api/v1/timelines/home")
    assert int(answer.headers["x-ratelimit-remaining"]) < int(answer.headers["x-ratelimit-limit"])
    assert answer.headers["x-ratelimit-reset"].endswith("Z")
    assert "." in answer.headers["x-ratelimit-reset"]
    assert "Link" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Authorization"
    assert "private" in answer.headers["cache-control"]
    assert "public" in (await village.nobody().get("/api/v1/timelines/public")).headers["cache-control"]
    preflight = await village.nobody().send("OPTIONS", "/api/v1/statuses")
    assert preflight.status == 204
    assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"]


async def test_an_exceeded_limit_tells_when_to_retry(village: Village) -> None:
    from folkmoot.base.limits import Limits

    await village.settle("jana")
    jana = await village.by_app("jana")
    object.__setattr__(village.front._api._context, "limits", Limits(0.001))
    answers = [await jana.get("/api/v1/timelines/home") for _ in range(3)]
    assert [answer.status for answer in answers][-1] == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json == {"error": "Too many requests"}


async def test_the_same_key_publishes_once(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    ids = {(await jana.post("/api/v1/statuses", {"status": "jednou"}, idempotency_key="abc")).json["id"] for _ in range(3)}
    assert len(ids) == 1


@pytest.mark.parametrize("body", ["status=návsi+v+šest", "status=n%C3%A1vsi%20v%20%C5%A1est", "status=n%C3%A1vsi+v+šest"])
async def test_a_form_may_contain_utf8_without_percent_signs(village: Village, body: str) -> None:
    """As `curl -d` sends it."""
    await village.settle("jana")
    answer = await (await village.by_app("jana")).send(
        "POST", "/api/v1/statuses", body=body.encode(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert "návsi v šest" in answer.json["content"]
