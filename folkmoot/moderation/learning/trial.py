"""Trains a detector on the rows of this network and compares it with the one in use, on rows that neither was trained on.

It is better if it is surprised less by the held-out rows of the network and orders them no worse, and if it has not unlearnt what it
knew: on the rows that are part of the release (`held_out.jsonl`) its ROC-AUC, and the share of harmless texts that it does not queue, may
be a hundredth lower than those of the packaged detector. A larger fall counts only if it is more than chance, which `paired.py` tests on
the same rows. The packaged detector is the measure, so that several small falls in a row do not add up.
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
from folkmoot.moderation.detection.model import Example, Finding
from folkmoot.moderation.learning import paired
from folkmoot.moderation.learning.examples import with_split
from folkmoot.moderation.learning.model import MIN_MEASURING, MIN_TRAINING, MOST_WORSE, Figures, Trial

SHIPPED = Path(correction.__file__).with_name("held_out.jsonl")


class Trained(NamedTuple):
    model: Artefact
    trial: Trial


class Scored(NamedTuple):
    """What one detector says about rows, as arrays."""

    rows: list[Example]
    findings: list[Finding]
    threats: paired.Flags
    scores: paired.Floats
    queued: paired.Flags

    def only(self, mask: paired.Flags) -> "Scored":
        where = np.flatnonzero(mask)
        return Scored([self.rows[at] for at in where], [self.findings[at] for at in where], self.threats[mask], self.scores[mask],
                      self.queued[mask])


def try_out(base: Artefact, present: Detector, own: Sequence[Example]) -> Trained:
    """A correction of `base` (the packaged detector), compared with the present one. Takes minutes at most; run it in a thread.
    Raises Problem for too few rows."""
    labelled = [row for row in own if row.threat is not None]
    training, held_out = with_split(labelled)
    _require(training, MIN_TRAINING, "to train on")
    _require(held_out, MIN_MEASURING, "to measure on")
    new = correction.correct(base, training)
    (own_before, shipped_before), (own_after, shipped_after) = [
        (score(detector, held_out), score(detector, shipped_rows())) for detector in (present, Detector(new))
    ]
    packaged = score(Detector(base), shipped_rows())
    before, after = _figures(present.version, own_before, shipped_before), _figures(new.header.version, own_after, shipped_after)
    objections = [*_of_own(before, after, own_before, own_after), *find_unlearnt(packaged, shipped_after)]
    threats = sum(row.threat or 0 for row in training)
    trial = Trial(training_rows=len(training), training_threats=threats, present=before, new=after, objections=objections)
    return Trained(_with_card(new, trial, shipped_after), trial)


def _require(rows: Sequence[Example], fewest: int, purpose: str) -> None:
    threats = sum(row.threat or 0 for row in rows)
    if len(rows) < fewest or min(threats, len(rows) - threats) < fewest // 4:
        raise Problem(
            "There are too few decided texts %(purpose)s: %(threats)d threats and %(others)d others. At least %(fewest)d are needed,"
            " with %(each)d of each kind.", purpose=purpose, threats=threats, others=len(rows) - threats, fewest=fewest, each=fewest // 4,
        )


@cache
def shipped_rows() -> list[Example]:
    """The rows of the release, each with its kind in place of its file."""
    return [msgspec.structs.replace(row, file=_kind_of(row)) for row in read_examples(SHIPPED)]


def _kind_of(row: Example) -> str:
    return "shipped, everyday" if row.labels.get("everyday") else "shipped"


def score(detector: Detector, rows: Sequence[Example]) -> Scored:
    findings = detector.score([row.text for row in rows], [row.lang for row in rows])
    return Scored([*rows], findings, np.array([row.threat == 1 for row in rows], bool), np.array([finding.score for finding in findings]),
                  np.array([finding.queue for finding in findings], bool))


def _figures(version: str, own: Scored, shipped: Scored) -> Figures:
    hidden = np.array([finding.hide for finding in own.findings], bool)
    likely = np.clip(np.where(own.threats, own.scores, 1 - own.scores), 0.001, 1.0)
    return Figures(
        version=version, own=evaluation.measure_rows("own, held out", "", own.threats.astype(np.int64), own.scores, own.queued, hidden),
        loss=round(float(-np.log(likely).mean()), 4), shipped=evaluation.measure_findings(shipped.rows, shipped.findings),
    )


def _of_own(before: Figures, after: Figures, own_before: Scored, own_after: Scored) -> list[str]:
    found = []
    if after.loss >= before.loss:
        found.append(f"It is surprised more by the held-out rows of this network ({after.loss:.3f} instead of {before.loss:.3f}).")
    if paired.orders_worse(own_before.threats, own_before.scores, own_after.scores):
        found.append(f"It orders them worse (ROC-AUC {after.own.roc_auc:.3f} instead of {before.own.roc_auc:.3f}).")
    return found


def find_unlearnt(before: Scored, after: Scored) -> list[str]:
    """What the second detector does worse than the first, on the same rows, by more than a hundredth and more than chance."""
    found = []
    for file, lang in sorted({(row.file, row.lang or "") for row in before.rows}):
        mask = np.array([(row.file, row.lang or "") == (file, lang) for row in before.rows], bool)
        old, new = before.only(mask), after.only(mask)
        threats, rest = old.threats, ~old.threats
        if threats.any() and rest.any():
            areas = evaluation.roc_auc(threats, old.scores), evaluation.roc_auc(threats, new.scores)
            if areas[1] < areas[0] - MOST_WORSE and paired.orders_worse(threats, old.scores, new.scores):
                found.append(f"It has unlearnt: {file}, {lang}: ROC-AUC {areas[1]:.3f} instead of {areas[0]:.3f}.")
        if rest.any():
            shares = old.queued[rest].mean(), new.queued[rest].mean()
            if shares[1] > shares[0] + MOST_WORSE and paired.is_more_frequent(old.queued[rest], new.queued[rest]):
                found.append(f"It queues more harmless texts: {file}, {lang}: {100 * shares[1]:.1f} % instead of {100 * shares[0]:.1f} %.")
    return found


def _with_card(model: Artefact, trial: Trial, shipped: Scored) -> Artefact:
    """The card of a corrected detector: its own error rates instead of those of the detector that it corrects."""
    card = {
        **model.header.card, "version": model.header.version, "date": clock.now().date().isoformat(),
        "budgets": budgets.measure_rates(shipped.rows, shipped.scores, model.header.thresholds),
        "errors": msgspec.to_builtins([trial.new.own, *trial.new.shipped]),
        "learned": {"rows": trial.training_rows, "threats": trial.training_threats, "corrects": model.header.card.get("version", "")},
    }
    return Artefact(msgspec.structs.replace(model.header, card=card), model.tables)
