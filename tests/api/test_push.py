"""The subscription of an app to web push: one for each token, which it does not outlive."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.config.sections import Server
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions import queries as logins
from folkmoot.network.sessions.actions import forget_viewer, revoke_token
from folkmoot.network.sessions.model import digest
from folkmoot.network.sessions.password_change import reset_password
from folkmoot.network.web_push.actions import revoke_sealed_tokens
from folkmoot.network.web_push.model import MOST_SUBSCRIPTIONS
from tests.push_service import HOST, Device
from tests.village import Village, Visitor, settings_for

PATH = "/api/v1/push/subscription"
SCOPES = "read write follow push"
ALL = (
    "mention", "status", "reblog", "follow", "follow_request", "favourite", "poll", "update", "quote", "quoted_update",
    "moderation_warning", "admin.sign_up", "admin.report",
)


@pytest.fixture
async def jana(village: Village) -> Visitor:
    await village.settle("jana")
    return await village.by_app("jana", SCOPES)


async def _count(village: Village) -> int:
    async with village.database.read() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM web_push_subscriptions"))


async def test_an_app_subscribes_and_reads_back_what_it_chose(village: Village, jana: Visitor) -> None:
    device = Device()
    assert (await jana.get(PATH)).status == 404
    answer = await jana.send("POST", PATH, as_json=device.form("mention", "admin.sign_up", policy="followed", standard=True))
    assert answer.status == 200, answer.text
    key = (await jana.get("/api/v2/instance")).json["configuration"]["vapid"]["public_key"]
    assert answer.json == {
        "id": answer.json["id"], "endpoint": device.endpoint, "standard": True, "server_key": key, "policy": "followed",
        "alerts": {name: name in ("mention", "admin.sign_up") for name in ALL},
    }
    assert (await jana.get(PATH)).json == answer.json
    assert (await jana.get("/api/v1/instance")).json["configuration"]["vapid"] == {"public_key": key}
    assert (await jana.get("/api/v1/apps/verify_credentials")).json["vapid_key"] == key
    new = await village.nobody().post("/api/v1/apps", {"client_name": "Zvonek", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob"})
    assert new.json["vapid_key"] == key


async def test_a_form_works_as_json_does(jana: Visitor) -> None:
    device = Device()
    answer = await jana.post(PATH, {
        "subscription[endpoint]": device.endpoint, "subscription[keys][p256dh]": device.keys["p256dh"],
        "subscription[keys][auth]": device.keys["auth"], "data[alerts][reblog]": "true", "data[alerts][admin.report]": "1",
        "data[alerts][poll]": "false", "data[policy]": "follower",
    })
    assert {name for name, is_on in answer.json["alerts"].items() if is_on} == {"reblog", "admin.report"}
    assert (answer.json["policy"], answer.json["standard"]) == ("follower", False)


async def test_a_change_replaces_the_alerts_and_keeps_what_is_absent(jana: Visitor) -> None:
    device = Device()
    first = (await jana.send("POST", PATH, as_json=device.form("mention", "poll", policy="followed"))).json
    changed = (await jana.send("PUT", PATH, as_json={"data": {"alerts": {"follow": True}}})).json
    assert changed == {**first, "alerts": {**first["alerts"], "mention": False, "poll": False, "follow": True}}
    for word in ({"policy": "none"}, {"data": {"policy": "none"}}):
        assert (await jana.send("PATCH", PATH, as_json=word)).json == {**changed, "policy": "none"}
    assert (await jana.get(PATH)).json == {**changed, "policy": "none"}


async def test_a_second_subscription_replaces_that_of_the_token_only(village: Village, jana: Visitor) -> None:
    other = await village.by_app("jana", SCOPES)
    first, second = Device(), Device()
    one = (await jana.send("POST", PATH, as_json=first.form("mention"))).json
    others = (await other.send("POST", PATH, as_json=first.form("mention"))).json
    two = (await jana.send("POST", PATH, as_json=second.form("poll"))).json
    assert (await jana.get(PATH)).json == two
    assert two["id"] not in (one["id"], others["id"])
    assert (await other.get(PATH)).json == others
    assert (await jana.send("DELETE", PATH)).json == {}
    assert [(await visitor.get(PATH)).status for visitor in (jana, other)] == [404, 200]
    assert (await jana.send("DELETE", PATH)).status == 200
    assert (await jana.send("PUT", PATH, as_json={"policy": "all"})).status == 404


async def test_it_needs_its_scope(village: Village, jana: Visitor) -> None:
    program = await village.by_app("jana", "read write follow")
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert (await program.send(method, PATH, as_json=None if method == "GET" else Device().form())).status == 403
    assert (await village.nobody().get(PATH)).status == 401


_INSIDE = [
    "http://push.example.org/x", "https://127.0.0.1/x", "https://10.0.0.1/x", "https://169.254.169.254/latest", "https://[::1]/x",
    "https://[fe80::1]/x", "https://[::ffff:127.0.0.1]/x", "https://localhost/x", "https://2130706433/x", "https://0x7f.1/x", "https://127.1/x",
    "https://push.example.org:8443/x", "https://me:secret@push.example.org/x", "https://localhost:443/x", "ftp://push.example.org/x", "",
    "/x", "https://", "https://push.example.org/a b", "https://push.example.org/\r\nx: y", "https://" + "a" * 2000,
]


async def test_an_endpoint_that_points_inside_is_refused(jana: Visitor) -> None:
    form = Device().form("mention")
    assert (await jana.send("POST", PATH, as_json=form)).status == 200
    for endpoint in _INSIDE:
        form["subscription"]["endpoint"] = endpoint
        answer = await jana.send("POST", PATH, as_json=form)
        assert answer.status == 422, (endpoint, answer.text)
        assert list(answer.json["details"]) == ["endpoint"]
    assert (await jana.get(PATH)).json["endpoint"].startswith(f"https://{HOST}/")


async def test_our_own_host_is_no_push_service(db: Database, dsn: str, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, dsn)
    village = Village(db, msgspec.structs.replace(settings, server=Server(base_url="https://moot.example.org")))
    await village.settle("jana")
    jana = await village.by_app("jana", SCOPES)
    for host in ("moot.example.org", "MOOT.example.org", "moot.example.org.", "moot.example.org:443"):
        assert (await jana.send("POST", PATH, as_json=Device(host=host).form("mention"))).status == 422, host
    assert (await jana.send("POST", PATH, as_json=Device(host="other.example.org").form("mention"))).status == 200


_GOOD = Device().keys


_NO_KEYS: list[dict[str, str]] = [
    {}, {"p256dh": "", "auth": ""}, {"p256dh": "x" * 87, "auth": _GOOD["auth"]}, {"p256dh": _GOOD["p256dh"], "auth": "AAAA"},
    {"p256dh": _GOOD["p256dh"][:-4] + "AAAA", "auth": _GOOD["auth"]}, {"p256dh": "á", "auth": "ž"},
    {"p256dh": "BA" + "A" * 85, "auth": _GOOD["auth"]},
    {"p256dh": _GOOD["auth"], "auth": _GOOD["p256dh"]}, {"p256dh": "A" * 100_000, "auth": _GOOD["auth"]},
]


async def test_keys_that_are_none_are_refused(village: Village, jana: Visitor) -> None:
    form = Device().form("mention")
    for keys in _NO_KEYS:
        form["subscription"]["keys"] = keys
        answer = await jana.send("POST", PATH, as_json=form)
        assert answer.status == 422, (keys, answer.text)
        assert list(answer.json["details"]) == ["keys"]
    assert await _count(village) == 0


async def test_odd_bodies_are_refused(jana: Visitor) -> None:
    bodies: list[dict[str, Any]] = [{}, {"subscription": "x"}, {"subscription": []}, {"data": 7}, {"data": {"policy": "everybody"}}]
    for body in bodies:
        for method in ("POST", "PUT"):
            assert (await jana.send(method, PATH, as_json=body)).status in (400, 404, 422)


async def test_it_ends_with_its_token_and_a_new_password_and_a_log_out(village: Village, jana: Visitor) -> None:
    async def subscribed() -> None:
        await (await village.by_app("jana", SCOPES)).send("POST", PATH, as_json=Device().form("mention"))
        assert await _count(village) == 1

    account = village.people["jana"]
    viewer = await village.front._api._context.viewers.by_token(jana._token)
    await subscribed()
    async with village.database.write() as tx:
        [token, *_] = await logins.list_tokens(tx, account.id)
        await revoke_token(tx, viewer.viewer, token["id"])
    assert await _count(village) == 0
    await subscribed()
    async with village.database.write() as tx:
        await logins.insert_one_time_code(tx, digest("kod"), "reset_password", account.id, "jana@example.org", 3600)
    await reset_password(village.database, "kod", "hrusky a jablka v sadu")
    assert await _count(village) == 0
    await subscribed()
    async with village.database.write() as tx:
        await logins.delete_login(tx, account.id)
    assert await _count(village) == 0


async def test_a_suspended_member_has_none_until_it_is_over(village: Village, jana: Visitor) -> None:
    await jana.send("POST", PATH, as_json=Device().form("mention"))
    for effect, status in ((AccountEffect.SUSPENDED, 403), (AccountEffect.NONE, 200)):
        async with village.database.write() as tx:
            await set_effect(tx, village.people["jana"].id, effect)
            forget_viewer(tx, village.people["jana"].id)
        assert (await jana.get(PATH)).status == status


async def test_an_account_has_a_limited_number(village: Village, jana: Visitor) -> None:
    program = jana
    for _ in range(MOST_SUBSCRIPTIONS + 2):
        program = await village.by_app("jana", SCOPES)
        await program.send("POST", PATH, as_json=Device().form("mention"))
    assert await _count(village) == MOST_SUBSCRIPTIONS
    assert (await program.get(PATH)).status == 200


async def test_the_database_has_no_token_that_can_be_used(village: Village, jana: Visitor) -> None:
    await jana.send("POST", PATH, as_json=Device().form("mention"))
    async with village.database.read() as conn:
        row = await conn.fetchrow("SELECT web_push_subscriptions::text AS content, sealed_token FROM web_push_subscriptions")
    assert jana._token.encode() not in row["sealed_token"]
    assert jana._token not in row["content"]


async def test_tokens_that_a_removed_host_could_read_are_revoked(village: Village, jana: Visitor) -> None:
    """Those of apps with notifications only; later ones, and other apps of the member, go on."""
    await jana.send("POST", PATH, as_json=Device().form("mention"))
    other = await village.by_app("jana", SCOPES)
    async with village.database.write() as tx:
        await tx.execute("UPDATE tokens SET created_at = now() - interval '1 minute'")
    later = await village.by_app("jana", SCOPES)
    await later.send("POST", PATH, as_json=Device().form("mention"))
    async with village.database.write() as tx:
        assert await revoke_sealed_tokens(tx, clock.now() - timedelta(seconds=30)) == 1
    assert [(await app.get("/api/v1/accounts/verify_credentials")).status for app in (jana, other, later)] == [401, 200, 200]
