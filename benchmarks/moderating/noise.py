"""26,000 open reports about harmless posts, a hundred for each threat, over ten simulated days.

The flood comes within two hours of the first day. Nine of ten reports name rules of the third lane; the others cry "violence", so
that they stand in the lane of the threats themselves, from forty members who report nothing that is wrong. Threats are written all
the time: a detector has pointed out half of them; each was reported by one member who has reported nothing before. The same threats
with the same moderators, but without the flood, give the waits to compare with.
"""

import functools
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.harness import Row
from benchmarks.moderating.days import TIMER, Days, Judge
from benchmarks.moderating.town import Town, spread, town
from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import Finding
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.network.accounts.model import Account
from folkmoot.network.posts.model import PostEffect

FLOOD = 26_000
THREATS = FLOOD // 100
DAYS = 10  # the longest time to decide is seven
MODERATORS = 6
CASES_PER_DAY = 40  # of a moderator
_FLOOD_LASTS = timedelta(hours=2)
_BURSTS = 24
_CRIERS = 40
_OTHERS = 500
_CRIED = 10  # each tenth report of the flood is cried
_VIOLENCE = "violence"


@dataclass(frozen=True)
class Outcome:
    """`waits`: of threats, in hours, until a moderator had decided; those that nobody decided in the run are left out.

    `missed`: as in `Days`. Other cases stayed visible at their deadline, because they were most probably false alarms: `left_visible`
    until the end, `decided_late`, or `hidden_late` when they had become more probable.
    """

    open_reports: int
    missed: int
    left_visible: int
    decided_late: int
    hidden_late: int
    threats_late: int
    decided: int
    threats_decided_in_time: int
    waits: list[float]
    threats_hidden_first: int
    harmless_hidden: int
    slowest_timer: float
    reports_per_second: float


async def run_days(flood: int, threats: int, days: int) -> Outcome:
    async with town() as place:
        await place.appoint(MODERATORS)
        authors = await place.members("author", 50)
        start = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
        found = await place.post(authors, spread(start, timedelta(days=days - 2), threats))
        run = Days(place, start, Judge(frozenset(found), 1.0))
        reporters = await place.members("witness", threats)
        for number, (post_id, moment) in enumerate(zip(found, spread(start, timedelta(days=days - 2), threats), strict=True)):
            if number % 2:
                run.at(moment + timedelta(seconds=1), functools.partial(_signal, place.database, post_id, number))
            run.add_reports(moment + timedelta(minutes=10), [_report(reporters[number], authors[number % 50], post_id, _VIOLENCE)])
        took = await _add_flood(run, authors, flood, start)
        run.add_shifts(days, cases_per_day=CASES_PER_DAY, minutes_each=2.5)
        measured: list[int] = []
        run.at(start + _FLOOD_LASTS, functools.partial(_count_open, place, measured))
        await run.play(start + timedelta(days=days))
        return await _outcome(run, found, start + timedelta(days=days), measured[0], flood / took[0] if took else 0)


