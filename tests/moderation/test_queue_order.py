"""Each lane of the queue is ordered by urgency at any time, lanes take turns, and an index provides the order."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.moderation.cases.actions import note_deadlines
from folkmoot.moderation.cases.model import TURNS, Case, Lane, State, Subject, in_turns
from folkmoot.moderation.cases.queries import insert_case, list_queue
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.moderation.cases.queries.reading import queue_sql
from tests import series

_START = datetime(2026, 11, 1, tzinfo=UTC)


def urgency_of(case: Case, now: datetime) -> float:
    """Expected harm, doubling every 48 hours before and after the deadline."""
    return max(case.harm, 0.000001) * 2.0 ** ((now - case.due_at) / timedelta(hours=48))


def _case(number: int, rng: random.Random) -> Case:
    opened_at = _START + timedelta(seconds=rng.randrange(30 * 86400))
    return Case(
        id=number, subject=Subject.POST, subject_id=number, account_id=1, state=State.OPEN, clause="violence", severity=0.9,
        probability=0.5, harm=rng.choice([0.0, 1e-7, rng.random() * 2, rng.random() / 1000]), appealed_verdict_id=None, barred_ids=(),
        opened_at=opened_at, due_at=opened_at + timedelta(hours=rng.choice([1, 24, 72, 168]), microseconds=rng.randrange(10**6)),
        closed_at=None,
    )


async def test_the_order_is_that_of_the_urgency_at_any_moment(tx: WriteTx) -> None:
    rng = series.dice("order of the queue")
    cases = [_case(number, rng) for number in range(1, series.length(300, 20_000) + 1)]
    for case in cases:
        await insert_case(tx, case)
    listed = await list_queue(tx, _START, len(cases))
    assert len(listed) == len(cases)
    for moment in (_START - timedelta(days=400), _START, _START + timedelta(days=15, seconds=7), _START + timedelta(days=2000)):
        urgencies = [urgency_of(case, moment) for case in listed]
        for before, after in itertools.pairwise(urgencies):
            assert before >= after * (1 - 1e-6)  # harm is stored with seven digits


def test_more_harm_and_a_nearer_deadline_both_count() -> None:
    case = _case(1, random.Random(1))
    grave = msgspec.structs.replace(case, harm=0.8, due_at=_START + timedelta(hours=24))
    late = msgspec.structs.replace(case, harm=0.1, due_at=_START)
    assert urgency_of(grave, _START) > urgency_of(late, _START)  # many small cases do not delay a threat
    assert urgency_of(msgspec.structs.replace(late, due_at=_START - timedelta(days=9)), _START) > urgency_of(grave, _START)
    assert urgency_of(late, _START + timedelta(hours=48)) == 2 * urgency_of(late, _START)


async def test_an_index_provides_the_order_of_a_hundred_thousand_open_cases(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute(
            "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, opened_at, due_at)"
            " SELECT n, 'post', n, n % 1000, 'open', 'violence', random(), 0.5, random(), now(), now() + random() * interval '7 days'"
            " FROM generate_series(1, 100000) AS n"
        )
        await tx.execute("ANALYZE cases")
    async with db.read() as conn:
        for condition in ("true", f"NOT {concerned_sql('7::bigint')}"):
            plan = "\n".join(row[0] for row in await conn.fetch("EXPLAIN " + queue_sql(condition).replace("$1", "20")))
            assert plan.count("Index Scan using cases_lanes") == len(Lane), plan
            assert "Sort" not in plan, plan


def _in_lane(number: int, lane: Lane, **fields: Any) -> Case:
    severity = 0.9 if lane is Lane.THREAT else 0.2
    return msgspec.structs.replace(
        _case(number, random.Random(number)), severity=severity, is_demanded=lane is Lane.DEMAND, **{"harm": 0.5, **fields}
    )


def test_each_lane_has_its_turns_and_an_empty_one_gives_them_away() -> None:
    lanes = {lane: [_in_lane(100 * lane + number, lane) for number in range(20)] for lane in Lane}
    for turn in range(len(TURNS)):
        first = [case.lane for case in in_turns(lanes, turn)[: len(TURNS)]]
        assert sorted(first) == sorted(TURNS)
        assert first[0] is TURNS[turn]
    assert [case.lane for case in in_turns({Lane.OTHER: lanes[Lane.OTHER]}, 3)] == [Lane.OTHER] * 20
    found = in_turns(lanes, 0)
    assert [case for case in found if case.lane is Lane.THREAT] == lanes[Lane.THREAT]
    assert len(found) == 60


async def test_a_hundred_times_the_noise_and_forged_demands_do_not_delay_a_threat(tx: WriteTx) -> None:
    """However many cases of other lanes there are, however late and however harmful: a threat is among the first three."""
    late = _START - timedelta(days=30)
    for number in range(1, 301):
        noise = _in_lane(number, Lane.OTHER, harm=2.0, opened_at=late, due_at=late + timedelta(hours=1))
        forged = _in_lane(1000 + number, Lane.DEMAND, harm=2.0, opened_at=late, due_at=late + timedelta(hours=1), is_confirmed=False)
        await insert_case(tx, noise)
        await insert_case(tx, forged)
    threat = _in_lane(5000, Lane.THREAT, harm=0.01, due_at=_START + timedelta(hours=24))
    real = _in_lane(5001, Lane.DEMAND, harm=0.01, due_at=_START + timedelta(hours=1))
    await insert_case(tx, threat)
    await insert_case(tx, real)
    for turn in range(len(TURNS)):
        listed = await list_queue(tx, _START, 10, turn=turn)
        assert threat.id in [case.id for case in listed[:3]], turn
        assert next(case.id for case in listed if case.lane is Lane.DEMAND) == real.id, turn


async def test_an_overdue_case_is_the_first_of_its_lane(tx: WriteTx) -> None:
    overdue = _in_lane(1, Lane.THREAT, harm=0.0001, opened_at=_START, due_at=_START + timedelta(hours=24))
    grave = _in_lane(2, Lane.THREAT, harm=2.0, opened_at=_START + timedelta(hours=23), due_at=_START + timedelta(hours=47))
    for case in (overdue, grave):
        await insert_case(tx, case)
    assert [case.id for case in await list_queue(tx, _START, 10)] == [2, 1]
    with clock.stopped_at(_START + timedelta(hours=24)):
        await note_deadlines(tx)
    assert [case.id for case in await list_queue(tx, _START, 10)] == [1, 2]
