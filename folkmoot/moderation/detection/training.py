"""Trains the weights. The only module that imports scikit-learn; only `moot detector build` uses it.

Files have different weights: see `FILE_WEIGHTS`. Every number that evaluates the model comes from rows that it was not
trained on: calibration and thresholds use cross-validation folds that keep authors and templates together.
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
from folkmoot.moderation.detection import budgets, features, folding, groups, kinds, structure
from folkmoot.moderation.detection.artefact import Artefact, Header, Table, Weights
from folkmoot.moderation.detection.detector import windows
from folkmoot.moderation.detection.model import Example
from folkmoot.moderation.detection.readings import readings

TABLES = [Table("words", 18, pivot=8.0), Table("characters", 20, pivot=12.0), Table("parts", structure.BITS, 0.35, 8.0)]
MIN_TEXTS = 2  # a bucket that occurs in fewer texts is ignored
INVERSE_REGULARISATION = 4.0
FOLDS = 6  # at least one author of each language is left out in each
MIN_ROWS = 10  # of each label
FILE_WEIGHTS = {"written": 6.0, "everyday": 6.0, "short": 4.0, "synthetic": 1.0, "neutral": 2.0, "edos": 2.0, "hatemoji": 1.0, "mhc": 0.5}
WEAK_NEGATIVE_WEIGHT = 0.3  # of a negative that nobody has checked
KIND_WEIGHTS = {"furious politics": 2.0}  # of harmless rows: times the weight of their file
MOST_COPIES = 3  # of a row that names a group
COPIES_WEIGH = 0.67  # the share of the weight of such a row that its copies have
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class TrainingSet(NamedTuple):
    """The counts, and per text its label, its weight, its origin (see `origins_of`) and its row. The first text of each row is the row
    itself, the others are copies about other groups (see `groups.py`)."""

    counts: list[features.Counts]
    labels: Floats
    weights: Floats
    origins: Integers
    row_of: Integers


class FittedModel:
    """Weights, idfs and bias of a model that is trained on some of the rows."""

    def __init__(self, training_set: TrainingSet, rows: Integers) -> None:
        """`rows`: the texts to train on. Which features are known, and how rare they are, is counted without copies."""
        counts, labels, weights, origins, row_of = training_set
        own = rows[row_of[rows] == rows]
        self.idfs: list[Floats] = []
        blocks = []
        for table, count in zip(TABLES, counts, strict=True):
            matrix = _matrix(count, table, len(labels))
            known = np.bincount(matrix[own].indices, minlength=1 << table.bits)
            idf = np.where(known >= MIN_TEXTS, np.log((1 + len(own)) / (1 + known)) + 1, 0.0).astype(np.float16)
            self.idfs.append(idf.astype(np.float64))
            blocks.append(_normalised(matrix[rows], self.idfs[-1], table))
        together = sparse.hstack(blocks, "csr")
        used = np.flatnonzero(np.bincount(together.indices, minlength=together.shape[1]))
        model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=1000, tol=1e-4)
        model.fit(sparse.hstack([together[:, used], _origin_columns(origins[rows], origins.max() + 1)], "csr"), labels[rows], weights[rows])
        self.weight = np.zeros(together.shape[1])
        self.weight[used] = model.coef_[0, : len(used)]
        self.model, self.used = model, used
        self.bias = float(model.intercept_[0])

    def tables(self) -> list[tuple[Weights, Weights]]:
        """As the artefact holds them: idf and weight of each table."""
        ends = np.cumsum([1 << table.bits for table in TABLES])
        return [(idf.astype(np.float16), weight.astype(np.float16))
                for idf, weight in zip(self.idfs, np.split(self.weight, ends[:-1]), strict=True)]

    def margins(self, counts: Sequence[features.Counts], rows: Integers) -> Floats:
        """The margins that scikit-learn computes for these rows of the counts, all with the reference origin."""
        blocks = [_normalised(_matrix(count, table, 1 + int(max(rows.max(), count.texts.max())))[rows], idf, table)
                  for count, table, idf in zip(counts, TABLES, self.idfs, strict=True)]
        reference = _origin_columns(np.full(len(rows), -1), self.model.coef_.shape[1] - len(self.used))
        answer: Floats = self.model.decision_function(sparse.hstack([sparse.hstack(blocks, "csr")[:, self.used], reference], "csr"))
        return answer


def origins_of(examples: Sequence[Example], by_file: Mapping[str, float]) -> Integers:
    """Each file has its own share of threats and its own style, so it gets its own intercept during training; otherwise the
    model would learn where a text comes from instead of what it says. The files with the highest weight are the
    reference (-1); files with one label only use it too."""
    most = max(by_file.values())
    mixed = {example.file for example in examples if example.threat} & {example.file for example in examples if not example.threat}
    own = {file: number for number, file in enumerate(sorted(file for file in mixed if by_file[file] < most))}
    return np.array([own.get(example.file, -1) for example in examples])


def _origin_columns(origins: Integers, size: int) -> sparse.csr_matrix:
    """One column per origin; none for the reference (-1)."""
    known = np.flatnonzero(origins >= 0)
    return sparse.csr_matrix((np.full(len(known), 3.0), (known, origins[known])), (len(origins), size))


def _matrix(count: features.Counts, table: Table, size: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((count.counts.astype(np.float64), (count.texts, count.buckets)), (size, 1 << table.bits))


def _normalised(matrix: sparse.csr_matrix, idf: Floats, table: Table) -> sparse.csr_matrix:
    """Weighted by idf, without rare buckets, each row scaled to the same length, short rows to less (see Table)."""
    weighed = matrix.multiply(idf).tocsr()
    weighed.eliminate_zeros()
    length = np.hypot(np.sqrt(np.asarray(weighed.multiply(weighed).sum(1)).ravel()), table.pivot)
    return sparse.diags(table.scale / np.maximum(length, 1e-6)).dot(weighed).tocsr()


def weight_of(file: str, overrides: Mapping[str, float]) -> float:
    """The weight of a row of a file: from the overrides, else from FILE_WEIGHTS, by the longest prefix that matches."""
    for table in (overrides, FILE_WEIGHTS):
        fitting = [name for name in table if file.startswith(name)]
        if fitting:
            return table[max(fitting, key=len)]
    return 1.0


def _weight_in_file(example: Example) -> float:
    kind = "" if example.threat or "kind" not in example.labels else kinds.kind_of(example)
    return KIND_WEIGHTS.get(kind, 1.0) * (WEAK_NEGATIVE_WEIGHT if example.labels.get("threat_weak") else 1.0)


def fold_of(example: Example, files: Sequence[str]) -> int:
    """The fold of a row: for a file by one author, its position among the files of its language; otherwise a hash of its group."""
    if example.group == example.file:
        return [file for file in files if file[:-2] == example.file[:-2]].index(example.file) % FOLDS
    return zlib.crc32(example.group.encode()) % FOLDS


def read_counts(folded: Sequence[str]) -> list[features.Counts]:
    """The counts of all folded texts, read in batches; one list entry per table."""
    parts: list[list[features.Counts]] = [[] for _ in TABLES]
    for at in range(0, len(folded), 1000):
        source = features.stream(folded[at : at + 1000])
        for part, table in zip(parts, TABLES, strict=True):
            count = features.count_grams(features.grams(source, table.kind, table.bits), table.bits)
            part.append(count._replace(texts=count.texts + at))
    return [features.Counts(*(np.concatenate(column) for column in zip(*part, strict=True))) for part in parts]


def training_set_of(rows: Sequence[Example], labels: Floats, weights: Floats, origins: Integers) -> TrainingSet:
    """The rows, and copies of those that name a group. A row and its copies share the weight of the row."""
    texts = [folding.unmask(row.text).text for row in rows]
    copies = [(at, copy) for at, row in enumerate(rows) for copy in _copies(texts[at], row.lang)]
    row_of = np.array([*range(len(rows)), *(at for at, _ in copies)])
    number = np.bincount(row_of, minlength=len(rows)) - 1
    of_rows, of_copies = np.where(number > 0, 1 - COPIES_WEIGH, 1.0), COPIES_WEIGH / np.maximum(number, 1)
    shares = np.where(row_of == np.arange(len(row_of)), of_rows[row_of], of_copies[row_of])
    counts = read_counts([*texts, *(copy for _, copy in copies)])
    return TrainingSet(counts, labels[row_of], weights[row_of] * shares, origins[row_of], row_of)


def _copies(folded: str, lang: str | None) -> list[str]:
    found = (groups.swap_groups(folded, lang, number) for number in range(MOST_COPIES))
    return list(dict.fromkeys(filter(None, found)))


def train(examples: Sequence[Example], weights: Mapping[str, float] | None = None) -> Artefact:
    """A detector from the rows of the `train` split whose label is known. Raises Problem when there are too few rows."""
    rows = [example for example in examples if example.split == "train" and example.threat is not None]
    labels = np.array([float(example.threat or 0) for example in rows])
    if min(labels.sum(), (1 - labels).sum()) < MIN_ROWS:
        raise Problem("There are too few rows for training: at least %(few)d threats and %(few)d others are needed.", few=MIN_ROWS)
    by_file = {file: weight_of(file, weights or {}) for file in sorted({example.file for example in rows})}
    weighed = np.array([by_file[example.file] * _weight_in_file(example) for example in rows])
    training_set = training_set_of(rows, labels, weighed, origins_of(rows, by_file))
    unseen = _held_out_margins(rows, training_set)
    whole = FittedModel(training_set, np.arange(len(training_set.labels)))
    calibration = LogisticRegression(C=1e6).fit(unseen[:, None], labels, weighed)
    slope, offset = float(calibration.coef_[0, 0]), float(calibration.intercept_[0])
    scores = 1 / (1 + np.exp(-(slope * unseen + offset)))
    tables = whole.tables()
    limits = budgets.thresholds(rows, scores)
    date = clock.now().date().isoformat()
    version = f"{date}-{hashlib.sha256(b''.join(column.tobytes() for pair in tables for column in pair)).hexdigest()[:8]}"
    card = {"date": date, "weights": by_file, "unseen": budgets.unseen_authors(rows, scores),
            "budgets": budgets.measure_rates(rows, scores, limits), "kinds": kinds.measure_kinds(rows, scores, limits)}
    header = Header("folkmoot-threats", version, whole.bias, (slope, offset), limits, TABLES, card, structure.fingerprint())
    return Artefact(header, tables)


def _held_out_margins(rows: Sequence[Example], training_set: TrainingSet) -> Floats:
    """The margin of each row, from a model that was not trained on its author or template: the highest of all windows of all
    its readings, as the scorer takes it."""
    files = sorted({example.file for example in rows if example.group == example.file})
    folds = np.array([fold_of(example, files) for example in rows])
    fold_of_text = folds[training_set.row_of]
    pieces = [[piece for reading in readings(example.text) for piece in windows(reading.text)] for example in rows]
    first = np.cumsum([0] + [len(some) for some in pieces[:-1]])
    counts = read_counts([piece.text for some in pieces for piece in some])
    whose = np.repeat(np.arange(len(rows)), [len(some) for some in pieces])
    margins = np.zeros(len(whose))
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(fold_of_text != fold), np.flatnonzero(folds[whose] == fold)
        if len(outside) and len(set(training_set.labels[inside])) == 2:
            margins[outside] = FittedModel(training_set, inside).margins(counts, outside)
    discounts = np.array([piece.discount for some in pieces for piece in some])
    highest: Floats = np.maximum.reduceat(margins - discounts, first)
    return highest
