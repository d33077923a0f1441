"""Feature extraction from folded texts: word n-grams (1 to 3), character n-grams (2 to 5) and pairs of parts, for a batch.

A text is an array of code points, and the polynomial hash of an n-gram is computed for all positions together. So there
is no vocabulary to load, and a post costs microseconds. The trainer and the scorer both use this module.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from folkmoot.moderation.detection import structure

Numbers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_LONGEST_WORD = 64
_POWERS: Hashes = np.cumprod(np.full(_LONGEST_WORD, _BASE, np.uint64)).astype(np.uint64)
_SPACE, _END = 32, 10
_SALTS = [np.uint64(0xA0761D6478BD642F), np.uint64(0xE7037ED1A0B428DB), np.uint64(0x8EBC6AF09C88C6E3)]


class Grams(NamedTuple):
    """Every n-gram of a batch: the text that contains it, its bucket, and its position (`start` to `end` in the stream of the batch)."""

    texts: Numbers
    buckets: Numbers
    starts: Numbers
    ends: Numbers


class Stream(NamedTuple):
    """A batch as code points, with the text of each code point and the bounds of each word."""

    texts: Sequence[str]
    codes: npt.NDArray[np.uint32]
    text_of: Numbers
    word_starts: Numbers
    word_ends: Numbers


def stream(folded: Sequence[str]) -> Stream:
    """Joins the texts; each is surrounded by spaces and ends with a line end."""
    joined = "".join([f" {text} \n" for text in folded])
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32)
    text_of = np.cumsum(codes == _END) - (codes == _END)
    gap = (codes == _SPACE) | (codes == _END)
    starts = np.flatnonzero(~gap[1:] & gap[:-1]) + 1
    ends = np.flatnonzero(gap[1:] & ~gap[:-1]) + 1
    return Stream(folded, codes, text_of.astype(np.int64), starts, ends)


def grams(source: Stream, kind: str, bits: int) -> Grams:
    """The n-grams of one kind, as the artefact names it."""
    if kind == "parts":
        return part_pairs(source)
    return word_grams(source, bits) if kind == "words" else character_grams(source, bits)


def character_grams(source: Stream, bits: int, shortest: int = 2, longest: int = 5) -> Grams:
    """Character n-grams inside one text, spaces included."""
    codes = source.codes.astype(np.uint64)
    found = []
    for length in range(shortest, longest + 1):
        count = len(codes) - length + 1
        if count <= 0:
            continue
        hashes = np.full(count, _SALTS[length % 3], np.uint64)
        for at in range(length):
            hashes += codes[at : at + count] * _POWERS[at]
        starts = np.flatnonzero(source.text_of[:count] == source.text_of[length - 1 :])
        starts = starts[source.codes[starts + length - 1] != _END]
        found.append((starts, starts + length, _bucket(hashes[starts], bits)))
    return _concatenate(source, found)


def word_grams(source: Stream, bits: int, longest: int = 3) -> Grams:
    """Words, pairs and triples of words; punctuation marks count as words."""
    starts, ends = source.word_starts, source.word_ends
    if not len(starts):
        return _concatenate(source, [])
    codes = source.codes.astype(np.uint64)
    lengths = np.minimum(ends - starts, _LONGEST_WORD)
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    letters = codes[np.repeat(starts, lengths) + offsets] * _POWERS[offsets]
    words = np.add.reduceat(letters, np.cumsum(lengths) - lengths)
    return _word_runs(source, words, bits, longest)


def part_pairs(source: Stream) -> Grams:
    """The parts of words, alone and in pairs (see structure.py); these features need no hashing."""
    found: list[tuple[int, int, int]] = []
    first = 0
    for text in source.texts:
        words = text.split(" ") if text else []
        found += [(feature, first + at, first + later) for feature, at, later in structure.pairs(words)]
        first += len(words)
    columns = np.array(found, np.int64).reshape(-1, 3)
    return _concatenate(source, [(source.word_starts[columns[:, 1]], source.word_ends[columns[:, 2]], columns[:, 0])])


def _word_runs(source: Stream, words: Hashes, bits: int, longest: int) -> Grams:
    """Sequences of 1 to `longest` adjacent words of the same text."""
    starts, ends = source.word_starts, source.word_ends
    text_of = source.text_of[starts]
    found = []
    for length in range(1, longest + 1):
        count = len(words) - length + 1
        if count <= 0:
            continue
        hashes = np.zeros(count, np.uint64)
        for at in range(length):
            hashes = (hashes + _mix(words[at : at + count])) * _SALTS[at]
        kept = np.flatnonzero(text_of[:count] == text_of[length - 1 :])
        found.append((starts[kept], ends[kept + length - 1], _bucket(hashes[kept], bits)))
    return _concatenate(source, found)


def _concatenate(source: Stream, found: list[tuple[Numbers, Numbers, Numbers]]) -> Grams:
    if not found:
        nothing = np.zeros(0, np.int64)
        return Grams(nothing, nothing, nothing, nothing)
    starts, ends, buckets = (np.concatenate(part) for part in zip(*found, strict=True))
    return Grams(source.text_of[starts], buckets, starts, ends)


def _mix(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _MIX
    mixed: Hashes = hashes ^ (hashes >> np.uint64(29))
    return mixed


def _bucket(hashes: Hashes, bits: int) -> Numbers:
    return (_mix(hashes) * _BASE >> np.uint64(64 - bits)).astype(np.int64)


class Counts(NamedTuple):
    """How often each bucket occurs in each text, ordered by text: the rows of a sparse matrix."""

    texts: Numbers
    buckets: Numbers
    counts: npt.NDArray[np.float32]


def count_grams(grams: Grams, bits: int) -> Counts:
    """Each bucket of each text once, with the logarithm of its count (1 + log)."""
    keys = np.sort((grams.texts << bits) | grams.buckets)
    if not len(keys):
        return Counts(keys, keys, np.zeros(0, np.float32))
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    times = np.diff(np.append(first, len(keys)))
    keys = keys[first]
    return Counts(keys >> bits, keys & ((1 << bits) - 1), (1 + np.log(times)).astype(np.float32))
