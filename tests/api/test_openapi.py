"""The OpenAPI document is valid, complete and correct: real responses match the shapes that it declares."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from folkmoot.api.endpoints import Endpoint
from folkmoot.api.openapi import document
from folkmoot.api.parameters import ParameterField, fields_of
from folkmoot.api.reference import reference
from folkmoot.api.routes import ROUTES
from folkmoot.cli import moot
from folkmoot.http.routing import Access, Router
from tests.api.test_accounts import picture
from tests.api.test_shapes import FOR_ALL, FOR_MEMBERS, day  # noqa: F401
from tests.village import Answer, Village, Visitor

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "client-api.md"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return dict(json.loads(json.dumps(document(ROUTES, "https://example.org"))))


@pytest.mark.slow
def test_the_document_is_valid(described: dict[str, Any]) -> None:
    validate(described)
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len(operations) == len(ROUTES) == len({operation["operationId"] for operation in operations})
    for operation in operations:
        assert operation["summary"].endswith("."), operation["operationId"]
        assert {"200", "401", "429"} <= set(operation["responses"]), operation["operationId"]


def test_the_validator_notices_a_broken_document(described: dict[str, Any]) -> None:
    broken = {**described, "paths": {**described["paths"], "/health": {"get": {"responses": {"200": {"headers": 3}}}}}}
    with pytest.raises(OpenAPIValidationError):
        validate(broken)


def test_the_document_describes_log_in_and_scopes(described: dict[str, Any]) -> None:
    flow = described["components"]["securitySchemes"]["oauth"]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == "https://example.org/oauth/authorize"
    assert flow["tokenUrl"] == "https://example.org/oauth/token"
    for endpoint in ROUTES:
        security = described["paths"][endpoint.path][endpoint.method.lower()]["security"]
        assert ({} in security) is (endpoint.access is Access.PUBLIC), endpoint.path
        assert {scope for item in security for scope in item.get("oauth", [])} == set(filter(None, endpoint.scope.split("|")))
        assert {scope for item in security for scope in item.get("oauth", [])} <= set(flow["scopes"])


def test_the_document_describes_limits_pages_and_errors(described: dict[str, Any]) -> None:
    home = described["paths"]["/api/v1/timelines/home"]["get"]
    assert {"Link", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(home["responses"]["200"]["headers"])
    assert "206" in home["responses"]
    limit = next(parameter for parameter in home["parameters"] if parameter["name"] == "limit")
    assert (limit["schema"]["default"], limit["schema"]["maximum"]) == (20, 40)
    refusal = described["components"]["responses"]["Error429"]
    assert {"Retry-After", "X-RateLimit-Reset"} <= set(refusal["headers"])
    posting = described["paths"]["/api/v1/statuses"]["post"]
    assert set(posting["requestBody"]["content"]) == {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
    assert (posting["x-access"], posting["x-limit"]) == ("member", {"name": "post", "requests": 300, "seconds": 10800})
    signing_up = described["paths"]["/api/v1/accounts"]["post"]
    assert signing_up["x-limit"] == {"name": "sign_up", "requests": 5, "seconds": 1800}
    again = described["paths"]["/api/v1/emails/confirmations"]["post"]
    assert [again["x-limit"]["name"], *(one["name"] for one in again["x-further-limits"])] == ["mail_by_pair", "mail_to_mailbox"]
    assert [one["name"] for one in described["x-limits"]] == ["account", "token", "address"]
    body = described["components"]["schemas"]["NewStatus"]["properties"]
    assert body["visibility"]["enum"] == ["direct", "private", "public", "unlisted"]
    assert body["poll"]["properties"]["options"]["maxItems"] == 4
    assert "Link" not in described["paths"]["/api/v2/search"]["get"]["responses"]["200"]["headers"]


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == reference(ROUTES), "run: moot routes --reference > docs/reference/client-api.md"
    printed = CliRunner().invoke(moot, ["routes", "--reference"])
    assert printed.output == reference(ROUTES)
    printed = CliRunner().invoke(moot, ["routes", "--openapi"])
    assert json.loads(printed.output)["openapi"] == "3.1.0"


def test_the_reference_names_every_endpoint_parameter_and_limit() -> None:
    page = reference(ROUTES)
    for endpoint in ROUTES:
        assert f"{endpoint.path}\n" in page
        assert endpoint.about in page
        for field in endpoint.fields:
            assert f"`{field.name}" in page, (endpoint.path, field.name)
    assert "scope `write:statuses`, limit 300 in 3 h" in page
    assert "| `poll[options][]` | list of text |" in page


def test_every_response_and_parameter_is_declared() -> None:
    for endpoint in ROUTES:
        assert isinstance(endpoint, Endpoint), endpoint
        assert endpoint.answer is not None
        assert endpoint.about.endswith("."), endpoint
        if endpoint.params:
            assert fields_of(endpoint.params)


def _names(fields: Iterable[ParameterField]) -> Iterator[str]:
    """The names of parameters, and of those within them."""
    for field in fields:
        yield field.name
        yield from _names(field.parts)


class Auditor:
    """Compares responses with the declarations of their endpoints: as msgspec types without unknown keys, and as JSON Schema."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._router = Router(ROUTES)
        self._described = described
        self._validators: dict[tuple[str, str, int], Draft202012Validator] = {}
        self.seen: set[tuple[str, str]] = set()

    def check(self, method: str, path: str, answer: Answer) -> None:
        routes, _ = self._router.find(path.partition("?")[0])
        endpoint = routes[method]
        assert isinstance(endpoint, Endpoint)
        self.seen.add((method, endpoint.path))
        responses = self._described["paths"][endpoint.path][method.lower()]["responses"]
        assert str(answer.status) in responses, (method, path, answer.status, answer.body)
        response = responses[str(answer.status)]
        if "$ref" in response:
            response = self._described["components"]["responses"][response["$ref"].rpartition("/")[2]]
        for header in response["headers"]:
            assert header in ("Link", "Retry-After") or header.lower() in answer.headers, (path, header)
        [content] = response["content"].values()
        if answer.status == 422 and endpoint.params:  # errors use the names that clients send
            names = {*_names(endpoint.fields), "idempotency_key"}  # the last is a header
            assert set(answer.json.get("details", ())) <= names, (path, answer.json)
        key = (method, endpoint.path, answer.status)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator({**content["schema"], "components": self._described["components"]})
        self._validators[key].validate(answer.json)
        if answer.status < 300:
            msgspec.json.decode(answer.body, type=endpoint.answer)

    async def get(self, visitor: Visitor, path: str) -> None:
        self.check("GET", path, await visitor.get(path))


