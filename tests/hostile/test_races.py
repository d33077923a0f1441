"""Concurrent requests: what is sent many times at once happens once, and no request ends with a server error."""

import asyncio
import logging
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.network.posts.model import PollDraft
from folkmoot.network.sessions import actions
from folkmoot.network.sessions.invitations import invite
from folkmoot.network.sessions.password_change import ask_for_reset
from folkmoot.network.sessions.queries import get_login
from tests.api.test_accounts import picture
from tests.api.test_oauth import _code, _exchange, _register
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

TIMES = 8
DAY = (clock.now() + timedelta(days=1)).isoformat()


async def _together(*requests: Any) -> Counter[int]:
    answers: list[Answer] = await asyncio.gather(*requests)
    return Counter(answer.status for answer in answers)


async def _count(village: Village, sql: str, *args: Any) -> int:
    async with village.database.read() as conn:
        return int(await conn.fetchval(sql, *args))


@pytest.fixture(autouse=True)
def no_errors_logged(caplog: pytest.LogCaptureFixture) -> Any:
    with caplog.at_level(logging.ERROR):
        yield
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_is_done_many_times_at_once_is_done_once(village: Village) -> None:
    await village.settle("jana", "karel")
    post = (await village.write("karel", poll=PollDraft(titles=("a", "b"), expires_in=600))).post
    assert post.poll
    jana, one = await village.by_app("jana"), f"/api/v1/statuses/{post.id}"
    karel_id = village.people["karel"].id
    for verb in ("favourite", "reblog", "bookmark"):
        assert await _together(*(jana.post(f"{one}/{verb}") for _ in range(TIMES))) == {200: TIMES}
    assert await _together(*(jana.post(f"/api/v1/accounts/{karel_id}/follow") for _ in range(TIMES))) == {200: TIMES}
    votes = await _together(*(jana.post(f"/api/v1/polls/{post.poll.id}/votes", {"choices[]": ["0"]}) for _ in range(TIMES)))
    assert votes == {200: 1, 422: TIMES - 1}
    posted = await _together(*(jana.post("/api/v1/statuses", {"status": "jednou"}, idempotency_key="k") for _ in range(TIMES)))
    assert posted == {200: TIMES}
    async with village.database.read() as conn:
        found = await conn.fetch("SELECT subject_id = $1 AS is_post, counter, sum(delta) FROM counter_deltas GROUP BY 1, 2", post.id)
    assert {(row[1], row[2]) for row in found if row[0]} == {(12, 1), (13, 1)}
    assert await _count(village, "SELECT sum(delta) FROM counter_deltas WHERE subject_id = $1 AND counter = 2", karel_id) == 1
    assert await _count(village, "SELECT votes[1] FROM polls WHERE id = $1", post.poll.id) == 1
    assert await _count(village, "SELECT count(*) FROM posts WHERE text = 'jednou'") == 1
    for verb in ("unfavourite", "unreblog", "unbookmark"):
        assert set(await _together(*(jana.post(f"{one}/{verb}") for _ in range(TIMES)))) <= {200, 404}
    assert (
        await _count(village, "SELECT coalesce(sum(delta), 0) FROM counter_deltas WHERE subject_id = $1 AND counter IN (12, 13)", post.id)
        == 0
    )


