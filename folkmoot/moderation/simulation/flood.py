"""A flood: all cases come within an hour, and the jurors and moderators of a network work them off, at most 40 items a day each.

The queue, its lanes, deadlines, hiding at the deadline, juries and seats are those of the network (`course.py`). Some cases are about
threats, which have a day, the others about harassment, which has three. Nobody is asked for more than on other days.
"""

import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.config import Settings
from folkmoot.moderation.cases.jobs import watch_deadlines
from folkmoot.moderation.cases.model import THREAT_SEVERITY
from folkmoot.moderation.journal.actions import seal
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.jury.synthetic import SyntheticCase, World
from folkmoot.moderation.restrictions.jobs import hide_overdue
from folkmoot.moderation.reviewing.queries import list_waiting_jurors
from folkmoot.moderation.simulation.course import BEGINS, STEP, STEPS_A_DAY, Course, Tell
from folkmoot.moderation.simulation.people import settle
from folkmoot.moderation.simulation.queries import FloodEnd, list_flood_ends
from folkmoot.moderation.verdicts.jobs import settle as settle_verdict
from folkmoot.moderation.verdicts.model import Settle
from folkmoot.moderation.workspace.actions import take_next

_THREAT, _OTHER = "violence", "harassment"
_CASES_OF_A_MODERATOR = 40  # in a day, as the setting `moderation.cases_per_day` says
_CASES_OF_A_REPORTER = 3
_FIT_EVERY = 3  # steps
_LONGEST = 30 * STEPS_A_DAY  # steps, after which what is open counts as undecided
_WATCHED_AT_ONCE = 200


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """How a flood ended. `hours`: until the last decision; `minutes`, `most_minutes`: of work of a juror, on average and at most;
    `most_items`: of one juror in one day. `in_time`, `covered`, `late`: deadlines that ended with a decision, with the post hidden until
    there was one, or with neither. `seen_hours`: of threats that break the rule, until they were decided or hidden, nine tenths of them;
    `held_hours`: of harmless posts that were hidden at their deadline, until they were shown again, nine tenths of them. `first_half`: the
    share of threats among the first half of the decisions."""

    cases: int
    jurors: int
    moderators: int
    undecided: int
    hours: float
    minutes: float
    most_minutes: float
    most_items: int
    in_time: int
    covered: int
    late: int
    by_jury: float
    right: float
    threats: float
    first_half: float
    seen_hours: float
    held: int
    held_hours: float


