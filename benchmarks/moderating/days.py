"""Plays reports, decisions and timers in the order of a simulated clock, through the actions of the network.

Reports are filed by `file_report`. A moderator takes the next case as the page does (turn of the lanes, queue, claim) and
decides it by `decide_case`; half a minute later the worker settles the verdict. The timers of deadlines run on a grid of
15 seconds, as in `app.py`; runs at which nothing can be due are skipped.
"""

import asyncio
import functools
import heapq
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.moderating.town import Town
from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden
from folkmoot.moderation.cases import jobs as cases
from folkmoot.moderation.cases.actions import claim_case
from folkmoot.moderation.cases.calls import Callees
from folkmoot.moderation.cases.model import HIDES_AHEAD, Case, Share, State
from folkmoot.moderation.cases.queries import list_queue
from folkmoot.moderation.cases.queries.orders import HIDES
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import ReportDraft
from folkmoot.moderation.restrictions.jobs import hide_overdue
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import UNDO_LASTS, Action, Decision, Verdict
from folkmoot.moderation.workspace.actions import read_pace
from folkmoot.network.accounts.model import Account
from folkmoot.network.sessions.model import Viewer

TIMER = timedelta(seconds=15)
_LISTED = 10  # as on the page
_AT_ONCE = 8  # reports
_WILL_HIDE = f"c.interim_at IS NULL AND {HIDES}"
_NEXT_DUE = f"""
    SELECT least(
        min(opened_at + (due_at - opened_at) * CASE WHEN noted_share < {Share.HALF:d} THEN {Share.HALF / 100}
            WHEN noted_share < {Share.LATE:d} THEN {Share.LATE / 100} ELSE 1 END) FILTER (WHERE noted_share < {Share.OVER:d}),
        min(due_at) FILTER (WHERE {_WILL_HIDE}) - $1::interval)
    FROM cases AS c WHERE c.state = '{State.OPEN}'
"""
_MISSED = f"SELECT c.id FROM cases AS c WHERE c.state = '{State.OPEN}' AND c.due_at <= $1 AND {_WILL_HIDE}"


@dataclass
class Judge:
    """Decides rightly with a given probability, by lot. `names`: what a post is called in each run, so that the same lot falls to it in
    another run, each time that it is decided; without a name, its id."""

    breaches: frozenset[int]  # posts that break the rule under which they were reported
    accuracy: float
    names: Mapping[int, object] = field(default_factory=dict)
    _times: "Counter[int]" = field(default_factory=Counter)

    def decide(self, case: Case) -> Decision:
        self._times[case.subject_id] += 1
        lot = random.Random(f"{self.names.get(case.subject_id, case.subject_id)} {self._times[case.subject_id]}").random()
        is_breach = (case.subject_id in self.breaches) == (lot < self.accuracy)
        return Decision(action=Action.REMOVE, clause=case.clause) if is_breach else Decision(action=Action.KEEP)


@dataclass
class Days:
    """One run. `timer_seconds`: how long each run of the timers took in reality. `missed`: cases that hide their posts at their
    deadline, and that a run of the timers left visible and undecided after it."""

    town: Town
    start: datetime
    judge: Judge
    timer_seconds: list[float] = field(default_factory=list)
    missed: set[int] = field(default_factory=set)
    decided: int = 0
    on_decided: Callable[[Case, Verdict], None] = lambda _case, _verdict: None
    _events: list[tuple[datetime, int, Callable[[], Awaitable[None]]]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _works_at: datetime | None = None
    _now: datetime = datetime.min.replace(tzinfo=UTC)

    def at(self, moment: datetime, act: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), act))

    async def play(self, until: datetime) -> None:
        while self._events and self._events[0][0] <= until:
            moment, _, act = heapq.heappop(self._events)
            await self._run_timers(moment)
            self._now = moment
            with clock.stopped_at(moment):
                await act()
        await self._run_timers(until)
        with clock.stopped_at(until):
            await self.town.work_later()

    def add_reports(self, moment: datetime, reports: Sequence[tuple[Account, ReportDraft]]) -> None:
        async def file() -> None:
            room = asyncio.Semaphore(_AT_ONCE)

            async def one(reporter: Account, draft: ReportDraft) -> None:
                async with room, self.town.database.write() as tx:
                    await file_report(tx, reporter, draft)

            await asyncio.gather(*(one(*report) for report in reports))

        self.at(moment, file)

    def add_shifts(self, days: int, *, cases_per_day: int, minutes_each: float) -> None:
        """Each moderator works once a day; the shifts are spread over the day."""
        for number, moderator in enumerate(self.town.moderators):
            begins = self.start + timedelta(days=number / len(self.town.moderators))
            for day, place in itertools.product(range(days), range(cases_per_day)):
                self.at(begins + timedelta(days=day, minutes=minutes_each * place), functools.partial(self._decide_next, moderator))

    async def _decide_next(self, moderator: Viewer) -> None:
        database, now = self.town.database, clock.now()
        async with database.read() as conn:
            turn = (await read_pace(conn, moderator, self.town.settings)).done
            queue = await list_queue(conn, now, _LISTED, moderator.id, turn)
        for case in queue:
            try:
                async with database.write() as tx:
                    await claim_case(tx, moderator, case.id)
            except (Conflict, Forbidden):
                continue
            async with database.write() as tx:
                verdict = await decide_case(tx, moderator, case.id, self.judge.decide(case))
            self.decided += 1
            self.on_decided(case, verdict)
            settled_at = now + UNDO_LASTS
            if self._works_at != settled_at:
                self._works_at = settled_at
                self.at(settled_at, self.settle)
            return

    async def settle(self) -> None:
        """Runs the worker, half a minute after a decision."""
        await self.town.work_later()

    async def _run_timers(self, until: datetime) -> None:
        while (due_at := await self._next_due()) and due_at <= until:
            moment = max(self.start - (self.start - due_at) // TIMER * TIMER, self._now)  # rounded up to the grid
            began = time.perf_counter()
            with clock.stopped_at(moment):
                await cases.watch_deadlines(self.town.database)
                await cases.call_people(self.town.database, Callees.of(self.town.settings))
                await hide_overdue(self.town.database)
            self.timer_seconds.append(time.perf_counter() - began)
            async with self.town.database.read() as conn:
                self.missed.update(row["id"] for row in await conn.fetch(_MISSED, moment))

    async def _next_due(self) -> datetime | None:
        async with self.town.database.read() as conn:
            found: datetime | None = await conn.fetchval(_NEXT_DUE, HIDES_AHEAD)
        return found
