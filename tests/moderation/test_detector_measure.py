"""The evaluation metrics agree with scikit-learn; the thresholds keep their budgets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.moderation.detection.budgets import BUDGETS, measure_rates, thresholds
from folkmoot.moderation.detection.evaluation import average_precision, measure_rows, roc_auc
from folkmoot.moderation.detection.model import Example, Thresholds

_ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60)


@given(_ROWS.filter(lambda rows: len({row[0] for row in rows}) == 2))
def test_our_arithmetic_agrees_with_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    from sklearn import metrics  # here, because each test process imports this file, and that takes a second

    threats, scores = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    assert abs(roc_auc(threats, scores) - metrics.roc_auc_score(threats, scores)) < 1e-9
    assert abs(average_precision(threats, scores) - metrics.average_precision_score(threats, scores)) < 1e-9


def test_the_first_forty_and_the_first_hundred_are_counted() -> None:
    scores = np.linspace(1, 0, 200)
    labels = np.array([1] * 30 + [0] * 50 + [1] * 10 + [0] * 50 + [1] * 60)
    found = measure_rows("x", "en", labels, scores, scores > 0.9, scores > 0.95)
    assert found.precision_40 == 30 / 40
    assert found.recall_100 == 40 / 100
    assert (found.queue_found, found.queue_wrong) == (0.2, 0.0)
    assert found.base_rate == 0.5


def _row(number: int, **labels: object) -> Example:
    alone = "kind" not in labels
    return Example(f"r{number}", "", "en", 0, "train", "file", f"r{number}" if alone else "file", labels)


def test_each_kind_of_harmless_text_keeps_its_budget() -> None:
    kinds: list[dict[str, object]] = [{"neutral": 1}, {"kind": "quote"}, {}]
    rows = [_row(number, **kinds[number // 1000]) for number in range(3000)]
    rng = np.random.default_rng(7)
    for harsh in range(3):  # whichever of the three kinds has the highest scores
        scores = rng.random(3000) * 0.5
        scores[1000 * harsh : 1000 * (harsh + 1)] += 0.4
        limits = thresholds(rows, scores)
        for one in measure_rates(rows, scores, limits):
            assert one["queued"] <= BUDGETS[one["kind"]][0]
            assert one["hidden"] <= BUDGETS[one["kind"]][1]
        assert sum(one["queued"] for one in measure_rates(rows, scores, limits)) > 0.005  # but something is queued
        assert limits[""] == limits["en"]
    assert thresholds([_row(1, neutral=1)], np.array([0.1])) == {"": Thresholds(0.5, 0.9)}
