"""How frequent breaches are in what was seen, from a random sample that is stratified by the detector's score.

The share of breaches is the mean of the strata's shares, weighted by their part of all views. The interval is that of Wilson for the
effective sample size: the size of a simple sample with the same variance. So it holds for rare breaches too, of which a sample has few
or none, where the usual interval of the estimate plus and minus two standard errors is far too narrow. With fewer than about two expected
breaches in a stratum that holds most views, as on a single day, it is wider than it must be. No input or output.
"""

from collections.abc import Sequence
from math import sqrt

import msgspec

_Z = 1.959964  # of a 95 % interval


class Stratum(msgspec.Struct, frozen=True):
    """`share`: of this stratum in all views; shares sum to 1. `sampled`: views drawn from it; `breaches`: those found to be breaches."""

    share: float
    sampled: int
    breaches: int


class Estimate(msgspec.Struct, frozen=True):
    share: float
    low: float
    high: float


def estimate(strata: Sequence[Stratum]) -> Estimate:
    """Every stratum needs a sample. The interval covers the true share in 93 to 97 of 100 samples."""
    sampled = [stratum for stratum in strata if stratum.share > 0]
    share = sum(stratum.share * stratum.breaches / stratum.sampled for stratum in sampled)
    # Half a breach more and half a harmless one: a stratum without a breach in its sample is not free of them.
    variance = sum(stratum.share**2 * _variance(stratum) for stratum in sampled)
    inner = sum(stratum.share * _shrunk(stratum) for stratum in sampled)
    size = inner * (1 - inner) / variance
    return Estimate(share, *_wilson(share, size))


def _shrunk(stratum: Stratum) -> float:
    return (stratum.breaches + 0.5) / (stratum.sampled + 1)


def _variance(stratum: Stratum) -> float:
    return _shrunk(stratum) * (1 - _shrunk(stratum)) / stratum.sampled


def _wilson(share: float, size: float) -> tuple[float, float]:
    middle = (share + _Z**2 / (2 * size)) / (1 + _Z**2 / size)
    half = _Z / (1 + _Z**2 / size) * sqrt(share * (1 - share) / size + _Z**2 / (4 * size**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)
