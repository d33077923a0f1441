"""Each lane of the queue has an order by harm and one by deadline, lanes and orders take turns, and indexes provide them."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.moderation.cases.actions import note_deadlines
from folkmoot.moderation.cases.model import HIDES_FROM, TURNS, Case, Lane, Order, State, Subject, in_turns
from folkmoot.moderation.cases.queries import insert_case, list_queue, take_overdue
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
        await tx.execute("UPDATE cases SET noted_share = 100, interim_at = now(), is_ordered = true WHERE id % 3 = 0")
        await tx.execute("ANALYZE cases")
    async with db.read() as conn:
        for condition in ("true", f"NOT {concerned_sql('7::bigint')}"):
            plan = "\n".join(row[0] for row in await conn.fetch("EXPLAIN " + queue_sql(condition).replace("$1", "20")))
            assert plan.count("Index Scan using cases_by_harm") == len(Lane), plan
            assert plan.count("Index Scan using cases_near_deadline") == len(Lane), plan
            assert plan.count("Index Scan using cases_ordered") == 1, plan  # in the lane of demands
            assert "Sort" not in plan, plan


async def test_what_nothing_will_hide_has_turns_from_four_fifths_of_its_time_on(tx: WriteTx) -> None:
    hidden, probable, doubtful, fresh = (_in_lane(number, Lane.OTHER, due_at=_START + timedelta(hours=number)) for number in range(1, 5))
    account = msgspec.structs.replace(fresh, id=5, subject_id=5, subject=Subject.ACCOUNT)
    doubtful = msgspec.structs.replace(doubtful, probability=HIDES_FROM - 0.01)
    for case in (hidden, probable, doubtful, fresh, account):
        await insert_case(tx, case)
    await tx.execute("UPDATE cases SET noted_share = CASE WHEN id = $1 THEN 50 ELSE 80 END", fresh.id)
    await tx.execute("UPDATE cases SET interim_at = due_at WHERE id = $1", hidden.id)
    listed = [row["id"] for row in await tx.fetch(queue_sql("true"), 9) if row["by"] == Order.DEADLINE]
    assert listed == [hidden.id, doubtful.id, account.id, probable.id]


def _in_lane(number: int, lane: Lane, **fields: Any) -> Case:
    severity = 0.9 if lane is Lane.THREAT else 0.2
    return msgspec.structs.replace(
        _case(number, random.Random(number)), severity=severity, is_demanded=lane is Lane.DEMAND, **{"harm": 0.5, **fields}
    )


def test_each_lane_and_order_has_its_turns_and_an_empty_one_gives_them_away() -> None:
    queues = {
        (lane, order): [_in_lane(1000 * order + 100 * lane + number, lane) for number in range(20)] for lane in Lane for order in Order
    }
    for turn in range(len(TURNS)):
        found = in_turns(queues, turn)[: len(TURNS)]
        assert sorted((case.lane, Order(case.id // 1000)) for case in found) == sorted(TURNS)
        assert (found[0].lane, Order(found[0].id // 1000)) == TURNS[turn]
    for order in Order:
        assert [case.lane for case in in_turns({(Lane.OTHER, order): queues[Lane.OTHER, order]}, 3)] == [Lane.OTHER] * 20
    found = in_turns(queues, 0)
    for (lane, order), cases in queues.items():
        assert [case for case in found if (case.lane, case.id // 1000) == (lane, order)] == cases
    assert len(found) == 20 * len(Lane) * len(Order)


def test_a_case_that_is_in_both_orders_of_its_lane_has_one_place() -> None:
    cases = [_in_lane(number, Lane.THREAT) for number in range(8)]
    found = in_turns({(Lane.THREAT, Order.HARM): cases, (Lane.THREAT, Order.DEADLINE): cases[::-1]}, 0)
    assert [case.id for case in found] == [0, 1, 2, 7, 3, 4, 6, 5]


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


async def test_an_overdue_case_has_the_next_turn_of_its_lane_by_deadline(tx: WriteTx) -> None:
    overdue = _in_lane(1, Lane.THREAT, harm=0.0001, opened_at=_START, due_at=_START + timedelta(hours=24))
    graver = [
        _in_lane(number, Lane.THREAT, harm=2.0, opened_at=_START + timedelta(hours=23), due_at=_START + timedelta(hours=47))
        for number in range(2, 40)
    ]
    for case in (overdue, *graver):
        await insert_case(tx, case)
    assert (await list_queue(tx, _START, 100))[-1].id == overdue.id
    with clock.stopped_at(_START + timedelta(hours=24)):
        await note_deadlines(tx)
    for turn in range(len(TURNS)):
        found = [case.id for case in await list_queue(tx, _START, 100, turn=turn)]
        assert found.index(overdue.id) < len(TURNS)
        assert (found[0] == overdue.id) == (TURNS[turn][1] is Order.DEADLINE)


async def test_an_order_does_not_wait_behind_the_grave_notices_of_a_flagger(tx: WriteTx) -> None:
    """The order is about spam, the notices are about threats, fresh and overdue. The flagger keeps two turns of its lane, however many
    orders there are; those that other lanes give away are for orders."""
    grave = [_in_lane(number, Lane.DEMAND, harm=2.0, due_at=_START + timedelta(hours=number % 24 - 12)) for number in range(1, 301)]
    orders = [_in_lane(number, Lane.DEMAND, harm=0.01, due_at=_START + timedelta(minutes=9000 - number), is_ordered=True)
              for number in range(1001, 1301)]
    for case in grave:
        await insert_case(tx, case)
    await note_deadlines(tx)
    await insert_case(tx, orders[0])
    for turn in range(len(TURNS)):
        assert orders[0].id in [case.id for case in await list_queue(tx, _START, 2, turn=turn)], turn
    for case in orders[1:]:
        await insert_case(tx, case)
    for turn in range(len(TURNS)):
        found = await list_queue(tx, _START, len(TURNS), turn=turn)
        assert next(case.id for case in found if case.is_ordered) == 1300, turn  # the earliest deadline
        assert sum(case.is_ordered for case in found) == len(TURNS) - 2, turn


async def test_what_is_hidden_comes_after_what_does_as_much_harm_and_can_be_read(tx: WriteTx) -> None:
    """Of the order by harm; what is hidden, and much more probable, still comes first."""
    late = {"opened_at": _START - timedelta(hours=25), "due_at": _START - timedelta(hours=1)}
    cases = [
        _in_lane(1, Lane.THREAT, harm=0.3, **late), _in_lane(2, Lane.THREAT, harm=0.9, **late),
        _in_lane(3, Lane.THREAT, harm=0.3, opened_at=_START, due_at=_START + timedelta(hours=24)),
        _in_lane(4, Lane.THREAT, harm=0.02, opened_at=_START, due_at=_START + timedelta(hours=24)),
    ]
    for case in cases:
        await insert_case(tx, case)
    assert [case.id for case in await list_queue(tx, _START, 10)] == [2, 1, 3, 4]
    await tx.execute("UPDATE cases SET interim_at = due_at WHERE id < 3")
    assert [case.id for case in await list_queue(tx, _START, 10)] == [3, 2, 1, 4]


@pytest.mark.parametrize(("changes", "is_hidden"), [
    ({}, True), ({"probability": HIDES_FROM}, True), ({"probability": HIDES_FROM - 0.01}, False), ({"is_confirmed": False}, False),
    ({"appealed_verdict_id": 7}, False), ({"subject": Subject.ACCOUNT}, False), ({"probability": 0.01, "is_demanded": True}, True),
])
async def test_the_rule_what_is_hidden_at_its_deadline_is_the_same_in_sql(tx: WriteTx, changes: dict[str, Any], is_hidden: bool) -> None:
    case = msgspec.structs.replace(_case(1, random.Random(1)), **changes)
    assert case.hides_at_deadline is is_hidden
    await insert_case(tx, case)
    assert [one.id for one in await take_overdue(tx, case.due_at, case.due_at, 10)] == [1] * is_hidden


async def test_an_index_finds_what_is_due_among_a_flood_that_is_not_hidden(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute(
            "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, opened_at, due_at)"
            " SELECT n, 'post', n, 1, 'open', 'violence', 0.9, CASE WHEN n % 100 = 0 THEN 0.5 ELSE 0.1 END, 0.1, now(), now()"
            " FROM generate_series(1, 20000) AS n")
        await tx.execute("ANALYZE cases")
        now = clock.now()
        found = await take_overdue(tx, now + timedelta(minutes=1), now, 200)
        assert len(found) == 200
        plan = "\n".join(row[0] for row in await tx.fetch(
            "EXPLAIN SELECT id FROM cases WHERE state = 'open' AND interim_at IS NULL AND due_at <= now() AND is_confirmed"
            f" AND subject = 'post' AND appealed_verdict_id IS NULL AND (is_demanded OR probability >= {HIDES_FROM}::float8)"
            " ORDER BY due_at, id LIMIT 200"))
        assert "cases_to_hide" in plan, plan