async def _add_flood(run: Days, authors: Sequence[Account], flood: int, start: datetime) -> list[float]:
    """Returns a list that will contain the seconds that the flood took in reality."""
    took: list[float] = []
    if not flood:
        return took
    clauses = [clause.key for clause in current().clauses if clause.key not in (_VIOLENCE, "children", "cover")]
    criers, others = await run.town.members("crier", _CRIERS), await run.town.members("other", _OTHERS)
    post_ids = await run.town.post(authors, [start - timedelta(minutes=5)] * flood)
    reports = []
    for number, post_id in enumerate(post_ids):
        is_cried = number % _CRIED == 0
        reporter = criers[number // _CRIED % _CRIERS] if is_cried else others[number % _OTHERS]
        reports.append(_report(reporter, authors[number % 50], post_id, _VIOLENCE if is_cried else clauses[number % len(clauses)]))
    size = -(-flood // _BURSTS)

    async def started() -> None:
        took.append(-time.perf_counter())

    async def ended() -> None:
        took[0] += time.perf_counter()
        await run.town.analyze()

    run.at(start, started)
    for burst in range(_BURSTS):
        run.add_reports(start + _FLOOD_LASTS * (burst / _BURSTS), reports[burst * size : (burst + 1) * size])
    run.at(start + _FLOOD_LASTS * ((_BURSTS - 1) / _BURSTS), ended)
    return took


def _report(reporter: Account, author: Account, post_id: int, clause: str) -> tuple[Account, ReportDraft]:
    return reporter, ReportDraft(account_id=author.id, post_ids=(post_id,), clauses=(clause,))


async def _signal(database: Database, post_id: int, number: int) -> None:
    score = random.Random(f"signal {number}").uniform(0.5, 0.9)
    async with database.write() as tx:
        [text] = await list_post_texts_unscoped(tx, [post_id])
        await raise_signal(tx, text, Finding(score, True, False, ("simulated",), "simulated", "1"))


async def _count_open(place: Town, measured: list[int]) -> None:
    async with place.database.read() as conn:
        measured.append(await conn.fetchval(
            f"SELECT count(*) FROM report_cases AS rc JOIN cases AS c ON c.id = rc.case_id AND c.state = '{State.OPEN}'"
        ))


async def _outcome(run: Days, threats: Sequence[int], end: datetime, open_reports: int, rate: float) -> Outcome:
    async with run.town.database.read() as conn:
        rows = await conn.fetch(
            "SELECT subject_id, opened_at, due_at, closed_at, interim_at FROM cases"
            f" WHERE subject = '{Subject.POST}' AND appealed_verdict_id IS NULL")
        shown = {row["id"] for row in await conn.fetch(f"SELECT id FROM posts WHERE effect < {PostEffect.HIDDEN:d}")}
    is_threat = frozenset(threats)
    of_threats = [row for row in rows if row["subject_id"] in is_threat]
    late = [row for row in rows if row["due_at"] <= end and all(
        row[at] is None or row[at] > row["due_at"] + TIMER for at in ("closed_at", "interim_at"))]
    return Outcome(
        open_reports=open_reports,
        missed=len(run.missed),
        left_visible=len([row for row in late if not row["closed_at"] and not row["interim_at"]]),
        decided_late=len([row for row in late if row["closed_at"] and not row["interim_at"]]),
        hidden_late=len([row for row in late if row["interim_at"]]),
        threats_late=len([row for row in late if row["subject_id"] in is_threat]),
        decided=run.decided,
        threats_decided_in_time=len([row for row in of_threats if row["closed_at"] and row["closed_at"] <= row["due_at"]]),
        waits=[(row["closed_at"] - row["opened_at"]) / timedelta(hours=1) for row in of_threats if row["closed_at"]],
        threats_hidden_first=len([row for row in of_threats if row["interim_at"]]),
        harmless_hidden=len([row for row in rows if row["subject_id"] not in is_threat and row["subject_id"] not in shown]),
        slowest_timer=max(run.timer_seconds, default=0.0), reports_per_second=rate,
    )


async def measure() -> list[Row]:
    with_noise, without = await run_days(FLOOD, THREATS, DAYS), await run_days(0, THREATS, DAYS)
    return _rows(with_noise, without, THREATS)


def _rows(noise: Outcome, calm: Outcome, threats: int) -> list[Row]:
    waits, calm_waits = (statistics.quantiles(one.waits, n=100) for one in (noise, calm))
    ratio = waits[94] / calm_waits[94]
    return [
        Row("noise: open reports at once", noise.open_reports, "", ">= 26000", noise.open_reports >= FLOOD),
        Row(f"noise: deadlines missed in {DAYS} simulated days", noise.missed, "", "0", noise.missed == 0),
        Row("noise: threats neither decided nor hidden at their deadline", noise.threats_late, "", "0", noise.threats_late == 0),
        Row("noise: false alarms that were not hidden at their deadline", noise.left_visible, ""),
        Row("noise: of the others, decided after their deadline", noise.decided_late, ""),
        Row("noise: of the others, hidden after it, when they became probable", noise.hidden_late, ""),
        Row(f"noise: decisions of {MODERATORS} moderators", noise.decided, ""),
        Row("noise: threats", threats, ""),
        Row("noise: threats decided by people before their deadline", noise.threats_decided_in_time, "", f">= {threats * 99 // 100}",
            noise.threats_decided_in_time >= threats * 99 // 100),
        Row("noise: threats hidden at their deadline first", noise.threats_hidden_first, ""),
        Row("noise: wait of a threat, median", waits[49], "h"),
        Row("noise: wait of a threat, p95", waits[94], "h"),
        Row("noise: wait of a threat without noise, median", calm_waits[49], "h"),
        Row("noise: wait of a threat without noise, p95", calm_waits[94], "h"),
        Row("noise: p95 with noise to p95 without", ratio, "ratio", "<= 1.25", ratio <= 1.25),
        Row("noise: harmless posts hidden at the end, undecided", noise.harmless_hidden, ""),
        Row("noise: reports filed per second", noise.reports_per_second, "1/s"),
        Row("noise: slowest run of the timers", 1000 * noise.slowest_timer, "ms"),
    ]
