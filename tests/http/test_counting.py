"""Requests are counted in the same way at both entry points, against the same limits."""

import msgspec
import pytest

from folkmoot.base.limits import Limits
from folkmoot.config import Limits as LimitSettings
from tests.village import Answer, Village, Visitor
from tests.web.test_pages import form_token


def _limit(village: Village, multiplier: float) -> None:
    context = village.front._api._context
    assert context is village.front._pages._context
    object.__setattr__(context, "limits", Limits(multiplier))
    object.__setattr__(context, "settings", msgspec.structs.replace(village.settings, limits=LimitSettings(multiplier=multiplier)))


async def test_pages_and_apps_share_one_limit(village: Village) -> None:
    await village.settle("jana")
    jana, browser = await village.by_app("jana"), await village.by_browser("jana")
    _limit(village, 0.004)  # six requests of an account
    assert (await jana.get("/api/v1/instance")).status == 200
    assert [(await browser.get("/about")).status for _ in range(6)] == [*[200] * 5, 429]


async def test_the_limit_of_a_route_does_not_replace_that_of_the_account(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    _limit(village, 0.01)  # three requests of a token, three posts, four follows
    for _ in range(3):
        await jana.get("/api/v1/instance")
    refused = await jana.post("/api/v1/statuses", {"status": "jeste jedno"})
    assert refused.status == 429
    assert (refused.headers["x-ratelimit-limit"], refused.headers["x-ratelimit-remaining"]) == ("3", "0")
    assert int(refused.headers["retry-after"]) <= 300


async def test_reports_are_counted_exactly_and_for_both_together(village: Village) -> None:
    await village.settle("jana", "karel")
    karel = str(village.people["karel"].id)
    jana, browser = await village.by_app("jana"), await village.by_browser("jana")
    token = form_token((await browser.get(f"/reports/new?account={karel}")).text)
    _limit(village, 0.1)  # three reports
    report = {"account": karel, "rule": "other", "comment": "Něco", "form_token": token}
    answers: list[Answer] = [await jana.post("/api/v1/reports", {"account_id": karel}) for _ in range(2)]
    object.__setattr__(village.front._api._context, "limits", Limits(1))  # another process has its own counters
    answers += [await browser.post("/reports", report) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200, 303, 429]
    last = await jana.post("/api/v1/reports", {"account_id": karel})
    assert (last.status, last.headers["x-ratelimit-limit"], last.headers["x-ratelimit-remaining"]) == (429, "3", "0")


@pytest.mark.parametrize("visitor", ["nobody", "unscoped"])
async def test_a_refused_caller_is_not_counted_against_an_exact_limit(village: Village, visitor: str) -> None:
    await village.settle("jana")
    caller: Visitor = village.nobody() if visitor == "nobody" else await village.by_app("jana", "read")
    assert (await caller.post("/api/v1/reports", {"account_id": "1"})).status == (401 if visitor == "nobody" else 403)
    async with village.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM rate_windows") == 0
