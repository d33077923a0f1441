"""Rings are found from the answers; jurors who agree for honest reasons, or answer by camp, are none."""

import random

import msgspec
import pytest

from folkmoot.moderation.jury import rings, trial
from folkmoot.moderation.jury.model import About, Answer, Camp, Reliability, Ring, Tried, Vote, Weights
from folkmoot.moderation.jury.synthetic import World
from tests import series

_WORLD = World(jurors=30, cases=600, authors=100, instructed=6, bad_faith=0.1)
_LARGE = World(jurors=50, cases=2000, authors=200, instructed=5, bad_faith=0.1)
_ON_NEUTRAL = World(jurors=24, cases=600, authors=100, instructed=6, bad_faith=0.0, ring_share=1.0, is_ring_on_neutral=True)


def _rings(world: World, seed: int) -> list[Ring]:
    run = trial.run(world, "folkmoot", seed)
    return rings.find(run.votes, run.cases, run.camps, run.reliability)


@pytest.mark.slow
def test_a_ring_is_found_with_its_evidence() -> None:
    run = trial.run(_WORLD, "folkmoot", 1)
    (ring,) = rings.find(run.votes, run.cases, run.camps, run.reliability)
    members = set(range(_WORLD.jurors - _WORLD.instructed + 1, _WORLD.jurors + 1))
    assert len(members & set(ring.juror_ids)) >= 5
    assert len(set(ring.juror_ids) - members) <= 1
    answers = {(vote.case_id, vote.juror_id): vote.answer for vote in run.votes}
    for case_id, found in ring.cases:
        assert sorted(found) == sorted(answers[case_id, juror_id] for juror_id in ring.juror_ids
                                       if answers.get((case_id, juror_id), 2) != 2)
        assert len(found) >= 2
    assert rings.find(run.votes[::-1], run.cases, run.camps, run.reliability) == [ring]


def test_a_ring_that_is_told_only_about_authors_of_neither_camp_is_found_in_their_cases() -> None:
    """In two cases of three its members answer like others: among all cases their agreement would not stand out."""
    run = trial.run(_ON_NEUTRAL, "folkmoot", 1)
    (ring,) = rings.find(run.votes, run.cases, run.camps, run.reliability)
    assert (ring.about, len(ring.juror_ids) >= 5) == (About.NEITHER, True)
    assert set(ring.juror_ids) <= set(range(_ON_NEUTRAL.jurors - _ON_NEUTRAL.instructed + 1, _ON_NEUTRAL.jurors + 1))
    assert {run.cases[case_id].side for case_id, _ in ring.cases} == {None}


def _seated_together(dice: random.Random, are_told: bool) -> list[Vote]:
    """Cases with three of the jurors 1 to 5, and two others who know the truth better; in half of them the three may be told to err."""
    votes = []
    for case in range(150):
        truth, told = Answer(case % 2), are_told and dice.random() < 0.5
        for juror_id in dice.sample(range(1, 6), 3) + dice.sample(range(6, 26), 2):
            is_right = dice.random() < (0.9 if juror_id < 6 else 0.85)
            votes.append(Vote(case, juror_id, Answer(1 - truth) if (told and juror_id < 6) or not is_right else truth))
    return votes


def test_a_ring_is_found_also_where_it_has_the_majority() -> None:
    """Three of the five in each case: a head count would take their shared errors for the truth. The others are no ring, though they
    contradict it together."""
    doubtful, sure = Weights((1099,) * 3, (1099,) * 3), Weights((1735,) * 3, (1735,) * 3)
    reliability = Reliability(
        base=0, newcomer=sure, weights=dict.fromkeys(range(1, 6), doubtful),
        rates={juror_id: ((0.75, 0.25) if juror_id < 6 else (0.85, 0.15),) * 3 for juror_id in range(1, 26)},
    )
    cases, camps = {case: Tried() for case in range(150)}, {juror_id: Camp(juror_id % 2) for juror_id in range(1, 26)}
    (ring,) = rings.find(_seated_together(random.Random(1), True), cases, camps, reliability)
    assert ring.juror_ids == (1, 2, 3, 4, 5)
    assert rings.find(_seated_together(random.Random(1), False), cases, camps, reliability) == []


@pytest.mark.parametrize("bad_faith", [0.0, 0.3])
def test_jurors_who_answer_by_themselves_are_no_ring(bad_faith: float) -> None:
    """At 0.3 nine jurors protect their camp, alike but each by itself."""
    world = msgspec.structs.replace(_WORLD, instructed=0, bad_faith=bad_faith)
    for seed in range(series.length(1, 100)):
        assert _rings(world, seed) == []


@pytest.mark.skipif(not series.is_long(), reason="forty networks of two thousand cases take minutes")
def test_nine_rings_of_five_in_ten_are_found() -> None:
    members = set(range(_LARGE.jurors - _LARGE.instructed + 1, _LARGE.jurors + 1))
    found = [{juror_id for ring in _rings(_LARGE, seed) for juror_id in ring.juror_ids} for seed in range(40)]
    assert sum(len(members & ring) >= 4 for ring in found) >= 36
    assert sum(len(ring - members) for ring in found) <= 4
