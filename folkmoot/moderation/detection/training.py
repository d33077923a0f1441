"""Learns the weights. The only module that knows scikit-learn; it runs in `moot detector train` and nowhere else.

Sources are weighed, not pooled: see `RECIPE`. Every number that judges the model comes from rows it has not seen: the
calibration and the thresholds from folds that keep authors and templates together.
"""

import re
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from folkmoot.moderation.detection import features, folding
from folkmoot.moderation.detection.artefact import Artefact, Header, Table
from folkmoot.moderation.detection.model import Example, Thresholds

TABLES = [Table("words", 18), Table("characters", 20)]
RARE = 2  # a bucket that stands in fewer texts says nothing
STRENGTH = 20.0  # inverse regularisation
FOLDS = 4
RECIPE = {"written": 4.0, "synthetic": 1.0, "neutral": 1.0, "edos": 1.0, "hatemoji": 1.0, "mhc": 0.5}
WEAK = 0.3  # a negative that nobody looked at
Floats = npt.NDArray[np.float64]


class Fitted:
    """Weights, rarities and bias of one fit."""

    def __init__(self, counts: list[features.Counts], rows: npt.NDArray[np.int64], labels: Floats, weights: Floats) -> None:
        self.rarities: list[Floats] = []
        blocks = []
        for table, count in zip(TABLES, counts, strict=True):
            matrix = _matrix(count, table, len(labels))
            known = np.bincount(matrix[rows].indices, minlength=1 << table.bits)
            rarity = np.where(known >= RARE, np.log((1 + len(rows)) / (1 + known)) + 1, 0.0).astype(np.float16)
            self.rarities.append(rarity.astype(np.float64))
            blocks.append(_normal(matrix[rows], self.rarities[-1]))
        together = sparse.hstack(blocks, "csr")
        self.used = np.flatnonzero(np.bincount(together.indices, minlength=together.shape[1]))
        self.model = LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-3)
        self.model.fit(together[:, self.used], labels[rows], weights[rows])
        self.weight = np.zeros(together.shape[1])
        self.weight[self.used] = self.model.coef_[0]
        self.bias = float(self.model.intercept_[0])

    def margins(self, counts: list[features.Counts], rows: npt.NDArray[np.int64], size: int) -> Floats:
        """What scikit-learn itself says of the rows."""
        blocks = [_normal(_matrix(count, table, size)[rows], rarity)
                  for count, table, rarity in zip(counts, TABLES, self.rarities, strict=True)]
        answer: Floats = self.model.decision_function(sparse.hstack(blocks, "csr")[:, self.used])
        return answer


def _matrix(count: features.Counts, table: Table, size: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((count.counts.astype(np.float64), (count.texts, count.buckets)), (size, 1 << table.bits))


def _normal(matrix: sparse.csr_matrix, rarity: Floats) -> sparse.csr_matrix:
    """Weighted by rarity, without what is too rare, each row of length one."""
    weighed = matrix.multiply(rarity).tocsr()
    weighed.eliminate_zeros()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(1)).ravel())
    return sparse.diags(1 / np.maximum(length, 1e-6)).dot(weighed).tocsr()


def weight_of(example: Example) -> float:
    """How much a row counts: by its source, and less where nobody has looked."""
    weight = RECIPE.get(re.split(r"[_-]", example.file)[0], 1.0)
    return weight * WEAK if example.labels.get("threat_weak") else weight


def fold_of(example: Example, files: Sequence[str]) -> int:
    """Authors go round the folds by their place in the list; everything else by the name of its group."""
    if example.group == example.file:
        return files.index(example.file) % FOLDS
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


def train(examples: Sequence[Example], version: str) -> Artefact:
    """A detector from the rows of the `train` split whose label is known."""
    rows = [example for example in examples if example.split == "train" and example.threat is not None]
    labels = np.array([float(example.threat or 0) for example in rows])
    weights = np.array([weight_of(example) for example in rows])
    counts = read_counts([example.text for example in rows])
    files = sorted({example.file for example in rows})
    folds = np.array([fold_of(example, files) for example in rows])
    unseen = np.zeros(len(rows))
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        unseen[outside] = Fitted(counts, inside, labels, weights).margins(counts, outside, len(rows))
    whole = Fitted(counts, np.arange(len(rows)), labels, weights)
    calibration = LogisticRegression(C=1e6).fit(unseen[:, None], labels, weights)
    slope, offset = float(calibration.coef_[0, 0]), float(calibration.intercept_[0])
    scores = 1 / (1 + np.exp(-(slope * unseen + offset)))
    sizes = np.cumsum([0] + [1 << table.bits for table in TABLES])
    tables = [(rarity.astype(np.float16), whole.weight[at:end].astype(np.float16))
              for rarity, at, end in zip(whole.rarities, sizes, sizes[1:], strict=False)]
    header = Header("folkmoot-threats", version, whole.bias, (slope, offset), thresholds(rows, scores), TABLES)
    return Artefact(header, tables)


def thresholds(rows: Sequence[Example], scores: Floats) -> dict[str, Thresholds]:
    """Per language, by budget on neutral text: at most 1 % to the queue, at most 0.2 % hidden."""
    found = {}
    neutral = np.array([bool(row.labels.get("neutral")) for row in rows])
    langs = np.array([row.lang or "" for row in rows])
    for lang in sorted(set(langs[neutral])):
        ordinary = scores[neutral & (langs == lang)]
        found[lang] = Thresholds(float(np.quantile(ordinary, 0.99)), float(np.quantile(ordinary, 0.998)))
    found[""] = Thresholds(max([t.queue for t in found.values()], default=0.5), max([t.hide for t in found.values()], default=0.9))
    return found
