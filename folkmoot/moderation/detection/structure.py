"""The roles of words in a sentence, called parts: speaker, target, action, frame (quote, report, game, past).

A linear model of n-grams does not see how `them`, `should` and `hang` are related: that depends on order and distance.
Here each word is mapped to its parts (see cues.txt), and pairs of parts within a few words become features.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

BITS = 13
_HARM = ("violence", "death", "weapon", "body", "slur", "place", "call", "fetch", "hint")  # what a threat of few words speaks of
_FURY, _VIOLENT = ("vote", "disgrace"), ("violence", "weapon", "death")
_REACH = 8  # the largest distance of a pair, in words
_NEAR = 2
_ENDINGS = [
    ("ju", "will"), ("nu", "will"), ("im", "will"), ("am", "will"), ("eme", "will"), ("em", "will"), ("ime", "will"),
    ("te", "order"), ("ej", "order"), ("l", "did"), ("la", "did"), ("li", "did"), ("ed", "did"), ("ing", "doing"),
    ("t", "do"), ("n", "done"), ("ny", "done"), ("na", "done"), ("ni", "noun"), ("er", "noun"),
]


class Cues(NamedTuple):
    """The names of the parts, and the part numbers of whole words and of stems."""

    names: list[str]
    words: dict[str, tuple[int, ...]]
    stems: dict[str, tuple[int, ...]]


@lru_cache(1)
def fingerprint() -> str:
    """Of the word lists, which number the features: weights that were trained with other lists belong to other features."""
    return hashlib.sha256(repr(cues()).encode()).hexdigest()[:16]


@lru_cache(1)
def cues() -> Cues:
    names = sorted({name for _, name in _ENDINGS})
    words: dict[str, tuple[int, ...]] = {}
    stems: dict[str, tuple[int, ...]] = {}
    for line in Path(__file__).with_name("cues.txt").read_text("utf-8").splitlines():
        name, colon, listed = line.partition(": ")
        if not colon or line.startswith("#"):
            continue
        names.append(name)
        for word in listed.split():
            table, key = (stems, word[:-1]) if word.endswith("*") else (words, word)
            if len(names) - 1 not in table.get(key, ()):
                table[key] = (*table.get(key, ()), len(names) - 1)
    assert len(names) * (2 * len(names) + 1) <= 1 << BITS
    return Cues(names, words, stems)


@lru_cache(20_000)
def parts_of(word: str) -> tuple[int, ...]:
    """The parts of one folded word; for a verb of violence also its ending, which in Czech marks the person."""
    known = cues()
    found = list(known.words.get(word, ()))
    for length in range(3, len(word) + 1):
        found += known.stems.get(word[:length], ())
    if known.names.index("violence") in found:
        found += [known.names.index(name) for ending, name in _ENDINGS if word.endswith(ending)]
    return tuple(dict.fromkeys(found))


def speaks_of_harm(words: Sequence[str]) -> bool:
    """Whether one of the words is of a part that threats are made of, and not of persons and grammar alone."""
    harm = {cues().names.index(name) for name in _HARM}
    return any(part in harm for word in words for part in parts_of(word))


def is_fury(words: Sequence[str]) -> bool:
    """Whether the words speak of politics or disgrace, and none of them of violence, weapons or death."""
    names = cues().names
    found = {names[part] for word in words for part in parts_of(word)}
    return not found.isdisjoint(_FURY) and found.isdisjoint(_VIOLENT)


def pairs(words: Sequence[str]) -> list[tuple[int, int, int]]:
    """(feature, first word, last word) of every part, and of every pair of parts within reach; near and far pairs differ."""
    count = len(cues().names)
    known = [(at, parts) for at, word in enumerate(words) if (parts := parts_of(word))]
    found = []
    for number, (at, parts) in enumerate(known):
        found += [(part, at, at) for part in parts]
        for later, others in known[number + 1 :]:
            if later - at > _REACH:
                break
            base = count + (count * count if later - at > _NEAR else 0)
            found += [(base + count * part + other, at, later) for part in parts for other in others]
    return found


def names_of(feature: int) -> tuple[str, str]:
    """The two parts of a feature; twice the same for a part alone."""
    names = cues().names
    count = len(names)
    if feature < count:
        return names[feature], names[feature]
    first, second = divmod((feature - count) % (count * count), count)
    return names[first], names[second]
