"""Rings are found from the answers; jurors who agree for honest reasons, or answer by camp, are none."""

import msgspec
import pytest

from folkmoot.moderation.jury import rings, trial
from folkmoot.moderation.jury.model import Ring
from folkmoot.moderation.jury.synthetic import World
from tests import series

_WORLD = World(jurors=30, cases=600, authors=100, instructed=6, bad_faith=0.1)
_LARGE = World(jurors=50, cases=2000, authors=200, instructed=5, bad_faith=0.1)


def _rings(world: World, seed: int) -> list[Ring]:
    run = trial.run(world, "folkmoot", seed)
    return rings.find(run.votes, run.cases, run.camps, run.reliability)


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
