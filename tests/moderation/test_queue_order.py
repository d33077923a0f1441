"""The queue is ordered by urgency at any time, and an index provides this order."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import msgspec

from folkmoot.base.db import Database, WriteTx
from folkmoot.moderation.cases.model import Case, State, Subject
from folkmoot.moderation.cases.queries import insert_case, list_queue
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.moderation.cases.queries.reading import SELECT, URGENCY
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
            " SELECT n, 'post', n, n % 1000, 'open', 'violence', 0.9, 0.5, random(), now(), now() + random() * interval '7 days'"
            " FROM generate_series(1, 100000) AS n"
        )
        await tx.execute("ANALYZE cases")
    whole = f"{SELECT} WHERE c.state = 'open' ORDER BY {URGENCY} DESC, c.id LIMIT 20"
    own = f"{SELECT} WHERE c.state = 'open' AND NOT {concerned_sql('7::bigint')} ORDER BY {URGENCY} DESC, c.id LIMIT 20"
    async with db.read() as conn:
        for statement in (whole, own):
            plan = "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN {statement}"))
            assert "Index Scan using cases_urgency" in plan, plan
            assert "Sort" not in plan, plan
