"""A thousand reports on one post, sixteen at a time, through `file_report`; then one decision."""

import asyncio
import time

from benchmarks.harness import Row
from benchmarks.moderating.days import Days, Judge
from benchmarks.moderating.town import Town, town
from folkmoot.base import clock
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.network.accounts.model import Account
from folkmoot.network.notifications.model import Kind

REPORTS = 1000
_AT_ONCE = 16
_COUNTS = f"""
    SELECT (SELECT count(*) FROM report_cases) AS reports, (SELECT count(*) FROM cases) AS cases,
        (SELECT count(*) FROM verdicts) AS verdicts,
        (SELECT count(*) FROM statements) AS statements, (SELECT count(*) FROM restrictions) AS restrictions,
        (SELECT count(DISTINCT account_id) FROM notifications WHERE kind = '{Kind.REPORT}') AS told
"""


async def measure(reports: int = REPORTS) -> list[Row]:
    async with town() as place:
        await place.appoint(1)
        [author] = await place.members("author", 1)
        reporters = await place.members("reporter", reports)
        [post_id] = await place.post([author], [clock.now()])
        seconds, slowest = await _report(place, reporters, author, post_id)
        days = Days(place, clock.now(), Judge(frozenset([post_id]), 1.0))
        days.add_shifts(1, cases_per_day=2, minutes_each=2.5)  # the second time there is nothing left to decide
        began = time.perf_counter()
        await days.play(days.start)
        await days.settle()
        took = time.perf_counter() - began
        async with place.database.read() as conn:
            found = dict(await conn.fetchrow(_COUNTS) or {})
    wanted = {"reports": reports, "cases": 1, "verdicts": 1, "statements": 1, "restrictions": 1, "told": reports}
    return [
        *(Row(f"one post: {name}", found[name], "", str(number), found[name] == number) for name, number in wanted.items()),
        Row("one post: reports filed per second", reports / seconds, "1/s"),
        Row(f"one post: slowest report, {_AT_ONCE} at a time", 1000 * slowest, "ms"),
        Row("one post: deciding, and telling everybody", took, "s"),
    ]


async def _report(place: Town, reporters: list[Account], author: Account, post_id: int) -> tuple[float, float]:
    """(seconds of all, seconds of the slowest)."""
    room, slowest, began = asyncio.Semaphore(_AT_ONCE), 0.0, time.perf_counter()

    async def one(reporter: Account) -> None:
        nonlocal slowest
        async with room:
            started = time.perf_counter()
            async with place.database.write() as tx:
                await file_report(tx, reporter, ReportDraft(account_id=author.id, post_ids=(post_id,), clauses=("violence",)))
            slowest = max(slowest, time.perf_counter() - started)

    await asyncio.gather(*map(one, reporters))
    return time.perf_counter() - began, slowest
