"""A trained detector is refused for a difference that is more than chance, and not for a handful of rows."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.moderation.detection.model import Example, Finding
from folkmoot.moderation.learning import paired
from folkmoot.moderation.learning.trial import Scored, find_unlearnt, shipped_rows

_QUEUE = 0.5


def _scored(rows: list[Example], scores: paired.Floats) -> Scored:
    findings = [Finding(float(score), bool(score >= _QUEUE), False, (), "x", "1") for score in scores]
    return Scored(rows, findings, np.array([row.threat == 1 for row in rows]), scores, scores >= _QUEUE)


def _rows(threats: int, others: int) -> list[Example]:
    one = Example("r", "", "cs", 0, "dev", "shipped", "r", {})
    return [msgspec.structs.replace(one, threat=int(number < threats)) for number in range(threats + others)]


@pytest.mark.parametrize(("more", "fewer", "is_worse"), [
    (0, 0, False), (3, 0, False), (4, 0, False), (5, 0, True), (6, 0, True), (8, 2, False), (9, 1, True), (30, 22, False), (0, 30, False),
])
def test_some_more_harmless_texts_in_the_queue_may_be_chance(more: int, fewer: int, is_worse: bool) -> None:
    """Of 293 harmless texts: three more are a hundredth, and chance; five more and none fewer are not, though less than two hundredths."""
    rows = _rows(0, 293)
    before = np.full(293, 0.2)
    before[:fewer] = 0.8
    after = np.full(293, 0.2)
    after[fewer : fewer + more] = 0.8
    assert bool(find_unlearnt(_scored(rows, before), _scored(rows, after))) == is_worse


def test_the_order_of_the_shipped_rows_may_change_but_not_get_worse() -> None:
    rng = np.random.default_rng(5)
    rows = _rows(150, 250)
    before = np.concatenate([rng.normal(1.3, 1, 150), rng.normal(0, 1, 250)])
    shaken = before + rng.normal(0, 0.1, 400)
    spoilt = before + np.concatenate([rng.normal(-0.3, 0.3, 150), rng.normal(0, 0.3, 250)])
    unlearnt = [any("unlearnt" in one for one in find_unlearnt(_scored(rows, before), _scored(rows, after))) for after in (shaken, spoilt)]
    assert unlearnt == [False, True]


def test_a_fall_that_few_rows_cause_may_be_chance() -> None:
    """Two of ten threats change places with harmless texts: .05 of ROC-AUC, from two rows."""
    from sklearn import metrics  # here, because each test process imports this file, and that takes a second

    rows = _rows(10, 40)
    before = np.concatenate([np.full(10, 2.0), np.linspace(0, 1, 40)])
    after = before.copy()
    after[:2] = 0.75
    assert np.isclose(metrics.roc_auc_score(np.arange(50) < 10, after), 0.95, atol=0.005)
    assert not find_unlearnt(_scored(rows, before), _scored(rows, after))
    after[:5] = 0.1
    assert find_unlearnt(_scored(rows, before), _scored(rows, after))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_the_sign_test_agrees_with_scipy(pairs: list[tuple[bool, bool]]) -> None:
    from scipy import stats

    before, after = np.array([one for one, _ in pairs]), np.array([other for _, other in pairs])
    more, changed = int((after & ~before).sum()), int((after != before).sum())
    expected = bool(changed) and stats.binomtest(more, changed, alternative="greater").pvalue <= paired.CHANCE
    assert paired.is_more_frequent(before, after) == (expected and 2 * more > changed)


def test_false_alarms_about_the_order_are_as_rare_as_promised() -> None:
    """Detectors that differ by noise alone: at most about one in twenty is said to be worse; one that is worse is found."""
    rng = np.random.default_rng(11)
    threats = np.arange(300) < 120
    alarms = found = 0
    for _ in range(400):
        signal = np.where(threats, 1.2, 0.0) + rng.normal(0, 1, 300)
        before, after, worse = (signal + rng.normal(0, size, 300) for size in (0.4, 0.4, 1.5))
        alarms += paired.orders_worse(threats, before, after)
        found += paired.orders_worse(threats, before, worse)
    assert 4 <= alarms <= 36
    assert found > 200


def test_the_shipped_rows_are_enough_for_the_test() -> None:
    """Five more rows of a group are at most a fiftieth of it: a group that is too small would let harm through."""
    for name in ("shipped", "shipped, everyday"):
        for lang in ("cs", "en"):
            harmless = sum(row.file == name and row.lang == lang and not row.threat for row in shipped_rows())
            assert harmless >= 200, (name, lang)
