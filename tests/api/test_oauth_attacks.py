"""Codes and tokens that are stolen, reused, expired, or of accounts without access (RFC 6749, 7009, 7636, 9700)."""

import asyncio
from urllib.parse import quote, urlencode

import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.actions import set_effect
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.actions import SignUpPolicy, forget_viewer
from folkmoot.network.sessions.apps import pkce_challenge
from folkmoot.network.sessions.confirmation import send_confirmation_again
from folkmoot.network.sessions.model import Viewer, digest
from folkmoot.network.sessions.password_change import change_password, reset_password
from folkmoot.network.sessions.passwords import hash_password
from tests.api.test_oauth import OOB, _code, _exchange, _register
from tests.village import Village, Visitor

VERIFIER = "v" * 50
PKCE = {"code_challenge": pkce_challenge(VERIFIER), "code_challenge_method": "S256"}


async def _jana(village: Village) -> tuple[dict[str, str], Visitor]:
    await village.settle("jana")
    return await _register(village), await village.by_browser("jana")


async def _works(village: Village, token: str) -> bool:
    return (await Visitor(village.front, token=token).get("/api/v1/accounts/verify_credentials")).status == 200


async def _tokens(database: Database) -> int:
    async with database.read() as conn:
        return int(await conn.fetchval("SELECT count(*) FROM tokens"))


async def test_a_code_used_twice_revokes_its_token(village: Village) -> None:
    app, browser = await _jana(village)
    code = await _code(village, app, browser)
    _, first = await _exchange(village, app, code)
    _, other = await _exchange(village, app, await _code(village, app, browser))
    assert await _works(village, first["access_token"])
    status, answer = await _exchange(village, app, code)
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert not await _works(village, first["access_token"])
    assert await _works(village, other["access_token"])  # the token of another authorisation is not affected


async def test_a_code_used_again_after_its_deletion_still_revokes_its_token(village: Village) -> None:
    app, browser = await _jana(village)
    code = await _code(village, app, browser)
    _, first = await _exchange(village, app, code)
    async with village.database.write() as tx:
        await tx.execute("DELETE FROM authorization_codes")  # as the timed job does
    assert (await _exchange(village, app, code))[0] == 400
    assert not await _works(village, first["access_token"])


async def test_another_app_can_neither_use_a_code_nor_revoke_its_token(village: Village) -> None:
    app, browser = await _jana(village)
    thief = await _register(village)
    code = await _code(village, app, browser)
    assert (await _exchange(village, thief, code))[0] == 400
    status, first = await _exchange(village, app, code)
    assert status == 200
    assert (await _exchange(village, thief, code))[0] == 400
    assert await _works(village, first["access_token"])


async def test_of_concurrent_exchanges_one_succeeds_and_its_token_is_revoked(village: Village) -> None:
    app, browser = await _jana(village)
    for _ in range(10):
        code = await _code(village, app, browser)
        answers = await asyncio.gather(*(_exchange(village, app, code) for _ in range(4)))
        assert sorted(status for status, _ in answers) == [200, 400, 400, 400]
        [token] = [answer["access_token"] for status, answer in answers if status == 200]
        assert not await _works(village, token)
    assert await _tokens(village.database) == 0


@pytest.mark.parametrize(("asked", "sent"), [
    ({}, {"code_verifier": VERIFIER}),  # RFC 9700 2.1.1: a downgrade, the challenge was removed
    (PKCE, {}),
    (PKCE, {"code_verifier": "w" * 50}),
    ({}, {"redirect_uri": "app://zpet"}),
    ({}, {"redirect_uri": ""}),
])
async def test_a_code_with_a_wrong_verifier_or_uri_is_used_up(village: Village, asked: dict[str, str], sent: dict[str, str]) -> None:
    app, browser = await _jana(village)
    code = await _code(village, app, browser, **asked)
    form = {"grant_type": "authorization_code", "client_id": app["client_id"], "client_secret": app["client_secret"], "code": code,
            "redirect_uri": OOB, **sent}
    answer = await village.nobody().post("/oauth/token", form)
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
    right = {"code_verifier": VERIFIER} if asked else {}
    assert (await _exchange(village, app, code, **right))[0] == 400
    assert await _tokens(village.database) == 0


