"""Copies of training rows that name another group: the same sentence about others has the same label.

Without them the detector learns from the rows which groups are threatened often, and judges the same words differently. Words are
swapped only inside a class of `groups.txt`, whose words need no other change of the sentence. Only training uses this module.
"""

import zlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple


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
