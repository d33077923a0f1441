"""Twenty moderators at once over HTTP, with 26,000 open cases: each opens the next case, reads its page and decides it.

The cases are inserted with SQL; everything else is done through the pages of a running network. Claims that expire are left
out: each moderator decides what they have opened. Afterwards the rows are counted.
"""

import asyncio
import itertools
import random
import statistics
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from benchmarks.harness import Row, database_of, network
from benchmarks.moderating.browser import Browser
from folkmoot.base import clock, ids
from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import SeatState, State, Subject
from folkmoot.moderation.clauses.published import current
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions.model import Role
from tests.network_up import NetworkUp
from tests.village import settle

OPEN_CASES = 26_000
DECIDED = 10_000
MODERATORS = 20
PACED = 400  # of these, at the speed of people
_PAUSE = 2.0  # seconds from one case to the next, of such a moderator
_AUTHORS = 200
_MOST_EMPTY = 5  # times in a row that a moderator is told that nothing is left


@dataclass
class Work:
    """What the moderators have measured, in seconds, and what was not as it should be."""

    nexts: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)
    refused: int = 0
    empty: int = 0
    took: float = 0


async def fill(database: Database, count: int) -> None:
    """Inserts public posts by several authors with an open case each, under all rules."""
    authors = [await settle(database, f"author_{number:03d}") for number in range(_AUTHORS)]
    now = clock.now()
    clauses = current().clauses
    posts, cases = [], []
    for number in range(count):
        author, clause = authors[number % _AUTHORS], clauses[number % len(clauses)]
        moment = now - timedelta(milliseconds=number)
        post_id, case_id = ids.make_id(ids.shard_of(author.id), moment), ids.make_id(ids.shard_of(author.id), moment)
        posts.append((post_id, author.id, f"Zpráva číslo {number}: dnes v šest na návsi.", moment))
        due_at = moment + timedelta(hours=clause.hours)
        cases.append((case_id, post_id, author.id, clause.key, clause.severity, clause.severity / 3, moment, due_at))
    async with database.write() as tx:
        await tx.executemany(
            "INSERT INTO posts (id, account_id, conversation_id, visibility, text, html, created_at)"
            f" VALUES ($1, $2, $1, {Visibility.PUBLIC:d}, $3, $3, $4)", posts)
        await tx.executemany(
            "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, opened_at, due_at)"
            f" VALUES ($1, '{Subject.POST}', $2, $3, '{State.OPEN}', $4, $5, 0.33, $6, $7, $8)", cases)
        await tx.execute("ANALYZE")


async def _work(browser: Browser, work: Work, numbers: "itertools.count[int]", most: int, pause: float) -> None:
    """One moderator, until all together have decided `most` cases. `pause`: seconds from one case to the next."""
    empty = 0
    await asyncio.sleep(random.Random(id(browser)).random() * pause)
    while next(numbers) < most and empty < _MOST_EMPTY:
        found = await browser.get("/moderate/next?more=1")
        where = found.headers.get("location", "")
        if not where.startswith("/moderate/cases/"):
            work.empty, empty = work.empty + 1, empty + 1
            continue
        empty = 0
        began = clock.monotonic()
        page = await browser.get(where)
        case = where.partition("?")[0]
        decision = {"action": "keep" if len(work.decisions) % 4 else "remove", "clause": "7", "explanation": "", "days": "7"}
        decided = await browser.post(f"{case}/decide", decision | {name: page.field(name) for name in ("seen_edited_at", "seen_words")})
        work.nexts.append(found.seconds)
        work.pages.append(page.seconds)
        work.decisions.append(decided.seconds)
        work.refused += decided.status != 303
        await asyncio.sleep(max(0.0, began + pause - clock.monotonic()))


async def run_room(up: NetworkUp, open_cases: int, decided: int) -> tuple[Work, Work, dict[str, Any]]:
    async with database_of(up) as database:
        await fill(database, open_cases)
        moderators: list[Account] = [await settle(database, f"moderator_{number:02d}", Role.MODERATOR) for number in range(MODERATORS)]
        browsers = [await Browser.of(up.port, database, moderator) for moderator in moderators]
        calm = await _all_at_work(browsers, PACED, _PAUSE)
        hurry = await _all_at_work(browsers, decided - len(calm.decisions), 0)
        for browser in browsers:
            browser.close()
        async with database.read() as conn:
            row = await conn.fetchrow(
                "SELECT (SELECT count(*) FROM verdicts WHERE undone_at IS NULL) AS verdicts,"
                f" (SELECT count(*) FROM cases WHERE state = '{State.DECIDED}') AS decided,"
                " (SELECT count(*) FROM ("
                "  SELECT FROM verdicts WHERE undone_at IS NULL GROUP BY case_id HAVING count(*) > 1) AS twice) AS double,"
                " (SELECT count(*) FROM journal WHERE kind = 'verdict.reached') AS reached,"
                f" (SELECT count(*) FROM case_seats WHERE state = '{SeatState.HELD}') AS held")
    return calm, hurry, dict(row or {})


async def _all_at_work(browsers: list[Browser], most: int, pause: float) -> Work:
    work, numbers, began = Work(), itertools.count(), clock.monotonic()
    await asyncio.gather(*(_work(browser, work, numbers, most, pause) for browser in browsers))
    work.took = clock.monotonic() - began
    return work


async def measure() -> list[Row]:
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000") as up:
        return rows_of(*await run_room(up, OPEN_CASES, DECIDED), DECIDED)


def rows_of(calm: Work, hurry: Work, rows: dict[str, Any], wanted: int) -> list[Row]:
    nexts, pages, decisions = (statistics.quantiles(one, n=100) for one in (calm.nexts, calm.pages, calm.decisions))
    hurried = statistics.quantiles(hurry.nexts, n=100)
    doubles = rows["double"] + rows["reached"] - rows["decided"]
    refused, empty = calm.refused + hurry.refused, calm.empty + hurry.empty
    return [
        Row(f"room: cases decided by {MODERATORS} moderators at once", rows["decided"], "", str(wanted), rows["decided"] == wanted),
        Row("room: double decisions", doubles, "", "0", doubles == 0),
        Row("room: claims that stayed behind", rows["held"], "", "0", rows["held"] == 0),
        Row("room: decisions refused", refused, "", "0", refused == 0),
        Row("room: times that nothing seemed to be left", empty, "", "0", empty == 0),
        Row(f"room: next case, median, {MODERATORS / _PAUSE:.0f} cases per second", 1000 * nexts[49], "ms"),
        Row(f"room: next case, p95, {MODERATORS / _PAUSE:.0f} cases per second", 1000 * nexts[94], "ms", "<= 200", nexts[94] <= 0.2),
        Row("room: page of the case, p95", 1000 * pages[94], "ms"),
        Row("room: decision, p95", 1000 * decisions[94], "ms"),
        Row("room: next case, p95, without any pause", 1000 * hurried[94], "ms"),
        Row("room: decisions per second, without any pause", len(hurry.decisions) / hurry.took, "1/s"),
    ]
