"""Every route of the pages and the API, with hostile values in every parameter: never a server error, always a response
of the documented form, and a refused request leaves the database unchanged.

A run attacks every parameter of every route with a few of the values, others each time (the seed is printed);
`bin/test --long` with more of them.
"""

import logging
import re
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from folkmoot.api.routes import ROUTES as API_ROUTES
from folkmoot.base import clock
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.clauses.published import shipped
from folkmoot.web.routes import ROUTES as WEB_ROUTES
from tests.api.test_accounts import picture
from tests.hostile.sample import KNOWN_LIST, Sample, build_sample, check_answer, committed_since, parameters_of, state
from tests.hostile.values import BODIES, PATHS, TREES, VALUES, beyond, tree
from tests.push_service import Device
from tests.series import dice, length
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token

TOMORROW = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
_TOGETHER = length(5, 1)  # parameters of a page that one request attacks
_turn = count(dice("hostile values").randrange(10**6))


def _next(values: list[Any]) -> Any:
    return values[next(_turn) % len(values)]


def _some(values: list[Any], number: int = 1) -> list[Any]:
    """The next of the values, or all of them in a long run."""
    return length([_next(values) for _ in range(number)], values) if values else []


def _kind(route: Route) -> str:
    """Which of the sample ids belongs to a route."""
    if route.path.startswith("/api/v1/filters"):
        return "keyword"
    for word, kind in (
        ("/filters/{id}", "filter"),
        ("/filters/keywords", "keyword"),
        ("/poll", "poll"),
        ("/scheduled", "scheduled"),
        ("conversations", "talk"),
        ("messages", "talk"),
        ("notifications", "notice"),
        ("vote", "poll_post"),
        ("/statuses", "post"),
        ("/posts", "post"),
    ):
        if word in route.path:
            return kind
    return "account"


def _path(route: Route, sample: Sample, value: str | None = None) -> str:
    """The route's address with valid values, or with `value` everywhere."""
    path = route.path.replace("@{name}/{id}", "@jana/" + (value or sample.ids["post"]))
    valid = {"id": sample.ids[_kind(route)], "name": "jana", "hashtag": "kasna", "code": "abc", "list": KNOWN_LIST,
             "rule": "flood", "version": shipped()[-1].version}
    return re.sub(r"\{(\w+)\}", lambda found: value if value is not None else valid.get(found[1], "1"), path)


_DEVICE = Device()
_SUBSCRIPTION = {
    "subscription[endpoint]": _DEVICE.endpoint, "subscription[keys][p256dh]": _DEVICE.keys["p256dh"],
    "subscription[keys][auth]": _DEVICE.keys["auth"], "data[alerts][mention]": "true",
}


def _base(route: Route, sample: Sample) -> dict[str, Any]:
    """Valid values for the parameters that are not under attack."""
    ids = sample.ids
    return {
        "/api/v1/statuses": {"status": "dobré ráno"},
        "/posts": {"text": "dobré ráno", "poll_titles[]": ["a", "b"]},
        "/api/v1/statuses/{id}": {"status": "opraveno"},
        "/posts/{id}/edit": {"text": "opraveno"},
        "/scheduled/{id}/edit": {"text": "opraveno", "with_due_at": "true", "due_at": TOMORROW},
        "/api/v1/scheduled_statuses/{id}": {"scheduled_at": TOMORROW},
        "/api/v1/apps": {"client_name": "x", "redirect_uris": "app://x"},
        "/oauth/authorize": {
            "client_id": ids["client"],
            "redirect_uri": "app://zpet",
            "response_type": "code",
            "scope": "read",
            "allow": "false",
        },
        "/oauth/token": {"client_id": ids["client"], "client_secret": "x", "grant_type": "authorization_code", "code": "x"},
        "/api/v1/accounts": {"username": "nova", "email": "nova@example.org", "password": "kratke", "agreement": "true"},
        "/sign_up": {"username": "nova", "email": "nova@example.org", "password": "kratke", "agrees": "true"},
        "/api/v1/markers": {"home[last_read_id]": "1"},
        "/api/v2/search": {"q": "kasna"},
        "/api/v1/polls/{id}/votes": {"choices[]": ["7"]},
        "/api/v1/push/subscription": _SUBSCRIPTION,
        "/api/v1/filters": {"phrase": "tramvaj", "context[]": ["home"]},
        "/api/v2/filters": {"title": "Doprava", "context[]": ["home"]},
        "/settings/filters": {"title": "Doprava", "contexts[]": ["home"]},
        "/reset": {"email": "nikdo@example.org"},
        "/log_in": {"name": "nikdo"},
    }.get(route.path, {})