async def test_responses_match_their_declarations(village: Village, day: dict[str, str], described: dict[str, Any]) -> None:  # noqa: F811
    jana, nobody, auditor = await village.by_app("jana"), village.nobody(), Auditor(described)
    for path, *_ in FOR_ALL:
        await auditor.get(jana, path.format(**day))
        await auditor.get(nobody, path.format(**day))
    for path, *_ in FOR_MEMBERS:
        await auditor.get(jana, path.format(**day))
    for endpoint in ROUTES:
        if endpoint.method == "GET" and "{" not in endpoint.path and endpoint.media_type == "application/json":
            await auditor.get(jana, endpoint.path)
            await auditor.get(nobody, endpoint.path)
            await auditor.get(nobody, f"{endpoint.path}?{'q' if 'search' in endpoint.path else 'acct'}=jana&limit=-1")
    await auditor.get(nobody, "/.well-known/webfinger?resource=acct:jana@localhost:8420")
    await auditor.get(nobody, "/api/v1/statuses/12")
    changes: list[tuple[str, str, Any]] = [
        ("POST", "/api/v1/statuses", {"status": "a", "poll[options][]": ["x", "y"], "poll[expires_in]": 600}),
        ("POST", "/api/v1/statuses", {"status": ""}), ("POST", "/api/v1/statuses", {"status": "a", "visibility": "secret"}),
        ("PUT", f"/api/v1/statuses/{day['post']}", {"status": "b"}),
        *(("POST", f"/api/v1/statuses/{day['reply']}/{verb}", None) for verb in (
            "favourite", "unfavourite", "reblog", "unreblog", "bookmark", "unbookmark", "mute", "unmute", "pin", "unpin")),
        *(("POST", f"/api/v1/accounts/{day['karel']}/{verb}", {}) for verb in (
            "follow", "unfollow", "mute", "unmute", "block", "unblock", "note", "remove_from_followers")),
        ("GET", "/api/v1/mutes", None), ("GET", f"/api/v1/accounts/familiar_followers?id[]={day['karel']}", None),
        ("PATCH", "/api/v1/accounts/update_credentials", {"note": "c"}), ("PATCH", "/api/v1/profile", {"note": "d"}),
        ("PATCH", "/api/v1/profile", {"display_name": "x" * 31}),
        ("POST", "/api/v1/markers", {"home[last_read_id]": day["post"]}), ("POST", "/api/v1/notifications/clear", None),
        ("POST", "/api/v1/reports", {"account_id": day["karel"], "status_ids[]": [day["reply"]], "category": "spam"}),
        ("POST", "/api/v1/reports", {"account_id": day["karel"], "category": "boredom"}), ("POST", "/api/v1/reports", {}),
        ("POST", "/api/v1/reports", {"account_id": day["karel"], "rule_ids[]": ["99"], "status_ids[]": list(range(1, 70))}),
        ("POST", "/api/v1/apps", {"client_name": "", "redirect_uris": "x", "scopes": "fly"}),
        ("PATCH", "/api/v1/profile", {"note": "x" * 501}), ("POST", f"/api/v1/accounts/{day['karel']}/mute", {"duration": "-1"}),
        ("POST", "/api/v1/apps", {"client_name": "x", "redirect_uris": "urn:ietf:wg:oauth:2.0:oob"}),
        ("POST", "/oauth/token", {"grant_type": "client_credentials", "client_id": "x"}),
        ("POST", "/api/v1/follow_requests/12/authorize", None), ("DELETE", f"/api/v1/statuses/{day['post']}", None),
    ]
    for method, path, form in changes:
        auditor.check(method, path, await jana.send(method, path, form))
    auditor.check("POST", "/api/v2/media", await jana.upload("/api/v2/media", "file", picture()))
    auditor.check("POST", "/api/v2/media", await jana.upload("/api/v2/media", "file", b"no picture"))
    assert len(auditor.seen) > 100


async def test_the_document_is_served(village: Village) -> None:
    answer = await village.nobody().get("/api/openapi.json")
    assert answer.status == 200
    assert answer.json["servers"] == [{"url": "http://localhost:8420"}]
    assert answer.json["paths"] == json.loads(json.dumps(document(ROUTES, "http://localhost:8420")["paths"]))
