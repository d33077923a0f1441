"""The same sentence about another group has the same label, and the same score.

Without copies of its training rows that name other groups, the detector learns which groups are threatened often. What remains of it is
taken away when a text is scored: as the mean over some groups, which are the same for every group of a class. Words are swapped only
inside a class of `groups.txt`, whose words need no other change of the sentence.
"""

import zlib
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_OTHERS = 3


class Place(NamedTuple):
    """Where a word stands in the list: its class, its group in this class, and its form."""

    kind: int
    group: int
    form: int


class Groups(NamedTuple):
    """`classes`: per class its groups, each with its forms; `places`: the place of each form."""

    classes: list[list[list[str]]]
    places: dict[str, Place]


@lru_cache(1)
def groups() -> dict[str, Groups]:
    """The groups of each language of the list."""
    languages: dict[str, Groups] = {}
    for line in Path(__file__).with_name("groups.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            found = languages.setdefault(line.strip("[]"), Groups([], {}))
        if not line or line[0] in "#[":
            continue
        stems, colon, endings = line.partition(" : ")
        forms = [[stem + ending.strip("-") for ending in endings.split()] for stem in stems.split()] if colon else [
            words.split() for words in line.split(" / ")
        ]
        for group, some in enumerate(forms):
            for form, word in enumerate(some):
                found.places.setdefault(word, Place(len(found.classes), group, form))
        found.classes.append(forms)
    return languages


def about_others(folded: str, lang: str | None) -> list[str]:
    """The folded text about some groups of each class that it names, whichever it names itself; empty if it names none. Two groups of a
    class stay two."""
    known = groups().get(lang or "")
    words = folded.split(" ")
    if known is None or known.places.keys().isdisjoint(words):
        return []
    places = [known.places.get(word) for word in words]
    order: dict[tuple[int, int], int] = {}  # of the groups of a class in the text
    of_kind: Counter[int] = Counter()
    for named in filter(None, places):
        if (named.kind, named.group) not in order:
            order[named.kind, named.group] = of_kind[named.kind]
            of_kind[named.kind] += 1
    found = []
    for number in range(_OTHERS):
        swapped = list(words)
        for at, place in enumerate(places):
            if place:
                some = known.classes[place.kind]
                group = (len(some) * number // _OTHERS + order[place.kind, place.group]) % len(some)
                swapped[at] = some[group][place.form]
        found.append(" ".join(swapped))
    return found


def swap_groups(folded: str, lang: str | None, number: int) -> str | None:
    """The folded text about other groups, or None if it names none. A group that is named twice becomes the same one twice. Copies with
    different numbers name different groups, as far as there are some; the same text always has the same copies."""
    known = groups().get(lang or "")
    if known is None:
        return None
    words = folded.split(" ")
    chosen: dict[tuple[int, int], int] = {}
    for at, word in enumerate(words):
        if place := known.places.get(word):
            key = place.kind, place.group
            if key not in chosen:
                others = [group for group in range(len(known.classes[place.kind])) if group != place.group]
                chosen[key] = others[(zlib.crc32(folded.encode()) + number) % len(others)]
            words[at] = known.classes[place.kind][chosen[key]][place.form]
    return " ".join(words) if chosen else None
