"""The interval of the prevalence covers the truth as often as it says."""

import numpy as np
import pytest

from folkmoot.moderation.jury.prevalence import Stratum, estimate

# Parts of all views by the detector's score, and the shares of breaches there.
_RARE = ((0.9, 3000, 0.001), (0.08, 1500, 0.03), (0.02, 1000, 0.35))  # a month
_ONE_DAY = ((0.9, 400, 0.001), (0.08, 100, 0.03), (0.02, 100, 0.35))
_EVEN = ((0.5, 300, 0.02), (0.3, 300, 0.1), (0.2, 300, 0.4))
_SIMPLE = ((1.0, 800, 0.05),)


@pytest.mark.parametrize("strata", [_RARE, _EVEN, _SIMPLE], ids=["rare", "even", "simple"])
def test_an_interval_covers_the_truth_in_95_of_100_samples(strata: tuple[tuple[float, int, float], ...]) -> None:
    dice = np.random.default_rng(11)
    truth = sum(share * rate for share, _, rate in strata)
    samples = [[Stratum(share, size, int(dice.binomial(size, rate))) for share, size, rate in strata] for _ in range(1000)]
    found = [estimate(sample) for sample in samples]
    assert 930 <= sum(one.low <= truth <= one.high for one in found) <= 970
    assert np.mean([one.share for one in found]) == pytest.approx(truth, rel=0.05)


def test_an_interval_of_one_day_is_rather_too_wide() -> None:
    dice = np.random.default_rng(12)
    truth = sum(share * rate for share, _, rate in _ONE_DAY)
    samples = [[Stratum(share, size, int(dice.binomial(size, rate))) for share, size, rate in _ONE_DAY] for _ in range(1000)]
    assert sum(one.low <= truth <= one.high for one in map(estimate, samples)) >= 930


def test_no_breach_in_the_sample_does_not_mean_none() -> None:
    found = estimate([Stratum(0.9, 400, 0), Stratum(0.1, 100, 0)])
    assert found.share == found.low == 0
    assert 0.002 < found.high < 0.02


def test_a_stratum_weighs_as_much_as_it_is_seen() -> None:
    assert estimate([Stratum(0.75, 100, 0), Stratum(0.25, 100, 40)]).share == pytest.approx(0.1)
