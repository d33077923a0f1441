"""A flood of false alarms in the lane of threats, more than moderators can decide, delays no real threat past its deadline, and hides
few harmless posts. Simulated with the real queue and the real timers; only reports and decisions are rows."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.actions import note_deadlines
from folkmoot.moderation.cases.model import HIDES_AHEAD, Case, State, Subject
from folkmoot.moderation.cases.queries import insert_case, list_queue, take_overdue, update_state
from tests import series

_START = datetime(2026, 11, 1, tzinfo=UTC)
_CRIERS, _CRIES_EACH = 25, 20
_DECISIONS_A_DAY = 90
_DAYS = 4
_THREATS = 32
_TIME = timedelta(hours=24)  # to decide about a threat


@dataclass
class Simulation:
    """`hidden`: when a case was hidden at its deadline; `decided`: when people decided it."""

    tx: WriteTx
    opened: dict[int, datetime] = field(default_factory=dict)
    hidden: dict[int, datetime] = field(default_factory=dict)
    decided: dict[int, datetime] = field(default_factory=dict)

    async def open(self, number: int, at: datetime, probability: float) -> None:
        await insert_case(self.tx, Case(
            id=number, subject=Subject.POST, subject_id=number, account_id=1, state=State.OPEN, clause="violence", severity=0.9,
            probability=probability, harm=0.9 * probability, appealed_verdict_id=None, barred_ids=(), opened_at=at, due_at=at + _TIME,
            closed_at=None,
        ))
        self.opened[number] = at

    async def pass_to(self, now: datetime) -> None:
        """Runs the timers."""
        with clock.stopped_at(now):
            while await note_deadlines(self.tx):
                pass
        while cases := await take_overdue(self.tx, now + HIDES_AHEAD, now, 200):
            self.hidden.update((case.id, now) for case in cases)

    async def decide_next(self, now: datetime, turn: int) -> None:
        for case in await list_queue(self.tx, now, 1, turn=turn):
            await update_state(self.tx, case.id, State.DECIDED, now)
            self.decided[case.id] = now

    def waits(self, numbers: range) -> list[timedelta]:
        """Until a decision, or until now."""
        end = _START + timedelta(days=_DAYS)
        return sorted(self.decided.get(number, end) - self.opened[number] for number in numbers)


def _weight(place: int) -> float:
    """Of the report of a reporter whose reports have not been decided: the sum of one reporter grows with the logarithm."""
    return 1 / 3 * min(1, 5 / (place + 1))


def _threats() -> Iterator[tuple[datetime, float]]:
    """Half of them pointed out by a detector, half reported by somebody who has not reported before."""
    rng = series.dice("threats in a flood")
    for number in range(_THREATS):
        at = _START + timedelta(days=(_DAYS - 1) * number / _THREATS, minutes=7)
        yield at, rng.uniform(0.5, 0.9) if number % 2 else _weight(0)


async def test_threats_are_decided_in_time_in_a_flood_of_false_alarms(tx: WriteTx) -> None:
    run = Simulation(tx)
    flood, threats = range(_CRIERS * _CRIES_EACH), range(10_000, 10_000 + _THREATS)
    for number in flood:
        await run.open(number, _START, _weight(number // _CRIERS))
    coming = list(zip(threats, _threats(), strict=True))
    for turn in range(_DECISIONS_A_DAY * _DAYS):
        now = _START + timedelta(days=turn / _DECISIONS_A_DAY)
        while coming and coming[0][1][0] <= now:
            number, (at, probability) = coming.pop(0)
            await run.open(number, at, probability)
        await run.pass_to(now)
        await run.decide_next(now, turn)

    waits = run.waits(threats)
    harmless_hidden = [number for number in flood if number in run.hidden]
    assert len(run.decided) == _DECISIONS_A_DAY * _DAYS  # the flood is more than they can decide
    assert [wait for wait in waits if wait > _TIME] == []
    assert statistics.median(waits) < timedelta(hours=1)
    assert 0 < len(harmless_hidden) < 8 * _CRIERS  # at most eight of each, of twenty
    assert sum(number in run.decided for number in harmless_hidden) > len(harmless_hidden) / 3  # they have turns of their own
