"""Mastodon's admin API on our own cases: the same acts, the same bars, and everything in the journal."""

from typing import Any

import msgspec
import pytest

from folkmoot.api.admin_shapes import AdminAccount, AdminReport
from folkmoot.moderation.reports.model import Report
from folkmoot.network.accounts.actions import create_account
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.model import Login, Role
from tests.moderation.court import Court
from tests.village import HASH, Visitor

BASE = "/api/v1/admin"
SCOPES = "admin:read admin:write"


@pytest.fixture
async def court(village: Any) -> Court:
    court = await Court(village).open()
    await village.settle("operator", role=Role.OPERATOR)
    return court


async def _app(court: Court, name: str = "moderator") -> Visitor:
    return await court.village.by_app(name, SCOPES)


async def _report(app: Visitor, report: Report, verb: str = "") -> AdminReport:
    path = f"{BASE}/reports/{report.id}"
    answer = await (app.post(f"{path}/{verb}") if verb else app.get(path))
    assert answer.status == 200, answer.text
    return msgspec.json.decode(answer.body, type=AdminReport)


async def _account(app: Visitor, account_id: int, verb: str = "", form: Any = None) -> AdminAccount:
    path = f"{BASE}/accounts/{account_id}"
    answer = await (app.post(f"{path}/{verb}", form) if verb else app.get(path))
    assert answer.status == 200, answer.text
    return msgspec.json.decode(answer.body, type=AdminAccount)


async def _entries(court: Court, kind: str) -> list[tuple[int, Any]]:
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT actor_id, facts FROM journal WHERE kind = $1 ORDER BY id", kind)
    return [(row["actor_id"], msgspec.json.decode(row["facts"])) for row in rows]


async def _wait_for_approval(court: Court, name: str) -> int:
    async with court.database.write() as tx:
        account = await create_account(tx, name)
        login = Login(account_id=account.id, email=f"{name}@example.org", password_hash=HASH, role=Role.MEMBER, language="cs",
                      confirmed_at=account.created_at, approved_at=None, disabled_at=None, created_at=account.created_at)
        await logins.insert_login(tx, login, login.email, "Chci číst o hruškách.", None)
    return account.id


async def test_a_report_is_taken_answered_reopened_and_answered_by_a_measure(court: Court) -> None:
    one, other = await court.village.write("author", "Přijďte si pro ránu."), await court.village.write("author", "A vy taky.")
    report = await court.report("reporter", one, other, clauses=("violence",), comment="Vyhrožuje.")
    app, colleague = await _app(court), await _app(court, "other_moderator")
    listed, = msgspec.json.decode((await app.get(f"{BASE}/reports")).body, type=list[AdminReport])
    assert (listed.id, listed.action_taken, listed.account, listed.target_account.username) == (str(report.id), False, None, "author")
    assert [rule.id for rule in listed.rules] == ["2"]
    assert {status["content"] for status in (await app.get(f"{BASE}/reports")).json[0]["statuses"]} == {
        "<p>Přijďte si pro ránu.</p>", "<p>A vy taky.</p>"}
    taken = await _report(app, report, "assign_to_self")
    assert taken.assigned_account
    assert taken.assigned_account.username == "moderator"
    assert (await _report(app, report, "unassign")).assigned_account is None
    done = await _report(app, report, "resolve")
    assert (done.action_taken, done.action_taken_by_account and done.action_taken_by_account.username) == (True, "moderator")
    assert (await app.get(f"{BASE}/reports")).json == []
    assert [found["id"] for found in (await app.get(f"{BASE}/reports?resolved=true")).json] == [str(report.id)]
    assert (await colleague.post(f"{BASE}/reports/{report.id}/reopen")).status == 403
    assert not (await _report(app, report, "reopen")).action_taken

    account_id = court.village.people["author"].id
    form = {"type": "silence", "report_id": report.id, "text": "Vyhrožuje sousedům.", "days": 3}
    answer = await app.post(f"{BASE}/accounts/{account_id}/action", form)
    assert (answer.status, answer.json) == (200, {})
    await court.let_half_a_minute_pass()
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT kind, clause, explanation FROM statements WHERE account_id = $1", account_id)
    assert {tuple(row.values()) for row in rows} == {("limit", "violence", "Vyhrožuje sousedům.")}
    assert [kind for kind, _ in await court.told("author")] == ["statement"] * len(rows)
    assert await court.told("reporter")
    assert (await _account(app, account_id)).silenced
    assert await court.sees("reader", one)  # the reported posts stay
    assert not (await _account(app, account_id, "unsilence")).silenced
    await court.let_half_a_minute_pass()
    assert [kind for kind, _ in await court.told("author")][-1] == "lifted"


