"""Apps: registration, authorisation, scopes and revocation of tokens."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from folkmoot.network.sessions.apps import pkce_challenge
from tests.village import Village, Visitor

OOB = "urn:ietf:wg:oauth:2.0:oob"


async def _register(village: Village, uris: str = OOB, scopes: str = "read write:statuses") -> dict[str, str]:
    answer = await village.nobody().post("/api/v1/apps", {"client_name": "Zvonek", "redirect_uris": uris, "scopes": scopes})
    assert answer.status == 200
    found: dict[str, str] = answer.json
    return found


def _form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found
    return found[1]


async def _code(village: Village, app: dict[str, str], browser: Visitor, uri: str = OOB, **more: str) -> str:
    """Gets a code through the pages, like a member in a browser."""
    query = {"client_id": app["client_id"], "redirect_uri": uri, "response_type": "code", "scope": "read", **more}
    page = await browser.get(f"/oauth/authorize?{urlencode(query)}")
    assert page.status == 200, page.text
    answer = await browser.post("/oauth/authorize", {**query, "form_token": _form_token(page.text), "allow": "true"})
    if uri == OOB:
        assert answer.headers["location"].startswith("/oauth/authorize/native?code=")
        answer = await browser.get(answer.headers["location"])
        found = re.search(r'class="code" type="text" value="([^"]+)"', answer.text)
        assert found
        return found[1]
    assert answer.status == 302
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


async def _exchange(village: Village, app: dict[str, str], code: str, uri: str = OOB, **more: str) -> tuple[int, dict[str, str]]:
    answer = await village.nobody().post("/oauth/token", {
        "grant_type": "authorization_code", "client_id": app["client_id"], "client_secret": app["client_secret"], "code": code,
        "redirect_uri": uri, **more})
    return answer.status, answer.json


async def test_the_whole_flow_with_pkce(village: Village) -> None:
    await village.settle("jana")
    app = await _register(village, "app://callback\nhttps://app.example/cb")
    browser = await village.by_browser("jana")
    verifier = "v" * 50
    code = await _code(village, app, browser, "app://callback", code_challenge=pkce_challenge(verifier), code_challenge_method="S256",
                       state="xyz")
    assert (await _exchange(village, app, code, "app://callback", code_verifier="wrong"))[0] == 400
    code = await _code(village, app, browser, "app://callback", code_challenge=pkce_challenge(verifier), code_challenge_method="S256")
    status, answer = await _exchange(village, app, code, "app://callback", code_verifier=verifier)
    assert (status, answer["token_type"], answer["scope"]) == (200, "Bearer", "read")
    token = Visitor(village.front, token=answer["access_token"])
    assert (await token.get("/api/v1/accounts/verify_credentials")).json["acct"] == "jana"
    assert (await token.post("/api/v1/statuses", {"status": "x"})).status == 403  # read only
    assert (await _exchange(village, app, code, "app://callback", code_verifier=verifier))[0] == 400  # a code works once
    revoked = await village.nobody().post("/oauth/revoke", {"client_id": app["client_id"], "client_secret": app["client_secret"],
                                                           "token": answer["access_token"]})
    assert revoked.status == 200
    assert (await token.get("/api/v1/accounts/verify_credentials")).status == 401


async def test_an_app_can_ask_for_a_fragment_or_for_no_question(village: Village) -> None:
    await village.settle("jana")
    app = await _register(village, "zvonek://zpet?x=1")
    query = {"client_id": app["client_id"], "redirect_uri": "zvonek://zpet?x=1", "response_type": "code", "state": "a&b"}
    for browser, error in ((village.nobody(), "login_required"), (await village.by_browser("jana"), "interaction_required")):
        answer = await browser.get(f"/oauth/authorize?{urlencode({**query, 'prompt': 'none'})}")
        assert answer.status == 302
        assert answer.headers["location"].startswith(f"zvonek://zpet?x=1&error={error}&")
        assert answer.headers["location"].endswith("&state=a%26b")
    browser = await village.by_browser("jana")
    for mode, beginning in (("fragment", "zvonek://zpet?x=1#code="), ("query", "zvonek://zpet?x=1&code=")):
        page = await browser.get(f"/oauth/authorize?{urlencode({**query, 'response_mode': mode})}")
        answer = await browser.post("/oauth/authorize", {
            **query, "response_mode": mode, "form_token": _form_token(page.text), "allow": "true"})
        assert answer.headers["location"].startswith(beginning)
    assert (await browser.get(f"/oauth/authorize?{urlencode({**query, 'response_mode': 'form_post'})}")).status == 403


@pytest.mark.parametrize("asked", [{"force_login": "true"}, {"prompt": "login"}, {"prompt": "select_account consent"}])
async def test_an_app_can_ask_for_another_log_in(village: Village, asked: dict[str, str]) -> None:
    await village.settle("jana")
    app = await _register(village)
    query = {"client_id": app["client_id"], "redirect_uri": OOB, "response_type": "code", "state": "x"}
    browser = await village.by_browser("jana")
    answer = await browser.get(f"/oauth/authorize?{urlencode({**query, **asked})}")
    assert answer.status == 303
    log_in = await browser.get(answer.headers["location"])
    assert (log_in.status, 'name="password"' in log_in.text) == (200, True)  # though there is a session
    after = parse_qs(urlsplit(answer.headers["location"]).query)["next"][0]
    assert after == f"/oauth/authorize?{urlencode(query)}"
    assert (await browser.get(after)).status == 200


async def test_out_of_band_shows_a_code(village: Village) -> None:
    await village.settle("jana")
    app = await _register(village)
    status, _ = await _exchange(village, app, await _code(village, app, await village.by_browser("jana")))
    assert status == 200


@pytest.mark.parametrize("change", [
    {"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}, {"response_type": "token"}, {"scope": "admin:read"},
    {"code_challenge": "x", "code_challenge_method": "plain"},
])
async def test_a_request_unlike_the_registration_is_refused_without_redirect(village: Village, change: dict[str, str]) -> None:
    await village.settle("jana")
    app = await _register(village, "https://app.example/cb")
    query = {"client_id": app["client_id"], "redirect_uri": "https://app.example/cb", "response_type": "code", "scope": "read", **change}
    answer = await (await village.by_browser("jana")).get(f"/oauth/authorize?{urlencode(query)}")
    assert answer.status == 403
    assert "location" not in answer.headers


async def test_a_refusal_is_sent_to_the_app(village: Village) -> None:
    await village.settle("jana")
    app = await _register(village, "https://app.example/cb")
    browser = await village.by_browser("jana")
    query = {
        "client_id": app["client_id"], "redirect_uri": "https://app.example/cb", "response_type": "code", "scope": "read", "state": "s",
    }
    page = await browser.get(f"/oauth/authorize?{urlencode(query)}")
    answer = await browser.post("/oauth/authorize", {**query, "form_token": _form_token(page.text), "allow": "false"})
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {
        "error": ["access_denied"], "state": ["s"],
        "error_description": ["The resource owner or authorization server denied the request."]}


@pytest.mark.parametrize(("uris", "scopes", "name"), [
    ("javascript:alert(1)", "read", "a"), ("data:text/html,x", "read", "a"), ("nowhere", "read", "a"), (OOB, "read everything", "a"),
    (OOB, "read", "x" * 201),
])
async def test_a_wrong_registration_is_refused(village: Village, uris: str, scopes: str, name: str) -> None:
    answer = await village.nobody().post("/api/v1/apps", {"client_name": name, "redirect_uris": uris, "scopes": scopes})
    assert answer.status == 422


async def test_errors_have_the_codes_that_clients_expect(village: Village) -> None:
    app = await _register(village, scopes="read write")
    answer = await village.nobody().post("/oauth/token", {"grant_type": "client_credentials", "client_id": app["client_id"],
                                                         "client_secret": app["client_secret"], "scope": "read write"})
    own = Visitor(village.front, token=answer.json["access_token"])
    assert (await own.get("/api/v1/apps/verify_credentials")).json["name"] == "Zvonek"
    for visitor, path, status, error in (
        (village.nobody(), "/api/v1/timelines/home", 401, "The access token is invalid"),
        (Visitor(village.front, token="wrong"), "/api/v1/timelines/public", 401, "The access token is invalid"),
        (own, "/api/v1/timelines/home", 422, "This method requires an authenticated user"),
        (own, "/api/v1/notifications", 422, "This method requires an authenticated user"),
    ):
        answer = await visitor.get(path)
        assert (answer.status, answer.json["error"]) == (status, error)
    wrong = await village.nobody().post("/oauth/token", {"grant_type": "password", "client_id": app["client_id"],
                                                        "client_secret": app["client_secret"]})
    assert (wrong.status, wrong.json["error"]) == (400, "unsupported_grant_type")
    assert (await village.nobody().post("/oauth/token", {"client_id": "x", "client_secret": "y"})).json["error"] == "invalid_client"


async def test_signing_up_from_an_app(village: Village) -> None:
    app = await _register(village, scopes="read write")
    answer = await village.nobody().post("/oauth/token", {"grant_type": "client_credentials", "client_id": app["client_id"],
                                                         "client_secret": app["client_secret"], "scope": "read write"})
    own = Visitor(village.front, token=answer.json["access_token"])
    form = {"username": "nova", "email": "nova@example.org", "password": "tri hrusky dve svestky", "agreement": "true", "locale": "cs"}
    refused = await own.post("/api/v1/accounts", {**form, "username": "admin", "email": "kdesi", "agreement": "false"})
    assert refused.status == 422
    assert {field: errors[0]["error"] for field, errors in refused.json["details"].items()} == {
        "username": "ERR_RESERVED", "email": "ERR_INVALID", "agreement": "ERR_ACCEPTED"}
    made = await own.post("/api/v1/accounts", form)
    assert made.status == 200
    nova = Visitor(village.front, token=made.json["access_token"])
    assert (await nova.post("/api/v1/statuses", {"status": "Jsem tu"})).status == 200
    taken = await own.post("/api/v1/accounts", form)
    assert taken.json["details"]["username"][0]["error"] == "ERR_TAKEN"
