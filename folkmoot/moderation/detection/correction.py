"""Learns from a network's own rows: corrects the weights of a detector, with numpy alone.

The detector is the prior. Its weights are what the penalty of a logistic regression pulls towards, instead of zero, so that few
rows change little, and words that the rows do not contain keep their weight. The rows of the original training are not needed
(decision 0092). Buckets that the detector does not know are added when two of the rows contain them: names and slang
of the network.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from folkmoot.base import clock
from folkmoot.moderation.detection import features, folding
from folkmoot.moderation.detection.artefact import Artefact, Weights
from folkmoot.moderation.detection.detector import windows
from folkmoot.moderation.detection.model import Example

COST = 4.0  # of an error on one row, where a squared change of all weights by 1 costs a half
MIN_TEXTS = 2  # that contain an unknown bucket, until it is learnt
_ROWS_BEFORE = 40_000  # about as many as the packaged detector was trained on, for the idf of new buckets
_MAX_STEPS, _MAX_INNER_STEPS = 30, 60
_SMALL = 1e-4  # remaining share of the gradient at which the solution is good enough
_BATCH = 1000
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class _Matrix(NamedTuple):
    """A sparse matrix of rows and of the columns that occur in them, with a number for each entry."""

    rows: Numbers
    columns: Numbers
    values: Floats
    height: int
    width: int

    def times(self, vector: Floats) -> Floats:
        product: Floats = np.bincount(self.rows, self.values * vector[self.columns], self.height)  # type: ignore[assignment]
        return product

    def transposed_times(self, vector: Floats) -> Floats:
        product: Floats = np.bincount(self.columns, self.values * vector[self.rows], self.width)  # type: ignore[assignment]
        return product


def correct(model: Artefact, rows: Sequence[Example], *, cost: float = COST) -> Artefact:
    """The same model with its weights corrected by labelled rows. Calibration and thresholds stay. Takes about a minute for
    10,000 rows."""
    folded = [folding.unmask(row.text).text for row in rows]
    counts = _count(model, folded)
    idfs = [_with_new(idf, count, len(rows)) for (idf, _), count in zip(model.tables, counts, strict=True)]
    used = [np.unique(count.buckets) for count in counts]
    matrix = _matrix(model, counts, idfs, used, len(rows))
    before = np.concatenate([weight[known].astype(np.float64) for (_, weight), known in zip(model.tables, used, strict=True)])
    start = matrix.times(before) + model.header.bias - np.array([windows(text)[0].discount for text in folded])
    labels = np.array([float(row.threat or 0) for row in rows])
    after = before + _solve(matrix, start, labels, np.full(len(rows), cost))
    parts = np.split(after, np.cumsum([len(known) for known in used])[:-1])
    tables = [_replaced(pair, idf, known, part) for pair, idf, known, part in zip(model.tables, idfs, used, parts, strict=True)]
    return Artefact(msgspec.structs.replace(model.header, version=_version(tables)), tables)


def _count(model: Artefact, folded: Sequence[str]) -> list[features.Counts]:
    """The counts of the texts, for each table of the model."""
    found: list[list[features.Counts]] = [[] for _ in model.header.tables]
    for at in range(0, len(folded), _BATCH):
        source = features.stream(folded[at : at + _BATCH])
        for parts, table in zip(found, model.header.tables, strict=True):
            count = features.count_grams(features.grams(source, table.kind, table.bits), table.bits)
            parts.append(count._replace(texts=count.texts + at))
    return [features.Counts(*map(np.concatenate, zip(*parts, strict=True))) for parts in found]


def _with_new(idf: Weights, count: features.Counts, rows: int) -> Weights:
    """The idf of each bucket, with those of unknown buckets in at least MIN_TEXTS of the rows."""
    times = np.bincount(count.buckets, minlength=len(idf))
    fresh = np.log((1 + _ROWS_BEFORE + rows) / (1 + times)) + 1
    return np.where((idf == 0) & (times >= MIN_TEXTS), fresh.astype(np.float16), idf)


def _matrix(model: Artefact, counts: Sequence[features.Counts], idfs: Sequence[Weights], used: Sequence[Numbers], height: int) -> _Matrix:
    """The feature vectors as the scorer computes them; one column for each used bucket."""
    texts, columns, values = [], [], []
    width = 0
    for table, count, idf, known in zip(model.header.tables, counts, idfs, used, strict=True):
        raw = count.counts * idf[count.buckets].astype(np.float64)
        lengths = np.hypot(np.sqrt(np.bincount(count.texts, raw * raw, height)), table.pivot)
        texts.append(count.texts)
        columns.append(np.searchsorted(known, count.buckets) + width)
        values.append(table.scale * raw / np.maximum(lengths, 1e-6)[count.texts])
        width += len(known)
    return _Matrix(np.concatenate(texts), np.concatenate(columns), np.concatenate(values), height, width)


def _replaced(pair: tuple[Weights, Weights], idf: Weights, known: Numbers, part: Floats) -> tuple[Weights, Weights]:
    weight = pair[1].copy()
    weight[known] = part.astype(np.float16)
    return idf, weight


def _version(tables: Sequence[tuple[Weights, Weights]]) -> str:
    digest = hashlib.sha256(b"".join(column.tobytes() for pair in tables for column in pair)).hexdigest()
    return f"{clock.now().date().isoformat()}-{digest[:8]}"


def _solve(matrix: _Matrix, start: Floats, labels: Floats, costs: Floats) -> Floats:
    """The change of the weights with the least penalty and error, by Newton's method."""
    change = np.zeros(matrix.width)

    def value(at: Floats) -> float:
        margins = start + matrix.times(at)
        return float((costs * (np.logaddexp(0, margins) - labels * margins)).sum() + at @ at / 2)

    lowest, first = value(change), None
    for _ in range(_MAX_STEPS):
        likely = 1 / (1 + np.exp(-(start + matrix.times(change))))
        gradient = change + matrix.transposed_times(costs * (likely - labels))
        first = first or float(np.linalg.norm(gradient))
        if np.linalg.norm(gradient) <= _SMALL * first:
            break
        curvature = costs * likely * (1 - likely)
        step = _conjugate(_product(matrix, curvature), -gradient)
        while (next_value := value(change + step)) > lowest and np.abs(step).max() > 1e-9:
            step = step / 2
        change, lowest = change + step, next_value
    return change


def _product(matrix: _Matrix, curvature: Floats) -> Callable[[Floats], Floats]:
    """Multiplies a vector by the second derivative."""
    return lambda vector: vector + matrix.transposed_times(curvature * matrix.times(vector))


def _conjugate(product: Callable[[Floats], Floats], wanted: Floats) -> Floats:
    """Solves `product(x) = wanted` approximately by conjugate gradients."""
    found, rest = np.zeros(len(wanted)), wanted.copy()
    direction, size = rest.copy(), float(rest @ rest)
    enough = 0.01 * size
    for _ in range(_MAX_INNER_STEPS):
        if size <= enough:
            break
        image = product(direction)
        length = size / float(direction @ image)
        found += length * direction
        rest -= length * image
        before, size = size, float(rest @ rest)
        direction = rest + (size / before) * direction
    return found
