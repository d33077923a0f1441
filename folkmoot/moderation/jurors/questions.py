"""The questions in use, and drawing them for a training: pure, randomness is passed in."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files

from folkmoot.base.db import ReadConn
from folkmoot.base.errors import Conflict
from folkmoot.moderation.clauses.model import Policy
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.jurors.gold_file import Question, read_gold
from folkmoot.moderation.jurors.model import FEWEST_BREACHES, MOST_BREACHES, QUESTIONS, Choices
from folkmoot.moderation.jurors.queries import find_gold_source

_LIKELY = 3  # clauses that are shown at once; the others unfold


class TooFewQuestions(Conflict):
    """The operator's rules or questions leave too few for a training."""

    message = "There are too few questions for your languages and topics. Choose more, or ask the people who run this network."


@cache
def shipped_source() -> str:
    return files("folkmoot").joinpath("moderation", "jurors", "gold.md").read_text("utf-8")


@lru_cache(maxsize=4)
def questions_of(source: str) -> tuple[Question, ...]:
    """The questions of a file that was checked before."""
    return read_gold(source).questions


def fitting(questions: Collection[Question], policy: Policy) -> dict[str, Question]:
    """The questions whose rules are all in force, by key: operators can drop a rule after the questions were written."""
    known = {clause.key for clause in policy.clauses}
    return {one.key: one for one in questions if {one.topic, *one.also_right} <= known}


async def fitting_questions(conn: ReadConn) -> dict[str, Question]:
    """The questions in use: the network's own or the shipped ones, as far as their rules are in force."""
    return fitting(questions_of(await find_gold_source(conn) or shipped_source()), current())


def draw_questions(
    questions: Collection[Question], choices: Choices, seen: Sequence[str], below: Callable[[int], int]
) -> list[tuple[Question, str]]:
    """Draws the questions of a training, each with its language.

    Only languages and topics of the juror; those not seen before first, then those seen longest ago. `seen`: keys, the oldest first.
    Raises TooFewQuestions.
    """
    suitable = [
        one for one in questions
        if one.topic not in choices.avoided and one.breaks not in choices.avoided and set(one.wordings) & set(choices.languages)
    ]
    order = {key: position for position, key in enumerate(seen, start=1)}
    suitable = sorted(_shuffled(suitable, below), key=lambda one: order.get(one.key, 0))
    breaches, others = [one for one in suitable if one.breaks], [one for one in suitable if not one.breaks]
    most = min(FEWEST_BREACHES + below(MOST_BREACHES - FEWEST_BREACHES + 1), len(breaches))
    most = max(most, QUESTIONS - len(others))
    drawn = breaches[:most] + others[:QUESTIONS - most]
    if len(drawn) < QUESTIONS:
        raise TooFewQuestions
    return [(one, _one_of(sorted(set(one.wordings) & set(choices.languages)), below)) for one in _shuffled(drawn, below)]


def likely_clauses(near: Iterable[str], seed: str, policy: Policy, juror_id: int) -> list[str]:
    """The keys of the rules that are shown at once, in an order of this juror's: the order must not tell the answer. `near`: those that
    come to mind; others fill up. `seed`: of the item."""
    first = dict.fromkeys(key for key in near if policy.find(key))
    rest = [clause.key for clause in policy.clauses if clause.key not in first]
    chosen = [*first, *sorted(rest, key=lambda key: _place(juror_id, seed, key))][:max(_LIKELY, len(first))]
    return sorted(chosen, key=lambda key: _place(seed, juror_id, key))


def _place(*parts: object) -> bytes:
    return sha256("\n".join(map(str, parts)).encode()).digest()


def _shuffled(items: Collection[Question], below: Callable[[int], int]) -> list[Question]:
    """Fisher and Yates."""
    mixed = list(items)
    for last in range(len(mixed) - 1, 0, -1):
        other = below(last + 1)
        mixed[last], mixed[other] = mixed[other], mixed[last]
    return mixed


def _one_of(items: Sequence[str], below: Callable[[int], int]) -> str:
    return items[below(len(items))]