class Flood(Course):
    """`moderators`: how many decide beside the jurors; `threats`: the share of the cases that are about threats."""

    def __init__(
        self, database: Database, settings: Settings, world: World, seed: int, moderators: int, threats: float,
        tell: Tell = lambda _: None,
    ) -> None:
        super().__init__(database, settings, world, seed, tell)
        self._moderators, self._threats = moderators, threats
        self._truth_of: dict[int, Answer] = {}
        self._items: Counter[tuple[int, int]] = Counter()  # by account and day

    async def drain(self) -> Drained:
        reporters = max(60, self._world.cases // _CASES_OF_A_REPORTER)
        self._cast = await settle(self._database, self._people, self._answers, BEGINS, reporters=reporters)
        await self._read_questions()
        await self._fit(BEGINS, camps=True)
        for number in range(1, self._world.cases + 1):
            await self._file(number, BEGINS)
        self._truth_of = {case_id: case.truth for case_id, case in self._open.items()}
        step = 0
        while self._open and step < _LONGEST:
            now = BEGINS + STEP * step
            if step % _FIT_EVERY == 0:
                await self._fit(now, camps=step % STEPS_A_DAY == 0)
            await self._play(now, step // STEPS_A_DAY)
            self._tell(self._world.cases - len(self._open))
            step += 1
        async with self._database.read() as conn:
            return self._summary(await list_flood_ends(conn, list(self._truth_of)))

    def _clause_of(self, case: SyntheticCase) -> str:
        return _THREAT if self._answers.is_threat(case, self._threats) else _OTHER

    async def _play(self, now: datetime, day: int) -> None:
        """Two hours: the timed jobs as often as there is something for them, the jurors, the moderators."""
        with clock.stopped_at(now + timedelta(minutes=1)):
            await seal(self._database, secret=self._settings.secret, end_file=self._settings.data / "journal-end")
            await watch_deadlines(self._database)
            await self._watch()
            while await self._juries.form(self._database):
                continue
        come = now + timedelta(minutes=5)
        async with self._database.read() as conn:
            waiting = await list_waiting_jurors(conn, come)
        for account_id in waiting:
            if not self._answers.is_absent(self._cast.jurors[account_id], day):
                self._items[account_id, day] += await self._sit(account_id, come)
        with clock.stopped_at(now + STEP - timedelta(minutes=1)):
            await self._watch()
            await self._moderate(day)
            await hide_overdue(self._database)
            await self._settle()

    async def _watch(self) -> None:
        """As often as a worker would in two hours, as far as it matters."""
        for _ in range(1 + len(self._open) // _WATCHED_AT_ONCE):
            await self._juries.watch(self._database)

    async def _moderate(self, day: int) -> None:
        """Moderators decide the next cases of the queue, whatever they are offered."""
        number = self._moderators * _CASES_OF_A_MODERATOR // STEPS_A_DAY
        for turn in range(number):
            case = await take_next(self._database, self._cast.moderator, day * number + turn)
            if case is None:
                return
            known = self._open[case.id]
            await self._decide(case.id, self._answers.staff(known))

    async def _settle(self) -> None:
        async with self._database.read() as conn:
            decided = [one for one in await list_flood_ends(conn, list(self._open)) if one.verdict_id is not None]
        for one in decided:
            assert one.verdict_id
            await settle_verdict(self._database, Settle(one.verdict_id))
            del self._open[one.case_id]

    def _summary(self, ends: Sequence[FloodEnd]) -> Drained:
        decided = sorted((one for one in ends if one.made_at), key=lambda one: (one.made_at, one.case_id))
        minutes = [self._seconds.get(one, 0.0) / 60 for one in self._cast.jurors]
        threats = [one for one in ends if one.severity >= THREAT_SEVERITY]
        half = decided[:len(decided) // 2]
        seen = [_hours(one.seen_until - one.opened_at) for one in threats if self._truth_of[one.case_id] is Answer.BREACH]
        held = [
            _hours(one.made_at - one.interim_at) for one in decided
            if one.interim_at and one.made_at and self._truth_of[one.case_id] is Answer.HARMLESS
        ]
        right = sum((self._truth_of[one.case_id] is Answer.BREACH) == one.is_breach for one in decided)
        return Drained(
            cases=len(ends), jurors=len(self._cast.jurors), moderators=self._moderators, undecided=len(ends) - len(decided),
            hours=max(_hours(one.made_at - one.opened_at) for one in decided if one.made_at), minutes=round(statistics.mean(minutes), 1),
            most_minutes=round(max(minutes), 1), most_items=max(self._items.values()),
            in_time=sum(one.is_in_time for one in ends), covered=sum(one.is_covered for one in ends),
            late=sum(not one.is_in_time and not one.is_covered for one in ends),
            by_jury=round(sum(one.is_by_jury for one in decided) / len(decided), 4), right=round(right / len(decided), 4),
            threats=round(len(threats) / len(ends), 4),
            first_half=round(sum(one.severity >= THREAT_SEVERITY for one in half) / max(1, len(half)), 4),
            seen_hours=_nine_tenths(seen), held=len(held), held_hours=_nine_tenths(held),
        )


def _hours(length: timedelta) -> float:
    return round(length / timedelta(hours=1), 1)


def _nine_tenths(values: Sequence[float]) -> float:
    return sorted(values)[9 * len(values) // 10] if values else 0.0
