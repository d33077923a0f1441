"""Compares two detectors on the same rows: whether a difference is larger than chance explains.

Both have scored the same texts, so only texts about which they disagree say anything, and the tests are one-sided: what matters is whether
the new detector is worse. Without that, a detector is refused for a handful of rows, or a limit has to be so wide that it lets harm
through (decision 0102).
"""

import math

import numpy as np
import numpy.typing as npt

CHANCE = 0.05  # the probability of a false alarm about a detector that is not worse
_NORMAL = 1.645  # the quantile of the normal distribution for CHANCE
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def is_more_frequent(before: Flags, after: Flags) -> bool:
    """Whether more rows are flagged than before, by an exact sign test (McNemar) on the rows whose flag has changed."""
    more, fewer = int((after & ~before).sum()), int((before & ~after).sum())
    changed = more + fewer
    return more > fewer and sum(math.comb(changed, count) for count in range(more, changed + 1)) <= CHANCE * 2.0**changed


def orders_worse(threats: Flags, before: Floats, after: Floats) -> bool:
    """Whether the ROC-AUC of the same rows is lower than before, by the paired test of DeLong."""
    of_threats, of_rest = _wins(before[threats], before[~threats]), _wins(-before[~threats], -before[threats])
    fallen_threats = of_threats - _wins(after[threats], after[~threats])
    fallen_rest = of_rest - _wins(-after[~threats], -after[threats])
    if len(fallen_threats) < 2 or len(fallen_rest) < 2:
        return False
    variance = fallen_threats.var(ddof=1) / len(fallen_threats) + fallen_rest.var(ddof=1) / len(fallen_rest)
    return bool(fallen_threats.mean() > _NORMAL * math.sqrt(variance))


def _wins(scores: Floats, others: Floats) -> Floats:
    """For each score, the share of the others that are lower; equal ones count half."""
    ordered = np.sort(others)
    below, not_above = np.searchsorted(ordered, scores, "left"), np.searchsorted(ordered, scores, "right")
    shares: Floats = (below + not_above) / (2 * len(others))
    return shares
