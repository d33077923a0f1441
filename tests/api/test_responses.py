"""Rules for every response of the client API: methods, limits, caching, CORS, scopes, pages of lists."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from folkmoot.base import clock
from folkmoot.base.limits import Limits
from tests.village import Village, Visitor

BASE = "http://localhost:8420"


async def test_a_wrong_method_gets_the_allowed_ones(village: Village) -> None:
    answer = await village.nobody().send("PATCH", "/api/v1/timelines/home")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, OPTIONS")
    assert answer.json == {"error": "This address does not take PATCH."}
    unknown = await village.nobody().get("/api/v1/nothing/here")
    assert (unknown.status, unknown.json) == (404, {"error": "Record not found"})


async def test_every_response_has_rate_limit_headers(village: Village) -> None:
    await village.settle("jana")
    jana, wrong = await village.by_app("jana"), Visitor(village.front, token="wrong")
    for visitor, method, path, status in (
        (jana, "GET", "/api/v1/timelines/home", 206), (wrong, "GET", "/api/v1/timelines/home", 401),
        (jana, "GET", "/api/v1/statuses/12", 404), (jana, "GET", "/api/v1/nothing/here", 404),
        (jana, "DELETE", "/api/v1/timelines/home", 405), (jana, "POST", "/api/v1/statuses", 422),
        (village.nobody(), "GET", "/api/v2/instance", 200),
    ):
        answer = await visitor.send(method, path)
        assert answer.status == status, path
        assert int(answer.headers["x-ratelimit-remaining"]) < int(answer.headers["x-ratelimit-limit"]), path
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer.headers["x-ratelimit-reset"])
        exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert exposed >= {
            "Link", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id", "Mastodon-Async-Refresh"}
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-request-id"]


async def test_guessing_tokens_is_limited(village: Village) -> None:
    object.__setattr__(village.front._api._context, "limits", Limits(0.01))  # three in five minutes
    answers = [await Visitor(village.front, token=f"guess-{number}").get("/api/v1/timelines/home") for number in range(5)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429, 429]
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"


async def test_posting_a_status_has_its_own_limit(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    object.__setattr__(village.front._api._context, "limits", Limits(1))
    assert (await jana.get("/api/v1/preferences")).headers["x-ratelimit-limit"] == "300"
    posted = await jana.post("/api/v1/statuses", {"status": "a"})
    assert posted.headers["x-ratelimit-limit"] == "300"
    assert posted.headers["x-ratelimit-remaining"] == "299"


async def test_only_responses_without_a_token_are_cached(village: Village) -> None:
    await village.settle("jana")
    path = f"/api/v1/statuses/{(await village.write('jana')).post.id}"
    for method in ("GET", "HEAD"):
        shared = await village.nobody().send(method, path)
        assert (shared.headers["vary"], shared.headers["cache-control"]) == (
            "Authorization", "public, max-age=2")
    own = await (await village.by_app("jana")).get(path)
    assert (own.headers["vary"], own.headers["cache-control"]) == ("Authorization", "private, no-store")
    assert "no-store" in (await village.nobody().get("/api/v1/statuses/12")).headers["cache-control"]


async def test_deprecated_routes_have_the_deprecation_header(village: Village) -> None:
    assert (await village.nobody().get("/api/v1/instance")).headers["deprecation"] == "@1668384000"
    assert "deprecation" not in (await village.nobody().get("/api/v2/instance")).headers


@pytest.mark.parametrize("path", ["/api/v1/statuses", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/.well-known/webfinger",
                                  "/.well-known/oauth-authorization-server", "/nodeinfo/2.0"])
async def test_cors_preflight_is_answered(village: Village, path: str) -> None:
    answer = await village.nobody().send("OPTIONS", path, headers={"origin": "https://elk.example"})
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"PUT", "PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].replace(" ", "").split(","))
    assert "Authorization" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(("scopes", "allowed", "refused"), [
    ("read", ["GET /api/v1/statuses/{id}", "GET /api/v1/notifications", "GET /api/v1/mutes", "GET /api/v2/search?q=a"],
     ["POST /api/v1/statuses/{id}/favourite", "GET /oauth/userinfo", "GET /api/v1/push/subscription"]),
    ("read:statuses", ["GET /api/v1/statuses/{id}", "GET /api/v1/timelines/home", "GET /api/v1/timelines/public"],
     ["GET /api/v1/notifications", "GET /api/v1/accounts/{me}", "GET /api/v2/search?q=a", "GET /api/v1/favourites"]),
    ("write:favourites", ["POST /api/v1/statuses/{id}/favourite"],
     ["POST /api/v1/statuses/{id}/reblog", "POST /api/v1/statuses/{id}/bookmark", "GET /api/v1/statuses/{id}"]),
    ("follow", ["GET /api/v1/mutes", "GET /api/v1/blocks", "GET /api/v1/follow_requests"],
     ["GET /api/v1/timelines/home", "POST /api/v1/statuses"]),
    ("profile", ["GET /oauth/userinfo", "POST /oauth/userinfo", "GET /api/v1/accounts/verify_credentials", "GET /api/v2/instance"],
     ["GET /api/v1/preferences", "POST /api/v1/statuses"]),
])
async def test_a_token_may_do_only_what_its_scopes_cover(village: Village, scopes: str, allowed: list[str], refused: list[str]) -> None:
    await village.settle("jana")
    id_ = (await village.write("jana")).post.id
    visitor = await village.by_app("jana", scopes)
    for request in (*allowed, *refused):
        method, path = request.format(id=id_, me=village.people["jana"].id).split()
        answer = await visitor.send(method, path)
        if request in allowed:
            assert answer.status in (200, 206), request
        else:
            assert (answer.status, answer.json) == (403, {"error": "This action is outside the authorized scopes"}), request


async def test_an_unusable_login_reads_public_posts_as_nobody(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    own = (await village.write("jana", visibility=2)).post.id
    open_ = (await village.write("jana")).post.id
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET confirmed_at = NULL")
    assert "favourited" not in (await jana.get(f"/api/v1/statuses/{open_}")).json
    assert (await jana.get(f"/api/v1/statuses/{own}")).status == 404
    refused = await jana.get("/api/v1/timelines/home")
    assert (refused.status, refused.json) == (403, {"error": "Your login is missing a confirmed e-mail address."})


async def test_too_large_limits_are_reduced(village: Village) -> None:
    await village.settle("jana", *(f"host{number}" for number in range(85)))
    for number in range(85):
        await village.write("jana", str(number))
        await village.follow(f"host{number}", "jana")
    jana = await village.by_app("jana")
    id_ = village.people["jana"].id
    for path, default, most in ((f"/api/v1/accounts/{id_}/statuses", 20, 40), (f"/api/v1/accounts/{id_}/followers", 40, 80),
                                ("/api/v1/timelines/public", 20, 40)):
        assert len((await jana.get(path)).json) == default
        for limit in ("81", "99999", "9" * 40):
            assert len((await jana.get(f"{path}?limit={limit}")).json) == most, limit
        assert len((await jana.get(f"{path}?limit=1")).json) == 1
        assert (await jana.get(f"{path}?limit=-1")).status == 400
    assert (await jana.get("/api/v2/search?q=a&offset=-1")).status == 400
    assert (await jana.get(f"/api/v2/search?q=a&offset={'9' * 40}")).json["accounts"] == []


async def test_links_keep_the_query_and_are_absolute(village: Village) -> None:
    await village.settle("jana")
    for number in range(4):
        await village.write("jana", f"{number} #kašna")
    jana = await village.by_app("jana")
    answer = await jana.get("/api/v1/timelines/tag/kašna?limit=2&local=true&any[]=voda&max_id=9223372036854775806")
    older, newer = re.findall(r'<([^>]+)>; rel="(?:next|prev)"', answer.headers["link"])
    ids = [status["id"] for status in answer.json]
    assert older.startswith(f"{BASE}/api/v1/timelines/tag/ka%C5%A1na?")
    assert parse_qs(urlsplit(older).query) == {"limit": ["2"], "local": ["true"], "any[]": ["voda"], "max_id": [ids[-1]]}
    assert parse_qs(urlsplit(newer).query) == {"limit": ["2"], "local": ["true"], "any[]": ["voda"], "min_id": [ids[0]]}
    empty = await jana.get("/api/v1/timelines/tag/nic")
    assert (empty.json, empty.headers.get("link")) == ([], None)


async def test_a_list_is_paged_by_a_date(village: Village) -> None:
    await village.settle("jana")
    id_ = str((await village.write("jana")).post.id)
    jana, now = await village.by_app("jana"), int(clock.now().timestamp())
    before, after = [(now + seconds) * 1000 << 16 for seconds in (-60, 60)]
    for query, found in ((f"min_id={before}&max_id={after}", [id_]), (f"since_id={before}", [id_]), (f"max_id={after}", [id_]),
                         (f"min_id={after}", []), (f"max_id={before}", [])):
        assert [one["id"] for one in (await jana.get(f"/api/v1/timelines/home?{query}")).json] == found, query


async def test_since_id_returns_the_newest_and_min_id_the_next(village: Village) -> None:
    await village.settle("jana")
    ids = sorted([str((await village.write("jana", str(number))).post.id) for number in range(6)], key=int)
    jana = await village.by_app("jana")
    path = f"/api/v1/accounts/{village.people['jana'].id}/statuses?limit=2"
    seen = {}
    for name in ("since_id", "min_id", "max_id"):
        seen[name] = [status["id"] for status in (await jana.get(f"{path}&{name}={ids[1]}")).json]
    assert seen == {"since_id": [ids[5], ids[4]], "min_id": [ids[3], ids[2]], "max_id": [ids[0]]}
    between = (await jana.get(f"{path}&min_id={ids[0]}&max_id={ids[2]}")).json
    assert [status["id"] for status in between] == [ids[1]]


async def test_errors_are_in_the_language_of_the_reader_except_those_that_clients_know(village: Village) -> None:
    await village.settle("jana", "john")
    async with village.database.write() as tx:
        await tx.execute("UPDATE logins SET language = 'cs' WHERE account_id = $1", village.people["jana"].id)
    poll = {"status": "Kam?", "poll[options][]": ["tam"], "poll[expires_in]": "3600"}
    jana, john = await village.by_app("jana"), await village.by_app("john")
    czech, english = await jana.post("/api/v1/statuses", poll), await john.post("/api/v1/statuses", poll)
    assert (czech.status, english.status) == (422, 422)
    assert english.json["error"] == "Validation failed: Choices must have more than one item"
    assert czech.json["error"] == "Anketa potřebuje aspoň dvě možnosti."
    assert [[one["description"] for one in errors] for errors in czech.json["details"].values()] == [[czech.json["error"]]]
    assert (await jana.get("/api/v1/statuses/12")).json == {"error": "Record not found"}
    assert (await jana.post("/api/v1/statuses?lang=en", poll)).json == english.json
    for accepted, query, words in (
        ("en;q=0.3, sk", "", "nepřijímá"), ("en-GB, cs;q=0.5", "", "does not take"), ("", "", "does not take"),
        ("en", "?limit=2&lang=cs-CZ", "nepřijímá"), ("cs", "?lang=en", "does not take"), ("cs", "?lang=csx&slang=en", "nepřijímá"),
    ):
        refused = await village.nobody().send("PATCH", f"/api/v1/timelines/home{query}", headers={"accept-language": accepted})
        assert words in refused.json["error"], (accepted, query)
        assert refused.headers["cache-control"] == "private, no-store"
