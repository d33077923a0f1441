"""What detection speaks in: the words that are examined, the finding about one text, and the labelled row that training and
measuring read."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from folkmoot.moderation.cases.model import Subject


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a post says in all its places (text, cover, poll, descriptions of pictures), or a profile (names, biography, rows,
    descriptions of pictures)."""

    subject: Subject
    subject_id: int
    account_id: int
    language: str | None
    edited_at: datetime | None = None
    text: str

    @property
    def key(self) -> str:
        """Names these words, so that a decision or a signal about them is not taken for one about others."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


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
