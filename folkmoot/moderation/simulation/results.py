"""What a simulation has found, with 95 % intervals. No input or output.

The intervals come from drawing the cases of each network again, with replacement (bootstrap). So they say how much the figures vary with
the cases, not how much other jurors would differ: another `seed` has other jurors.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from folkmoot.moderation.jury.trial import Figures, Outcome, measure

_DRAWN_AGAIN = 400  # times
_INTERVAL = (2.5, 97.5)  # percent
# The targets at 20 and at 30 % bad faith: the figure, its limit, whether more is better. They are those of issue 11.
TARGETS: Mapping[float, tuple[tuple[str, float, bool], ...]] = {
    0.2: (("accuracy", 0.95, True), ("wrong_removals", 0.045, False), ("missed", 0.06, False), ("gap", 0.05, False),
          ("votes_per_case", 6.5, False), ("to_staff", 0.15, False)),
    0.3: (("accuracy", 0.94, True), ("gap", 0.07, False)),
}


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """One network under one rule. `reasons`: how many cases went to moderators, and why; `seconds`: of work, of each juror."""

    outcomes: list[Outcome]
    reasons: dict[str, int] = {}
    seconds: list[float] = []
    drawn: int = 0
    jurors: int = 0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Of one rule at one share of bad faith. `low`, `high`: the ends of the intervals; `reasons`: as in `Played`."""

    rule: str
    bad_faith: float
    cases: int
    networks: int
    figures: Figures
    low: Figures
    high: Figures
    reasons: dict[str, int]

    def missed_targets(self) -> list[str]:
        """The names of the figures that miss their target, of the rule of Folkmoot."""
        return [
            name for name, limit, is_more_better in TARGETS.get(self.bad_faith, ())
            if (getattr(self.figures, name) < limit if is_more_better else getattr(self.figures, name) > limit)
        ] if self.rule == "folkmoot" else []


def summarize(rule: str, bad_faith: float, networks: Sequence[Played], seed: int) -> Result:
    outcomes = [one for network in networks for one in network.outcomes]
    low, high = _intervals([network.outcomes for network in networks], seed)
    reasons = sum((Counter(network.reasons) for network in networks), Counter[str]())
    return Result(
        rule=rule, bad_faith=bad_faith, cases=len(outcomes), networks=len(networks), figures=measure(outcomes), low=low, high=high,
        reasons=dict(sorted(reasons.items())),
    )


def _intervals(networks: Sequence[Sequence[Outcome]], seed: int) -> tuple[Figures, Figures]:
    dice = np.random.default_rng([seed, 3])
    drawn = [
        measure([cases[at] for cases in networks for at in dice.integers(len(cases), size=len(cases))]) for _ in range(_DRAWN_AGAIN)
    ]
    ends = {
        name: np.percentile([getattr(one, name) for one in drawn], _INTERVAL).tolist() for name in Figures.__struct_fields__
    }
    return Figures(**{name: low for name, (low, _) in ends.items()}), Figures(**{name: high for name, (_, high) in ends.items()})
