"""Finds many phrases in one pass over the words of a text: a trie, whose time is bounded by words times length of phrases.

There are no regular expressions, so no file of an operator can make the worker slow. Words are compared as the detector
folds them: case, diacritics and disguises make no difference.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from folkmoot.moderation.detection.folding import unmask

LONGEST = 8  # words of a phrase
_SHORTEST_PREFIX = 3  # letters before `*`
_Owner = TypeVar("_Owner", bound=Hashable)


class _Node(Generic[_Owner]):
    __slots__ = ("ends", "exact", "prefixes")

    def __init__(self) -> None:
        self.exact: dict[str, _Node[_Owner]] = {}
        self.prefixes: dict[int, dict[str, _Node[_Owner]]] = {}  # by length
        self.ends: dict[_Owner, str] = {}  # the phrase as it was written, by its owner

    def next(self, word: str) -> Iterable["_Node[_Owner]"]:
        if found := self.exact.get(word):
            yield found
        for length, known in self.prefixes.items():
            if found := known.get(word[:length]):
                yield found


class Phrases(Generic[_Owner]):
    """The phrases of several owners. `find` says who of them is met, and by which phrase."""

    def __init__(self, phrases: Mapping[_Owner, Iterable[str]]) -> None:
        self._root: _Node[_Owner] = _Node()
        for owner, written in phrases.items():
            for phrase in written:
                self._add(owner, phrase)

    def _add(self, owner: _Owner, phrase: str) -> None:
        node = self._root
        for word in words_of_phrase(phrase):
            if word.endswith("*"):
                node = node.prefixes.setdefault(len(word) - 1, {}).setdefault(word[:-1], _Node())
            else:
                node = node.exact.setdefault(word, _Node())
        node.ends.setdefault(owner, phrase)

    def find(self, words: Sequence[str]) -> dict[_Owner, str]:
        found: dict[_Owner, str] = {}
        if not self._root.exact and not self._root.prefixes:
            return found
        for start in range(len(words)):
            nodes = [self._root]
            for word in words[start : start + LONGEST]:
                nodes = [after for node in nodes for after in node.next(word)]
                if not nodes:
                    break
                for node in nodes:
                    for owner, phrase in node.ends.items():
                        found.setdefault(owner, phrase)
        return found


def words_of(text: str) -> list[str]:
    """The folded words of a text, without punctuation, mentioned names and addresses."""
    return [word for word in unmask(text).text.split(" ") if word[:1].isalnum()]


def words_of_phrase(phrase: str) -> list[str]:
    """The folded words of a phrase; `*` stays at the end of those that it ends."""
    found: list[str] = []
    for part in phrase.split():
        words = words_of(part.removesuffix("*"))
        found += [*words[:-1], f"{words[-1]}*"] if words and part.endswith("*") else words
    return found


def fault_of_phrase(phrase: str) -> str:
    """What is wrong with a phrase; empty for a good one."""
    words = words_of_phrase(phrase)
    if not words:
        return "has no word"
    if len(words) > LONGEST:
        return f"has more than {LONGEST} words"
    if any(word.endswith("*") and len(word) <= _SHORTEST_PREFIX for word in words):
        return f"needs at least {_SHORTEST_PREFIX} letters before *"
    if "*" in phrase and any("*" in part.removesuffix("*") for part in phrase.split()):
        return "may have * only at the end of a word"
    return ""
