"""Measures a detector: one row of numbers per file and language. Rows without a label are left out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.model import Example, Finding, Measured

Floats = npt.NDArray[np.float64]
PRECISION_AT, RECALL_AT = 40, 100


def measure(detector: Detector, examples: Sequence[Example]) -> list[Measured]:
    """Scores the labelled rows; returns one entry per file and language, in that order."""
    known = [example for example in examples if example.threat is not None]
    return measure_findings(known, detector.score([example.text for example in known], [example.lang for example in known]))


def measure_findings(known: Sequence[Example], findings: Sequence[Finding]) -> list[Measured]:
    """The same for labelled rows that are scored already."""
    places: dict[tuple[str, str], list[int]] = {}
    for at, example in enumerate(known):
        places.setdefault((example.file, example.lang or ""), []).append(at)
    scores = np.array([finding.score for finding in findings])
    queue = np.array([finding.queue for finding in findings], bool)
    hide = np.array([finding.hide for finding in findings], bool)
    labels = np.array([example.threat for example in known])
    return [measure_rows(file, lang, labels[rows], scores[rows], queue[rows], hide[rows]) for (file, lang), rows in sorted(places.items())]


def measure_rows(file: str, lang: str, labels: npt.NDArray[np.int64], scores: Floats, queue: npt.NDArray[np.bool_],
                 hide: npt.NDArray[np.bool_]) -> Measured:
    threats, rest = labels == 1, labels == 0
    order = np.argsort(-scores, kind="stable")
    both = bool(threats.any() and rest.any())
    return Measured(
        file, lang, len(labels), int(threats.sum()),
        roc_auc=_short(roc_auc(threats, scores)) if both else None,
        average_precision=_short(average_precision(threats, scores)) if threats.any() else None,
        queue_found=_share(queue[threats]), queue_wrong=_share(queue[rest]),
        hide_found=_share(hide[threats]), hide_wrong=_share(hide[rest]),
        precision_40=_share(threats[order[:PRECISION_AT]]) if threats.any() else None,
        recall_100=_short(float(threats[order[:RECALL_AT]].sum() / threats.sum())) if threats.any() else None,
    )


def roc_auc(threats: npt.NDArray[np.bool_], scores: Floats) -> float:
    """The probability that a threat scores higher than another text; equal scores count half."""
    values, place = np.unique(scores, return_inverse=True)
    of_rest = np.bincount(place[~threats], minlength=len(values))
    below = np.cumsum(of_rest) - of_rest / 2
    return float(below[place[threats]].mean() / max(1, int((~threats).sum())))


def average_precision(threats: npt.NDArray[np.bool_], scores: Floats) -> float:
    """The mean precision at each threat found; rows with equal scores are taken together."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(threats[order])
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    more = np.diff(np.concatenate(([0], found[last])))
    return float((more * found[last] / (last + 1)).sum() / threats.sum())


def _share(chosen: npt.NDArray[np.bool_]) -> float | None:
    return _short(float(chosen.mean())) if len(chosen) else None


def _short(value: float) -> float:
    return round(value, 4)


HEADINGS = ["file", "lang", "rows", "threats", "base rate", "ROC-AUC", "AP", "queue: recall", "FPR", "hide: recall", "FPR",
            "precision@40", "recall@100"]


def cells(measured: Measured) -> list[str]:
    """One row of the table, as text."""
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f} %"

    return [
        measured.file, measured.lang or "-", str(measured.rows), str(measured.threats), percent(measured.base_rate),
        number(measured.roc_auc), number(measured.average_precision), percent(measured.queue_found), percent(measured.queue_wrong),
        percent(measured.hide_found), percent(measured.hide_wrong), percent(measured.precision_40), percent(measured.recall_100),
    ]


def table(measured: Sequence[Measured]) -> str:
    """For a terminal: columns of equal width."""
    rows = [HEADINGS, *(cells(one) for one in measured)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADINGS))]
    return "\n".join("  ".join(
        cell.ljust(width) if at < 2 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip() for row in rows)
