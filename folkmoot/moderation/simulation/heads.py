"""The rules that are compared with the jury: so many members, drawn at random, and so many of them for a removal. No input or output.

They hear the answers that the same members give to the same cases in a real jury (`answers.py`). Whoever cannot say is replaced, all have
answered, no case goes to staff: these rules are compared at their best.
"""

from collections.abc import Iterator

import numpy as np

from folkmoot.moderation.jury import synthetic
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.jury.synthetic import People, SyntheticCase, World
from folkmoot.moderation.jury.trial import HEADS, Outcome
from folkmoot.moderation.simulation.answers import Answers


def synthetic_network(world: World, seed: int) -> tuple[People, Iterator[SyntheticCase]]:
    """The members and the cases of a seed, the same for every rule."""
    people = synthetic.populate(world, np.random.default_rng([seed, 0]))
    dice = np.random.default_rng([seed, 1])
    return people, (synthetic.next_case(world, people, number, dice) for number in range(1, world.cases + 1))


def count_heads(world: World, seed: int, rule: str) -> list[Outcome]:
    people, cases = synthetic_network(world, seed)
    answers, dice = Answers(world, seed), np.random.default_rng([seed, 2])
    return [_count(people, answers, case, rule, dice) for case in cases]


def _count(people: People, answers: Answers, case: SyntheticCase, rule: str, dice: np.random.Generator) -> Outcome:
    size, needed = HEADS[rule]
    said: list[Answer] = []
    for juror_id in dice.permutation(list(people.jurors)):
        if len(said) == size:
            break
        answer = answers.to_case(people.jurors[int(juror_id)], case)
        if answer is not Answer.UNSURE:
            said.append(answer)
    return Outcome(case.truth, case.side, Answer(int(said.count(Answer.BREACH) >= needed)), None, size)
