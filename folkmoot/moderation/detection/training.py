"""Learns the weights. The only module that knows scikit-learn; it runs in `moot detector train` and nowhere else.

Sources are weighed, not pooled: see `RECIPE`. Every number that judges the model comes from rows it has not seen: the
calibration and the thresholds from folds that keep authors and templates together.
"""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import budgets, features, folding, structure
from folkmoot.moderation.detection.artefact import Artefact, Header, Table, Weights
from folkmoot.moderation.detection.model import Example

TABLES = [Table("words", 18), Table("characters", 20), Table("parts", structure.BITS, 0.5)]
RARE = 2  # a bucket that stands in fewer texts says nothing
STRENGTH = 4.0  # inverse regularisation
FOLDS = 4
FEWEST = 10
RECIPE = {"written": 6.0, "everyday": 6.0, "synthetic": 1.0, "neutral": 2.0, "edos": 2.0, "hatemoji": 1.0, "mhc": 0.5}
WEAK = 0.3  # a negative that nobody looked at
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Lesson(NamedTuple):
    """What is to be learnt: per row its label, its weight and its origin (see `origins_of`)."""

    counts: list[features.Counts]
    labels: Floats
    weights: Floats
    origins: Integers


class Fitted:
    """Weights, rarities and bias of one fit to some of the rows."""

    def __init__(self, lesson: Lesson, rows: Integers) -> None:
        counts, labels, weights, origins = lesson
        self.rarities: list[Floats] = []
        blocks = []
        for table, count in zip(TABLES, counts, strict=True):
            matrix = _matrix(count, table, len(labels))
            known = np.bincount(matrix[rows].indices, minlength=1 << table.bits)
            rarity = np.where(known >= RARE, np.log((1 + len(rows)) / (1 + known)) + 1, 0.0).astype(np.float16)
            self.rarities.append(rarity.astype(np.float64))
            blocks.append(_normal(matrix[rows], self.rarities[-1], table.scale))
        together = sparse.hstack(blocks, "csr")
        used = np.flatnonzero(np.bincount(together.indices, minlength=together.shape[1]))
        model = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-5)
        model.fit(sparse.hstack([together[:, used], _origin(origins[rows], origins.max() + 1)], "csr"), labels[rows], weights[rows])
        self.weight = np.zeros(together.shape[1])
        self.weight[used] = model.coef_[0, : len(used)]
        self.model, self.used = model, used
        self.bias = float(model.intercept_[0])

    def tables(self) -> list[tuple[Weights, Weights]]:
        """As the artefact holds them: rarity and weight of each table."""
        ends = np.cumsum([1 << table.bits for table in TABLES])
        return [(rarity.astype(np.float16), weight.astype(np.float16))
                for rarity, weight in zip(self.rarities, np.split(self.weight, ends[:-1]), strict=True)]

    def margins(self, lesson: Lesson, rows: Integers) -> Floats:
        """What scikit-learn itself says of rows, all held to the standard."""
        blocks = [_normal(_matrix(count, table, len(lesson.labels))[rows], rarity, table.scale)
                  for count, table, rarity in zip(lesson.counts, TABLES, self.rarities, strict=True)]
        nowhere = _origin(np.full(len(rows), -1), self.model.coef_.shape[1] - len(self.used))
        answer: Floats = self.model.decision_function(sparse.hstack([sparse.hstack(blocks, "csr")[:, self.used], nowhere], "csr"))
        return answer


def origins_of(examples: Sequence[Example], by_file: Mapping[str, float]) -> Integers:
    """Each file has its share of threats and its style, so it gets a base rate of its own while the words are learnt;
    otherwise the model would learn where a text comes from instead of what it says. The files that weigh most set the
    standard (-1), and those without a single threat are judged by it."""
    most = max(by_file.values())
    mixed = {example.file for example in examples if example.threat} & {example.file for example in examples if not example.threat}
    own = {file: number for number, file in enumerate(sorted(file for file in mixed if by_file[file] < most))}
    return np.array([own.get(example.file, -1) for example in examples])


def _origin(origins: Integers, size: int) -> sparse.csr_matrix:
    """One column per origin; nothing for the standard (-1)."""
    known = np.flatnonzero(origins >= 0)
    return sparse.csr_matrix((np.full(len(known), 3.0), (known, origins[known])), (len(origins), size))


