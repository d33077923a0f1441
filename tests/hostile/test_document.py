"""Every operation of the served OpenAPI document, with requests made from the document: no answer is a server error, hangs,
has a status that the document does not name, or another shape than it says.

A run has two requests of every second operation, the simplest one and another, others each time (the seed is printed);
`bin/test --long` has a hundred of each.
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from folkmoot.api.endpoints import Endpoint
from folkmoot.api.routes import ROUTES
from folkmoot.base.db import Database
from folkmoot.http.routing import Access
from folkmoot.network.sessions.model import Role
from folkmoot.network.sessions.scopes import KNOWN
from tests import series
from tests.api.crowd import FRIENDS, Crowd, gather
from tests.api.test_every_endpoint import _check_headers
from tests.api.test_openapi import Auditor
from tests.databases import Databases
from tests.hostile.document import Attempt, attempts
from tests.hostile.sample import check_answer
from tests.village import Village, Visitor, settings_for

SECONDS = 20  # for one answer; on a loaded machine too
ENDPOINTS = [endpoint for endpoint in ROUTES if isinstance(endpoint, Endpoint)]
_SETTINGS = settings(
    database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck), max_examples=series.length(2, 100),
)
_STAFF = {Access.MODERATOR: Role.MODERATOR, Access.OPERATOR: Role.OPERATOR}
# They end the session with which the test goes on.
_LAST = ("/oauth/revoke",)


class Fuzzer:
    """A network, and who asks each endpoint: a member, a moderator, an operator."""

    def __init__(self, runner: asyncio.Runner, crowd: Crowd, callers: dict[Access, Visitor]) -> None:
        self._runner = runner
        self._crowd = crowd
        self._callers = callers
        self.described = json.loads(runner.run(crowd.jana.get("/api/openapi.json")).body)
        self._auditor = Auditor(self.described)
        self.sent = 0
        self.succeeded: set[tuple[str, str]] = set()

    def attack(self, endpoint: Endpoint) -> None:
        address = self._crowd.path(endpoint)
        if endpoint.method != "GET":  # most acts are on others
            address = address.replace(self._crowd.ids["accounts"], str(self._crowd.village.people[FRIENDS[0]].id))
        ids = sorted({id_ for id_ in self._crowd.ids.values() if id_.isdigit()})

        def send(attempt: Attempt) -> None:
            self._runner.run(self._send(endpoint, attempt))

        requests = attempts(self.described, endpoint.method, endpoint.path, address, ids)
        seed(series.dice(f"{endpoint.method} {endpoint.path}").random())(_SETTINGS(given(requests)(send)))()

    async def _send(self, endpoint: Endpoint, attempt: Attempt) -> None:
        is_stream = endpoint.media_type == "text/event-stream"  # which does not end by itself
        caller = self._callers.get(endpoint.access, self._crowd.jana)
        async with asyncio.timeout(SECONDS):
            answer = await caller.send(
                "HEAD" if is_stream else attempt.method, attempt.path, body=attempt.body, headers=dict(attempt.headers)
            )
        self.sent += 1
        check_answer(answer, "api", attempt)
        _check_headers(answer, attempt)
        if is_stream:
            return
        if answer.status < 300:
            self.succeeded.add((endpoint.method, endpoint.path))
        if answer.status >= 300 or endpoint.media_type.endswith("json"):
            self._auditor.check(endpoint.method, endpoint.path, answer)


@pytest.fixture
def fuzzer(databases: Databases, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Fuzzer]:
    with asyncio.Runner() as runner, caplog.at_level(logging.ERROR):
        name = databases.lend()
        dsn = databases.server.dsn_of(name)
        database = runner.run(Database.open(dsn))
        village = Village(database, settings_for(tmp_path, dsn))
        crowd = runner.run(gather(village))
        callers = {}
        for access, role in _STAFF.items():
            runner.run(village.settle(role.name.lower(), role=role))
            callers[access] = runner.run(village.by_app(role.name.lower(), " ".join(sorted(KNOWN))))
        yield Fuzzer(runner, crowd, callers)
        runner.run(database.close())
        databases.take_back(name)
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.slow
def test_no_request_made_from_the_document_is_answered_otherwise_than_it_says(fuzzer: Fuzzer) -> None:
    """Members first: what moderators and operators do to accounts would refuse them."""
    order = [*Access]
    endpoints = sorted(
        ENDPOINTS, key=lambda one: (one.path in _LAST, order.index(one.access), one.method == "DELETE" or one.path.endswith("clear"))
    )
    attacked = series.part(series.length(endpoints[series.seed() % 2 :: 2], endpoints))
    for endpoint in attacked:
        fuzzer.attack(endpoint)
    assert fuzzer.sent >= len(attacked)
    assert len(fuzzer.succeeded) > len(attacked) // 4
