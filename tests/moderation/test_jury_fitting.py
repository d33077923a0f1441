"""The reliability of jurors: invariances, gold questions, and the comparison with crowd-kit, the reference implementation.

crowd-kit needs 45 packages, so its results for the votes of `_votes` are stored in `data/crowd_kit.json`; where it is installed,
a test computes them again.
"""

import json
import math
import random
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.moderation.jury import fitting
from folkmoot.moderation.jury.aggregation import posterior
from folkmoot.moderation.jury.fitting import Model, fit
from folkmoot.moderation.jury.model import UNIT, Answer, Camp, Relation, Reliability, Tried, Vote

_STORED = Path(__file__).parent / "data" / "crowd_kit.json"
_STEPS = 30
_JURORS, _CASES, _SEATS = 40, 300, 7
# The model of Dawid and Skene, without all that ours adds.
_PLAIN = Model(
    types=((1.0, ((0.5, 0.5),) * 3),), type_strength=0.0, own_strength=0.0, base_strength=0.0, most_worth=math.inf, is_leave_one_out=False,
    steps=_STEPS,
)


def _votes(name: str) -> tuple[list[Vote], dict[int, Answer], dict[int, Camp], dict[int, Camp]]:
    """Votes, truths, sides of the cases, camps. "mixed": jurors of different skill; "by camp": three in ten answer by camp."""
    dice = random.Random(name)
    camps = {juror: Camp(juror % 2) for juror in range(_JURORS)}
    skills = {juror: dice.uniform(0.65, 0.9) for juror in camps}
    truths = {case: Answer(int(dice.random() < 0.45)) for case in range(_CASES)}
    sides = {case: Camp(int(dice.random() < 0.5)) for case in truths}
    votes = []
    for case, truth in truths.items():
        for juror in dice.sample(range(_JURORS), _SEATS):
            answer = truth if dice.random() < skills[juror] else Answer(1 - truth)
            if name == "by camp" and juror % 10 in (0, 2, 5):
                answer = Answer.HARMLESS if sides[case] is camps[juror] else Answer.BREACH
            votes.append(Vote(case, juror, answer))
    return votes, truths, sides, camps


def _probability(votes: list[Vote], case: int, reliability: Reliability, side: Camp | None, camps: dict[int, Camp]) -> float:
    return posterior([vote for vote in votes if vote.case_id == case], reliability, side, camps).probability


def test_plain_model_has_the_posteriors_of_crowd_kit() -> None:
    votes, truths, _, camps = _votes("mixed")
    stored = json.loads(_STORED.read_text("utf-8"))["mixed"]
    reliability = fit(votes, {case: Tried() for case in truths}, camps, _PLAIN)
    differences = [abs(_probability(votes, case, reliability, None, camps) - stored[case]) for case in truths]
    assert max(differences) < 0.005  # weights are whole thousandths of a nat
    assert sum(differences) / len(differences) < 0.0005


def test_side_aware_model_is_right_where_crowd_kit_follows_the_camps() -> None:
    votes, truths, sides, camps = _votes("by camp")
    stored = json.loads(_STORED.read_text("utf-8"))["by camp"]
    reliability = fit(votes, {case: Tried(side=sides[case]) for case in truths}, camps)
    ours = [_probability(votes, case, reliability, sides[case], camps) for case in truths]
    wrong = {name: sum((found > 0.5) != truths[case] for case, found in enumerate(of)) for name, of in (("ours", ours), ("theirs", stored))}
    assert wrong["ours"] < 0.75 * wrong["theirs"]
    sure = {name: sum((found > 0.97) if not truths[case] else (found < 0.03) for case, found in enumerate(of))
            for name, of in (("ours", ours), ("theirs", stored))}
    assert sure["ours"] <= 0.02 * _CASES
    assert sure["ours"] < 0.5 * sure["theirs"]


def test_stored_posteriors_are_those_of_crowd_kit() -> None:
    pytest.importorskip("crowdkit")
    assert {name: pytest.approx(of, abs=1e-5) for name, of in crowd_kit().items()} == json.loads(_STORED.read_text("utf-8"))


