"""Searches a text for many words at once, in time that is linear in the text, whatever the words are (Aho-Corasick).

Word boundaries are characters of their own: a mark stands at both ends of each run of letters and digits. A keyword is
marked like a text, so a whole word is an ordinary string, and nothing is checked after it is found.
"""

from collections.abc import Sequence
from functools import lru_cache

import regex

from folkmoot.base.text import fold

_MARK = "\x01"  # stored texts contain no control characters
_WORD: regex.Pattern[str] = regex.compile(r"[\p{L}\p{N}\p{M}_]+")
# Scripts that put no spaces between words: a keyword has no boundary at such a letter.
_UNSPACED: regex.Pattern[str] = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_NO_NODES: dict[str, int] = {}


@lru_cache(maxsize=4096)  # many members read the same posts
def searched(text: str) -> str:
    """A text in the form in which it is searched: folded, with single spaces and marked words."""
    marked: str = _WORD.sub(rf"{_MARK}\g<0>{_MARK}", " ".join(fold(text).split()))
    return marked


def pattern(keyword: str, *, is_whole_word: bool) -> str:
    """The string that a keyword is searched by; empty for one that contains nothing to search for."""
    marked = searched(keyword)
    bare = marked.strip(_MARK)
    if not bare or not is_whole_word:
        return bare
    before, after = marked.startswith(_MARK), marked.endswith(_MARK)
    return (
        (_MARK if before and not _UNSPACED.match(bare[0]) else "") + bare + (_MARK if after and not _UNSPACED.match(bare[-1]) else "")
    )


class WordFinder:
    """Finds which of `patterns` a text contains."""

    __slots__ = ("_ends", "_fallback", "_nodes", "_outer")

    def __init__(self, patterns: Sequence[str]) -> None:
        self._nodes: list[dict[str, int]] = [{}]  # the trie: the next node by character; 0 is the root
        self._ends: dict[int, list[int]] = {}  # of a node at which patterns end: their places
        for place, text in enumerate(patterns):
            if text:
                self._ends.setdefault(self._add(text), []).append(place)
        self._fallback = [0] * len(self._nodes)  # the node of the longest suffix that is in the trie
        self._outer = [0] * len(self._nodes)  # the nearest node on the way of fallbacks, or this one, at which patterns end; or 0
        self._link()
        self._nodes = [following or _NO_NODES for following in self._nodes]

    @property
    def size(self) -> int:
        """The number of nodes, by which its memory is estimated."""
        return len(self._nodes)

    def find(self, text: str) -> list[int]:
        """The places of the patterns in a searched text, in order. Each node at which patterns end is visited once."""
        nodes, fallback, outer = self._nodes, self._fallback, self._outer
        node = 0
        ending: set[int] = set()
        for character in text:
            following = nodes[node].get(character)
            while following is None and node:
                node = fallback[node]
                following = nodes[node].get(character)
            node = following or 0
            end = outer[node]
            while end and end not in ending:
                ending.add(end)
                end = outer[fallback[end]]
        return sorted(place for end in ending for place in self._ends[end])

    def _add(self, text: str) -> int:
        node = 0
        for character in text:
            following = self._nodes[node].get(character)
            if following is None:
                following = self._nodes[node][character] = len(self._nodes)
                self._nodes.append({})
            node = following
        return node

    def _link(self) -> None:
        """Sets the fallbacks, nodes near the root first."""
        level = [0]
        while level:
            below = []
            for node in level:
                for character, child in self._nodes[node].items():
                    below.append(child)
                    if node:
                        other = self._fallback[node]
                        while other and character not in self._nodes[other]:
                            other = self._fallback[other]
                        self._fallback[child] = self._nodes[other].get(character, 0)
                    self._outer[child] = child if child in self._ends else self._outer[self._fallback[child]]
            level = below
