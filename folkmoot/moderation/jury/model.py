"""The types of the jury's mathematics. No input or output.

Numbers that decide a verdict are whole numbers of thousandths of a nat (the unit of natural log-odds). Sums of them do not depend on
the order of the reviews, nor on the machine, so a verdict computed again has the same bytes.
"""

import math
from collections.abc import Mapping
from enum import IntEnum, StrEnum

import msgspec

UNIT = 1000  # of a nat
FIRST_SEATS = 5
FIRST_SEATS_IF_AGREED = 3  # where the detector and the reports agree
MORE_SEATS = 2
MOST_SEATS = 9
MOST_ITEMS_A_DAY = 40  # of one juror
CERTAIN = round(math.log(0.97 / 0.03) * UNIT)  # log-odds at which a case is decided, either way


def probability_of(log_odds: int) -> float:
    """Of log-odds in thousandths of a nat."""
    return 1 / (1 + math.exp(-max(min(log_odds / UNIT, 500.0), -500.0)))


class Answer(IntEnum):
    """What a juror found in a case."""

    HARMLESS = 0
    BREACH = 1
    UNSURE = 2  # takes a seat, decides nothing


class Camp(IntEnum):
    """Which of two groups an account is close to, by what it follows and how it votes. The names of the camps mean nothing."""

    ONE = 0
    TWO = 1


class Relation(IntEnum):
    """How the camp of a juror stands to the side of a case."""

    OWN = 0
    OTHER = 1
    NEUTRAL = 2

    @staticmethod
    def of(camp: Camp, side: Camp | None) -> "Relation":
        if side is None:
            return Relation.NEUTRAL
        return Relation.OWN if camp is side else Relation.OTHER


class Vote(msgspec.Struct, frozen=True, array_like=True):
    """One juror's answer in one case or to one gold question."""

    case_id: int
    juror_id: int
    answer: Answer


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a case that was voted on. `side`: the camp of its author, None if the author is close to neither.
    `truth`: of a gold question."""

    side: Camp | None = None
    truth: Answer | None = None


class Weights(msgspec.Struct, frozen=True, array_like=True):
    """What the answers of a juror are worth, by `Relation`, in thousandths of a nat: `breach` raises the log-odds of a breach,
    `harmless` lowers them. Neither is negative: nobody's answer is counted as its opposite."""

    breach: tuple[int, int, int]
    harmless: tuple[int, int, int]

    def say(self, relation: Relation) -> int:
        """How much the juror is to be heard in its camp, whatever the answer is."""
        return self.breach[relation] + self.harmless[relation]


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a fit. `base`: log-odds of a breach before any vote; `newcomer`: the weights of a juror without votes;
    `rates`: the probabilities of the answer BREACH, by relation, if there is a breach and if there is none."""

    base: int
    newcomer: Weights
    weights: Mapping[int, Weights]
    rates: Mapping[int, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]]

    def of(self, juror_id: int) -> Weights:
        return self.weights.get(juror_id, self.newcomer)


class CampCount(msgspec.Struct, frozen=True, array_like=True):
    """The answers of one camp in one case: their numbers, and the say of those who found a breach and of all."""

    breach: int
    harmless: int
    breach_say: int
    say: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a case stands. `reviews` counts all answers, also the unsure ones."""

    log_odds: int
    reviews: int
    camps: tuple[CampCount, CampCount]

    @property
    def probability(self) -> float:
        """Of a breach, for people; verdicts compare the log-odds."""
        return round(probability_of(self.log_odds), 6)


class StepKind(StrEnum):
    ASK = "ask"
    BREACH = "breach"
    HARMLESS = "harmless"
    STAFF = "staff"


class Step(msgspec.Struct, frozen=True):
    """What happens next in a case. `seats`: how many more jurors to ask. `reason`: why staff decide."""

    kind: StepKind
    seats: int = 0
    reason: str = ""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An active juror. `tied_ids`: accounts that it follows, blocks or has mentioned, those that do so to it, and those that signed
    up in the same burst."""

    account_id: int
    camp: Camp
    items_today: int = 0
    tied_ids: frozenset[int] = frozenset()
    languages: frozenset[str] = frozenset()
    declined_topics: frozenset[str] = frozenset()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A case for which jurors are drawn. `party_ids`: its author and reporters; `barred_ids`: deciders of earlier verdicts, and
    jurors whose seats have expired; `seated`: the camps of the jurors who have or had a seat that counts."""

    case_id: int
    party_ids: frozenset[int]
    barred_ids: frozenset[int] = frozenset()
    seated: Mapping[int, Camp] = {}
    language: str | None = None
    topic: str = ""


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """The jurors drawn, in the order of the draw. `missing`: seats that nobody could be drawn for."""

    drawn: Mapping[int, Camp]
    missing: int


class About(StrEnum):
    """In the cases of which authors a ring shows. Stored."""

    ALL = "all"
    ONE = "one"  # those of a camp
    TWO = "two"
    NEITHER = "neither"

    @classmethod
    def side(cls, side: Camp | None) -> "About":
        return cls.NEITHER if side is None else cls.ONE if side is Camp.ONE else cls.TWO


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """Jurors who answered alike more often than their reliability explains. `evidence`: log-likelihood ratio against jurors who answer
    by themselves, in nats, after the deduction for all the groups that might have been found; `cases`: those in which several
    of them sat, of such authors, with what they answered."""

    juror_ids: tuple[int, ...]
    evidence: float
    about: About
    cases: tuple[tuple[int, tuple[Answer, ...]], ...]
