"""Runs synthetic jurors through a decision rule and counts its errors.

The rule "folkmoot" is the real one: `camps.fit`, `drawing.draw`, `fitting.fit`, `aggregation.posterior` and `stopping.next_step`, with
fits every so many cases, as a network would have them, and from the first case on, when nothing is known of anybody. The other
rules draw at random and count heads.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from folkmoot.moderation.jury import aggregation, camps, drawing, fitting, stopping, synthetic
from folkmoot.moderation.jury.model import (
    FIRST_SEATS,
    FIRST_SEATS_IF_AGREED,
    Answer,
    Camp,
    Candidate,
    Question,
    Reliability,
    StepKind,
    Tried,
    Vote,
)
from folkmoot.moderation.jury.positions import Positions
from folkmoot.moderation.jury.synthetic import SyntheticCase, World

HEADS = {"single": (1, 1), "3 of 5": (5, 3), "4 of 5": (5, 4), "5 of 7": (7, 5)}  # rule: jurors, answers for a removal
RULES = (*HEADS, "folkmoot")
ENTRY_GOLD = 10  # questions
GOLD_EVERY = 10  # answers
_FIT_EVERY = 100  # cases
_GOLD_FROM = 10**9  # ids of gold questions
_DAY = 200  # cases


class Outcome(msgspec.Struct, frozen=True):
    """How one case ended. `finding` is that of the jury, None where staff decided; `staff`: what staff found then."""

    truth: Answer
    side: Camp | None
    finding: Answer | None
    staff: Answer | None
    votes: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds`: of work, by juror; `golds`: gold questions answered."""

    outcomes: list[Outcome]
    votes: list[Vote]
    cases: dict[int, Tried]
    camps: dict[int, Camp]
    reliability: Reliability
    seconds: dict[int, float]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`accuracy`, `wrong_removals` (of the harmless cases) and `missed` (of the breaches) are of all cases, with those that staff decided;
    `by_jury`: the accuracy where the jury decided; `gap`: between the shares of errors in the cases of the two camps."""

    accuracy: float
    by_jury: float
    wrong_removals: float
    missed: float
    gap: float
    votes_per_case: float
    to_staff: float


def run(world: World, rule: str, seed: int) -> Run:
    return _Trial(world, rule, seed).run()


class _Trial:
    def __init__(self, world: World, rule: str, seed: int) -> None:
        self._world, self._rule, self._seed = world, rule, seed
        self._dice = np.random.default_rng(seed)
        self._people = synthetic.populate(world, self._dice)
        self._votes: list[Vote] = []
        self._cases: dict[int, Tried] = {}
        self._authors: dict[int, int] = {}
        self._answers = dict.fromkeys(self._people.jurors, 0)
        self._today = dict.fromkeys(self._people.jurors, 0)
        self._seconds = dict.fromkeys(self._people.jurors, 0.0)

    def run(self) -> Run:
        for juror_id in self._people.jurors:
            for _ in range(ENTRY_GOLD):
                self._ask_gold(juror_id, is_entry=True)
        outcomes = []
        self._positions = Positions({})
        for case_id in range(1, self._world.cases + 1):
            if case_id % _FIT_EVERY == 1:
                self._fit()
            if case_id % _DAY == 1:
                self._today = dict.fromkeys(self._people.jurors, 0)
            case = synthetic.next_case(self._world, self._people, case_id, self._dice)
            outcomes.append(self._decide(case) if self._rule == "folkmoot" else self._count_heads(case))
        self._fit()
        return Run(
            outcomes=outcomes, votes=self._votes, cases=self._cases, camps=self._camps, reliability=self._reliability, seconds=self._seconds
        )

    def _fit(self) -> None:
        if self._rule == "folkmoot":
            self._positions = camps.fit(self._people.follows, self._votes, self._authors, self._positions)
        self._camps = {juror_id: self._positions.camp(juror_id, str(self._seed)) for juror_id in self._people.jurors}
        sides = {case_id: Tried(side=self._positions.side(self._authors[case_id]), truth=tried.truth)
                 for case_id, tried in self._cases.items()}
        self._cases = sides
        self._reliability = fitting.fit(self._votes, self._cases, self._camps)

    def _decide(self, case: SyntheticCase) -> Outcome:
        side = self._positions.side(case.author_id)
        self._cases[case.id], self._authors[case.id] = Tried(side=side), case.author_id
        agreed = synthetic.detector_says(self._world, case, self._dice) is not None
        votes: list[Vote] = []
        expired: set[int] = set()
        seated: dict[int, Camp] = {}
        wanted = FIRST_SEATS_IF_AGREED if agreed else FIRST_SEATS
        while True:
            question = Question(case_id=case.id, party_ids=frozenset({case.author_id}), barred_ids=frozenset(expired), seated=seated)
            drawn = drawing.draw(self._candidates(), question, wanted, f"{self._seed} {len(seated)} {len(expired)}")
            for juror_id, camp in drawn.drawn.items():
                if self._dice.random() < self._world.absent:
                    expired.add(juror_id)
                else:
                    seated[juror_id] = camp
                    votes.append(self._ask(juror_id, case))
            standing = aggregation.posterior(votes, self._reliability, side, self._camps)
            step = stopping.next_step(standing, is_agreed=agreed)
            if step.kind is not StepKind.ASK or drawn.missing:
                break
            wanted = step.seats
        self._votes += votes
        if step.kind in (StepKind.BREACH, StepKind.HARMLESS):
            return Outcome(case.truth, case.side, Answer(int(step.kind is StepKind.BREACH)), None, len(votes))
        return Outcome(case.truth, case.side, None, synthetic.staff_answer(self._world, case, self._dice), len(votes))

    def _candidates(self) -> list[Candidate]:
        return [Candidate(account_id=one, camp=camp, items_today=self._today[one]) for one, camp in self._camps.items()]

    def _count_heads(self, case: SyntheticCase) -> Outcome:
        size, needed = HEADS[self._rule]
        drawn = self._dice.choice(list(self._people.jurors), size, replace=False)
        votes = []
        for juror_id in drawn:
            found = Answer.UNSURE
            while found is Answer.UNSURE:
                found = synthetic.answer(self._world, self._people.jurors[int(juror_id)], case, self._dice)
            votes.append(found)
        return Outcome(case.truth, case.side, Answer(int(votes.count(Answer.BREACH) >= needed)), None, size)

    def _ask(self, juror_id: int, case: SyntheticCase) -> Vote:
        juror = self._people.jurors[juror_id]
        self._answers[juror_id] += 1
        self._today[juror_id] += 1
        self._seconds[juror_id] += juror.seconds
        if self._answers[juror_id] % GOLD_EVERY == 0:
            self._ask_gold(juror_id)
        return Vote(case.id, juror_id, synthetic.answer(self._world, juror, case, self._dice, is_honest=self._is_patient(juror_id)))

    def _is_patient(self, juror_id: int) -> bool:
        return self._answers[juror_id] <= self._world.patience

    def _ask_gold(self, juror_id: int, *, is_entry: bool = False) -> None:
        """Gold questions are settled cases, rotated, so that each is answered by few."""
        juror = self._people.jurors[juror_id]
        gold = synthetic.next_case(self._world, self._people, _GOLD_FROM + len(self._cases), self._dice)
        self._cases[gold.id], self._authors[gold.id] = Tried(truth=gold.truth), gold.author_id
        self._seconds[juror_id] += juror.seconds
        is_honest = is_entry or self._is_patient(juror_id)
        self._votes.append(Vote(gold.id, juror_id, synthetic.answer(self._world, juror, gold, self._dice, is_honest=is_honest)))


def measure(outcomes: list[Outcome]) -> Figures:
    """Of one run."""
    found = [one.finding if one.finding is not None else one.staff for one in outcomes]
    wrong = np.array([one.truth is not finding for one, finding in zip(outcomes, found, strict=True)])
    breach = np.array([one.truth is Answer.BREACH for one in outcomes])
    staff = np.array([one.finding is None for one in outcomes])
    sides = [np.array([one.side is camp for one in outcomes]) for camp in Camp]
    return Figures(
        accuracy=1 - _share(wrong), by_jury=1 - _share(wrong[~staff]), wrong_removals=_share(wrong[~breach]), missed=_share(wrong[breach]),
        gap=abs(_share(wrong[sides[0]]) - _share(wrong[sides[1]])),
        votes_per_case=float(np.mean([one.votes for one in outcomes])), to_staff=_share(staff),
    )


def _share(of: npt.NDArray[np.bool_]) -> float:
    """0 of none: few cases can leave a kind without any."""
    return float(of.mean()) if len(of) else 0.0