async def test_an_idempotency_key_makes_one_post_in_all_processes(village: Village, dsn: str) -> None:
    """Two applications with sessions of their own, as two processes have; the key is locked in the database."""
    await village.settle("jana", "karel")
    jana, karel = await village.by_app("jana"), await village.by_app("karel")
    database = await Database.open(dsn)
    elsewhere = Visitor(Village(database, village.settings).front, token=jana._token)

    async def send(form: dict[str, Any], key: str, *more: Visitor) -> list[Answer]:
        callers = [*[jana, elsewhere] * (TIMES // 2), *more]
        return await asyncio.gather(*(caller.post("/api/v1/statuses", form, idempotency_key=key) for caller in callers))

    poll = {"status": "Jdeme?", "poll[options][]": ["ano", "ne"], "poll[expires_in]": 600}
    for key, form in (("a", poll), ("é" * 100, {"status": "@karel #kasna", "visibility": "direct"}), ("b", {**poll, "scheduled_at": DAY})):
        answers = await send(form, key)
        assert [answer.status for answer in answers] == [200] * TIMES, key
        assert [answer.json for answer in answers] == [answers[0].json] * TIMES, key
    assert await _count(village, "SELECT count(*) FROM posts") == 2
    assert await _count(village, "SELECT count(*) FROM polls") == 1
    assert await _count(village, "SELECT count(*) FROM scheduled_posts") == 1
    # Refused ones leave the key free, also beside others; another member has keys of their own.
    assert {answer.status for answer in await send({"status": ""}, "c")} == {422}
    mixed = await asyncio.gather(send({"status": ""}, "c"), send({"status": "jednou"}, "c", karel))
    assert [answer.status for answer in mixed[1]] == [200] * (TIMES + 1)
    assert len({answer.json["id"] for answer in mixed[1]}) == 2
    assert {answer.json.get("id", mixed[1][0].json["id"]) for answer in mixed[0]} == {mixed[1][0].json["id"]}
    # What was deleted is not the answer to a repeated request.
    await jana.send("DELETE", f"/api/v1/statuses/{mixed[1][0].json['id']}")
    [again] = {answer.json["id"] for answer in await send({"status": "jednou"}, "c")}
    assert again != mixed[1][0].json["id"]
    await database.close()


async def test_edits_at_once_make_one_history(village: Village) -> None:
    await village.settle("jana")
    post = (await village.write("jana")).post
    jana = await village.by_app("jana")
    edits = (jana.send("PUT", f"/api/v1/statuses/{post.id}", {"status": f"znění {number}"}) for number in range(TIMES))
    assert await _together(*edits) == {200: TIMES}
    assert await _count(village, "SELECT count(*) FROM post_edits WHERE post_id = $1", post.id) == TIMES + 1
    assert await _count(village, "SELECT max(version) FROM post_edits WHERE post_id = $1", post.id) == TIMES + 1


async def test_a_post_that_is_deleted_while_others_use_it_is_not_found(village: Village) -> None:
    await village.settle("jana", "karel", "eva")
    jana, karel, eva = [await village.by_app(name) for name in ("jana", "karel", "eva")]
    for _ in range(3):
        post = (await village.write("karel", poll=PollDraft(titles=("a", "b"), expires_in=600))).post
        assert post.poll
        one = f"/api/v1/statuses/{post.id}"
        statuses = await _together(
            karel.send("DELETE", one),
            jana.post(f"{one}/favourite"),
            eva.post(f"{one}/bookmark"),
            jana.post(f"{one}/reblog"),
            eva.post("/api/v1/statuses", {"status": "odpověď", "in_reply_to_id": post.id}),
            karel.send("PUT", one, {"status": "x"}),
            jana.post(f"/api/v1/polls/{post.poll.id}/votes", {"choices[]": ["0"]}),
            karel.post(f"{one}/pin"),
            karel.send("DELETE", one),
        )
        assert set(statuses) <= {200, 404, 409}, statuses
        await village.work()


async def test_at_most_five_posts_are_pinned(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    posts = [(await village.write("jana", str(number))).post.id for number in range(TIMES)]
    assert await _together(*(jana.post(f"/api/v1/statuses/{id_}/pin") for id_ in posts)) == {200: 5, 422: TIMES - 5}


async def test_an_invitation_and_a_reset_link_work_once(village: Village) -> None:
    (jana,) = await village.settle("jana")
    viewers = village.front._pages._context.viewers
    viewer = await viewers.by_session((await village.by_browser("jana")).cookies["folkmoot"])
    async with village.database.write() as tx:
        invitation = await invite(tx, viewer, uses=1)
    policy = actions.SignUpPolicy(mode="invitation")

    async def join(number: int) -> str:
        form = actions.SignUp(f"nova{number}", f"nova{number}@example.org", "tri hrusky dve svestky", True, invitation=invitation.code)
        try:
            return (await actions.sign_up(village.database, form, policy))[0].email
        except actions.Invalid:
            return ""

    assert len(list(filter(None, await asyncio.gather(*map(join, range(4)))))) == 1
    assert await _count(village, "SELECT count(*) FROM accounts") == 2

    await ask_for_reset(village.database, "jana@example.org", "http://localhost:8420")
    await village.work()
    [mail] = (village.settings.data / "outbox").glob("*.eml")
    code = re.search(rb"/reset/([\w-]+)", mail.read_bytes().replace(b"=\n", b""))
    assert code
    attempts = []
    for _ in range(4):
        visitor = village.nobody()
        token = form_token((await visitor.get("/log_in")).text)
        attempts.append(visitor.post(f"/reset/{code[1].decode()}", {"form_token": token, "password": "docela nove heslo"}))
    assert await _together(*attempts) == {303: 1, 422: 3}
    async with village.database.read() as conn:
        assert (await get_login(conn, jana.id)).password_hash.startswith("$argon2id$")


async def test_an_app_s_code_gives_one_token(village: Village) -> None:
    await village.settle("jana")
    app = await _register(village)
    code = await _code(village, app, await village.by_browser("jana"))
    answers = await asyncio.gather(*(_exchange(village, app, code) for _ in range(TIMES)))
    assert Counter(status for status, _ in answers) == {200: 1, 400: TIMES - 1}


async def test_pictures_sent_twice_at_once_are_counted_right(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    profile = "/api/v1/accounts/update_credentials"
    assert await _together(*(jana.upload(profile, "avatar", picture(), "PATCH") for _ in range(3))) == {200: 3}
    own = (await jana.get("/api/v1/accounts/verify_credentials")).json
    path = own["avatar"].removeprefix("http://localhost:8420")
    assert (await village.nobody().get(path)).status in (200, 404)  # the other uploads may have removed it; so once more:
    await jana.upload(profile, "avatar", picture(), "PATCH")
    path = (await jana.get("/api/v1/accounts/verify_credentials")).json["avatar"].removeprefix("http://localhost:8420")
    assert (await village.nobody().get(path)).status == 200
    assert await _count(village, "SELECT count(*) FROM media") == 1
    assert await _count(village, "SELECT sum(reference_count) FROM media_files") == 2