@pytest.mark.parametrize("challenge", ["short", "x" * 44, "ž" * 43])
async def test_a_malformed_challenge_is_refused(village: Village, challenge: str) -> None:
    app, browser = await _jana(village)
    query = {"client_id": app["client_id"], "redirect_uri": OOB, "response_type": "code", "scope": "read", "code_challenge": challenge,
            "code_challenge_method": "S256"}
    assert (await browser.get(f"/oauth/authorize?{urlencode(query)}")).status == 403


async def test_a_code_expires_after_a_minute(village: Village) -> None:
    app, browser = await _jana(village)
    code = await _code(village, app, browser)
    async with village.database.write() as tx:
        await tx.execute("UPDATE authorization_codes SET expires_at = expires_at - interval '61 seconds'")
    assert (await _exchange(village, app, code))[0] == 400


@pytest.mark.parametrize(("change", "status"), [
    ("UPDATE logins SET disabled_at = now()", 400), ("UPDATE logins SET confirmed_at = NULL", 400),
    ("UPDATE logins SET approved_at = NULL", 400), (f"UPDATE accounts SET effect = {AccountEffect.SUSPENDED:d}", 400),
    (f"UPDATE accounts SET effect = {AccountEffect.FROZEN:d}", 200),
])
async def test_a_code_of_an_account_without_access_is_refused(village: Village, change: str, status: int) -> None:
    app, browser = await _jana(village)
    code = await _code(village, app, browser)
    async with village.database.write() as tx:
        await tx.execute(change)
    found, answer = await _exchange(village, app, code)
    assert found == status, answer
    assert await _tokens(village.database) == (1 if status == 200 else 0)


async def test_a_token_of_a_suspended_account_gives_no_access(village: Village) -> None:
    app, browser = await _jana(village)
    _, answer = await _exchange(village, app, await _code(village, app, browser))
    own = await village.write("jana", "jen pro mne", visibility=2)
    async with village.database.write() as tx:
        await set_effect(tx, village.people["jana"].id, AccountEffect.SUSPENDED)
        forget_viewer(tx, village.people["jana"].id)
    token = Visitor(village.front, token=answer["access_token"])
    for path in ("accounts/verify_credentials", "apps/verify_credentials", "timelines/home", "notifications"):
        assert (await token.get(f"/api/v1/{path}")).status == 403, path
    assert (await token.get(f"/api/v1/statuses/{own.post.id}")).status == 404


async def test_a_new_password_ends_tokens_sessions_and_codes(village: Village) -> None:
    app, browser = await _jana(village)
    other = await village.by_browser("jana")
    _, answer = await _exchange(village, app, await _code(village, app, browser))
    code = await _code(village, app, browser)
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET password_hash = $1", await hash_password("stare heslo je dlouhe"))
        viewer = await queries.find_session_viewer(tx, digest(browser.cookies["folkmoot"]))
    assert viewer
    await change_password(village.database, viewer, "stare heslo je dlouhe", "nove heslo je dlouhe")
    assert not await _works(village, answer["access_token"])
    assert (await _exchange(village, app, code))[0] == 400
    assert (await other.get("/settings")).status == 303
    assert (await browser.get("/settings")).status == 200


