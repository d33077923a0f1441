"""Measures a reader like a juror: its errors on texts whose answer is known, beside those of the detector on the same texts."""

from collections.abc import Sequence

import msgspec
import numpy as np

from folkmoot.base.errors import Unavailable
from folkmoot.base.http_client import Connect, Resolve
from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.evaluation import measure_rows
from folkmoot.moderation.detection.model import Example, Finding, Measured
from folkmoot.moderation.detection.reader import ReaderAccess, ReaderFailed, ask_reader

_MOST_FAILURES = 5  # one after the other


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`agreement`: the share of answers that are right; `failed`: texts without an answer, which are not measured."""

    detector: Measured
    reader: Measured
    agreement: float
    failed: int


async def judge(
    access: ReaderAccess, detector: Detector, rows: Sequence[Example], *, resolve: Resolve | None = None, connect: Connect | None = None
) -> Judged:
    """Raises Unavailable if the reader does not answer at all."""
    answered: list[tuple[Example, Finding]] = []
    failed = in_a_row = 0
    for row in rows:
        try:
            answered.append((row, await ask_reader(access, row.text, resolve=resolve, connect=connect)))
            in_a_row = 0
        except ReaderFailed as error:
            failed, in_a_row = failed + 1, in_a_row + 1
            if in_a_row == _MOST_FAILURES or len(rows) == failed:
                raise Unavailable(log_text=f"the reader failed: {error}") from error
    labels = np.array([row.threat for row, _ in answered])
    ours = detector.score([row.text for row, _ in answered], [row.lang for row, _ in answered])
    theirs = [finding for _, finding in answered]
    right = np.array([finding.queue for finding in theirs]) == (labels == 1)
    return Judged(
        detector=_measured("detector", labels, ours), reader=_measured(access.model, labels, theirs),
        agreement=round(float(right.mean()), 4), failed=failed,
    )


def _measured(name: str, labels: "np.typing.NDArray[np.int64]", findings: Sequence[Finding]) -> Measured:
    scores = np.array([finding.score for finding in findings])
    queue, hide = (np.array([getattr(finding, which) for finding in findings], bool) for which in ("queue", "hide"))
    return measure_rows(name, "", labels, scores, queue, hide)
