"""What detection speaks in: the finding about one text, and the labelled row that training and measuring read."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """What the detector says of one text. `score` is a calibrated probability; `reasons` are the words that spoke most for it,
    in the text's own spelling, and the disguises that were seen through."""

    score: float
    queue: bool
    hide: bool
    reasons: tuple[str, ...]
    detector: str
    version: str


class Thresholds(msgspec.Struct, frozen=True):
    """From which score on a text gets a case, and from which it is hidden until somebody has looked."""

    queue: float
    hide: float


class Example(msgspec.Struct, frozen=True):
    """One labelled row. `threat`: 1, 0, or None where nobody has asked; `group` keeps siblings on one side of a split."""

    id: str
    text: str
    lang: str | None
    threat: int | None
    split: str
    file: str
    group: str
    labels: Mapping[str, Any]
    licence: str = ""
    source: str = ""
