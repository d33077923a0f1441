"""Walkers over all endpoints of the client API, by their declarations, so that a new endpoint is covered by itself: pages of
lists, the shapes of answers and errors, headers of every answer, CORS, and limits."""

import json
import re
from typing import Any

import pytest

from folkmoot.api.endpoints import Endpoint
from folkmoot.api.openapi import document
from folkmoot.api.routes import ROUTES
from folkmoot.http.routing import Access
from tests.api.crowd import ALL_SCOPES, QUERIES, Crowd, gather
from tests.api.test_openapi import Auditor
from tests.village import Answer, Village, Visitor

ENDPOINTS = [endpoint for endpoint in ROUTES if isinstance(endpoint, Endpoint)]
OF_MEMBERS = (Access.PUBLIC, Access.APP, Access.MEMBER)
PAGED = [endpoint for endpoint in ENDPOINTS if endpoint.is_paged and endpoint.access in OF_MEMBERS]
# Their documents are of earlier days, or they end with an error for a reason of their own.
WITHOUT_ANSWER = {
    "/api/v1/instance/terms_of_service/{date}", "/api/folkmoot/v1/notices/{number}", "/api/v1/instance/translation_languages",
}
FORMS = {"/api/v1/polls/{id}/votes": {"choices[]": "0"}}  # read before the poll is looked up
# The same for accounts that exist and others: nothing depends on the account.
WITHOUT_LOOKING = {"/api/v1/accounts/{id}/identity_proofs", "/api/v1/suggestions/{id}"}


@pytest.fixture
async def crowd(village: Village) -> Crowd:
    return await gather(village)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return dict(json.loads(json.dumps(document(ROUTES, "https://example.org"))))


def _check_headers(answer: Answer, what: object) -> None:
    """The headers of every answer: limits, CORS for apps in browsers, the number of the request, caching."""
    headers = answer.headers
    assert 0 <= int(headers["x-ratelimit-remaining"]) <= int(headers["x-ratelimit-limit"]), what
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", headers["x-ratelimit-reset"]), what
    assert headers["access-control-allow-origin"] == "*", what
    assert {"Link", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"} <= {
        name.strip() for name in headers["access-control-expose-headers"].split(",")}, what
    assert headers["x-request-id"], what
    assert headers["vary"] == "Authorization", what
    assert headers["cache-control"] == "private, no-store" or (answer.status == 200 and "public" in headers["cache-control"]), what


# -- pages ---------------------------------------------------------------------------------------------------------


class Page:
    """One answer of a paged endpoint: its items as texts that can be compared, and its links."""

    def __init__(self, answer: Answer) -> None:
        assert answer.status in (200, 206), answer.text
        found = answer.json if isinstance(answer.json, list) else answer.json["notification_groups"]
        self.items = [str(item.get("id") or item["group_key"]) if isinstance(item, dict) else item for item in found]
        links = re.findall(r'<http://localhost:8420([^>]+)>; rel="(next|prev)"', answer.headers.get("link", ""))
        self.links = {rel: path for path, rel in links}


async def _walk(jana: Visitor, path: str, rel: str) -> list[list[str]]:
    """The pages from a path on, until an empty one. A full page names both neighbours."""
    pages = []
    while (page := Page(await jana.get(path))).items:
        assert set(page.links) == {"next", "prev"}, path
        assert len(page.items) <= 2, path
        pages.append(page.items)
        path = page.links[rel]
        assert len(pages) < 100, path
    assert page.links == {}, path
    return pages


async def test_every_list_is_paged_in_both_directions_within_its_limit(crowd: Crowd) -> None:
    assert len(PAGED) > 24
    for endpoint in PAGED:
        base = crowd.path(endpoint)
        base += "&" if "?" in base else "?"
        whole = Page(await crowd.jana.get(f"{base}limit=40")).items
        assert len(whole) >= 3, f"{endpoint.path}: tests/api/crowd.py should have at least three entries for this list"
        assert len(set(whole)) == len(whole), endpoint.path
        older = await _walk(crowd.jana, f"{base}limit=2", "next")
        assert [item for page in older for item in page] == whole, endpoint.path
        oldest = await _last(crowd, base, whole)
        newer = await _walk(crowd.jana, oldest.links["prev"].replace("limit=1", "limit=2"), "prev")
        assert [item for page in reversed(newer) for item in page] == whole[:-1], endpoint.path
        bound = _cursor(oldest, "prev")
        assert Page(await crowd.jana.get(f"{base}limit=1&since_id={bound}")).items == whole[:1], endpoint.path
        assert Page(await crowd.jana.get(f"{base}limit=1&min_id={bound}")).items == whole[-2:-1], endpoint.path
        assert Page(await crowd.jana.get(f"{base}max_id=1")).items == [], endpoint.path
        await _check_bounds(crowd.jana, endpoint, base, whole)


async def _last(crowd: Crowd, base: str, whole: list[str]) -> Page:
    """The page of the oldest item alone, found by the links of pages of one item."""
    page = Page(await crowd.jana.get(f"{base}limit=1"))
    while page.items != whole[-1:]:
        page = Page(await crowd.jana.get(page.links["next"]))
    return page


def _cursor(page: Page, rel: str) -> str:
    found = re.search(r"(?:max|min)_id=(\d+)", page.links[rel])
    assert found
    return found[1]


