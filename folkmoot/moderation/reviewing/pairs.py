"""Counterfactual pairs among the gold questions: the same text about two groups, of which a juror is asked one half, and days later the
other, so that it can be measured whether jurors judge the group instead of the text.

Only pairs whose answer is beyond doubt are asked: threats and calls for violence, and sentences that only look or sound like them.
Insults, for example, are measured with the detector and asked of nobody, because a gold question counts for a juror's weight.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.jurors.gold_file import Question, Wording
from folkmoot.moderation.jurors.model import PAIR, Choices
from folkmoot.moderation.jurors.queries import list_halves
from folkmoot.moderation.jurors.questions import fitting_questions
from folkmoot.moderation.measurement.pairs import Pair, shipped_pairs

PAUSE = timedelta(days=3)  # between the halves of a pair, for the same juror
_RULE = "violence"  # of the shipped rules; a network without it asks no pairs
_BREACHES, _HARMLESS = ("threat", "call"), ("neutral", "counter", "report", "idiom")
_WHY = {
    ("en", True): "It threatens people with violence, or calls for it.",
    ("en", False): "It threatens nobody and does not call for violence.",
    ("cs", True): "Vyhrožuje lidem násilím, nebo k němu vyzývá.",
    ("cs", False): "Nikomu nevyhrožuje a k násilí nevyzývá.",
}


class Half(NamedTuple):
    """A half that can be asked, with its language."""

    question: Question
    language: str


@cache
def all_halves() -> Mapping[str, Half]:
    """By key. The keys are made of the words, so that they name the same pair in every release."""
    return {
        half.question.key: half for pair in shipped_pairs() if pair.kind in (*_BREACHES, *_HARMLESS)
        for half in (_half(pair, 0), _half(pair, 1))
    }


def other_half(key: str) -> str:
    return key[:-1] + ("1" if key.endswith("0") else "0")


async def asked_questions(conn: ReadConn) -> Mapping[str, Question]:
    """All questions that can be asked among cases, by key: those of the training and the halves of pairs. One statement."""
    return {**await fitting_questions(conn), **{key: half.question for key, half in all_halves().items()}}


async def draw_half(conn: ReadConn, account_id: int, choices: Choices, now: datetime) -> Half | None:
    """The other half of what the juror was asked some days ago or, if there is none, a half of a new pair. None if all are asked, and
    for jurors who leave the topic to others."""
    if _RULE in choices.avoided or current().find(_RULE) is None:
        return None
    seen = await list_halves(conn, account_id)
    halves = {key: half for key, half in all_halves().items() if half.language in choices.languages and key not in seen}
    due = [half for key, half in halves.items() if (at := seen.get(other_half(key))) and at <= now - PAUSE]
    fresh = due or [half for key, half in halves.items() if other_half(key) not in seen]
    return fresh[clock.draw(len(fresh))] if fresh else None


def _half(pair: Pair, place: int) -> Half:
    is_breach = pair.kind in _BREACHES
    name = sha256(f"{pair.one}\n{pair.other}".encode()).hexdigest()[:12]
    text = pair.other if place else pair.one
    return Half(Question(
        key=f"{PAIR}{pair.language}/{name}/{place}", breaks=_RULE if is_breach else "", topic=_RULE,
        wordings={pair.language: Wording(text=text, why=_WHY[pair.language, is_breach])},
    ), pair.language)
