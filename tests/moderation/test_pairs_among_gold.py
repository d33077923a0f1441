"""Counterfactual pairs among the gold questions: the halves never come together, and the flips of jurors are measured."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.jurors.queries import find_gold_item
from folkmoot.moderation.measurement.computing import compute, of_flips, read_sources
from folkmoot.moderation.measurement.model import Name, Period
from folkmoot.moderation.measurement.pairs import LANGUAGES, shipped_pairs
from folkmoot.moderation.measurement.queries.sources import Flips
from folkmoot.moderation.reviewing import gold, outcomes
from folkmoot.moderation.reviewing.pairs import PAUSE, all_halves, other_half
from tests.moderation.court import Court
from tests.moderation.review_table import ReviewTable


@pytest.fixture
async def table(court: Court) -> ReviewTable:
    made = ReviewTable(court)
    await made.make_jurors("jana")
    return made


def test_both_halves_of_each_pair_can_be_asked_and_differ_only_in_the_group() -> None:
    halves = all_halves()
    texts = {pair.one: pair.other for pair in shipped_pairs()}
    assert {half.language for half in halves.values()} == set(LANGUAGES)
    for key, half in halves.items():
        other = halves[other_half(key)]
        first, second = (one.question.wordings[half.language].text for one in ((half, other) if key.endswith("0") else (other, half)))
        assert texts[first] == second
        assert half.question.breaks == other.question.breaks
        assert half.question.wordings[half.language].why == other.question.wordings[half.language].why
    assert {half.question.breaks for half in halves.values()} == {"", "violence"}


async def _asked(table: ReviewTable, clause: str = "") -> str:
    """The key of the next gold question of Jana, which is answered."""
    await table.due_gold("jana")
    item_id = await table.judge("jana", clause)
    async with table.database.read() as conn:
        asked = await find_gold_item(conn, table.village.people["jana"].id, item_id)
        known = await outcomes.find_feedback(conn, table.village.people["jana"].id, item_id)
    assert asked
    assert known
    assert (bool(known.text), bool(known.why)) == (True, True)
    return asked.question


async def test_the_other_half_of_a_pair_comes_days_later_and_a_flip_is_counted(
    table: ReviewTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gold, "PAIR_EVERY", 1)
    await table.seated("jana", "Another.")
    now, same_day = clock.now(), []
    with clock.stopped_at(now):
        for _ in range(3):
            same_day.append(await _asked(table))
    assert not {other_half(key) for key in same_day} & set(same_day)
    async with table.database.write() as tx:
        await tx.execute("UPDATE jury_seats SET until = $1", now + 2 * PAUSE)
        await tx.execute("UPDATE cases SET due_at = $1", now + 2 * PAUSE)
    with clock.stopped_at(now + PAUSE - timedelta(hours=1)):
        assert other_half(await _asked(table)) not in same_day
    with clock.stopped_at(now + PAUSE):
        later = [await _asked(table, "violence") for _ in range(3)]
        assert {other_half(key) for key in later} == set(same_day)
        async with table.database.read() as conn:
            found = (await read_sources(conn, Period.of_month(clock.now().date()))).flips
    assert (sum(one.flipped for one in found), sum(one.pairs for one in found)) == (3, 3)
    assert {one.juror_id for one in found} == {table.village.people["jana"].id}


async def test_who_leaves_the_topic_to_others_is_asked_no_pairs(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gold, "PAIR_EVERY", 1)
    table = ReviewTable(court)
    await table.make_jurors("jana", avoided=("violence",))
    view, case = await table.open_case("Buy now.")
    async with table.database.write() as tx:
        await tx.execute("UPDATE cases SET clause = 'spam' WHERE id = $1", case.id)
    await table.seat(case, "jana")
    assert not (await _asked(table, "spam")).startswith("pair/")
    assert view


async def test_flips_are_published_of_five_jurors_and_more_each_a_cluster(table: ReviewTable) -> None:
    async with table.database.read() as conn:
        nothing = await read_sources(conn, Period.of_month(clock.now().date()))
    few = [Flips(juror, language, 1, 4) for juror in range(4) for language in ("cs", "en")]
    assert not list(of_flips(few))
    found = {one.scope: one for one in compute(nothing._replace(flips=[*few, Flips(4, "cs", 0, 4)]), clock.now())
             if one.name is Name.JURORS_FLIPPED}
    assert set(found) == {"", "cs"}
    assert (found[""].value, found[""].size) == (8 / 36, 36)
    assert (found["cs"].value, found["cs"].size) == (4 / 20, 20)
