"""Trains a detector on the rows of this network and compares it with the one in use, on rows that neither was trained on.

It is better if it is surprised less by the held-out rows of the network and orders them no worse, and if it has not unlearnt
what it knew: on the rows that are part of the release (`held_out.jsonl`) its ROC-AUC may fall by a hundredth, and two in a hundred
harmless texts more may be queued.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.moderation.detection import budgets, correction, evaluation
from folkmoot.moderation.detection.artefact import Artefact
from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.examples import read_examples
from folkmoot.moderation.detection.model import Example
from folkmoot.moderation.learning.examples import with_split
from folkmoot.moderation.learning.model import MIN_MEASURING, MIN_TRAINING, MOST_MORE, MOST_WORSE, Figures, Trial

SHIPPED = Path(correction.__file__).with_name("held_out.jsonl")


class Trained(NamedTuple):
    model: Artefact
    trial: Trial


def try_out(base: Artefact, present: Detector, own: Sequence[Example]) -> Trained:
    """A correction of `base` (the packaged detector), compared with the present one. Takes minutes at most; run it in a thread.
    Raises Problem for too few rows."""
    labelled = [row for row in own if row.threat is not None]
    training, held_out = with_split(labelled)
    _require(training, MIN_TRAINING, "to train on")
    _require(held_out, MIN_MEASURING, "to measure on")
    new = correction.correct(base, training)
    before, after = _figures(present, held_out), _figures(Detector(new), held_out)
    threats = sum(row.threat or 0 for row in training)
    trial = Trial(training_rows=len(training), training_threats=threats, present=before, new=after, objections=_objections(before, after))
    return Trained(_with_card(new, trial), trial)


def _require(rows: Sequence[Example], fewest: int, purpose: str) -> None:
    threats = sum(row.threat or 0 for row in rows)
    if len(rows) < fewest or min(threats, len(rows) - threats) < fewest // 4:
        raise Problem(
            "There are too few decided texts %(purpose)s: %(threats)d threats and %(others)d others. At least %(fewest)d are needed,"
            " with %(each)d of each kind.", purpose=purpose, threats=threats, others=len(rows) - threats, fewest=fewest, each=fewest // 4,
        )


@cache
def shipped_rows() -> list[Example]:
    return read_examples(SHIPPED)


def _figures(detector: Detector, own: Sequence[Example]) -> Figures:
    findings = detector.score([row.text for row in own], [row.lang for row in own])
    scores = np.array([finding.score for finding in findings])
    labels = np.array([row.threat for row in own])
    queue, hide = (np.array([getattr(finding, name) for finding in findings], bool) for name in ("queue", "hide"))
    likely = np.clip(np.where(labels == 1, scores, 1 - scores), 0.001, 1.0)
    return Figures(
        version=detector.version, own=evaluation.measure_rows("own, held out", "", labels, scores, queue, hide),
        loss=round(float(-np.log(likely).mean()), 4),
        shipped=evaluation.measure(detector, [msgspec.structs.replace(row, file=_kind_of(row)) for row in shipped_rows()]),
    )


def _kind_of(row: Example) -> str:
    return "shipped, everyday" if row.labels.get("everyday") else "shipped"


def _objections(before: Figures, after: Figures) -> list[str]:
    found = []
    if after.loss >= before.loss:
        found.append(f"It is surprised more by the held-out rows of this network ({after.loss:.3f} instead of {before.loss:.3f}).")
    if (after.own.roc_auc or 0) < (before.own.roc_auc or 0):
        found.append(f"It orders them worse (ROC-AUC {after.own.roc_auc:.3f} instead of {before.own.roc_auc:.3f}).")
    for old, new in zip(before.shipped, after.shipped, strict=True):
        if (new.roc_auc or 0) < (old.roc_auc or 0) - MOST_WORSE:
            found.append(f"It has unlearnt: {new.file}, {new.lang}: ROC-AUC {new.roc_auc:.3f} instead of {old.roc_auc:.3f}.")
        if (new.queue_wrong or 0) > (old.queue_wrong or 0) + MOST_MORE:
            found.append(f"It queues more harmless texts: {new.file}, {new.lang}: {100 * (new.queue_wrong or 0):.1f} %"
                         f" instead of {100 * (old.queue_wrong or 0):.1f} %.")
    return found


def _with_card(model: Artefact, trial: Trial) -> Artefact:
    """The card of a corrected detector: its own error rates instead of those of the detector that it corrects."""
    detector, rows = Detector(model), shipped_rows()
    scores = np.array([finding.score for finding in detector.score([row.text for row in rows], [row.lang for row in rows])])
    card = {
        **model.header.card, "version": model.header.version, "date": clock.now().date().isoformat(),
        "budgets": budgets.measure_rates(rows, scores, model.header.thresholds),
        "errors": msgspec.to_builtins([trial.new.own, *trial.new.shipped]),
        "learned": {"rows": trial.training_rows, "threats": trial.training_threats, "corrects": model.header.card.get("version", "")},
    }
    return Artefact(msgspec.structs.replace(model.header, card=card), model.tables)
