"""Camps from follows and from votes; random halves where there is neither."""

import random

import numpy as np

from folkmoot.moderation.jury import camps, synthetic
from folkmoot.moderation.jury.model import Answer, Camp, Vote
from folkmoot.moderation.jury.synthetic import People, World


def _people(seed: int, **world: float) -> People:
    return synthetic.populate(World(jurors=120, authors=300, **world), np.random.default_rng(seed))  # type: ignore[arg-type]


def _share(positions: camps.Positions, people: People) -> float:
    """Of jurors whose camp was found; which one is called ONE is arbitrary."""
    found = sum(positions.camp(juror.id) is juror.camp for juror in people.jurors.values()) / len(people.jurors)
    return max(found, 1 - found)


def _votes(people: People, dice: random.Random, by_camp: float, each: int = 60) -> tuple[list[Vote], dict[int, int]]:
    """The votes of jurors of whom a share answers by camp in the cases of the authors with a side."""
    authors = dict(enumerate(dice.choices(sorted(people.authors), k=each * 20)))
    votes = []
    for case, author in authors.items():
        truth = Answer(dice.randrange(2))
        for juror_id in dice.sample(sorted(people.jurors), 6):
            answer, side = truth if dice.random() < 0.85 else Answer(1 - truth), people.authors[author]
            if side is not None and juror_id % 100 / 100 < by_camp:
                answer = Answer.HARMLESS if side is people.jurors[juror_id].camp else Answer.BREACH
            votes.append(Vote(case, juror_id, answer))
    return votes, authors


def test_camps_are_found_in_the_follow_graph() -> None:
    people = _people(1, homophily=0.75)
    positions = camps.fit(people.follows)
    assert _share(positions, people) >= 0.97
    sides = {author: positions.side(author) for author in people.authors}
    right = np.mean([sides[author] is side for author, side in people.authors.items() if side is not None])
    turned = np.mean([sides[author] is Camp(1 - side) for author, side in people.authors.items() if side is not None])
    assert max(right, turned) > 0.85
    assert min(right, turned) < 0.03


def test_a_network_without_camps_gets_random_halves() -> None:
    for seed in range(5):
        people = _people(seed, homophily=0.5)
        positions = camps.fit(people.follows)
        assert positions.of == {}
        halves = [positions.camp(juror_id, "seed") for juror_id in people.jurors]
        assert 40 < halves.count(Camp.ONE) < 80
        assert halves == [positions.camp(juror_id, "seed") for juror_id in people.jurors]
        assert positions.side(200) is None


def test_camps_are_found_in_votes_alone() -> None:
    people = _people(2)
    votes, authors = _votes(people, random.Random(2), by_camp=1.0)
    assert _share(camps.fit((), votes, authors), people) >= 0.9
    few = votes[: 45 * len(people.jurors)]
    assert camps.fit((), few, authors).of == {}


def test_votes_without_camps_show_none() -> None:
    for seed in range(5):
        votes, authors = _votes(_people(seed), random.Random(seed), by_camp=0.0)
        assert camps.fit((), votes, authors).of == {}


def test_votes_find_those_who_follow_nobody_and_agree_with_the_graph() -> None:
    people = _people(3)
    hidden = set(range(1, 31))
    follows = tuple(pair for pair in people.follows if not hidden & set(pair))
    votes, authors = _votes(people, random.Random(3), by_camp=1.0)
    alone, both = camps.fit(follows), camps.fit(follows, votes, authors)
    assert not hidden & set(alone.of)
    assert hidden <= set(both.of)
    assert _share(both, people) >= 0.93


def test_camps_keep_their_names_from_fit_to_fit_and_under_renaming() -> None:
    people = _people(4)
    before = camps.fit(people.follows)
    fewer = tuple(pair for at, pair in enumerate(people.follows) if at % 10)
    turned = camps.Positions({account_id: -place for account_id, place in before.of.items()})
    for last, sign in ((before, 1), (turned, -1)):
        after = camps.fit(fewer, before=last)
        shared = after.of.keys() & before.of.keys()
        assert np.mean([(after.of[one] > 0) == (sign * before.of[one] > 0) for one in shared]) > 0.97
    names = {account_id: 10_000 - account_id for account_id in range(1, 500)}
    renamed = camps.fit([(names[one], names[other]) for one, other in people.follows])
    same = [(renamed.of[names[one]] > 0) == (place > 0) for one, place in before.of.items()]
    assert max(np.mean(same), 1 - np.mean(same)) > 0.99


def test_order_of_follows_and_votes_changes_nothing() -> None:
    people = _people(5)
    votes, authors = _votes(people, random.Random(5), by_camp=0.5)
    follows = list(people.follows)
    first = camps.fit(follows, votes, authors)
    random.Random(6).shuffle(follows)
    random.Random(6).shuffle(votes)
    assert camps.fit(follows, votes, authors) == first
