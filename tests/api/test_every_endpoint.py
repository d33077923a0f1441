"""Walkers over all endpoints of the client API, by their declarations, so that a new endpoint is covered by itself: pages of
lists, the shapes of answers and errors, headers of every answer, CORS, and limits."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from folkmoot.api.endpoints import Endpoint
from folkmoot.api.openapi import document
from folkmoot.api.routes import ROUTES
from folkmoot.base import clock
from folkmoot.base.limits import TABLE, Limit, Limits
from folkmoot.config import Limits as LimitSettings
from folkmoot.http.routing import Access
from folkmoot.network.sessions import scopes
from tests.api.crowd import ALL_SCOPES, QUERIES, Crowd, gather
from tests.api.test_openapi import Auditor
from tests.village import Answer, Village, Visitor
from tests.waiting import SECONDS

ENDPOINTS = [endpoint for endpoint in ROUTES if isinstance(endpoint, Endpoint)]
OF_MEMBERS = (Access.PUBLIC, Access.APP, Access.MEMBER)
SCOPES = sorted({endpoint.scope for endpoint in ENDPOINTS if endpoint.scope})
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
    wrong, nobody = Visitor(village.front, token="wrong"), village.nobody()
    small = {scope: await village.by_app("jana", _all_but(scope)) for scope in SCOPES}
    refused: set[int] = set()
    for endpoint in ENDPOINTS:
        path = crowd.path(endpoint, "12345")
        required = [field.name for field in endpoint.fields if field.is_required]
        attempts: list[tuple[Visitor, str, int]] = [(wrong, path, 401)]
        if endpoint.access is not Access.PUBLIC:
            attempts.append((nobody, path, 401))
        if endpoint.scope:
            attempts.append((small[endpoint.scope], path, 403))
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


def _all_but(scope: str) -> str:
    """All scopes that do not allow what a scope allows."""
    return " ".join(one for one in sorted(scopes.KNOWN) if not scopes.covers_any(frozenset([one]), scope))


async def test_the_smallest_scope_of_every_endpoint_is_enough(village: Village) -> None:
    """A token with it alone is refused for other reasons only. Each of several is enough."""
    await village.settle("jana")
    tokens = {one: await village.by_app("jana", one) for one in sorted({one for scope in SCOPES for one in scope.split("|")})}
    for endpoint in ENDPOINTS:
        if endpoint.media_type == "text/event-stream":
            continue
        for one in filter(None, endpoint.scope.split("|")):
            answer = await tokens[one].send(endpoint.method, re.sub(r"\{\w+\}", "12345", endpoint.path))
            assert answer.status != 401, (endpoint.path, one)
            assert b"outside the authorized scopes" not in answer.body, (endpoint.method, endpoint.path, one)


def test_scopes_to_read_allow_no_change() -> None:
    """By the rule of Mastodon, which documents seven exceptions."""
    exceptions = {
        "/api/v1/statuses/{id}/translate", "/api/v1/suggestions/{id}", "/api/v1/media/{id}", "/api/v1/admin/canonical_email_blocks/test",
        "/api/v1/admin/measures", "/api/v1/admin/dimensions", "/api/v1/admin/retention",
    }
    for endpoint in ENDPOINTS:
        for scope in filter(None, endpoint.scope.split("|")):
            if "read" in scope.split(":"):
                assert endpoint.method == "GET" or endpoint.path in exceptions, endpoint
            elif "write" in scope.split(":"):
                assert endpoint.method != "GET" or "|" in endpoint.scope or endpoint.path in exceptions, endpoint


# -- limits --------------------------------------------------------------------------------------------------------


def _set_limits(village: Village, **limits: Limit) -> None:
    """Limits so high that nothing reaches them, but for these."""
    few = Limits(1000)
    few._limits.update({name: limit for name, limit in limits.items() if not TABLE[name].is_exact})
    multiplier = 0.001 if any(TABLE[name].is_exact for name in limits) else 1000  # exact ones: one
    context = village.front._api._context
    object.__setattr__(context, "limits", few)
    object.__setattr__(context, "settings", msgspec.structs.replace(village.settings, limits=LimitSettings(multiplier=multiplier)))


def _check_refusal(answer: Answer, limit: Limit, auditor: Auditor, endpoint: Endpoint, path: str) -> None:
    what = (endpoint.method, endpoint.path)
    assert answer.status == 429, what
    auditor.check(endpoint.method, path, answer)
    _check_headers(answer, what)
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == (str(limit.times), "0"), what
    assert 1 <= int(answer.headers["retry-after"]) <= limit.seconds + 1, what  # rounded up
    reset = datetime.strptime(answer.headers["x-ratelimit-reset"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    late = int(answer.headers["retry-after"]) - (reset - clock.now()).total_seconds()
    assert -2 <= late <= SECONDS, what  # the two name one moment; since then some time has passed
    assert set(answer.json) == {"error"}, what


async def test_every_endpoint_obeys_the_limits_of_all_and_its_own(village: Village, described: dict[str, Any]) -> None:
    await village.settle("jana", "karel")
    jana, karel, nobody = await village.by_app("jana", ALL_SCOPES), await village.by_app("karel", ALL_SCOPES), village.nobody()
    auditor, none = Auditor(described), Limit(0, 300)
    for endpoint in ENDPOINTS:
        path = re.sub(r"\{\w+\}", "12345", endpoint.path)
        for name in ("account", "token", "address"):
            _set_limits(village, **{name: none})
            answer = await (nobody if name == "address" else jana).send(endpoint.method, path)
            _check_refusal(answer, none, auditor, endpoint, path)
        if not endpoint.limit:
            continue
        own = TABLE[endpoint.limit]._replace(times=1)
        _set_limits(village, **{endpoint.limit: own})
        first, second = [await jana.send(endpoint.method, path) for _ in range(2)]
        assert first.status != 429, path
        assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("1", "0"), path
        _check_refusal(second, own, auditor, endpoint, path)
        assert (await karel.send(endpoint.method, path)).status != 429, path
        async with village.database.cache() as cache:
            await cache.execute("DELETE FROM rate_windows")


def test_the_limits_that_mastodon_documents_are_ours() -> None:
    """docs.joinmastodon.org/api/rate-limits, and the families of its RateLimiter. Where ours are lower, a person would be hurt."""
    half_an_hour, day = 1800, 86400
    documented = {
        ("POST", "/api/v1/media"): (30, half_an_hour), ("POST", "/api/v2/media"): (30, half_an_hour),
        ("DELETE", "/api/v1/statuses/{id}"): (30, half_an_hour), ("POST", "/api/v1/statuses/{id}/unreblog"): (30, half_an_hour),
        ("POST", "/api/v1/statuses"): (300, 3 * 3600), ("POST", "/api/v1/statuses/{id}/reblog"): (300, 3 * 3600),
        ("POST", "/api/v1/accounts/{id}/follow"): (400, day),
    }
    ours = {(endpoint.method, endpoint.path): TABLE[endpoint.limit][:2] for endpoint in ENDPOINTS if endpoint.limit}
    assert {route: limit for route, limit in ours.items() if route in documented} == documented
    # Without a number in the documentation.
    assert ours.keys() - documented.keys() == {
        ("POST", "/api/v1/apps"), ("POST", "/api/v1/reports"), ("GET", "/api/v1/accounts/search"), ("GET", "/api/v1/directory"),
        ("GET", "/api/v2/search"), ("POST", "/api/v1/statuses/{id}/translate"),
    }
    assert (TABLE["token"][:2], TABLE["address"][:2], TABLE["sign_up"][:2]) == ((300, 300), (300, 300), (5, half_an_hour))
    assert TABLE["account"].times >= 300


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