async def test_a_password_change_invalidates_mailed_links(village: Village) -> None:
    await village.settle("jana")
    jana = village.people["jana"]
    async with village.database.write() as tx:
        await queries.insert_one_time_code(tx, digest("mailed"), "reset_password", jana.id, "jana@example.org", 3600)
        await tx.execute("UPDATE logins SET password_hash = $1", await hash_password("stare heslo je dlouhe"))
        login = await queries.get_login(tx, jana.id)
    await change_password(village.database, Viewer(account=jana, login=login), "stare heslo je dlouhe", "nove heslo je dlouhe")
    with pytest.raises(NotFound):
        await reset_password(village.database, "mailed", "jeste jine heslo")


async def test_a_corrected_address_invalidates_links_in_the_old_mailbox(village: Village) -> None:
    await village.settle("jana")
    jana = village.people["jana"]
    async with village.database.write() as tx:
        await queries.insert_one_time_code(tx, digest("mailed"), "reset_password", jana.id, "jana@example.org", 3600)
        await tx.execute("UPDATE logins SET confirmed_at = NULL")
        viewer = Viewer(account=jana, login=await queries.get_login(tx, jana.id))
    await send_confirmation_again(village.database, viewer, SignUpPolicy(confirms_email=True), "jana@example.com")
    with pytest.raises(NotFound):
        await reset_password(village.database, "mailed", "jeste jine heslo")


async def test_only_the_app_that_owns_a_token_can_revoke_it(village: Village) -> None:
    app, browser = await _jana(village)
    thief = await _register(village)
    _, answer = await _exchange(village, app, await _code(village, app, browser))
    token = answer["access_token"]

    async def revoke(of: dict[str, str], what: str, secret: str = "") -> tuple[int, str | None]:
        form = {"client_id": of["client_id"], "client_secret": secret or of["client_secret"], "token": what}
        answer = await village.nobody().post("/oauth/revoke", form)
        return answer.status, answer.json.get("error")

    assert await revoke(thief, token) == (403, "unauthorized_client")
    assert await revoke(app, token, "guessed") == (403, "unauthorized_client")
    assert await _works(village, token)
    assert await revoke(app, "unknown") == (200, None)
    assert await revoke(app, token) == (200, None)
    assert not await _works(village, token)
    assert await revoke(app, token) == (200, None)


async def test_a_revoked_token_of_an_app_itself_ends_at_once(village: Village) -> None:
    app = await _register(village)
    client = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    token = (await village.nobody().post("/oauth/token", {**client, "grant_type": "client_credentials"})).json["access_token"]
    own = Visitor(village.front, token=token)
    assert (await own.get("/api/v1/apps/verify_credentials")).status == 200
    await village.nobody().post("/oauth/revoke", {**client, "token": token})
    assert (await own.get("/api/v1/apps/verify_credentials")).status == 401


async def test_there_are_no_refresh_tokens(village: Village) -> None:
    app, browser = await _jana(village)
    _, answer = await _exchange(village, app, await _code(village, app, browser))
    assert "refresh_token" not in answer
    refused = await village.nobody().post("/oauth/token", {
        "grant_type": "refresh_token", "client_id": app["client_id"], "client_secret": app["client_secret"],
        "refresh_token": answer["access_token"]})
    assert (refused.status, refused.json["error"]) == (400, "unsupported_grant_type")


async def test_the_page_with_the_code_shows_only_codes_of_the_viewer(village: Village) -> None:
    app, browser = await _jana(village)
    await village.settle("karel")
    karel = await village.by_browser("karel")
    theirs = await _code(village, app, karel)
    client = f"client_id={app['client_id']}"
    for code in (theirs, "made-up", ""):
        answer = await browser.get(f"/oauth/authorize/native?code={quote(code)}&{client}")
        assert answer.status == 404, code
        assert 'class="code"' not in answer.text
    assert (await karel.get(f"/oauth/authorize/native?code={quote(theirs)}&{client}")).status == 200


async def test_a_wrong_client_gets_the_authentication_scheme(village: Village) -> None:
    basic = {"authorization": "Basic eDp5"}
    answer = await village.nobody().send("POST", "/oauth/token", {"grant_type": "client_credentials"}, headers=basic)
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


