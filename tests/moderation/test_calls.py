"""Moderators and operators are called before a deadline: by mail, and by a signed request to an address of the operator's."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import httpcore
import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.queue.model import Job
from folkmoot.base.queue.queries import list_jobs, retry_jobs
from folkmoot.base.queue.worker import Worker
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.moderation.cases.calls import (
    CALL_WEBHOOK,
    Call,
    Callees,
    CallFailed,
    call_people,
    call_webhook,
    signature_of,
    try_webhook,
)
from folkmoot.moderation.cases.jobs import watch_deadlines
from folkmoot.moderation.cases.model import Case
from folkmoot.network.sessions.model import Role
from tests.base.test_http_client import PUBLIC, SeenAsPublic
from tests.moderation.court import Court
from tests.push_service import Device
from tests.web.test_pages import form_token

_SECRET = "a key that only the two of them know"
_CALLEES = Callees(
    call_at_half="moderators", call_at_end="all", webhook_url="http://duty.example.org/moot", webhook_secret=_SECRET, base_url="http://localhost:8420"
)


async def _cases(court: Court, *clauses: str) -> list[Case]:
    for clause in clauses:
        await court.report("reporter", await court.village.write("author", "Počkáme na něj"), clauses=(clause,))
    return sorted(await court.queue(), key=lambda case: case.id)


async def _call_at(court: Court, case: Case, share: float, callees: Callees = _CALLEES, later: timedelta = timedelta(0)) -> None:
    with clock.stopped_at(case.opened_at + (case.due_at - case.opened_at) * share + later):
        await watch_deadlines(court.database)
        async with court.database.write() as tx:
            await call_people(tx, callees)


async def _jobs(court: Court, name: str) -> list[dict[str, object]]:
    async with court.database.read() as conn:
        return [json.loads(row["payload"]) for row in await conn.fetch("SELECT payload FROM jobs WHERE name = $1 ORDER BY id", name)]


async def _mails(court: Court) -> list[tuple[object, object, object]]:
    return sorted((one["text"], one["to"], one["count"]) for one in await _jobs(court, "sessions.send_mail") if "count" in one)


async def test_moderators_are_called_at_half_time_and_operators_before_the_end(court: Court) -> None:
    await court.village.settle("operator", role=Role.OPERATOR)
    [case] = await _cases(court, "violence")
    await _call_at(court, case, 0.4)
    assert await _mails(court) == []
    for share in (0.51, 0.55):
        await _call_at(court, case, share)
    moderators = ["moderator@example.org", "other_moderator@example.org"]
    everybody = sorted([*moderators, "operator@example.org"])
    half = [("cases_half", to, 1) for to in moderators]
    assert await _mails(court) == half
    await _call_at(court, case, 0.81)
    late = [("cases_late", to, 1) for to in everybody]
    assert await _mails(court) == half + late
    await _call_at(court, case, 1.0)
    over = [("cases_over", to, 1) for to in everybody]
    assert await _mails(court) == half + late + over
    assert [(one["share"], one["count"], one["case_ids"]) for one in await _jobs(court, "cases.call_webhook")] == [
        (share, 1, [case.id]) for share in (50, 80, 100)
    ]


async def test_devices_that_want_calls_are_called_with_a_number_only(court: Court) -> None:
    device = Device()
    for name, alert in (("moderator", "call"), ("other_moderator", "mention"), ("author", "call")):
        browser = await court.village.by_browser(name)
        token = form_token((await browser.get("/settings/push")).text)
        form = {"form_token": token, "endpoint": Device().endpoint, **device.keys, alert: "true"}
        assert (await browser.post("/settings/push", form)).status == 303
    [case] = await _cases(court, "violence")
    for share in (0.51, 0.81, 1.0):
        await _call_at(court, case, share)
    pushed = await _jobs(court, "web_push.send")
    assert [one["call"] for one in pushed] == [{"text": text, "count": 1} for text in ("cases_half", "cases_late", "cases_over")]
    assert len({one["subscription_id"] for one in pushed}) == 1
    assert all(set(one) == {"subscription_id", "notification_id", "call", "until", "tries"} for one in pushed)


async def test_many_cases_are_one_call_and_calls_pause_for_minutes(court: Court) -> None:
    cases = await _cases(court, "violence", "violence", "violence", "spam")
    await _call_at(court, cases[2], 0.51)
    assert {count for _, _, count in await _mails(court)} == {3}
    await _cases(court, "violence")
    for minutes, counts in ((1, [3]), (4, [3]), (6, [3, 1]), (12, [3, 1])):
        await _call_at(court, cases[2], 0.51, later=timedelta(minutes=minutes))
        assert [one["count"] for one in await _jobs(court, "cases.call_webhook")] == counts, minutes


async def test_nobody_is_called_where_the_operator_wants_none(court: Court) -> None:
    [case] = await _cases(court, "violence")
    quiet = msgspec.structs.replace(_CALLEES, call_at_half="nobody", call_at_end="nobody", webhook_url="")
    for share in (0.51, 0.81, 1.0):
        await _call_at(court, case, share, quiet)
    assert await _mails(court) == []
    assert await _jobs(court, "cases.call_webhook") == []


async def test_a_decided_case_calls_nobody(court: Court) -> None:
    [case] = await _cases(court, "violence")
    with clock.stopped_at(case.opened_at + timedelta(hours=13)):
        await watch_deadlines(court.database)
    await court.decide("moderator", case, "keep")
    await _call_at(court, case, 0.6)
    assert await _mails(court) == []


@dataclass
class _Duty:
    """A real HTTP server that keeps what it was sent. With `key` it refuses what is not signed with it, as `docs/operate/notices.md`
    says."""

    port: int = 0
    status: int = 204
    key: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status = self.status
        if self.key:
            signed = hmac.new(self.key.encode(), f"{headers['x-folkmoot-timestamp']}.".encode() + body, "sha256").hexdigest()
            status = self.status if headers["x-folkmoot-signature"] == f"sha256={signed}" else 401
        if 200 <= status < 300:
            self.requests.append((headers, body))
        writer.write(f"HTTP/1.1 {status} Done\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def resolve(self, _host: str, _port: int) -> list[str]:
        return [PUBLIC]

    async def connect(self, _address: str, _port: int) -> httpcore.AsyncNetworkStream:
        return SeenAsPublic(await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port))  # type: ignore[return-value]

    async def send(self, call: Call, callees: Callees = _CALLEES) -> None:
        await call_webhook(callees, call, resolve=self.resolve, connect=self.connect)


@pytest.fixture
async def duty() -> AsyncIterator[_Duty]:
    found = _Duty()
    server = await asyncio.start_server(partial(_Duty.answer, found), "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    await server.wait_closed()


_CALL = Call(id="one", share=80, count=2, next_due_at=clock.now(), case_ids=(7, 9))


async def test_a_request_is_signed_over_its_time_and_body(duty: _Duty) -> None:
    await duty.send(_CALL)
    [(headers, body)] = duty.requests
    assert headers["x-folkmoot-signature"] == f"sha256={signature_of(_SECRET, headers['x-folkmoot-timestamp'], body)}"
    assert headers["x-folkmoot-signature"] != f"sha256={signature_of(_SECRET, '1', body)}"
    said = json.loads(body)
    assert (said["event"], said["share"], said["count"]) == ("cases.deadline_neared", 80, 2)
    assert said["cases"][1] == {"id": "9", "url": "http://localhost:8420/moderate/cases/9"}


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_a_refused_request_is_retried_like_any_job(duty: _Duty, status: int) -> None:
    duty.status = status
    with pytest.raises(CallFailed):
        await duty.send(_CALL)
    duty.port = 1  # nobody listens: not taken for a lost database
    with pytest.raises(CallFailed):
        await duty.send(_CALL)


async def test_a_call_that_is_refused_while_the_key_is_exchanged_arrives_with_the_new_one(court: Court, duty: _Duty) -> None:
    """The receiver has the new key first. Calls that it refuses meanwhile are repeated, and signed anew."""
    [case] = await _cases(court, "violence")
    await _call_at(court, case, 0.51)
    duty.key = "the next key, of which somebody removed knows nothing"

    async def work(callees: Callees) -> None:
        async with court.database.write() as tx:
            await retry_jobs(tx, name=CALL_WEBHOOK, later_too=True)

        async def call(_database: Database, payload: Call) -> None:
            await duty.send(payload, callees)

        await Worker(court.database, [Job(CALL_WEBHOOK, Call, call)], (), Subscriptions()).run(until_empty=True)

    await work(_CALLEES)
    async with court.database.read() as conn:
        [waiting] = await list_jobs(conn, name=CALL_WEBHOOK)
    assert duty.requests == []
    assert waiting.last_error.endswith("answered 401")
    await work(msgspec.structs.replace(_CALLEES, webhook_secret=duty.key))
    [(_, body)] = duty.requests
    assert json.loads(body)["cases"][0]["id"] == str(case.id)
    assert await _jobs(court, CALL_WEBHOOK) == []


async def test_an_operator_can_try_the_webhook_before_it_is_needed(duty: _Duty) -> None:
    duty.key = _SECRET
    await try_webhook(_CALLEES, resolve=duty.resolve, connect=duty.connect)
    assert json.loads(duty.requests[0][1])["event"] == "webhook.tried"
    with pytest.raises(CallFailed, match="401"):
        await try_webhook(msgspec.structs.replace(_CALLEES, webhook_secret="another"), resolve=duty.resolve, connect=duty.connect)
    with pytest.raises(CallFailed, match="only public addresses"):
        await try_webhook(msgspec.structs.replace(_CALLEES, webhook_url=f"http://127.0.0.1:{duty.port}/"))
