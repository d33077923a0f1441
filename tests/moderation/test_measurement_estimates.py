"""Estimates on synthetic truth: 93 to 97 of 100 intervals contain it, and values known by hand are right.

Every scenario has sizes as they occur in a month. The seeds are fixed, so a run finds the same each time.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import pytest

from folkmoot.moderation.measurement import drawing, durations, shares, weighted
from folkmoot.moderation.measurement.durations import Wait
from folkmoot.moderation.measurement.model import Estimate, Stratum
from folkmoot.moderation.measurement.queries.sources import Day, Item
from folkmoot.moderation.measurement.weighing import WeighedSample
from folkmoot.moderation.measurement.weighted import Labelled, StratumCounts
from tests import series

RUNS = 1_000


def _covered(found: Iterable[Estimate | None], truth: float) -> int:
    """How many of the intervals contain the truth."""
    estimates = [one for one in found if one is not None]
    assert len(estimates) == RUNS
    return sum(one.low <= truth <= one.high for one in estimates)


# -- the sample of views -----------------------------------------------------------------------------------------------

# Of each stratum: share of the views, labels in a month, share of breaches; flagged of the breaches, and of the harmless ones; known flags.
_Scenario = Sequence[tuple[float, int, float, float, float, bool | None]]
_USUAL: _Scenario = (
    (0.015, 45, 0.5, 0.5, 0.2, None), (0.005, 30, 0.3, 1, 1, True), (0.05, 135, 0.02, 0, 0, False), (0.93, 390, 0.001, 0, 0, False),
)
_REPORTED: _Scenario = (
    (0.015, 60, 0.5, 0.9, 0.7, None), (0.005, 40, 0.3, 0.2, 0.05, None), (0.05, 180, 0.02, 0.1, 0.005, None),
    (0.93, 520, 0.001, 0.1, 0.0005, None),
)
_BAD: _Scenario = (
    (0.03, 60, 0.6, 0.7, 0.5, None), (0.02, 60, 0.5, 0.4, 0.1, None), (0.15, 180, 0.08, 0.1, 0.02, None),
    (0.8, 600, 0.01, 0.05, 0.001, None),
)
_RARE: _Scenario = (
    (0.01, 45, 0.4, 1, 1, True), (0.005, 30, 0.2, 1, 1, True), (0.05, 135, 0.01, 0, 0, False), (0.935, 390, 0.0005, 0, 0, False),
)
_ESTIMATES = {
    "prevalence": (weighted.prevalence, lambda found, wrong, missed: found + missed),
    "precision": (weighted.precision, lambda found, wrong, missed: found / (found + wrong)),
    "recall": (weighted.recall, lambda found, wrong, missed: found / (found + missed)),
}
_CASES = [("usual", "prevalence"), ("usual", "precision"), ("usual", "recall")]
_MORE = [(name, of) for name in ("reported", "bad", "rare") for of in _ESTIMATES]
# In a month in which half a breach and a quarter of a wrong report are expected among the quiet posts, counts have so large steps that no
# interval covers exactly; these are rather too wide.
_MOST = {"reported": 980}
_SCENARIOS = {"usual": _USUAL, "reported": _REPORTED, "bad": _BAD, "rare": _RARE}


@pytest.mark.parametrize(("scenario", "estimate"), series.length(_CASES, [*_CASES, *_MORE]))
def test_an_estimate_from_the_sample_covers_the_truth(scenario: str, estimate: str) -> None:
    strata, dice = _SCENARIOS[scenario], np.random.default_rng(29)
    function, truth_of = _ESTIMATES[estimate]
    truth = truth_of(
        sum(share * rate * hit for share, _, rate, hit, _, _ in strata),
        sum(share * (1 - rate) * hit for share, _, rate, _, hit, _ in strata),
        sum(share * rate * (1 - hit) for share, _, rate, hit, _, _ in strata),
    )
    found = [function([_draw(dice, *stratum) for stratum in strata]) for _ in range(RUNS)]
    assert 930 <= _covered(found, truth) <= _MOST.get(scenario, 970)


def _draw(
    dice: np.random.Generator, share: float, labels: int, rate: float, of_breaches: float, of_harmless: float, known: bool | None
) -> StratumCounts:
    breaches = int(dice.binomial(labels, rate))
    return StratumCounts(
        share=share, labels=labels, breaches=breaches, flagged_breaches=int(dice.binomial(breaches, of_breaches)),
        flagged_harmless=int(dice.binomial(labels - breaches, of_harmless)), is_flagged=known,
    )


def test_a_month_of_unequal_days_covers_the_truth() -> None:
    """The whole way from views to the estimate: both phases of drawing, the division of labels, days of which some are seen four times as
    much as others, and two labels in ten that nobody gives."""
    dice, runs = np.random.default_rng(53), series.length(250, RUNS)
    rates = {Stratum.CASED: 0.5, Stratum.SUSPECTED: 0.3, Stratum.UNSURE: 0.02, Stratum.QUIET: 0.002}
    days = [date(2026, 10, day) for day in range(1, 31)]
    views = dice.integers(5_000, 20_000, len(days))
    parts = [dice.dirichlet([3, 1, 10, 186]) for _ in days]
    truth = sum(seen * part @ list(rates.values()) for seen, part in zip(views, parts, strict=True)) / views.sum()
    covered = 0
    for _ in range(runs):
        drawn = [
            Day(day, int(seen), 0, dict(zip(Stratum, dice.multinomial(drawing.FIRST_PHASE, part).tolist(), strict=True)))
            for day, seen, part in zip(days, views, parts, strict=True)
        ]
        items = [
            Item(day.day, stratum, 1, False, None if dice.random() < 0.2 else ("x",) * int(dice.random() < rates[stratum]), False, False)
            for day in drawn for stratum, number in drawing.allocate(day.draws, 20).items() for _ in range(number)
        ]
        found = weighted.prevalence(WeighedSample(drawn, items).count(lambda one: bool(one.clauses)))
        covered += found.low <= truth <= found.high
    assert series.length(0.9, 0.93) <= covered / runs <= series.length(0.99, 0.97)


def test_a_label_counts_for_as_many_views_as_it_stands_for() -> None:
    seen = weighted.count(0.75, [Labelled(10, False), Labelled(30, True)])
    rare = weighted.count(0.25, [Labelled(1, False)] * 10)
    assert (seen.labels, seen.breaches) == (pytest.approx(1.6), pytest.approx(1.2))
    assert weighted.prevalence([seen, rare]).value == pytest.approx(0.75 * 0.75)
    assert rare.labels == pytest.approx(10)


def test_no_breach_in_the_sample_does_not_mean_none() -> None:
    found = weighted.prevalence([StratumCounts(share=0.9, labels=400, breaches=0), StratumCounts(share=0.1, labels=100, breaches=0)])
    assert (found.value, found.low) == (0, 0)
    assert 0.002 < found.high < 0.02
    assert weighted.recall([StratumCounts(share=1, labels=400, breaches=0)]) is None
    assert weighted.precision([StratumCounts(share=1, labels=400, breaches=3)]) is None


def test_the_same_labels_give_the_same_figures() -> None:
    counts = [_draw(np.random.default_rng(1), *stratum) for stratum in _USUAL]
    assert weighted.recall(counts) == weighted.recall(counts)


# -- shares ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "truth"), [(80, 0.1), (300, 0.03), (60, 0.5), (2000, 0.94)])
def test_a_share_covers_the_truth(size: int, truth: float) -> None:
    dice = np.random.default_rng(31)
    assert 930 <= _covered([shares.share(int(dice.binomial(size, truth)), size) for _ in range(RUNS)], truth) <= 970


@pytest.mark.parametrize(("people", "spread"), [(20, 0.08), (60, 0.08), (60, 0.0)])
def test_answers_of_the_same_people_are_worth_fewer(people: int, spread: float) -> None:
    """`spread`: the standard deviation of how often people are right; 0: all the same."""
    dice, truth = np.random.default_rng(37), 0.85
    found = []
    for _ in range(RUNS):
        right = np.full(people, truth)
        if spread:
            sum_of_both = truth * (1 - truth) / spread**2 - 1
            right = dice.beta(truth * sum_of_both, (1 - truth) * sum_of_both, people)
        answers = dice.integers(3, 40, people)
        found.append(shares.clustered_share(list(zip(dice.binomial(answers, right).tolist(), answers.tolist(), strict=True))))
    assert 930 <= _covered(found, truth) <= 975 - 5 * (spread > 0)


@pytest.mark.parametrize(("sizes", "rates"), [((150, 200), (0.06, 0.03)), ((400, 300), (0.04, 0.04)), ((60, 500), (0.15, 0.05))])
def test_a_difference_covers_the_truth(sizes: tuple[int, int], rates: tuple[float, float]) -> None:
    dice = np.random.default_rng(41)
    found = [
        shares.difference(*((int(dice.binomial(size, rate)), size) for size, rate in zip(sizes, rates, strict=True))) for _ in range(RUNS)
    ]
    assert 930 <= _covered(found, rates[0] - rates[1]) <= 970


def test_known_intervals() -> None:
    """Newcombe 1998, table II, (a): 56/70 and 48/80; Student's quantiles from tables."""
    found = shares.difference((56, 70), (48, 80))
    assert (found.value, found.low, found.high) == (pytest.approx(0.2), pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert [shares.student(degrees) for degrees in (4, 9, 30)] == [pytest.approx(quantile, abs=0.005) for quantile in (2.776, 2.262, 2.042)]
    assert shares.share(0, 50).low == 0


# -- times -------------------------------------------------------------------------------------------------------------


def _waits(dice: np.random.Generator, size: int, mean: float, until: float) -> list[Wait]:
    """Exponential times to a decision of cases that were opened at random moments before now: some are still open."""
    lasted, seen = dice.exponential(mean, size), dice.uniform(0, until, size)
    return [Wait(float(min(one, most)), bool(one <= most)) for one, most in zip(lasted, seen, strict=True)]


@pytest.mark.parametrize(("share", "size"), [(durations.HALF, 60), (durations.HALF, 300), (durations.SLOWEST, 300)])
def test_a_time_covers_the_truth_although_cases_are_still_open(share: float, size: int) -> None:
    dice, truth = np.random.default_rng(43), -np.log(1 - share)
    found = [durations.quantile(_waits(dice, size, 1.0, 8.0), share) for _ in range(RUNS)]
    assert all(found)
    assert 930 <= sum(one.low <= truth <= (one.high if one.high is not None else np.inf) for one in found if one) <= 970


@pytest.mark.parametrize(("size", "limit"), [(80, 1.0), (300, 3.0)])
def test_a_share_in_time_covers_the_truth_although_cases_are_still_open(size: int, limit: float) -> None:
    dice, truth = np.random.default_rng(47), 1 - float(np.exp(-limit))
    assert 930 <= _covered([durations.share_within(_waits(dice, size, 1.0, 8.0), limit) for _ in range(RUNS)], truth) <= 970


def test_leaving_cases_undone_does_not_make_a_network_fast() -> None:
    quick = [Wait(1, has_ended=True)] * 6
    found = durations.quantile([*quick, *[Wait(9, has_ended=False)] * 6], durations.HALF)
    assert found is not None
    assert found.value == 1
    assert durations.quantile([*quick, *[Wait(9, has_ended=False)] * 7], durations.HALF) is None
    assert durations.share_within([*quick, *[Wait(9, has_ended=False)] * 6], 2) == shares.share(6, 12)


def test_the_curve_of_kaplan_and_meier() -> None:
    """The example of Kaplan and Meier 1958, section 2: deaths at 0.8, 3.1, 5.4, 9.2, losses at 1.0, 2.7, 7.0, 12.1."""
    waits = [Wait(at, has_ended=at in (0.8, 3.1, 5.4, 9.2)) for at in (0.8, 1.0, 2.7, 3.1, 5.4, 7.0, 9.2, 12.1)]
    waiting = [1 - step.happened.value for step in durations.curve(waits)]
    assert waiting == [pytest.approx(value, abs=5e-4) for value in (7 / 8, 7 / 8 * 4 / 5, 7 / 8 * 3 / 5, 7 / 8 * 3 / 5 * 1 / 2)]
    assert durations.share_within(waits[1:], 0.5) == shares.wilson(0, 7)
    assert durations.share_within([], 1) is None


