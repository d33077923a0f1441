"""Synthetic jurors and cases, to measure decision rules on: who they are, whom they follow, and what they answer.

The numbers of `World` are assumptions, stated here and chosen before the rules were tuned. A trained juror in good faith is right in
87 of 100 cases of usual difficulty, less in hard ones, which are hard for all; a little milder to the own camp and stricter to the other.
A juror in bad faith passes the training, then protects its camp and has the other one removed; where neither camp is concerned it
answers like others. No input or output.
"""

import math
from collections.abc import Mapping

import msgspec
import numpy as np

from folkmoot.moderation.jury.model import Answer, Camp


class World(msgspec.Struct, frozen=True, kw_only=True):
    """`captured_in_one`: the share of the jurors in bad faith who are of Camp.ONE. `instructed`: the size of a ring whose members answer
    alike, as one of them says, in `ring_share` of the cases; `is_ring_on_neutral`: only of those of authors of neither camp. `seconds`: the
    median time of an answer. Logits where not said otherwise."""

    jurors: int = 200
    cases: int = 3000
    authors: int = 600
    bad_faith: float = 0.2  # share
    captured_in_one: float = 0.7  # share
    party_line: float = 0.95  # probability that a juror in bad faith answers by camp
    patience: int = 0  # answers that it gives in good faith first, to be trusted
    skill: float = 1.9
    skill_spread: float = 0.6
    hardness_spread: float = 0.6
    bias: float = 0.4
    breaches: float = 0.5  # share of the cases
    neutral: float = 0.3  # share of the authors
    homophily: float = 0.8  # probability that a follow stays in the camp
    follows: int = 20
    absent: float = 0.15  # probability that a seat expires without an answer
    unsure: float = 0.04  # probability
    agreed: float = 0.35  # share of the cases about which detector and reports agree
    agreed_right: float = 0.9  # of these
    instructed: int = 0
    ring_share: float = 0.5
    is_ring_on_neutral: bool = False
    seconds: float = 20.0
    staff_skill: float = 2.8


class Juror(msgspec.Struct, frozen=True):
    id: int
    camp: Camp
    skill: float
    is_captured: bool
    is_instructed: bool
    seconds: float


class SyntheticCase(msgspec.Struct, frozen=True):
    """`side`: the camp of its author, which the rules have to find out for themselves."""

    id: int
    author_id: int
    side: Camp | None
    truth: Answer
    hardness: float
    is_agreed: bool
    line: Answer | None  # what the ring was told, where it was told something


class People(msgspec.Struct, frozen=True):
    jurors: Mapping[int, Juror]
    authors: Mapping[int, Camp | None]
    follows: tuple[tuple[int, int], ...]


def populate(world: World, dice: np.random.Generator) -> People:
    """The ids of jurors are 1 and more, those of authors follow."""
    captured = round(world.jurors * world.bad_faith)
    in_one = round(captured * world.captured_in_one)
    jurors = {}
    for at in range(world.jurors):
        camp, place = Camp(at % 2), at // 2
        jurors[at + 1] = Juror(
            at + 1, camp, world.skill + world.skill_spread * dice.standard_normal(),
            is_captured=place < (in_one if camp is Camp.ONE else captured - in_one), is_instructed=at >= world.jurors - world.instructed,
            seconds=world.seconds * math.exp(0.5 * dice.standard_normal()),
        )
    sides = dice.choice(3, world.authors, p=((1 - world.neutral) / 2, (1 - world.neutral) / 2, world.neutral))
    authors = {world.jurors + 1 + at: None if side == 2 else Camp(int(side)) for at, side in enumerate(sides)}
    return People(jurors, authors, _follows(world, jurors, authors, dice))


def _follows(
    world: World, jurors: Mapping[int, Juror], authors: Mapping[int, Camp | None], dice: np.random.Generator
) -> tuple[tuple[int, int], ...]:
    camps: dict[int, Camp | None] = {**{juror.id: juror.camp for juror in jurors.values()}, **authors}
    ids = sorted(camps)
    of = {camp: [one for one in ids if camps[one] is camp] for camp in Camp}
    found = set()
    for one in ids:
        for _ in range(world.follows):
            camp = camps[one]
            if camp is None:
                found.add((one, ids[dice.integers(len(ids))]))
            else:
                pool = of[camp] if dice.random() < world.homophily else of[Camp(1 - camp)]
                found.add((one, pool[dice.integers(len(pool))]))
    return tuple(sorted(pair for pair in found if pair[0] != pair[1]))


def next_case(world: World, people: People, case_id: int, dice: np.random.Generator) -> SyntheticCase:
    author_id = world.jurors + 1 + int(dice.integers(world.authors))
    truth = Answer(int(dice.random() < world.breaches))
    is_agreed = bool(dice.random() < world.agreed)
    hardness = world.hardness_spread * float(dice.standard_normal())
    line = Answer(int(dice.random() < 0.5)) if dice.random() < world.ring_share else None
    side = people.authors[author_id]
    return SyntheticCase(
        case_id, author_id, side, truth, hardness, is_agreed, None if world.is_ring_on_neutral and side is not None else line
    )


def detector_says(world: World, case: SyntheticCase, dice: np.random.Generator) -> Answer | None:
    """What detector and reports say together; None where they do not agree."""
    if not case.is_agreed:
        return None
    return case.truth if dice.random() < world.agreed_right else Answer(1 - case.truth)


def answer(world: World, juror: Juror, case: SyntheticCase, dice: np.random.Generator, *, is_honest: bool = False) -> Answer:
    """`is_honest`: also a juror in bad faith answers in good faith, as to the questions of the training, which everybody knows."""
    if dice.random() < world.unsure:
        return Answer.UNSURE
    if juror.is_instructed and not is_honest and case.line is not None:
        return case.line
    if juror.is_captured and not is_honest and case.side is not None and dice.random() < world.party_line:
        return Answer.HARMLESS if case.side is juror.camp else Answer.BREACH
    lean = 0.0 if case.side is None else world.bias if case.side is not juror.camp else -world.bias
    towards_truth = juror.skill - case.hardness
    if case.truth is Answer.BREACH:
        towards_truth += lean
    else:
        towards_truth -= lean
    is_right = dice.random() < 1 / (1 + math.exp(-towards_truth))
    return case.truth if is_right else Answer(1 - case.truth)


def staff_answer(world: World, case: SyntheticCase, dice: np.random.Generator) -> Answer:
    """A trained moderator, with more time: better than a juror, and also worse in hard cases."""
    is_right = dice.random() < 1 / (1 + math.exp(case.hardness - world.staff_skill))
    return case.truth if is_right else Answer(1 - case.truth)
