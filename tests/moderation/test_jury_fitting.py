"""The reliability of jurors: invariances, gold questions, and the comparison with crowd-kit, the reference implementation.

The results of crowd-kit are stored (`crowd_kit.py` says why and how); where it is installed, a test computes them again.
"""

import math
import random
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.moderation.jury import fitting
from folkmoot.moderation.jury.aggregation import posterior
from folkmoot.moderation.jury.fitting import Model, fit
from folkmoot.moderation.jury.model import UNIT, Answer, Camp, Relation, Reliability, Tried, Vote, Weights
from tests.moderation.crowd_kit import CASES, JURORS, SETS, STEPS, compute, stored, votes_of

# The model of Dawid and Skene, without all that ours adds.
_PLAIN = Model(
    types=((1.0, ((0.5, 0.5),) * 3),), type_strength=0.0, own_strength=0.0, base_strength=0.0, most_worth=math.inf, is_leave_one_out=False,
    steps=STEPS,
)


def _probability(votes: list[Vote], case: int, reliability: Reliability, side: Camp | None, camps: dict[int, Camp]) -> float:
    return posterior([vote for vote in votes if vote.case_id == case], reliability, side, camps).probability


def _wrong(found: Iterable[bool], truths: Mapping[int, Answer]) -> int:
    return sum(is_breach != truths[case] for case, is_breach in enumerate(found))


def test_plain_model_has_the_posteriors_of_crowd_kit() -> None:
    votes, truths, _, camps = votes_of("mixed")
    reliability = fit(votes, {case: Tried() for case in truths}, camps, _PLAIN)
    theirs = stored("mixed")["dawid_skene"]
    differences = [abs(_probability(votes, case, reliability, None, camps) - theirs[case]) for case in truths]
    assert max(differences) < 0.005  # weights are whole thousandths of a nat
    assert sum(differences) / len(differences) < 0.0005


@pytest.mark.parametrize("name", SETS)
def test_equal_weights_are_the_majority_vote_of_crowd_kit(name: str) -> None:
    votes, truths, sides, camps = votes_of(name)
    equal = Reliability(base=0, newcomer=Weights((UNIT,) * 3, (UNIT,) * 3), rates={}, weights={})
    assert [_probability(votes, case, equal, sides[case], camps) > 0.5 for case in truths] == stored(name)["majority"]


@pytest.mark.parametrize("name", SETS)
def test_our_model_is_right_more_often_than_both_of_crowd_kit(name: str) -> None:
    """Without gold answers. "by camp": the table of one juror has no sides there, so it follows the camps."""
    votes, truths, sides, camps = votes_of(name)
    reliability = fit(votes, {case: Tried(side=sides[case]) for case in truths}, camps)
    ours = [_probability(votes, case, reliability, sides[case], camps) for case in truths]
    dawid_skene = stored(name)["dawid_skene"]
    wrong = _wrong((found > 0.5 for found in ours), truths)
    assert wrong < _wrong((found > 0.5 for found in dawid_skene), truths)
    assert wrong < 0.8 * _wrong(map(bool, stored(name)["majority"]), truths)
    sure = {name: sum((found > 0.97) if not truths[case] else (found < 0.03) for case, found in enumerate(of))
            for name, of in (("ours", ours), ("theirs", dawid_skene))}
    assert sure["ours"] <= 0.02 * CASES
    assert name == "mixed" or sure["ours"] < 0.5 * sure["theirs"]


def test_stored_results_are_those_of_crowd_kit() -> None:
    pytest.importorskip("crowdkit", reason="crowd-kit is no package of the tests; its stored results are compared above")
    for name in SETS:
        assert {method: pytest.approx(of, abs=1e-5) for method, of in compute(name).items()} == stored(name)


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
    votes, truths, sides, camps = votes_of("by camp")
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
    votes, _, sides, camps = votes_of("by camp")
    cases = {case: Tried(side=side) for case, side in sides.items()}
    dice = random.Random(1)
    jurors, numbers = list(range(JURORS)), list(range(CASES))
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