def crowd_kit() -> dict[str, list[float]]:
    """The posteriors of crowd-kit 1.4.2, by case."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas
        from crowdkit.aggregation import DawidSkene

        found = {}
        for name in ("mixed", "by camp"):
            rows = [(vote.case_id, vote.juror_id, int(vote.answer)) for vote in _votes(name)[0]]
            table = pandas.DataFrame(rows, columns=["task", "worker", "label"])
            fitted = DawidSkene(n_iter=_STEPS, tol=-math.inf).fit_predict_proba(table)
            found[name] = [round(float(fitted.loc[case, 1]), 6) for case in range(_CASES)]
    return found


ballots = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 6), st.sampled_from(Answer)), max_size=40, unique_by=lambda ballot: ballot[:2],
)
sides = st.lists(st.sampled_from([None, *Camp]), min_size=12, max_size=12)
truths = st.lists(st.sampled_from([None, None, Answer.BREACH, Answer.HARMLESS]), min_size=12, max_size=12)


@given(ballots, sides, truths, st.randoms(use_true_random=False))
def test_neither_order_nor_names_nor_swapped_camps_change_a_bit(
    ballots: list[tuple[int, int, Answer]], sides: list[Camp | None], truths: list[Answer | None], dice: random.Random
) -> None:
    votes = [Vote(*ballot) for ballot in ballots]
    cases = {case + 1: Tried(side=sides[case], truth=truths[case]) for case in range(12)}
    camps = {juror: Camp(juror % 2) for juror in range(1, 7)}
    names, numbers = dice.sample(range(100, 900), 6), dice.sample(range(1000, 9000), 12)
    others = [Vote(numbers[vote.case_id - 1], names[vote.juror_id - 1], vote.answer) for vote in votes]
    dice.shuffle(others)
    swapped = {None: None, Camp.ONE: Camp.TWO, Camp.TWO: Camp.ONE}
    other_cases = {numbers[case - 1]: Tried(side=swapped[tried.side], truth=tried.truth) for case, tried in cases.items()}
    other_camps = {names[juror - 1]: Camp(1 - camp) for juror, camp in camps.items()}

    ours, theirs = fit(votes, cases, camps), fit(others, other_cases, other_camps)

    assert (ours.base, ours.newcomer) == (theirs.base, theirs.newcomer)
    assert {names[juror - 1]: weights for juror, weights in ours.weights.items()} == theirs.weights
    assert {names[juror - 1]: rates for juror, rates in ours.rates.items()} == theirs.rates
    for case in cases:
        standing = posterior([vote for vote in votes if vote.case_id == case], ours, cases[case].side, camps)
        number = numbers[case - 1]
        other = posterior([vote for vote in others if vote.case_id == number], theirs, other_cases[number].side, other_camps)
        assert (standing.log_odds, standing.reviews, standing.camps) == (other.log_odds, other.reviews, other.camps[::-1])


@given(ballots, sides, truths, st.integers(1, 12))
def test_a_further_answer_never_counts_as_its_opposite(
    ballots: list[tuple[int, int, Answer]], sides: list[Camp | None], truths: list[Answer | None], case: int
) -> None:
    votes = [Vote(*ballot) for ballot in ballots]
    cases = {at + 1: Tried(side=sides[at], truth=truths[at]) for at in range(12)}
    camps = {juror: Camp(juror % 2) for juror in range(1, 8)}
    reliability = fit(votes, cases, camps)
    here = [vote for vote in votes if vote.case_id == case]
    before = posterior(here, reliability, cases[case].side, camps).log_odds
    for juror in range(1, 8):
        relation = Relation.of(camps[juror], cases[case].side)
        if_breach, if_none = reliability.rates.get(juror, ((0.9, 0.1),) * 3)[relation]
        found = {answer: posterior([*here, Vote(case, juror, answer)], reliability, cases[case].side, camps).log_odds for answer in Answer}
        assert found[Answer.BREACH] >= before == found[Answer.UNSURE] >= found[Answer.HARMLESS]
        if if_breach > if_none + 0.01:  # better than chance
            assert found[Answer.BREACH] > before > found[Answer.HARMLESS]


def test_gold_answers_are_the_prior_of_a_juror() -> None:
    """Before any case: two jurors, of whom one knew ten gold questions and the other one knew none."""
    cases = {case: Tried(truth=Answer(case % 2)) for case in range(1, 11)}
    votes = [vote for case, tried in cases.items() for vote in (Vote(case, 1, tried.truth), Vote(case, 2, Answer(1 - tried.truth)))]
    reliability = fit(votes, cases, {1: Camp.ONE, 2: Camp.ONE})
    careful, careless = reliability.of(1), reliability.of(2)
    assert min(careful.breach + careful.harmless) > UNIT
    assert max(careless.breach + careless.harmless) < 0.5 * UNIT
    assert all(low < middle < high for low, middle, high in zip(careless.breach, reliability.newcomer.breach, careful.breach, strict=True))


def test_who_answers_by_camp_has_little_say_there_and_much_elsewhere() -> None:
    votes, truths, sides, camps = _votes("by camp")
    reliability = fit(votes, {case: Tried(side=sides[case]) for case in truths}, camps)
    by_camp = [reliability.of(juror) for juror in camps if juror % 10 in (0, 2, 5)]
    others = [reliability.of(juror) for juror in camps if juror % 10 not in (0, 2, 5)]
    assert max(weights.harmless[Relation.OWN] for weights in by_camp) < min(weights.harmless[Relation.OWN] for weights in others)
    assert max(weights.breach[Relation.OTHER] for weights in by_camp) < min(weights.breach[Relation.OTHER] for weights in others)


def test_a_fit_without_votes_gives_newcomers_a_say() -> None:
    reliability = fit([], {}, {})
    assert reliability.base == 0
    assert min(reliability.of(1).breach) > 0.5 * UNIT


def test_sums_are_exact_so_that_no_bit_depends_on_the_order() -> None:
    votes, _, sides, camps = _votes("by camp")
    cases = {case: Tried(side=side) for case, side in sides.items()}
    dice = random.Random(1)
    jurors, numbers = list(range(_JURORS)), list(range(_CASES))
    first, base = _tables(votes, cases, camps, jurors, numbers)
    dice.shuffle(votes)
    dice.shuffle(jurors)
    dice.shuffle(numbers)
    second, other_base = _tables(votes, cases, camps, jurors, numbers)
    assert base == other_base
    assert (first[jurors] == second).all()


def _tables(
    votes: list[Vote], cases: dict[int, Tried], camps: dict[int, Camp], jurors: list[int], numbers: list[int]
) -> tuple[fitting.Floats, float]:
    tables, _, base = fitting._estimate(fitting._arrays(votes, cases, camps, jurors, numbers), fitting.MODEL)
    return tables, base