async def test_suspending_removes_lifting_restores_and_deleting_takes_two(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    report = await court.report("reporter", view, clauses=("violence",))
    app, account_id = await _app(court), court.village.people["author"].id
    path = f"{BASE}/accounts/{account_id}"
    assert (await app.send("DELETE", path)).status == 409
    assert (await app.post(f"{path}/action", {"type": "sensitive", "report_id": report.id})).status == 422
    other = court.village.people["reader"].id
    assert (await app.post(f"{BASE}/accounts/{other}/action", {"type": "suspend", "report_id": report.id})).status == 422
    assert (await app.post(f"{path}/action", {"type": "suspend", "report_id": report.id, "text": "Dost."})).status == 200
    await court.let_half_a_minute_pass()
    assert (await _account(app, account_id)).suspended
    assert not await court.sees("reader", view)
    assert [one["id"] for one in (await app.get("/api/v2/admin/accounts?status=suspended")).json] == [str(account_id)]
    deleting = await app.send("DELETE", path)
    assert (deleting.status, deleting.json["suspended"]) == (200, True)
    async with court.database.read() as conn:
        row = await conn.fetchrow("SELECT kind, state, reason FROM proposals")
    assert row is not None
    assert tuple(row.values()) == ("delete_account", "proposed", "Dost.")
    assert (await app.send("DELETE", path)).status == 409  # it is proposed
    assert not (await _account(app, account_id, "unsuspend", {"text": "Byl to omyl."})).suspended
    await court.let_half_a_minute_pass()
    assert await court.sees("reader", view)


async def test_who_is_concerned_reads_and_does_nothing_and_nobody_learns_who_reported(court: Court) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    report = await court.report("reporter", view, clauses=("violence",))
    await court.village.follow("moderator", "author")
    barred, other = await _app(court), await _app(court, "other_moderator")
    path = f"{BASE}/reports/{report.id}"
    assert (await barred.get(f"{BASE}/reports")).json == []
    assert (await barred.get(path)).status == 403
    for verb in ("assign_to_self", "resolve", "reopen"):
        assert (await barred.post(f"{path}/{verb}")).status == 403, verb
    form = {"type": "suspend", "report_id": report.id}
    assert (await barred.post(f"{BASE}/accounts/{report.account_id}/action", form)).status == 403
    found = await other.get(path)
    assert found.status == 200
    assert "reporter" not in found.text
    assert str(report.reporter_id) not in found.text
    assert (await other.get(f"{BASE}/reports?account_id={report.reporter_id}")).status == 422
    # Without a case there is no measure: who finds something reports it.
    reader = court.village.people["reader"].id
    assert (await other.post(f"{BASE}/accounts/{reader}/action", {"type": "none", "text": "Pozor."})).status == 409


async def test_reading_what_is_private_is_in_the_journal(court: Court) -> None:
    await court.village.follow("reporter", "author")
    view = await court.village.write("author", "Jen pro vás: dostanete ránu.", visibility=Visibility.FOLLOWERS)
    report = await court.report("reporter", view, clauses=("violence",))
    moderator = await _app(court)
    assert (await moderator.get(f"{BASE}/reports")).json[0]["statuses"] == []
    assert await _entries(court, "case.read") == []
    assert [one["id"] for one in (await moderator.get(f"{BASE}/reports/{report.id}")).json["statuses"]] == [str(view.post.id)]
    assert [actor for actor, _ in await _entries(court, "case.read")] == [court.village.people["moderator"].id]

    author, operator = court.village.people["author"].id, await _app(court, "operator")
    await court.village.by_browser("author")  # a session with an address
    seen = await _account(moderator, author)
    assert (seen.email, seen.ip, seen.ips) == (None, None, [])
    assert await _entries(court, "member.read") == []
    seen = await _account(operator, author)
    assert (seen.email, seen.ip, [one.ip for one in seen.ips]) == ("author@example.org", "127.0.0.1", ["127.0.0.1"])
    assert await _entries(court, "member.read") == [(court.village.people["operator"].id, {"accounts": [author]})]
    for query in ("email=author@example.org", "ip=127.0.0.1"):
        assert [one["username"] for one in (await operator.get(f"{BASE}/accounts?{query}")).json] == ["author"], query
        assert (await moderator.get(f"{BASE}/accounts?{query}")).status == 403
    assert [one["username"] for one in (await moderator.get(f"{BASE}/accounts?username=AUTH")).json] == ["author"]
    assert {one["username"] for one in (await moderator.get("/api/v2/admin/accounts?permissions=staff")).json} == {
        "moderator", "other_moderator", "operator"}
    first = await moderator.get("/api/v2/admin/accounts?limit=1")
    assert 'rel="next"' in first.headers["link"]
    assert (await moderator.get("/api/v2/admin/accounts?origin=remote")).json == []


async def test_the_pages_of_members_show_the_same_to_the_same(court: Court) -> None:
    author = court.village.people["author"].id
    moderator, operator = await court.village.by_browser("moderator"), await court.village.by_browser("operator")
    listed = (await moderator.get("/moderate/members?name=auth&standing=active")).text
    assert (f"/moderate/members/{author}" in listed, f"/moderate/members/{court.village.people['reader'].id}" in listed) == (True, False)
    assert "author@example.org" not in (await moderator.get(f"/moderate/members/{author}")).text
    assert await _entries(court, "member.read") == []
    assert "author@example.org" in (await operator.get(f"/moderate/members/{author}")).text
    assert await _entries(court, "member.read") == [(court.village.people["operator"].id, {"accounts": [author]})]
    assert (await (await court.village.by_browser("reader")).get("/moderate/members")).status == 404


async def test_sign_ups_are_answered_by_operators_only(court: Court) -> None:
    one, other = await _wait_for_approval(court, "nova"), await _wait_for_approval(court, "druha")
    moderator, operator = await _app(court), await _app(court, "operator")
    assert {found["id"] for found in (await moderator.get("/api/v2/admin/accounts?status=pending")).json} == {str(one), str(other)}
    for verb in ("approve", "reject"):
        assert (await moderator.post(f"{BASE}/accounts/{one}/{verb}")).status == 403
    assert (await _account(operator, one)).invite_request == "Chci číst o hruškách."
    assert (await _account(operator, one, "approve")).approved
    assert (await operator.post(f"{BASE}/accounts/{one}/approve")).status in (404, 409)
    assert not (await _account(operator, other, "reject")).approved
    assert (await operator.get(f"{BASE}/accounts/{other}")).status == 404
    staff = court.village.people["operator"].id
    assert await _entries(court, "sign_up.approved") == [(staff, {"account": one})]
    assert await _entries(court, "sign_up.refused") == [(staff, {"account": other})]


async def test_role_and_scope_are_both_needed(court: Court) -> None:
    paths = (f"{BASE}/reports", f"{BASE}/accounts", "/api/v2/admin/accounts")
    member, narrow = await _app(court, "reader"), await court.village.by_app("moderator", "read write admin:read:reports")
    for path in paths:
        assert (await member.get(path)).status == 403, path
        assert (await court.village.nobody().get(path)).status == 401, path
        assert (await narrow.get(path)).status == (200 if path.endswith("reports") else 403), path
    assert (await narrow.post(f"{BASE}/reports/1/resolve")).status == 403