async def _check_bounds(jana: Visitor, endpoint: Endpoint, base: str, whole: list[str]) -> None:
    most = next(field.schema for field in endpoint.fields if field.name == "limit")["maximum"]
    for limit in (str(most + 1), "9" * 40):
        assert Page(await jana.get(f"{base}limit={limit}")).items == whole, (endpoint.path, limit)
    for query in ("limit=-1", "limit=many", "max_id=x", "since_id=-1", "min_id=1.5"):
        answer = await jana.get(base + query)
        assert (answer.status, set(answer.json)) == (400, {"error"}), (endpoint.path, query)


# -- answers and errors --------------------------------------------------------------------------------------------


async def test_every_answer_is_as_declared(crowd: Crowd, described: dict[str, Any]) -> None:
    """Optional keys are absent and nullable ones null, as the declaration says: for members, and for visitors."""
    auditor, nobody = Auditor(described), crowd.village.nobody()
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET" or endpoint.access not in OF_MEMBERS or endpoint.media_type == "text/event-stream":
            continue
        path = crowd.path(endpoint)
        for visitor in (crowd.jana, nobody) if endpoint.access is Access.PUBLIC else (crowd.jana,):
            answer = await visitor.get(path)
            _check_headers(answer, path)
            if endpoint.media_type.endswith("json"):
                auditor.check("GET", path, answer)
            is_answered = answer.status in (200, 206) or endpoint.path in WITHOUT_ANSWER
            is_hidden = visitor is nobody and answer.status in (401, 404)
            assert is_answered or is_hidden, f"{path}: {answer.status}; tests/api/crowd.py should have what this endpoint shows"
    assert len(auditor.seen) > 100


async def test_every_error_is_as_declared(crowd: Crowd, described: dict[str, Any]) -> None:
    auditor, village = Auditor(described), crowd.village
    small, wrong, nobody = await village.by_app("jana", "write:collections"), Visitor(village.front, token="wrong"), village.nobody()
    refused: set[int] = set()
    for endpoint in ENDPOINTS:
        path = crowd.path(endpoint, "12345")
        required = [field.name for field in endpoint.fields if field.is_required]
        attempts: list[tuple[Visitor, str, int]] = [(wrong, path, 401)]
        if endpoint.access is not Access.PUBLIC:
            attempts.append((nobody, path, 401))
        if endpoint.scope:
            attempts.append((small, path, 403))
        if endpoint.access in OF_MEMBERS:
            if required and "{" not in endpoint.path and endpoint.method == "GET":
                attempts.append((crowd.jana, path.partition("?")[0], 400))
            if any(field.name == "limit" for field in endpoint.fields):
                attempts.append((crowd.jana, f"{path}{'&' if '?' in path else '?'}limit=-1", 400))
        for visitor, address, status in attempts:
            answer = await visitor.send(endpoint.method, address)
            what = (endpoint.method, address, status)
            assert answer.status == status, (what, answer.status, answer.text)
            refused.add(status)
            _check_headers(answer, what)
            auditor.check(endpoint.method, address, answer)
            assert set(answer.json) <= {"error", "error_description", "details"}, what
    assert refused == {400, 401, 403}
    await _check_unknown_ids(crowd, auditor)


async def _check_unknown_ids(crowd: Crowd, auditor: Auditor) -> None:
    """404 for reads and writes of what is not there."""
    found = []
    for endpoint in ENDPOINTS:
        if "{id}" not in endpoint.path or endpoint.access not in OF_MEMBERS or endpoint.path in WITHOUT_LOOKING:
            continue
        path = crowd.path(endpoint, "12345").partition("?")[0]
        answer = await crowd.jana.send(endpoint.method, path, FORMS.get(endpoint.path))
        auditor.check(endpoint.method, path, answer)
        _check_headers(answer, path)
        is_incomplete = answer.status in (400, 422) and any(field.is_required for field in endpoint.fields)
        if answer.status != 404 and not is_incomplete:
            found.append((endpoint.method, endpoint.path, answer.status))
    assert found == [], found


async def test_every_endpoint_answers_preflight_requests_of_browsers(village: Village) -> None:
    nobody = village.nobody()
    for endpoint in ENDPOINTS:
        path = re.sub(r"\{\w+\}", "1", endpoint.path)
        asked = {"origin": "https://elk.example", "access-control-request-method": endpoint.method,
                 "access-control-request-headers": "authorization,content-type,idempotency-key"}
        answer = await nobody.send("OPTIONS", path, headers=asked)
        assert (answer.status, answer.body) == (204, b""), path
        assert answer.headers["access-control-allow-origin"] == "*", path
        assert endpoint.method in answer.headers["access-control-allow-methods"].replace(" ", "").split(","), path
        allowed = {name.strip() for name in answer.headers["access-control-allow-headers"].split(",")}
        assert {"Authorization", "Content-Type", "Idempotency-Key"} <= allowed, path


def test_the_queries_name_endpoints() -> None:
    assert set(QUERIES) | WITHOUT_ANSWER | WITHOUT_LOOKING <= {endpoint.path for endpoint in ENDPOINTS}
    assert all(scope in ALL_SCOPES.split() for endpoint in PAGED for scope in {endpoint.scope.partition(":")[0]} - {""})
