"""Signing up in an app on a network that confirms addresses by mail."""

from pathlib import Path

import msgspec
import pytest

from folkmoot.api.routes import ROUTES
from folkmoot.base.db import Database
from folkmoot.base.errors import Conflict
from folkmoot.base.limits import TABLE
from folkmoot.base.queue.queries import list_jobs
from folkmoot.config import Limits as LimitSettings
from folkmoot.config import Mail
from folkmoot.network.sessions import apps, limits
from tests.village import Village, Visitor, settings_for

FORM = {"username": "nova", "email": "nova@exmaple.org", "password": "tri hrusky dve svestky", "agreement": "true", "locale": "cs"}


@pytest.fixture
def confirming_village(db: Database, dsn: str, tmp_path: Path) -> Village:
    """A network that sends mail, so that addresses have to be confirmed."""
    settings = msgspec.structs.replace(settings_for(tmp_path, dsn), mail=Mail(host="mail.example.org"))
    return Village(db, settings)


async def _app(village: Village) -> Visitor:
    app = (await village.nobody().post("/api/v1/apps", {
        "client_name": "Zvonek", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob", "scopes": "read write"})).json
    token = (await village.nobody().post("/oauth/token", {
        "grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["client_secret"],
        "scope": "read write"})).json
    return Visitor(village.front, token=token["access_token"])


async def _mails(village: Village) -> list[str]:
    async with village.database.read() as conn:
        payloads = [job.payload.decode() for job in sorted(await list_jobs(conn), key=lambda job: job.id)]
    return [payload for payload in payloads if "confirm_email" in payload]


async def test_the_mail_can_be_sent_again_to_a_corrected_address(confirming_village: Village) -> None:
    await confirming_village.settle("jana")
    app = await _app(confirming_village)
    made = await app.post("/api/v1/accounts", FORM)
    assert made.status == 200
    nova = Visitor(confirming_village.front, token=made.json["access_token"])
    refused = await nova.get("/api/v1/accounts/verify_credentials")
    assert (refused.status, refused.json) == (403, {"error": "Your login is missing a confirmed e-mail address."})
    assert (await nova.get("/api/v1/emails/check_confirmation")).json is False
    for wrong, error in (("jana@example.org", "ERR_TAKEN"), ("nikam", "ERR_INVALID")):
        answer = await nova.post("/api/v1/emails/confirmations", {"email": wrong})
        assert (answer.status, answer.json["details"]["email"][0]["error"]) == (422, error)
    assert (await nova.post("/api/v1/emails/confirmations", {"email": "nova@example.org"})).json == {}
    first, second = await _mails(confirming_village)
    assert "nova@exmaple.org" in first
    assert "nova@example.org" in second
    code = second.partition("/confirm/")[2].partition('"')[0]
    old = first.partition("/confirm/")[2].partition('"')[0]
    browser = confirming_village.nobody()
    for link, confirmed in ((old, False), (code, True)):
        page = await browser.get(f"/confirm/{link}")
        token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        await browser.post(f"/confirm/{link}", {"form_token": token})
        assert (await nova.get("/api/v1/emails/check_confirmation")).json is confirmed
    assert (await nova.get("/api/v1/accounts/verify_credentials")).json["acct"] == "nova"
    assert (await nova.post("/api/v1/emails/confirmations")).status == 403


async def test_a_token_of_an_app_itself_has_no_address_to_confirm(confirming_village: Village) -> None:
    app = await _app(confirming_village)
    answer = await app.post("/api/v1/emails/confirmations")
    assert (answer.status, answer.json) == (422, {"error": "This method requires an authenticated user"})
    assert (await confirming_village.nobody().get("/api/v1/emails/check_confirmation")).status == 401


@pytest.mark.parametrize(("change", "codes"), [
    ({"username": ""}, {"username": "ERR_BLANK"}), ({"username": "no va"}, {"username": "ERR_INVALID"}),
    ({"username": "x" * 31}, {"username": "ERR_INVALID"}), ({"email": ""}, {"email": "ERR_BLANK"}),
    ({"password": ""}, {"password": "ERR_BLANK"}), ({"password": "krátké"}, {"password": "ERR_TOO_SHORT"}),
    ({"agreement": "false"}, {"agreement": "ERR_ACCEPTED"}), ({"username": "jana"}, {"username": "ERR_TAKEN"}),
    ({"email": "jana@example.org"}, {"email": "ERR_TAKEN"}),
])
async def test_each_faulty_field_has_its_error(village: Village, change: dict[str, str], codes: dict[str, str]) -> None:
    await village.settle("jana")
    app = await _app(village)
    answer = await app.post("/api/v1/accounts", {**FORM, **change})
    assert answer.status == 422
    assert answer.json["error"].startswith("Validation failed: ")
    assert {field: faults[0]["error"] for field, faults in answer.json["details"].items()} == codes
    assert all(fault["description"] for faults in answer.json["details"].values() for fault in faults)
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM accounts") == 1


async def test_an_account_without_its_token_is_not_created(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    """Account and token are one transaction: an app that gets no token can sign up again with the same name."""
    app = await _app(village)

    async def fail(*_: object) -> str:
        raise Conflict

    with monkeypatch.context() as broken:
        broken.setattr(apps, "issue_token", fail)
        assert (await app.post("/api/v1/accounts", FORM)).status == 409
    assert (await app.post("/api/v1/accounts", FORM)).status == 200


async def test_what_signing_up_and_pictures_count_against_is_declared_and_holds(confirming_village: Village) -> None:
    settings = msgspec.structs.replace(confirming_village.settings, limits=LimitSettings(multiplier=1))
    village = Village(confirming_village.database, settings)
    jana, = await village.settle("jana")
    by_jana, app = await village.by_app("jana"), await _app(village)
    nova = Visitor(village.front, token=(await app.post("/api/v1/accounts", FORM)).json["access_token"])
    nova_id = (await by_jana.get("/api/v1/accounts/lookup?acct=nova")).json["id"]
    profile = "/api/v1/accounts/update_credentials"
    acts = {
        ("POST", "/api/v1/accounts"): lambda: app.post("/api/v1/accounts", {**FORM, "username": "dalsi", "email": "dalsi@example.org"}),
        ("POST", "/api/v1/emails/confirmations"): lambda: nova.post("/api/v1/emails/confirmations", {"email": "nova@example.org"}),
        ("PATCH", profile): lambda: by_jana.upload(profile, "avatar", b"a picture", "PATCH"),
    }
    keys = {"sign_up": "127.0.0.1", "mail_by_pair": nova_id, "mail_to_mailbox": "nova@example.org"}
    declared = {act: names for one in ROUTES if (act := (one.method, one.path)) in acts and (names := one.limits)}
    assert declared.keys() == acts.keys()
    for act, names in declared.items():
        for name in names:
            for _ in range(TABLE[name].times):
                if TABLE[name].is_exact:
                    await limits.count(village.database, name, keys[name], 1)
                else:
                    village.front._api._context.limits.spend(name, jana.id)
            refused = await acts[act]()
            assert refused.status == 429, (act, name)
            assert 1 <= int(refused.headers["retry-after"]) <= TABLE[name].seconds + 1, (act, name)
            async with village.database.cache() as cache:
                await cache.execute("DELETE FROM rate_windows")
