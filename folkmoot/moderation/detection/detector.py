"""Scores texts with numpy alone: hashed n-gram counts times weights, summed, turned into a probability.

A long text is scored in overlapping windows and gets the highest score of them, so that length does not hide a threat.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from folkmoot.moderation.detection import artefact, cues, features, folding, structure
from folkmoot.moderation.detection.groups import about_others
from folkmoot.moderation.detection.model import Finding, Thresholds
from folkmoot.moderation.detection.readings import readings

PACKAGED = Path(__file__).with_name("threats.detector")
_BATCH = 256
_LONGEST_WHOLE = 120  # words and punctuation marks
_WINDOWS = ((120, 0.0), (60, 0.0), (24, 0.3), (14, 0.6))  # size, and discount
_SENTENCE = (4, 40, 0.3)  # fewest and most words, and discount
_LONG = 60  # words of a text that is divided
# Subtracted from a short text without a word of harm, up to so many words: harmless replies consist of persons and grammar.
_SAYS_LITTLE = ((3, 1.5), (9, 0.9))
# Subtracted from a text about politics or disgrace without a word of violence: most of it is fury that threatens nobody.
_IS_FURY = 0.8
_SEVERAL = 16  # letters: a longer word is several without spaces, which may speak of anything
_ENDS = frozenset(".!?")
_LONGEST_WORD = 24  # letters that are scored
_REASONS = 5
Margins = npt.NDArray[np.float64]


class Window(NamedTuple):
    """A part of a text, and what is subtracted from its margin: a short part says less about the whole text."""

    text: str
    discount: float


def windows(folded: str) -> list[Window]:
    """A short text as a whole; a longer one also as overlapping windows and as sentences, so that neither length nor padding hides a
    threat."""
    words = [word[:_LONGEST_WORD] for word in folded.split(" ")]
    found = [Window(" ".join(words), _discount(words))] if len(words) <= _LONGEST_WHOLE else []
    for size, discount in _WINDOWS:
        if len(words) > max(size, _LONG):
            step = size // 2
            found += [Window(" ".join(words[at : at + size]), discount) for at in range(0, len(words) - step, step)]
    return [*found, *_sentences(words)] if len(words) > _LONG else found


def _discount(words: Sequence[str]) -> float:
    """What is subtracted from the margin of a whole text."""
    little = next((discount for most, discount in _SAYS_LITTLE if len(words) <= most), 0.0)
    if little and (max(map(len, words)) > _SEVERAL or structure.speaks_of_harm(words)):
        little = 0.0
    return max(little, _IS_FURY if structure.is_fury(words) else 0.0)


def _sentences(words: Sequence[str]) -> list[Window]:
    """The sentences of a text, each once."""
    fewest, most, discount = _SENTENCE
    found: dict[str, None] = {}
    start = 0
    for at, word in enumerate([*words, "."]):
        if word in _ENDS:
            if fewest <= at - start <= most:
                found[" ".join(words[start : at + 1])] = None
            start = at + 1
    return [Window(sentence, discount) for sentence in found]


class Detector:
    """One model in memory. Scoring does not change it, so threads may share it."""

    def __init__(self, model: artefact.Artefact) -> None:
        self.header = model.header
        self._tables = model.tables

    @classmethod
    def load(cls, path: Path | None = None) -> "Detector":
        """The detector in `path`, or the packaged one. Raises Problem for a damaged file."""
        return cls(artefact.read(path or PACKAGED))

    @property
    def name(self) -> str:
        return self.header.name

    @property
    def version(self) -> str:
        return self.header.version

    def score(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Finding]:
        """One finding per text, in the same order."""
        found: list[Finding] = []
        for at in range(0, len(texts), _BATCH):
            batch = texts[at : at + _BATCH]
            read = [[(reading, about_others(reading.text, lang) or [reading.text]) for reading in readings(text)]
                    for text, lang in zip(batch, langs[at : at + _BATCH], strict=True)]
            margins = iter(self.margins([scored for some in read for _, all_scored in some for scored in all_scored]).tolist())
            for text, some, lang in zip(batch, read, langs[at : at + _BATCH], strict=True):
                means = [sum(islice(margins, len(scored))) / len(scored) for _, scored in some]
                margin, _, reading = max((mean, -nth, reading) for nth, (mean, (reading, _)) in enumerate(zip(means, some, strict=True)))
                found.append(self._finding(text, reading, margin, lang))
        return found

    def thresholds_for(self, lang: str | None) -> Thresholds:
        """The thresholds of a language; the strictest ones for a language that was never measured."""
        return self.header.thresholds.get(lang or "") or self.header.thresholds[""]

    def probability(self, margin: float) -> float:
        slope, offset = self.header.calibration
        return float(1 / (1 + np.exp(-(slope * margin + offset))))

    def margins(self, folded: Sequence[str]) -> Margins:
        """The raw sum of the model for each folded text; positive means that a threat is more likely."""
        pieces = [windows(text) for text in folded]
        starts = np.cumsum([0] + [len(some) for some in pieces[:-1]])
        flat = [piece for some in pieces for piece in some]
        discounts = np.array([piece.discount for piece in flat])
        worst: Margins = np.maximum.reduceat(self._sums([piece.text for piece in flat]) - discounts, starts)
        return worst

    def _sums(self, folded: Sequence[str]) -> Margins:
        sums = np.full(len(folded), self.header.bias)
        source = features.stream(folded)
        for table, (idf, weight) in zip(self.header.tables, self._tables, strict=True):
            counts = features.count_grams(features.grams(source, table.kind, table.bits), table.bits)
            values = counts.counts * idf[counts.buckets].astype(np.float32)
            lengths = np.hypot(np.sqrt(np.bincount(counts.texts, values * values, len(folded))), table.pivot)
            raw = np.bincount(counts.texts, values * weight[counts.buckets].astype(np.float32), len(folded))
            sums += table.scale * raw / np.maximum(lengths, 1e-6)
        return sums

    def _finding(self, text: str, folded: folding.Folded, margin: float, lang: str | None) -> Finding:
        score = self.probability(margin)
        limits = self.thresholds_for(lang)
        queue = score >= limits.queue
        reasons = (*self._reason_words(text, folded.text), *folded.disguises) if queue else ()
        found = cues.cues_of(self._part_contributions(folded.text)) if queue else ()
        return Finding(round(score, 4), queue, score >= limits.hide, reasons, self.name, self.version, found)

    def _part_contributions(self, folded: str) -> dict[str, float]:
        """What each part of the sentence adds to the score; a pair counts half for each of its parts."""
        found: dict[str, float] = {}
        for table, (idf, weight) in zip(self.header.tables, self._tables, strict=True):
            if table.kind == "parts":
                for bucket in features.part_pairs(features.stream([folded])).buckets.tolist():
                    for name in structure.names_of(bucket):
                        found[name] = found.get(name, 0.0) + float(idf[bucket]) * float(weight[bucket]) / 2
        return found

    def _reason_words(self, text: str, folded: str) -> list[str]:
        """The words that contributed most to the score, highest first, in the spelling of the text."""
        source = features.stream([folded])
        differences = np.zeros(len(source.codes) + 1)
        for table, (idf, weight) in zip(self.header.tables, self._tables, strict=True):
            grams = features.grams(source, table.kind, table.bits)
            values = idf[grams.buckets].astype(np.float64)
            length = max(1e-6, float(np.hypot(np.sqrt((values * values).sum()), table.pivot)))
            contribution = table.scale * values * weight[grams.buckets] / length
            contribution /= grams.ends - grams.starts
            np.add.at(differences, grams.starts, contribution)
            np.add.at(differences, grams.ends, -contribution)
        contributions = np.add.reduceat(np.cumsum(differences), source.word_starts)
        words = folded.split(" ")
        chosen = [int(at) for at in np.argsort(-contributions)[:_REASONS] if contributions[at] > 0 and words[at][0].isalnum()]
        spelled = folding.spellings(text)
        return list(dict.fromkeys(spelled.get(words[at], words[at]) for at in chosen))
