"""Hostile values in every parameter of Mastodon's admin API and the pages of barriers, sent by an operator: `test_routes.py` attacks as a
member, who is refused before the parameters are read."""

from itertools import count
from typing import Any

import pytest

from folkmoot.api.routes import ROUTES as API_ROUTES
from folkmoot.network.sessions.model import Role
from folkmoot.web.moderate import barriers, members
from tests.hostile.sample import build_sample, parameters_of
from tests.hostile.test_routes import Attack, _path, _quoted
from tests.hostile.values import BODIES, PATHS, VALUES, beyond
from tests.village import Village
from tests.web.test_pages import form_token

_turn = count()


def _next(values: list[Any]) -> Any:
    return values[next(_turn) % len(values)]


async def test_no_value_of_an_operator_fails(village: Village, caplog: pytest.LogCaptureFixture) -> None:
    sample = await build_sample(village)
    await village.settle("operator", role=Role.OPERATOR)
    browser, program = await village.by_browser("operator"), await village.by_app("operator", "admin:read admin:write")
    await village.database.live.stop()  # as in `attack`
    attack = Attack(sample, browser, program)
    proof = {"form_token": form_token((await browser.get("/moderate/barriers")).text)}
    for route in [*(one for one in API_ROUTES if "/admin/" in one.path), *barriers.ROUTES, *members.ROUTES]:
        base = {} if route in API_ROUTES else proof
        for name, schema in parameters_of(route) or [("name", {}), ("ip", {}), ("domain", {}), ("email", {})]:
            for value in (_next(VALUES), *list(beyond(schema))[:1]):
                path = _path(route, sample, _next(PATHS) if next(_turn) % 5 == 0 else "12345")
                if route.method == "GET":
                    for one in value if isinstance(value, list) else [value]:
                        await attack.send(route, f"{path}?{name}={_quoted(str(one)[:6000])}")
                else:
                    await attack.send(route, path, form={**base, name: value})
        if route.method != "GET":
            body, kind = _next(BODIES)
            await attack.send(route, _path(route, sample, "12345"), body=body, headers={"content-type": kind})
    assert attack.sent > 100
    assert not [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
