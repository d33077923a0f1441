"""Votes for comparisons with crowd-kit, the reference implementation, and what crowd-kit makes of them.

crowd-kit needs 45 packages and 750 MB, so its results are stored in `data/crowd_kit.json`, with the versions that made them. To make them
again, in an environment that also has crowd-kit: python -m tests.moderation.crowd_kit
"""

import importlib.metadata
import json
import math
import random
import warnings
from pathlib import Path
from typing import Any

from folkmoot.moderation.jury.model import Answer, Camp, Vote

STORED = Path(__file__).parent / "data" / "crowd_kit.json"
STEPS = 30
JURORS, CASES, SEATS = 40, 300, 7
SETS = ("mixed", "by camp")
_PACKAGES = ("crowd-kit", "numpy", "pandas", "scikit-learn")


def votes_of(name: str) -> tuple[list[Vote], dict[int, Answer], dict[int, Camp], dict[int, Camp]]:
    """Votes, truths, sides of the cases, camps. "mixed": jurors of different skill; "by camp": three in ten answer by camp."""
    dice = random.Random(name)
    camps = {juror: Camp(juror % 2) for juror in range(JURORS)}
    skills = {juror: dice.uniform(0.65, 0.9) for juror in camps}
    truths = {case: Answer(int(dice.random() < 0.45)) for case in range(CASES)}
    sides = {case: Camp(int(dice.random() < 0.5)) for case in truths}
    votes = []
    for case, truth in truths.items():
        for juror in dice.sample(range(JURORS), SEATS):
            answer = truth if dice.random() < skills[juror] else Answer(1 - truth)
            if name == "by camp" and juror % 10 in (0, 2, 5):
                answer = Answer.HARMLESS if sides[case] is camps[juror] else Answer.BREACH
            votes.append(Vote(case, juror, answer))
    return votes, truths, sides, camps


def stored(name: str) -> dict[str, list[float]]:
    """By case: "dawid_skene", the posterior of a breach; "majority", 1 if most votes find one."""
    found: dict[str, list[float]] = json.loads(STORED.read_text("utf-8"))[name]
    return found


def compute(name: str) -> dict[str, list[float]]:
    """The same, computed by the installed crowd-kit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas
        from crowdkit.aggregation import DawidSkene, MajorityVote

        rows = [(vote.case_id, vote.juror_id, int(vote.answer)) for vote in votes_of(name)[0]]
        table = pandas.DataFrame(rows, columns=["task", "worker", "label"])
        fitted = DawidSkene(n_iter=STEPS, tol=-math.inf).fit_predict_proba(table)
        majority = MajorityVote().fit_predict(table)
    return {
        "dawid_skene": [round(float(fitted.loc[case, 1]), 6) for case in range(CASES)],
        "majority": [int(majority[case]) for case in range(CASES)],
    }


def main() -> None:
    found: dict[str, Any] = {"versions": {name: importlib.metadata.version(name) for name in _PACKAGES}}
    STORED.write_text(json.dumps(found | {name: compute(name) for name in SETS}, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
