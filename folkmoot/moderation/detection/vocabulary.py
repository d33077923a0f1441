"""The words that disguised words are compared with: which reading of ambiguous letters is a word, where joined words end.

The list is in `vocabulary.txt`, which `training/vocabulary.py` generates from the training data. It contains folded words
with the number of texts, of 10,000 in one language, that they occur in.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

_MOST_PREFIXES = 400
_LONGEST_PART = 20
_LONGEST_JOINED = 2000
_KNOWN = 0.85  # share of the letters
_USUAL_LENGTH = 3.0
_UNKNOWN = -9.0  # the logarithm of the probability of an unknown part, and for each of its letters
_UNKNOWN_LETTER = -2.6


class Vocabulary:
    """Known words with the logarithms of their probabilities."""

    def __init__(self, lines: Sequence[str]) -> None:
        counted = [(int(count), words.split()) for count, _, words in (line.partition(" ") for line in lines if line[:1].isdigit())]
        total = math.log(sum(count * len(words) for count, words in counted))
        self.costs: dict[str, float] = {}
        for count, words in counted:
            self.costs |= dict.fromkeys(words, math.log(count) - total)
        self._sorted = sorted(self.costs)

    def __contains__(self, word: str) -> bool:
        return word in self.costs

    def share_known(self, words: Sequence[str]) -> float:
        """The share of letters that are in known words of three and more letters."""
        costs = self.costs
        letters = known = 0
        for word in words:
            length = len(word)
            letters += length
            if length > 2 and word in costs:
                known += length
        return known / letters if letters else 0.0

    def decode(self, choices: Sequence[str]) -> str | None:
        """The most frequent known word whose letters are among these choices; a space among them means no letter."""
        prefixes = {""}
        for letters in choices:
            longer = {prefix + letter.strip() for prefix in prefixes for letter in letters}
            prefixes = set(sorted(filter(self._begins, longer))[:_MOST_PREFIXES])
        return max((word for word in prefixes if word in self.costs), key=self.costs.__getitem__, default=None)

    def segment(self, letters: str) -> list[str] | None:
        """The likeliest words that letters without spaces consist of; None unless they are known words, of a usual length."""
        letters = letters[:_LONGEST_JOINED]
        best: list[tuple[float, int]] = [(0.0, 0)]
        for end in range(1, len(letters) + 1):
            best.append(max(
                (best[start][0] + self._cost(letters[start:end]), start) for start in range(max(0, end - _LONGEST_PART), end)
            ))
        words, end = [], len(letters)
        while end:
            start = best[end][1]
            words.append(letters[start:end])
            end = start
        known = sum(len(word) for word in words if word in self.costs)
        return words[::-1] if known >= _KNOWN * len(letters) >= _KNOWN * _USUAL_LENGTH * len(words) else None

    def _cost(self, word: str) -> float:
        return self.costs.get(word) or _UNKNOWN + _UNKNOWN_LETTER * len(word)

    def _begins(self, prefix: str) -> bool:
        at = bisect_left(self._sorted, prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(prefix)


@lru_cache(1)
def vocabulary() -> Vocabulary:
    return Vocabulary(Path(__file__).with_name("vocabulary.txt").read_text("utf-8").splitlines())
