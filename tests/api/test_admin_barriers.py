"""What operators keep out, through the admin API and the page: enforced at sign-up, for a new address, and at every request."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.api.admin_barriers import AdminCanonicalEmailBlock, AdminEmailDomainBlock, AdminIpBlock
from folkmoot.base import clock
from folkmoot.network.sessions.model import Role
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import send

BASE = "/api/v1/admin"
SCOPES = "admin:read admin:write"


@pytest.fixture
async def operator(village: Village) -> Visitor:
    await village.settle("operator", role=Role.OPERATOR)
    await village.settle("moderator", role=Role.MODERATOR)
    await village.settle("member")
    return await village.by_app("operator", SCOPES)


async def _sign_up(village: Village, name: str, email: str, address: str = "203.0.113.9") -> Answer:
    stranger = village.nobody()
    stranger.address = address
    return await send(stranger, "/sign_up", "/sign_up", username=name, email=email, password="nova hruska v sadu", agrees="true")


async def _is_here(village: Village, name: str) -> Any:
    async with village.database.read() as conn:
        return await conn.fetchrow(
            "SELECT l.approved_at FROM accounts AS a JOIN logins AS l ON l.account_id = a.id WHERE a.username_key = $1", name)


async def test_a_blocked_mail_provider_gets_no_account(village: Village, operator: Visitor) -> None:
    assert (await operator.post(f"{BASE}/email_domain_blocks", {"domain": "x"})).status == 422
    answer = await operator.post(f"{BASE}/email_domain_blocks", {"domain": "Zahodit.Example"})
    block = msgspec.json.decode(answer.body, type=AdminEmailDomainBlock)
    assert (block.domain, [one.uses for one in block.history]) == ("zahodit.example", ["0"] * 7)
    assert (await operator.post(f"{BASE}/email_domain_blocks", {"domain": "zahodit.example"})).status == 422
    for name, email in (("prvni", "a@zahodit.example"), ("druha", "a@mx.zahodit.example")):
        assert (await _sign_up(village, name, email)).status == 422
        assert await _is_here(village, name) is None
    assert (await _sign_up(village, "treti", "a@nezahodit.example")).status == 303
    assert await _is_here(village, "treti")
    seen = (await operator.get(f"{BASE}/email_domain_blocks/{block.id}")).json
    assert [one["uses"] for one in seen["history"]] == ["2"] + ["0"] * 6
    assert (await operator.send("DELETE", f"{BASE}/email_domain_blocks/{block.id}")).json == {}
    assert (await operator.get(f"{BASE}/email_domain_blocks")).json == []
    assert (await _sign_up(village, "prvni", "a@zahodit.example")).status == 303


async def test_a_blocked_person_does_not_come_back_with_dots_and_plus_signs(village: Village, operator: Visitor) -> None:
    answer = await operator.post(f"{BASE}/canonical_email_blocks", {"email": "Jan.Novak@example.net"})
    block = msgspec.json.decode(answer.body, type=AdminCanonicalEmailBlock)
    # SHA-256 of jannovak@example.net, as Mastodon computes it.
    assert block.canonical_email_hash == "1ddaf8afbb0c77260443a5297b9861010a85be39f00b9dc2c0dbd786fd35fe8d"
    for email in ("jan.novak@example.net", "j.a.n.novak+znovu@example.net"):
        assert (await _sign_up(village, "novak", email)).status == 422, email
        assert (await operator.post(f"{BASE}/canonical_email_blocks/test", {"email": email})).json == [msgspec.to_builtins(block)]
    assert (await operator.post(f"{BASE}/canonical_email_blocks/test", {"email": "jan@example.net"})).json == []
    async with village.database.read() as conn:
        rows = await conn.fetch("SELECT facts FROM journal WHERE kind = 'barrier.changed'")
    assert [msgspec.json.decode(row["facts"]) for row in rows] == [{"what": "email", "change": "added", "block": int(block.id)}]
    assert (await operator.post(f"{BASE}/canonical_email_blocks", {"canonical_email_hash": "12"})).status == 422
    assert (await operator.send("DELETE", f"{BASE}/canonical_email_blocks/{block.id}")).status == 200
    again = await operator.post(f"{BASE}/canonical_email_blocks", {"canonical_email_hash": block.canonical_email_hash})
    assert again.json["canonical_email_hash"] == block.canonical_email_hash
    assert (await _sign_up(village, "novak", "jan.novak@example.net")).status == 422


async def test_a_blocked_network_waits_is_refused_or_gets_no_answer(village: Village, operator: Visitor) -> None:
    form = {"ip": "203.0.113.0/24", "severity": "sign_up_requires_approval", "comment": "Vlna účtů", "expires_in": 3600}
    block = msgspec.json.decode((await operator.post(f"{BASE}/ip_blocks", form)).body, type=AdminIpBlock)
    assert (block.ip, block.severity, bool(block.expires_at)) == ("203.0.113.0/24", "sign_up_requires_approval", True)
    await _sign_up(village, "cekajici", "a@example.net")
    assert (await _is_here(village, "cekajici"))["approved_at"] is None
    path = f"{BASE}/ip_blocks/{block.id}"
    assert (await operator.send("PUT", path, {"severity": "sign_up_block"})).json["comment"] == "Vlna účtů"
    await _sign_up(village, "odmitnuta", "b@example.net")
    assert await _is_here(village, "odmitnuta") is None

    assert (await operator.send("PATCH", path, {"ip": "127.0.0.0/8", "severity": "no_access"})).status == 422  # the operator's own
    assert (await operator.send("PATCH", path, {"severity": "no_access"})).status == 200
    village.front._shut_out._fresh_until = 0.0  # live messages do not run in this process
    member, stranger = await village.by_app("member"), village.nobody()
    for visitor in (member, stranger):
        visitor.address = "203.0.113.200"
    for visitor, asked in ((member, "/api/v1/timelines/home"), (stranger, "/"), (stranger, "/api/v2/instance"), (stranger, "/log_in")):
        assert (await visitor.get(asked)).status == 403, asked
    assert (await stranger.get("/livez")).status == 200
    stranger.address = "::ffff:203.0.113.9"
    assert (await stranger.get("/api/v2/instance")).status == 403
    for address in ("203.0.114.1", "2001:db8::1"):
        stranger.address = address
        assert (await stranger.get("/api/v2/instance")).status == 200, address
    with clock.stopped_at(clock.now() + timedelta(hours=2)):  # it has ended
        stranger.address = "203.0.113.9"
        assert (await stranger.get("/api/v2/instance")).status == 200


async def test_the_page_does_the_same_and_only_operators_may(village: Village, operator: Visitor) -> None:
    browser = await village.by_browser("operator")
    page = "/moderate/barriers"
    for path, form in (
        ("domains", {"domain": "zahodit.example"}), ("emails", {"email": "jan@example.net"}),
        ("networks", {"ip": "203.0.113.7", "severity": "sign_up_block", "days": "7"}),
    ):
        sent = await send(browser, page, f"{page}/{path}", **form)
        assert sent.headers.get("location") == "/moderate/barriers?added=1", path
        assert (await send(browser, page, f"{page}/{path}", **form)).status == 422, path
    network, = (await operator.get(f"{BASE}/ip_blocks")).json
    assert (network["ip"], network["severity"]) == ("203.0.113.7/32", "sign_up_block")
    assert "zahodit.example" in (await browser.get("/moderate/barriers")).text
    await send(browser, page, f"{page}/networks/{network['id']}/end")
    assert (await operator.get(f"{BASE}/ip_blocks")).json == []
    moderator, narrow = await village.by_app("moderator", SCOPES), await village.by_app("operator", "admin:read:reports")
    for noun in ("ip_blocks", "email_domain_blocks", "canonical_email_blocks"):
        assert (await moderator.get(f"{BASE}/{noun}")).status == 403
        assert (await narrow.get(f"{BASE}/{noun}")).status == 403
    assert (await (await village.by_browser("moderator")).get("/moderate/barriers")).status == 404
