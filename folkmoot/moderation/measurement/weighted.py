"""Estimates from the sample of views: prevalence, precision and recall, each with a 95 % interval. Pure functions.

The sample has two phases (Neyman 1938, "double sampling for stratification"). A first sample of views, drawn with replacement, divides
into strata by what the detector says; it is so large that the shares of the strata count as known. In the second phase people label a
few views of each stratum. The estimate is that of Horvitz and Thompson (1952): every label counts for as many views as it stands for.

The interval comes from the posterior of the shares of each stratum (Gelman and others 2013, 8.3), with the prior Beta(1/3, 1/3), whose
median is nearly the observed share also if a stratum has few breaches or none (Kerman 2011); with the prior of Jeffreys, one half, the
strata without a breach would add too much when breaches are rare. The draws have a fixed seed, so the same labels give the same figures.
`tests/moderation/test_measurement_estimates.py` shows that 93 to 97 of 100 intervals contain the truth, from about 200 labels on.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from folkmoot.moderation.measurement.model import Estimate

_PRIOR = 1 / 3
_DRAWS = 2_000
_SEED = 109  # the decision that chose this method
_TAILS = (0.025, 0.975)
Floats = npt.NDArray[np.float64]


class Labelled(NamedTuple):
    """One label of the sample. `weight`: how many views it stands for. `is_flagged`: by whatever is measured, for example a report."""

    weight: float
    is_breach: bool
    is_flagged: bool = False


class StratumCounts(msgspec.Struct, frozen=True, kw_only=True):
    """`share`: of this stratum in all views. The other numbers are labels; of unequal weights, as many equal ones as are worth the same.
    `is_flagged`: for a stratum of which everything (True) or nothing (False) is flagged, by its definition."""

    share: float
    labels: float
    breaches: float
    flagged_breaches: float = 0.0
    flagged_harmless: float = 0.0
    is_flagged: bool | None = None


def count(share: float, labels: Iterable[Labelled], *, is_flagged: bool | None = None) -> StratumCounts:
    """The labels of one stratum, as if they had equal weights: the effective sample size is that of Kish (1965, 8.2)."""
    rows = list(labels)
    weights = np.array([one.weight for one in rows])
    breaches, flags = np.array([one.is_breach for one in rows], bool), np.array([one.is_flagged for one in rows], bool)
    total = weights.sum()
    size = total**2 / (weights**2).sum()

    def worth(mask: npt.NDArray[np.bool_]) -> float:
        return float(size * weights[mask].sum() / total)

    return StratumCounts(
        share=share, labels=float(size), breaches=worth(breaches), flagged_breaches=worth(breaches & flags),
        flagged_harmless=worth(~breaches & flags), is_flagged=is_flagged,
    )


def prevalence(strata: Sequence[StratumCounts]) -> Estimate:
    """The share of views that are breaches. Every stratum has labels."""
    value = sum(one.share * one.breaches / one.labels for one in strata)
    shares = np.array([one.share for one in strata])
    return _estimate(value, _breach_rates(strata, np.random.default_rng(_SEED)) @ shares)


def precision(strata: Sequence[StratumCounts]) -> Estimate | None:
    """The share of flagged views that are breaches; None if nothing is flagged."""
    flagged = sum(one.share * (one.flagged_breaches + one.flagged_harmless) / one.labels for one in strata)
    if not flagged:
        return None
    found, wrong, _ = _parts(strata)
    return _estimate(sum(one.share * one.flagged_breaches / one.labels for one in strata) / flagged, found / (found + wrong))


def recall(strata: Sequence[StratumCounts]) -> Estimate | None:
    """The share of breaching views that are flagged; None if no breach was found."""
    breaches = sum(one.share * one.breaches / one.labels for one in strata)
    if not breaches:
        return None
    found, _, missed = _parts(strata)
    return _estimate(sum(one.share * one.flagged_breaches / one.labels for one in strata) / breaches, found / (found + missed))


def _parts(strata: Sequence[StratumCounts]) -> tuple[Floats, Floats, Floats]:
    """Draws of the shares of all views that are (breaches and flagged, flagged but harmless, breaches but not flagged)."""
    dice = np.random.default_rng(_SEED)
    shares = np.array([one.share for one in strata])
    breaches = _breach_rates(strata, dice)
    flagged_breaches = _flag_rates([(one.flagged_breaches, one.breaches, one.is_flagged) for one in strata], dice)
    flagged_harmless = _flag_rates([(one.flagged_harmless, one.labels - one.breaches, one.is_flagged) for one in strata], dice)
    parts = breaches * flagged_breaches, (1 - breaches) * flagged_harmless, breaches * (1 - flagged_breaches)
    return parts[0] @ shares, parts[1] @ shares, parts[2] @ shares


def _breach_rates(strata: Sequence[StratumCounts], dice: np.random.Generator) -> Floats:
    breaches, labels = np.array([one.breaches for one in strata]), np.array([one.labels for one in strata])
    return dice.beta(breaches + _PRIOR, labels - breaches + _PRIOR, (_DRAWS, len(strata)))


def _flag_rates(counts: Sequence[tuple[float, float, bool | None]], dice: np.random.Generator) -> Floats:
    flagged, of, known = (np.array([one[at] for one in counts], float) for at in range(3))  # `known`: NaN where it is not
    drawn = dice.beta(flagged + _PRIOR, np.maximum(of - flagged, 0) + _PRIOR, (_DRAWS, len(counts)))
    return np.where(np.isnan(known), drawn, known)


def _estimate(value: float, draws: Floats) -> Estimate:
    low, high = np.quantile(draws, _TAILS)
    return Estimate(value, min(float(low), value), max(float(high), value))