def _application(route: Route) -> str:
    return "api" if route in API_ROUTES else "pages"


# These end sessions that the test itself uses.
_ENDS_SESSION = ("/log_out", "/settings/sessions/others/end")


def _method(route: Route) -> str:
    """A stream does not end by itself, so its parameters are attacked with HEAD."""
    return "HEAD" if route.path == "/live/home" or getattr(route, "media_type", "") == "text/event-stream" else route.method


class Attack:
    """Sends requests, checks each response, and that no refused request has changed the database."""

    def __init__(self, sample: Sample, member: Visitor, program: Visitor) -> None:
        self.sample, self.member, self.program = sample, member, program
        self.refused = self.sent = 0
        self._next = 2**62  # the next transaction; at first one that never comes, so that nothing counts
        self._has_read = False  # reads store things too: visits, and who has looked at what

    async def send(self, route: Route, path: str, *, visitor: Visitor | None = None, **more: Any) -> Answer:
        visitor = visitor or (self.program if _application(route) == "api" else self.member)
        if self._has_read and route.method != "GET":
            await self.changes()
        self._has_read = route.method == "GET"
        answer = await visitor.send(_method(route), path, **more)
        self.sent += 1
        what = (route.method, path[:80], {key: str(value)[:120] for key, value in more.items()})
        check_answer(answer, _application(route), what)
        assert "x-evil" not in answer.headers, what
        is_refused = answer.status >= 400
        self.refused += is_refused or route.method == "GET"
        if route.method != "GET" and await self.changes() and is_refused:
            # A count of requests that was written twice by now looks like a change: only the second time is in its row. What is half
            # done is half done each time.
            for _ in range(3):
                await visitor.send(_method(route), path, **more)
                if not await self.changes():
                    return answer
            raise AssertionError((what, answer.status))
        return answer

    async def changes(self) -> list[int]:
        """The transactions that have committed a change since the last question."""
        self._next, found = await committed_since(self.sample.village.database, self._next)
        return found


@pytest.fixture
async def attack(village: Village, caplog: pytest.LogCaptureFixture) -> Any:
    sample = await build_sample(village)
    member, program = await sample.member(), await sample.program()
    await member.get("/")
    await program.get("/api/v1/accounts/verify_credentials")
    await village.database.live.stop()  # its messages are transactions too, some milliseconds after an answer
    with caplog.at_level(logging.WARNING):
        yield Attack(sample, member, program)
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def test_no_value_in_an_address_or_a_query_fails(attack: Attack) -> None:
    for route in [*API_ROUTES, *WEB_ROUTES]:
        if route.method != "GET":
            continue
        if "{" in route.path:
            for value in _some(PATHS, 2):
                await attack.send(route, _path(route, attack.sample, value))
        for wrong in _queries(route):
            query = "&".join(f"{key}={_quoted(text)}" for key, text in [*_base(route, attack.sample).items(), *wrong])
            await attack.send(route, f"{_path(route, attack.sample)}?{query}")
        for query in _some(["a=%ff", "&".join(["a=1"] * 301), "max_id=1&max_id[]=2", "id[]=1&id=2", "id[a][b][c][d][e][f]=1", "%"]):
            await attack.send(route, f"{_path(route, attack.sample)}?{query}")
    assert attack.sent > 600


