"""When a jury has decided, and who is drawn for it."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from folkmoot.moderation.jury.aggregation import posterior
from folkmoot.moderation.jury.drawing import draw, is_eligible
from folkmoot.moderation.jury.model import (
    CERTAIN,
    MOST_ITEMS_A_DAY,
    MOST_SEATS,
    Answer,
    Camp,
    CampCount,
    Candidate,
    Question,
    Reliability,
    Standing,
    Step,
    StepKind,
    Vote,
    Weights,
)
from folkmoot.moderation.jury.stopping import next_step

_BREACH, _HARMLESS, _UNSURE = Answer.BREACH, Answer.HARMLESS, Answer.UNSURE
_RELIABLE = Reliability(base=0, newcomer=Weights((1800,) * 3, (1800,) * 3), weights={}, rates={})
_CAMPS = {juror: Camp(juror % 2) for juror in range(20)}


def _standing(ones: str, twos: str, reliability: Reliability = _RELIABLE) -> Standing:
    """Answers of the jurors 0, 2, 4 … and 1, 3, 5 …: b for breach, h for harmless, u for unsure."""
    of = {"b": _BREACH, "h": _HARMLESS, "u": _UNSURE}
    votes = [Vote(1, 2 * at + camp, of[letter]) for camp, letters in enumerate((ones, twos)) for at, letter in enumerate(letters)]
    return posterior(votes, reliability, None, _CAMPS)


def test_five_are_asked_first_and_three_where_detector_and_reports_agree() -> None:
    assert next_step(_standing("", ""), is_agreed=False) == Step(StepKind.ASK, 5)
    assert next_step(_standing("", ""), is_agreed=True) == Step(StepKind.ASK, 3)
    assert next_step(_standing("bb", "b"), is_agreed=False) == Step(StepKind.ASK, 2)
    assert next_step(_standing("bb", "b"), is_agreed=True) == Step(StepKind.BREACH)


def test_a_clear_answer_of_both_camps_is_a_verdict() -> None:
    assert next_step(_standing("bbb", "bb"), is_agreed=False) == Step(StepKind.BREACH)
    assert next_step(_standing("hhh", "hh"), is_agreed=False) == Step(StepKind.HARMLESS)


def test_two_more_are_asked_until_nine_and_then_staff() -> None:
    assert next_step(_standing("bbh", "bh"), is_agreed=False) == Step(StepKind.ASK, 2)
    assert next_step(_standing("bbhb", "bhh"), is_agreed=False) == Step(StepKind.ASK, 2)
    assert next_step(_standing("bbhbh", "bhhb"), is_agreed=False) == Step(StepKind.STAFF, reason="jurors disagree")
    assert next_step(_standing("uuuuu", "uuuu"), is_agreed=False) == Step(StepKind.STAFF, reason="jurors disagree")


def test_a_removal_needs_a_third_of_the_say_in_each_camp() -> None:
    assert next_step(_standing("bbbb", "bhh"), is_agreed=False) == Step(StepKind.BREACH)
    assert next_step(_standing("bbbbbb", "h"), is_agreed=False) == Step(StepKind.ASK, 2)
    assert next_step(_standing("bbbbbbbb", "h"), is_agreed=False) == Step(StepKind.STAFF, reason="camps disagree")


def test_a_case_is_kept_if_one_in_each_camp_keeps_it() -> None:
    assert next_step(_standing("hhhh", "hbb"), is_agreed=False) == Step(StepKind.HARMLESS)
    assert next_step(_standing("hhhhh", "bb"), is_agreed=False) == Step(StepKind.ASK, 2)
    assert next_step(_standing("hhhhhhh", "bb"), is_agreed=False) == Step(StepKind.STAFF, reason="camps disagree")


def test_jurors_with_little_say_have_no_veto() -> None:
    """Two of camp TWO are known to answer by camp: they do not outvote the third, but by heads they would."""
    by_camp = Weights((100,) * 3, (100,) * 3)
    reliability = Reliability(base=0, newcomer=Weights((1800,) * 3, (1800,) * 3), weights={3: by_camp, 5: by_camp, 7: by_camp}, rates={})
    assert next_step(_standing("bbbb", "bhhh", reliability), is_agreed=False) == Step(StepKind.BREACH)
    assert next_step(_standing("bbbb", "bhhh"), is_agreed=False).kind is StepKind.ASK


counts = st.builds(CampCount, st.integers(0, 5), st.integers(0, 4), st.integers(0, 9000), st.integers(0, 18000))


@given(st.integers(-12000, 12000), st.integers(0, 12), counts, counts, st.booleans())
def test_every_case_ends_and_no_verdict_is_against_a_camp(
    log_odds: int, reviews: int, one: CampCount, two: CampCount, is_agreed: bool
) -> None:
    step = next_step(Standing(log_odds=log_odds, reviews=reviews, camps=(one, two)), is_agreed=is_agreed)
    if step.kind is StepKind.ASK:
        assert step.seats >= 1
        assert reviews + step.seats <= MOST_SEATS
    if step.kind is StepKind.BREACH:
        assert log_odds >= CERTAIN
        assert all(3 * camp.breach_say >= camp.say and camp.breach for camp in (one, two))
    if step.kind is StepKind.HARMLESS:
        assert log_odds <= -CERTAIN
        assert one.harmless
        assert two.harmless


people = st.lists(
    st.builds(
        Candidate, account_id=st.integers(1, 60), camp=st.sampled_from(Camp), items_today=st.integers(0, 41),
        tied_ids=st.frozensets(st.integers(1, 60), max_size=3), languages=st.just(frozenset({"cs", "en"})),
    ),
    max_size=30, unique_by=lambda one: one.account_id,
)


@given(people, st.integers(1, 9), st.text(max_size=5), st.randoms(use_true_random=False))
def test_drawn_jurors_are_strangers_to_the_case_and_balanced(candidates: list[Candidate], seats: int, seed: str, dice: object) -> None:
    question = Question(case_id=7, party_ids=frozenset({1, 2}), barred_ids=frozenset({3}), seated={4: Camp.ONE}, language="cs")
    drawing = draw(candidates, question, seats, seed)
    of = {one.account_id: one for one in candidates}
    for juror_id, camp in drawing.drawn.items():
        assert juror_id not in (1, 2, 3, 4)
        assert not of[juror_id].tied_ids & {1, 2}
        assert of[juror_id].items_today < MOST_ITEMS_A_DAY
        assert of[juror_id].camp is camp
    camps = Counter([Camp.ONE, *drawing.drawn.values()])
    assert abs(camps[Camp.ONE] - camps[Camp.TWO]) <= 1
    assert len(drawing.drawn) + drawing.missing == seats
    if drawing.missing:  # nobody is left who could sit without one camp having two more than the other
        for one in candidates:
            if one.account_id not in drawing.drawn and is_eligible(one, question):
                assert camps[one.camp] > camps[Camp(1 - one.camp)]
    dice.shuffle(candidates)  # type: ignore[attr-defined]
    assert draw(candidates, question, seats, seed) == drawing


def test_declined_topics_and_other_languages_are_not_drawn() -> None:
    question = Question(case_id=1, party_ids=frozenset({9}), language="cs", topic="violence")
    fits = Candidate(account_id=1, camp=Camp.ONE, languages=frozenset({"cs"}))
    assert list(draw([fits], question, 1, "s").drawn) == [1]
    others = (
        Candidate(account_id=2, camp=Camp.ONE, languages=frozenset({"en"})),
        Candidate(account_id=3, camp=Camp.ONE, languages=frozenset({"cs"}), declined_topics=frozenset({"violence"})),
    )
    assert draw(others, question, 1, "s").missing == 1


def test_everybody_is_drawn_equally_often() -> None:
    candidates = [Candidate(account_id=number, camp=Camp(number % 2)) for number in range(1, 41)]
    drawn = Counter(
        juror_id for case in range(1600) for juror_id in draw(candidates, Question(case_id=case, party_ids=frozenset()), 5, "seed").drawn
    )
    expected = 1600 * 5 / 40
    assert sum((drawn[one.account_id] - expected) ** 2 / expected for one in candidates) < 72  # chi-square, 39 degrees: p = 0.001
    heads = Counter(draw(candidates, Question(case_id=case, party_ids=frozenset()), 1, "seed").drawn.popitem()[1] for case in range(400))
    assert 150 < heads[Camp.ONE] < 250


def test_a_network_of_twelve_has_a_jury_and_one_of_one_camp_has_none() -> None:
    candidates = [Candidate(account_id=number, camp=Camp(number % 2)) for number in range(12)]
    question = Question(case_id=1, party_ids=frozenset({0, 1}))
    assert draw(candidates, question, 5, "s").missing == 0
    assert draw(candidates[::2], question, 5, "s").missing == 4
