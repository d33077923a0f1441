"""From sources to published figures: the weights of labels, cases that wait, publication, corrections, counterfactual pairs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Problem
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Lane
from folkmoot.moderation.detection.current import detector_of
from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.juries.model import Reason
from folkmoot.moderation.juries.model import State as JuryState
from folkmoot.moderation.jury.model import Camp
from folkmoot.moderation.measurement import shares
from folkmoot.moderation.measurement.actions.publish import correct_figures, periods_to_compute, store_figures
from folkmoot.moderation.measurement.computing import Sources, compute
from folkmoot.moderation.measurement.jobs import Measuring
from folkmoot.moderation.measurement.model import FEWEST_LABELS, LABELS_WAIT, Figure, Name, Period, SampleItem, Stratum, Unit
from folkmoot.moderation.measurement.pairs import LANGUAGES, measure_pairs, read_pairs, score_pairs, shipped_pairs
from folkmoot.moderation.measurement.queries import figures_of_month
from folkmoot.moderation.measurement.queries.sample import insert_day, insert_items
from folkmoot.moderation.measurement.queries.sources import Day, Handled, Item, Tried, list_tried
from tests.moderation.court import Court

_NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)
_OCTOBER = Period(Unit.MONTH, date(2026, 10, 1))
_NOTHING = Sources(days=[], items=[], cases=[], appeals=(0, 0), verdicts=(0, 0), gold=[], tried=[], flips=[])


def _figures(**sources: Any) -> dict[tuple[Name, str], Figure]:
    return {(one.name, one.scope): one for one in compute(_NOTHING._replace(**sources), _NOW)}


def _item(
    day: int, stratum: Stratum, clauses: tuple[str, ...] | None, draws: int = 1, *, is_reported: bool = False, is_breach: bool = False
) -> Item:
    return Item(date(2026, 10, day), stratum, draws, stratum is Stratum.SUSPECTED, clauses, is_reported, is_breach)


# -- the sample --------------------------------------------------------------------------------------------------------


def test_nothing_is_estimated_from_nothing() -> None:
    assert _figures() == {}
    few = [_item(1, Stratum.QUIET, ()) for _ in range(FEWEST_LABELS - 1)]
    found = _figures(days=[Day(date(2026, 10, 1), 5_000, 0, {Stratum.QUIET: 2_000})], items=few)
    assert (Name.PREVALENCE, "") not in found
    assert found[Name.LABELLED, ""].value == 1


def test_a_label_stands_for_the_views_of_its_stratum_and_day() -> None:
    """Two days, of which the second was seen three times as much; one post was drawn twice, one has no answer."""
    days = [
        Day(date(2026, 10, 1), 1_000, 20, {Stratum.QUIET: 900, Stratum.CASED: 100}),
        Day(date(2026, 10, 2), 3_000, 0, {Stratum.QUIET: 1_900, Stratum.CASED: 100}),
    ]
    items = [
        *[_item(1, Stratum.QUIET, ()) for _ in range(90)], *[_item(1, Stratum.CASED, ("violence",), is_reported=True, is_breach=True)] * 4,
        _item(1, Stratum.CASED, ("spam",), 2, is_reported=True), *[_item(1, Stratum.CASED, ())] * 4,
        *[_item(2, Stratum.QUIET, ()) for _ in range(94)], _item(2, Stratum.QUIET, ("violence",)), _item(2, Stratum.QUIET, None),
        *[_item(2, Stratum.CASED, ("violence",), is_reported=True, is_breach=True)] * 2,
        *[_item(2, Stratum.CASED, (), is_reported=True)] * 3,
    ]
    found = _figures(days=days, items=items)
    quiet, cased = 1_000 * 0.9 + 3_000 * 0.95, 1_000 * 0.1 + 3_000 * 0.05
    breaches = 3_000 * 0.95 / 95 + 1_000 * 0.1 * 6 / 10 + 3_000 * 0.05 * 2 / 5
    assert quiet + cased == 4_000
    any_rule = found[Name.PREVALENCE, ""]
    assert any_rule.value == pytest.approx(breaches / 4_000)
    assert any_rule.size == 200
    assert found[Name.PREVALENCE, "spam"].value == pytest.approx(1_000 * 0.1 * 2 / 10 / 4_000)
    reported = 1_000 * 0.1 * 6 / 10 + 3_000 * 0.05
    assert found[Name.REPORTS_PRECISION, ""].value == pytest.approx((breaches - 30) / reported)
    assert found[Name.REPORTS_RECALL, ""].value == pytest.approx((breaches - 30) / breaches)
    assert found[Name.VERDICTS_PRECISION, ""].value == 1
    assert found[Name.VERDICTS_RECALL, ""].value == pytest.approx((1_000 * 0.1 * 4 / 10 + 3_000 * 0.05 * 2 / 5) / breaches)
    assert (Name.DETECTOR_PRECISION, "") not in found  # it has queued nothing
    assert found[Name.DETECTOR_RECALL, ""].value == 0
    assert (found[Name.VIEWS, ""].value, found[Name.VIEWS_LOST, ""].value) == (4_020, pytest.approx(20 / 4_020))
    assert all(one.low is None or one.low <= one.value <= (one.high or 1e9) for one in found.values())


def test_the_detector_is_measured_by_the_rule_that_it_looks_for() -> None:
    days = [Day(date(2026, 10, 1), 1_000, 0, {Stratum.QUIET: 900, Stratum.SUSPECTED: 100})]
    items = [
        *[_item(1, Stratum.QUIET, ())] * 188, *[_item(1, Stratum.QUIET, ("harassment",))] * 2,
        *[_item(1, Stratum.SUSPECTED, ("violence",))] * 5, *[_item(1, Stratum.SUSPECTED, ("spam",))] * 3,
        *[_item(1, Stratum.SUSPECTED, ())] * 2,
    ]
    found = _figures(days=days, items=items)
    assert (found[Name.DETECTOR_PRECISION, ""].value, found[Name.DETECTOR_RECALL, ""].value) == (pytest.approx(0.5), 1)
    assert found[Name.DETECTOR_RECALL, ""].low < 1


def test_a_stratum_without_answers_leaves_no_estimate() -> None:
    days = [Day(date(2026, 10, 1), 1_000, 0, {Stratum.QUIET: 900, Stratum.CASED: 100})]
    items = [*[_item(1, Stratum.QUIET, ()) for _ in range(300)], _item(1, Stratum.CASED, None)]
    assert (Name.PREVALENCE, "") not in _figures(days=days, items=items)
    assert (Name.PREVALENCE, "") in _figures(days=days, items=[*items, _item(1, Stratum.CASED, ())])


# -- cases and answers -------------------------------------------------------------------------------------------------


def _case(hours: float | None, *, lane: Lane = Lane.THREAT, opened: float = 100, due: float = 24, is_withdrawn: bool = False) -> Handled:
    """Decided after so many hours; None: not at all. `opened`: hours before now."""
    at = _NOW - timedelta(hours=opened)
    decided = None if hours is None or is_withdrawn else at + timedelta(hours=hours)
    closed = at + timedelta(hours=hours) if is_withdrawn and hours is not None else decided
    return Handled(lane, at, at + timedelta(hours=due), decided, closed)


def test_open_cases_count_as_long_as_they_have_waited() -> None:
    found = _figures(cases=[_case(1), _case(2), _case(3), _case(None), _case(None, opened=2.5)])
    assert found[Name.MEDIAN_HOURS, ""].value == 3  # with decided cases only it would be 2
    assert found[Name.MEDIAN_HOURS, "threat"] == msgspec.structs.replace(found[Name.MEDIAN_HOURS, ""], scope="threat")
    assert (Name.SLOWEST_HOURS, "") not in found  # less than nine tenths are decided
    assert (Name.MEDIAN_HOURS, "demand") not in found
    assert found[Name.IN_TIME, ""].value == pytest.approx(1 - 4 / 5 * 3 / 4 * 1 / 2)


def test_a_case_after_its_deadline_is_not_in_time_and_a_withdrawn_one_says_nothing_more() -> None:
    late = _figures(cases=[_case(1), _case(30), _case(None)])
    assert late[Name.IN_TIME, ""].value == pytest.approx(1 / 3)
    withdrawn = _figures(cases=[_case(1), _case(0.5, is_withdrawn=True)])
    assert withdrawn[Name.IN_TIME, ""].value == 1
    only = _figures(cases=[_case(0.5, is_withdrawn=True)])
    assert (Name.IN_TIME, "") not in only


def test_shares_of_appeals_verdicts_and_gold_answers() -> None:
    found = _figures(appeals=(20, 3), verdicts=(200, 3), gold=[(9, 10), (8, 10), (10, 10), (7, 10), (9, 10)])
    assert found[Name.APPEALS_OVERTURNED, ""].value == pytest.approx(0.15)
    assert found[Name.VERDICTS_OVERTURNED, ""].high == shares.share(3, 200).high
    assert (found[Name.GOLD_ACCURACY, ""].value, found[Name.GOLD_ACCURACY, ""].size) == (pytest.approx(0.86), 50)
    assert (Name.GOLD_ACCURACY, "") not in _figures(gold=[(9, 10)] * 4)  # so few that it could be said of one


def test_what_juries_pass_on_and_whom_they_wrong() -> None:
    def tried(side: Camp | None, number: int, *, overturned: int = 0, escalated: int = 0) -> list[Tried]:
        return [Tried(side, at < escalated, escalated <= at < escalated + overturned) for at in range(number)]

    cases = [*tried(Camp.ONE, 50, overturned=4, escalated=10), *tried(Camp.TWO, 40, overturned=2), *tried(None, 10, overturned=5)]
    found = _figures(tried=cases)
    assert found[Name.ESCALATED, ""].value == pytest.approx(0.1)
    assert (found[Name.ERROR_GAP, ""].value, found[Name.ERROR_GAP, ""].size) == (pytest.approx(4 / 40 - 2 / 40), 80)
    assert (Name.ERROR_GAP, "") not in _figures(tried=[*tried(Camp.ONE, 50), *tried(Camp.TWO, 19)])


async def test_a_case_that_no_jury_could_have_is_not_escalated(court: Court) -> None:
    await court.report("reporter", await court.village.write("author", "Nic zlého."), clauses=("violence",))
    await court.report("reporter", await court.village.write("author", "Něco zlého."), clauses=("violence",))
    one, other = await court.queue()
    async with court.database.write() as tx:
        for case, state, reason in ((one, JuryState.STAFF, Reason.FEW_JURORS), (other, JuryState.STAFF, Reason.CAMPS_DISAGREE)):
            await tx.execute(
                "INSERT INTO juries (case_id, state, reason, side, formed_at) VALUES ($1, $2, $3, $4, now())"
                " ON CONFLICT (case_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, side = excluded.side",
                case.id, state, reason, Camp.TWO,
            )
        assert await list_tried(tx, Period.of_month(clock.now().date())) == [Tried(Camp.TWO, is_escalated=True, is_overturned=False)]


# -- counterfactual pairs ----------------------------------------------------------------------------------------------


def test_there_are_enough_pairs_and_each_differs_in_the_group_only() -> None:
    pairs = shipped_pairs()
    for language in LANGUAGES:
        texts = [text for pair in pairs if pair.language == language for text in (pair.one, pair.other)]
        assert len(texts) >= 120
        assert len(set(texts)) == len(texts)
    assert {"threat", "insult", "neutral", "counter", "report"} <= {pair.kind for pair in pairs}
    assert read_pairs("# x\nneutral: {A|B} are {C|D}.", "en")[0][1:] == ("neutral", "A are C.", "B are D.")
    for wrong in ("no kind {A|B}", "neutral: only one group"):
        with pytest.raises(ValueError, match="not a pair"):
            read_pairs(wrong, "en")


def test_the_flip_rate_is_that_of_the_real_detector() -> None:
    detector = Detector.load()
    scored = score_pairs(detector, shipped_pairs())
    flipped = sum(one.is_flipped for one in scored)
    figures = {one.scope: one for one in measure_pairs(detector)}
    assert figures[""].value == flipped / len(scored)
    assert figures["cs"].size + figures["en"].size == len(scored)
    assert 0 < figures[""].value <= 0.02  # the target


# -- storing and publishing --------------------------------------------------------------------------------------------


def test_every_period_is_computed_until_it_is_final() -> None:
    august = Period(Unit.MONTH, date(2026, 8, 1))
    assert periods_to_compute(date(2026, 11, 1), [august]) == [
        august, Period(Unit.DAY, date(2026, 10, 31)), _OCTOBER, Period(Unit.MONTH, date(2026, 11, 1)),
    ]
    assert len(periods_to_compute(date(2026, 11, 15), [Period(Unit.MONTH, date(2026, 11, 1))])) == 2


async def test_a_month_is_published_when_people_had_time_for_their_labels(tx: WriteTx) -> None:
    before, after = [Figure(name=Name.VIEWS, value=1, size=1)], [Figure(name=Name.VIEWS, value=2, size=2)]
    due = _OCTOBER.ends_at + LABELS_WAIT
    with clock.stopped_at(due - timedelta(seconds=1)):
        assert await store_figures(tx, _OCTOBER, before)
        with pytest.raises(Problem, match="not published yet"):
            await correct_figures(tx, _OCTOBER, after, "Too early.")
    with clock.stopped_at(due):
        assert await store_figures(tx, _OCTOBER, after)
        assert not await store_figures(tx, _OCTOBER, before)
        with pytest.raises(Problem, match="Say why"):
            await correct_figures(tx, _OCTOBER, before, "  ")
        assert await correct_figures(tx, _OCTOBER, before, "A day was counted twice.") == 2
    found = await figures_of_month(tx, _OCTOBER.starts_on)
    assert found is not None
    assert (found.revision, found.is_final, found.figures) == (2, True, tuple(before))
    rows = await tx.fetch("SELECT facts FROM journal WHERE kind = 'figures.published' ORDER BY id")
    facts = [msgspec.json.decode(row["facts"]) for row in rows]
    assert [(one["period"], one["revision"]) for one in facts] == [("2026-10", 1), ("2026-10", 2)]
    assert len({one["sha256"] for one in facts}) == 2


async def test_the_job_stores_what_has_happened(court: Court) -> None:
    """The whole way, with the real detector: a report is decided, an appeal overturns it, and the figures say so."""
    view = await court.village.write("author", "Nic zlého.")
    await court.report("reporter", view, clauses=("violence",))
    (case,) = await court.queue()
    verdict = await court.decide("moderator", case, "remove")
    async with court.database.write() as tx:
        await lodge_appeal(tx, court.village.people["author"], verdict.id, "Nic jsem neudělal.")
    (appeal,) = await court.queue()
    await court.decide("other_moderator", appeal, "keep")
    async with court.database.write() as tx:
        for age in (399, 401):
            day = clock.now().date() - timedelta(days=age)
            item = SampleItem(id=age, day=day, post_id=1, edited_at=None, stratum=Stratum.QUIET, draws=1, score=0.1, is_queued=False)
            await insert_day(tx, day, clock.now(), 1, 0, "x", {Stratum.QUIET: 1})
            await insert_items(tx, [item])
    with clock.stopped_at(clock.now() + timedelta(seconds=1)):
        stored = await Measuring(court.village.settings, detector_of).compute(court.database)
        assert stored >= 2
        async with court.database.read() as conn:
            found = await figures_of_month(conn, clock.now().date())
            assert await conn.fetchval("SELECT array_agg(id) FROM sample_items") == [399]
    assert found is not None
    assert not found.is_final
    for name in (Name.APPEALS_OVERTURNED, Name.VERDICTS_OVERTURNED, Name.IN_TIME):
        figure = found.find(name)
        assert figure is not None, name
        assert (figure.value, figure.size) == (1, 1), name
    assert found.find(Name.PREVALENCE) is None
    assert {one.scope for one in found.scopes(Name.FLIPPED)} == set(LANGUAGES)
