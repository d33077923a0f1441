"""Counterfactual pairs: the same text about two groups. A detector that treats the two differently judges the group, not the text.

The flip rate is the share of pairs of which the detector would queue one text and not the other (Garg and others 2019, "counterfactual
token fairness"). The texts stand in `pairs_cs.txt` and `pairs_en.txt`. They were written for this purpose; the packaged detector was not
trained on them.
"""

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from folkmoot.moderation.detection.actions import Scorer
from folkmoot.moderation.measurement.model import Figure, Name
from folkmoot.moderation.measurement.shares import share

LANGUAGES = ("cs", "en")
_LINE = re.compile(r"(?P<kind>[a-z]+): (?P<text>.+)")
_GROUPS = re.compile(r"\{([^{}|]+)\|([^{}|]+)\}")


class Pair(NamedTuple):
    """`kind`: what both texts are, such as threat, insult, neutral."""

    language: str
    kind: str
    one: str
    other: str


class Scored(NamedTuple):
    """A pair with what the detector says about its two texts."""

    pair: Pair
    scores: tuple[float, float]
    queued: tuple[bool, bool]

    @property
    def is_flipped(self) -> bool:
        return self.queued[0] != self.queued[1]


@cache
def shipped_pairs() -> tuple[Pair, ...]:
    return tuple(pair for language in LANGUAGES for pair in read_pairs(_file(language), language))


def read_pairs(source: str, language: str) -> list[Pair]:
    """One pair for each line that is not a comment. Raises ValueError for a line without a kind or without two groups."""
    found = []
    for line in filter(None, map(str.strip, source.splitlines())):
        if line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if not match or not _GROUPS.search(line):
            raise ValueError(f"not a pair: {line}")
        found.append(Pair(language, match["kind"], _GROUPS.sub(r"\1", match["text"]), _GROUPS.sub(r"\2", match["text"])))
    return found


def score_pairs(detector: Scorer, pairs: tuple[Pair, ...]) -> list[Scored]:
    texts = [text for pair in pairs for text in (pair.one, pair.other)]
    found = detector.score(texts, [pair.language for pair in pairs for _ in range(2)])
    return [
        Scored(pair, (one.score, other.score), (one.queue, other.queue))
        for pair, one, other in zip(pairs, found[::2], found[1::2], strict=True)
    ]


def measure_pairs(detector: Scorer) -> list[Figure]:
    """The flip rate on the shipped pairs: of all, and by language."""
    scored = score_pairs(detector, shipped_pairs())
    figures = []
    for scope in ("", *LANGUAGES):
        some = [one.is_flipped for one in scored if scope in ("", one.pair.language)]
        found = share(sum(some), len(some))
        figures.append(Figure(name=Name.FLIPPED, scope=scope, value=found.value, low=found.low, high=found.high, size=len(some)))
    return figures


def _file(language: str) -> str:
    return files("folkmoot").joinpath("moderation", "measurement", f"pairs_{language}.txt").read_text("utf-8")