def _matrix(count: features.Counts, table: Table, size: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((count.counts.astype(np.float64), (count.texts, count.buckets)), (size, 1 << table.bits))


def _normal(matrix: sparse.csr_matrix, rarity: Floats, scale: float) -> sparse.csr_matrix:
    """Weighted by rarity, without what is too rare, each row of the same length."""
    weighed = matrix.multiply(rarity).tocsr()
    weighed.eliminate_zeros()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(1)).ravel())
    return sparse.diags(scale / np.maximum(length, 1e-6)).dot(weighed).tocsr()


def weight_of(file: str, wishes: Mapping[str, float]) -> float:
    """How much a row of a file counts: what was asked for, or the recipe's number, by the longest beginning that fits."""
    for table in (wishes, RECIPE):
        fitting = [name for name in table if file.startswith(name)]
        if fitting:
            return table[max(fitting, key=len)]
    return 1.0


def fold_of(example: Example, files: Sequence[str]) -> int:
    """Authors go round the folds by their place among the files of their language; everything else by its group's name."""
    if example.group == example.file:
        return [file for file in files if file[:-2] == example.file[:-2]].index(example.file) % FOLDS
    return zlib.crc32(example.group.encode()) % FOLDS


def read_counts(texts: Sequence[str]) -> list[features.Counts]:
    """The counts of all texts, a batch at a time, one list entry per table."""
    parts: list[list[features.Counts]] = [[] for _ in TABLES]
    for at in range(0, len(texts), 1000):
        source = features.stream([folding.unmask(text).text for text in texts[at : at + 1000]])
        for part, table in zip(parts, TABLES, strict=True):
            count = features.counted(features.grams(source, table.kind, table.bits), table.bits)
            part.append(count._replace(texts=count.texts + at))
    return [features.Counts(*(np.concatenate(column) for column in zip(*part, strict=True))) for part in parts]


def train(examples: Sequence[Example], weights: Mapping[str, float] | None = None) -> Artefact:
    """A detector from the rows of the `train` split whose label is known. Raises Problem when there is too little to learn."""
    rows = [example for example in examples if example.split == "train" and example.threat is not None]
    labels = np.array([float(example.threat or 0) for example in rows])
    if min(labels.sum(), (1 - labels).sum()) < FEWEST:
        raise Problem("There is too little to learn from: at least %(few)d threats and %(few)d others are needed.", few=FEWEST)
    by_file = {file: weight_of(file, weights or {}) for file in sorted({example.file for example in rows})}
    weighed = np.array([by_file[example.file] * (WEAK if example.labels.get("threat_weak") else 1) for example in rows])
    lesson = Lesson(read_counts([example.text for example in rows]), labels, weighed, origins_of(rows, by_file))
    unseen = _unseen(rows, lesson)
    whole = Fitted(lesson, np.arange(len(rows)))
    calibration = LogisticRegression(C=1e6).fit(unseen[:, None], labels, weighed)
    slope, offset = float(calibration.coef_[0, 0]), float(calibration.intercept_[0])
    scores = 1 / (1 + np.exp(-(slope * unseen + offset)))
    tables = whole.tables()
    limits = budgets.thresholds(rows, scores)
    date = clock.now().date().isoformat()
    version = f"{date}-{hashlib.sha256(b''.join(column.tobytes() for pair in tables for column in pair)).hexdigest()[:8]}"
    card = {"date": date, "weights": by_file, "unseen": budgets.unseen_authors(rows, scores),
            "budgets": budgets.measured(rows, scores, limits)}
    return Artefact(Header("folkmoot-threats", version, whole.bias, (slope, offset), limits, TABLES, card), tables)


def _unseen(rows: Sequence[Example], lesson: Lesson) -> Floats:
    """The margin of each row under a model that has read nothing of its author or template."""
    files = sorted({example.file for example in rows if example.group == example.file})
    folds = np.array([fold_of(example, files) for example in rows])
    margins = np.zeros(len(rows))
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(outside) and len(set(lesson.labels[inside])) == 2:
            margins[outside] = Fitted(lesson, inside).margins(lesson, outside)
    return margins
