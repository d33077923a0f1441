"""Twenty jurors at once over HTTP, with 10,000 open cases, until each has answered what one may answer in a day.

The cases and the jurors are inserted; everything else is done by a running network: its worker draws and counts, the jurors use the pages.
Afterwards the rows are counted.
"""

import asyncio
import random
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness import Row, database_of, network
from benchmarks.judging.crowd import gather_jurors
from benchmarks.moderating.browser import Browser
from benchmarks.moderating.room import fill
from folkmoot.base.db import Database
from folkmoot.moderation.juries.model import COUNTED_WITHIN, SeatState, State
from folkmoot.moderation.jury.model import MOST_ITEMS_A_DAY, MOST_SEATS
from tests.network_up import NetworkUp

CASES, SMALL_CASES = 10_000, 60
JURORS = 20
LONGEST, SMALL_LONGEST = 900.0, 60.0  # seconds from the beginning in which a juror waits for more
_LOOKS_AGAIN = 1.0  # seconds
_SETTLES = 2 * COUNTED_WITHIN + 20  # seconds from the last answer to the last count


@dataclass
class Work:
    """`pages`: seconds until an item is before a juror; `answers`: seconds of an answer; `refused`: answers that were not taken."""

    pages: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    refused: int = 0


async def measure(*, is_small: bool) -> list[Row]:
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000") as up:
        return await _run(up, SMALL_CASES if is_small else CASES, SMALL_LONGEST if is_small else LONGEST)


async def _run(up: NetworkUp, cases: int, longest: float) -> list[Row]:
    async with database_of(up) as database:
        jurors = await gather_jurors(database, JURORS)
        await fill(database, cases)
        browsers = [await Browser.of(up.port, database, juror) for juror in jurors]
        work, ends = Work(), time.monotonic() + longest
        await asyncio.gather(*(_work(browser, work, ends) for browser in browsers))
        for browser in browsers:
            browser.close()
        await asyncio.sleep(_SETTLES)
        return _rows(work, await _look(database))


async def _work(browser: Browser, work: Work, ends: float) -> None:
    """One juror, who answers at random, until enough is done for a day; after `ends`, until nothing waits."""
    dice, done = random.Random(id(browser)), 0
    await browser.get("/jury")
    while done < MOST_ITEMS_A_DAY:
        taken = await browser.post("/jury/review", {})
        if not taken.headers.get("location", "").startswith("/jury/review"):
            if time.monotonic() >= ends:
                break
            await asyncio.sleep(_LOOKS_AGAIN)
            continue
        page = await browser.get("/jury/review")
        if page.status != 200:
            continue  # the case was decided between the two
        work.pages.append(taken.seconds + page.seconds)
        form = {"item": page.field("item"), "seen": page.field("seen"), "clause": dice.choice(("0", "2")), "severity": "2", "sureness": "2"}
        answered = await browser.post("/jury/review/answer", form)
        work.answers.append(answered.seconds)
        is_taken = answered.status == 303 and "after=" in answered.headers.get("location", "")
        work.refused += not is_taken
        done += is_taken


async def _look(database: Database) -> dict[str, Any]:
    """`doubled`: cases in which somebody has two seats, or more have answered than a case has seats, or with two verdicts. `stuck`: items
    that are open though nobody works any more, and juries that all have answered and nobody has counted."""
    async with database.read() as conn:
        row = await conn.fetchrow(
            f"""
            SELECT (SELECT count(*) FROM jury_seats WHERE state = '{SeatState.ANSWERED}') AS answered,
                (SELECT count(*) FROM gold_answers WHERE answered_at IS NOT NULL AND item_id IS NOT NULL) AS gold,
                (SELECT count(*) FROM juries WHERE state = '{State.DECIDED}') AS decided,
                (SELECT count(*) FROM (SELECT FROM jury_seats GROUP BY case_id, account_id HAVING count(*) > 1) AS twice)
              + (SELECT count(*) FROM (SELECT FROM jury_seats WHERE state = '{SeatState.ANSWERED}' GROUP BY case_id
                                       HAVING count(*) > {MOST_SEATS}) AS full_)
              + (SELECT count(*) FROM (SELECT FROM verdicts GROUP BY case_id HAVING count(*) > 1) AS decided_twice) AS doubled,
                (SELECT count(*) FROM jury_seats WHERE state = '{SeatState.OPENED}')
              + (SELECT count(*) FROM juries AS j WHERE j.state = '{State.SITTING}' AND j.wanted =
                    (SELECT count(*) FROM jury_seats AS s WHERE s.case_id = j.case_id AND s.state = '{SeatState.ANSWERED}')) AS stuck
            """
        )
    return dict(row or {})


def _rows(work: Work, found: dict[str, Any]) -> list[Row]:
    pages, answers = (statistics.quantiles(one, n=100) for one in (work.pages, work.answers))
    kept = found["answered"] + found["gold"]
    lost = len(work.answers) - work.refused - kept
    return [
        Row(f"door: answers of {JURORS} jurors at once", kept, ""),
        Row("door: of these to gold questions", found["gold"], ""),
        Row("door: cases decided", found["decided"], ""),
        Row("door: seats doubled", found["doubled"], "", "0", found["doubled"] == 0),
        Row("door: items and juries stuck", found["stuck"], "", "0", found["stuck"] == 0),
        Row("door: answers that were taken, and are missing", lost, "", "0", lost == 0),
        Row("door: answers refused", work.refused, ""),
        Row("door: next item with its page, p95", 1000 * pages[94], "ms"),
        Row("door: answer with the draw of the next item, p95", 1000 * answers[94], "ms"),
    ]
