"""Thresholds by budget: which share of harmless texts of each kind may be queued or hidden, per language.

All rates are measured on rows that the scoring model was not trained on. Look-alikes are the harmless rows of files whose
author also wrote threats (`labels.kind`); thresholds that were set on neutral text alone would queue most of them.
Everyday posts (`labels.everyday`) are ordinary messages in the second person and the future tense. A language without
look-alikes takes the highest thresholds of the others.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.moderation.detection.evaluation import average_precision, roc_auc
from folkmoot.moderation.detection.model import Example, Thresholds

Floats = npt.NDArray[np.float64]
_UNKNOWN = Thresholds(0.5, 0.9)  # where nothing could be measured
BUDGETS = {  # of each kind of harmless text: the share that may be queued, and hidden
    "neutral": (0.01, 0.002),
    "everyday": (0.05, 0.005),
    "look_alikes": (0.10, 0.02),
    "forum": (0.05, 0.01),
}


def _masks(rows: Sequence[Example], lang: str) -> dict[str, npt.NDArray[np.bool_]]:
    """Row masks for one language: neutral text, everyday posts, look-alikes, harmless forum posts, and threats by the
    authors of the look-alikes."""
    here = np.array([(row.lang or "") == lang for row in rows], bool)
    threat = np.array([row.threat == 1 for row in rows], bool)
    neutral = np.array([bool(row.labels.get("neutral")) for row in rows], bool)
    everyday = np.array([bool(row.labels.get("everyday")) for row in rows], bool)
    written = np.array(["kind" in row.labels for row in rows], bool)
    alone = np.array([row.group == row.id for row in rows], bool)
    return {
        "neutral": here & neutral, "everyday": here & everyday, "look_alikes": here & written & ~threat,
        "forum": here & alone & ~neutral & ~everyday & ~threat, "threats": here & written & threat,
    }


def thresholds(rows: Sequence[Example], scores: Floats) -> dict[str, Thresholds]:
    """Thresholds of each language that has look-alikes; under "", for all other languages, the highest of them."""
    found = {}
    for lang in sorted({row.lang or "" for row in rows} - {""}):
        masks = _masks(rows, lang)
        if masks["look_alikes"].any():
            queue, hide = (max(_threshold(scores[masks[kind]], shares[at]) for kind, shares in BUDGETS.items()) for at in (0, 1))
            found[lang] = Thresholds(round(queue, 4), round(max(queue, hide), 4))
    if not found:
        return {"": _UNKNOWN}
    return {"": Thresholds(max(limits.queue for limits in found.values()), max(limits.hide for limits in found.values())), **found}


def _threshold(scores: Floats, share: float) -> float:
    """The lowest threshold that at most this share of the scores reaches."""
    if not len(scores):
        return 0.0
    ordered = np.sort(scores)[::-1]
    return float(ordered[int(share * len(ordered))]) + 1e-4


def measure_rates(rows: Sequence[Example], scores: Floats, limits: dict[str, Thresholds]) -> list[dict[str, Any]]:
    """The share of rows over the thresholds, per language and kind of text, for the card."""
    found = []
    for lang in sorted({row.lang or "" for row in rows}):
        limit = limits.get(lang, limits[""])
        for kind, mask in _masks(rows, lang).items():
            if mask.any():
                found.append({
                    "lang": lang, "kind": kind, "rows": int(mask.sum()), "queued": round(float((scores[mask] >= limit.queue).mean()), 4),
                    "hidden": round(float((scores[mask] >= limit.hide).mean()), 4),
                })
    return found


def unseen_authors(rows: Sequence[Example], scores: Floats) -> list[dict[str, Any]]:
    """How well threats and look-alikes are separated, per language, for authors that the scoring model was not trained on."""
    found = []
    for lang in sorted({row.lang or "" for row in rows}):
        masks = _masks(rows, lang)
        look_alikes, threats = masks["look_alikes"], masks["threats"]
        both = look_alikes | threats
        if look_alikes.any() and threats.any():
            files = np.array([row.file for row in rows])
            alone = [(str(file), both & (files == file)) for file in sorted(set(files[both]))]
            found.append({
                "lang": lang, "rows": int(both.sum()), "threats": int(threats.sum()),
                "roc_auc": round(roc_auc(threats[both], scores[both]), 4),
                "average_precision": round(average_precision(threats[both], scores[both]), 4),
                "authors": [
                    {"file": file, "roc_auc": round(roc_auc(threats[one], scores[one]), 4),
                     "found_at_5": round(found_at(threats[one], scores[one]), 4)}
                    for file, one in alone if threats[one].any() and not threats[one].all()
                ],
            })
    return found


def found_at(threats: npt.NDArray[np.bool_], scores: Floats, share: float = 0.05) -> float:
    """The share of threats that score higher than all but this share of the other texts."""
    return float((scores[threats] > _threshold(scores[~threats], share) - 1e-4).mean())