def _queries(route: Route) -> list[list[tuple[str, Any]]]:
    """Hostile values for each parameter: one by one for the API, which refuses the first; several together for pages, which read on."""
    if _application(route) == "pages":
        pairs = [(name, _next(VALUES)[:6000]) for name, _ in parameters_of(route)]
        return [pairs[start :: len(pairs) // _TOGETHER + 1] for start in range(min(len(pairs), len(pairs) // _TOGETHER + 1))]
    return [
        [(name, one) for one in (value if isinstance(value, list) else [value])]
        for name, schema in parameters_of(route)
        for value in (_next(VALUES)[:6000], *_some(beyond(schema)))
    ]


def _quoted(text: Any) -> str:
    return "".join(f"%{byte:02x}" for byte in str(text).encode())


async def test_no_value_in_a_form_or_in_json_fails_or_is_half_done(attack: Attack) -> None:
    token = form_token((await attack.member.get("/posts/new")).text)
    for route in [*API_ROUTES, *WEB_ROUTES]:
        if route.method == "GET" or route.path in _ENDS_SESSION:
            continue
        is_api = _application(route) == "api"
        base, proof = _base(route, attack.sample), {} if is_api else {"form_token": token}
        # An unknown id: a valid one would change the data that this test uses. Other tests use valid ones.
        path = _path(route, attack.sample) if base else _path(route, attack.sample, "12345")
        for name, schema in parameters_of(route) or [("x", {})]:
            key = name.removesuffix("[]") + ("", "[]", "[a]", "[0][name]")[next(_turn) % 4]
            await attack.send(route, path, form={**base, **proof, key: _next(VALUES)})
            if is_api:
                for value in _some(beyond(schema)):
                    await attack.send(route, path, form={**base, name: value})
                for value in _some([*TREES, *beyond(schema)]):
                    await attack.send(route, path, as_json={**base, **tree(name, value)})
        if "{" in route.path:
            for value in _some(PATHS):
                await attack.send(route, _path(route, attack.sample, value), form={**base, **proof})
    assert attack.refused > 600


async def test_no_body_fails(attack: Attack) -> None:
    token = form_token((await attack.member.get("/posts/new")).text)
    for route in [*API_ROUTES, *WEB_ROUTES]:
        if route.method == "GET" or route.path in _ENDS_SESSION:
            continue
        for _ in range(2):
            body, kind = _next(BODIES)
            await attack.send(route, _path(route, attack.sample, "12345"), body=body, headers={"content-type": kind, "x-form-token": token})


async def test_requests_without_a_session_or_scope_are_refused(attack: Attack) -> None:
    small = await attack.sample.program("push")
    await small.get("/api/v1/push/subscription")
    nobody, guessed = attack.sample.village.nobody(), Visitor(attack.sample.village.front, token="guessed")
    await attack.changes()  # the first visit of a day is stored
    for route in API_ROUTES:
        form = None if route.method == "GET" else _base(route, attack.sample)
        path = _path(route, attack.sample)
        if route.access is not Access.PUBLIC:
            assert (await attack.send(route, path, visitor=nobody, form=form)).status == 401, route
            if route.scope and route.scope != "push":
                assert (await attack.send(route, path, visitor=small, form=form)).status == 403, route
        assert (await attack.send(route, path, visitor=guessed, form=form)).status == 401, route
    for route in WEB_ROUTES:
        if route.access is not Access.PUBLIC and route.method == "GET":
            answer = await attack.send(route, _path(route, attack.sample), visitor=nobody)
            assert answer.headers["location"].startswith("/log_in?next=/"), route


async def test_no_form_without_its_token_does_anything(attack: Attack) -> None:
    nobody = attack.sample.village.nobody()
    for route in WEB_ROUTES:
        if route.method == "GET":
            continue
        for visitor in (attack.member, nobody):
            is_admitted = visitor is attack.member or route.access is Access.PUBLIC
            for form in ({}, {"form_token": "x.y"}, {"form_token": "."}, {"form_token[a]": "x"}):
                answer = await attack.send(
                    route, _path(route, attack.sample), visitor=visitor, form={**_base(route, attack.sample), **form, "z": "1"}
                )
                # Without the role, the page does not seem to exist.
                expected = (403 if route.access in (Access.PUBLIC, Access.MEMBER) else 404) if is_admitted else 401
                assert answer.status == expected, route


async def test_unknown_addresses_return_errors_of_the_documented_form(attack: Attack) -> None:
    for path in (
        "/api/v1/nothing",
        "/api/",
        "/nothing",
        "/@jana/1/2/3",
        "/static/../config.py",
        "/static/x",
        "/media/x",
        "//evil.example",
        "/\r\nX-Evil: 1",
    ):
        for method in ("GET", "POST", "HEAD", "DELETE", "PUT", "BREW"):
            answer = await attack.program.send(method, path)
            if not path.startswith("/static"):
                check_answer(answer, "api" if path.startswith("/api") else "pages", (method, path))
            assert answer.status in (400, 404), (method, path)


async def test_an_upload_that_is_refused_leaves_no_row(attack: Attack) -> None:
    for route in API_ROUTES:
        if route.path not in ("/api/v2/media", "/api/v1/accounts/update_credentials", "/api/v1/profile"):
            continue
        for name, content in (("file", b"<svg onload=alert(1)>"), ("avatar", b"GIF89a"), ("header", picture()[:60]), ("file", b"")):
            before = await state(attack.sample.village.database)
            answer = await attack.program.upload(route.path, name, content, route.method)
            check_answer(answer, "api", route)
            if answer.status >= 400:
                assert await state(attack.sample.village.database) == before
