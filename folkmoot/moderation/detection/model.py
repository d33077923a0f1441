"""The types of detection: the text that is examined, the finding about it, and the labelled row for training and measuring."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from folkmoot.moderation.cases.model import Subject


class ExaminedText(msgspec.Struct, frozen=True, kw_only=True):
    """All text of a post (text, cover, poll, descriptions of pictures) or of a profile (names, biography, fields, descriptions
    of pictures)."""

    subject: Subject
    subject_id: int
    account_id: int
    language: str | None
    edited_at: datetime | None = None
    text: str
    body: str = ""  # of a post: its text without cover, poll and pictures
    is_public: bool = False  # a post that everybody may see
    has_pictures: bool = False
    may_address: bool = True  # a post: False if it mentions and answers nobody

    @property
    def key(self) -> str:
        """A hash of the text, so that a decision or a signal about it is not applied to another text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


class Finding(msgspec.Struct, frozen=True):
    """The result for one text. `score` is a calibrated probability; `reasons` are the words that contributed most, in the
    spelling of the text, and the disguises that were removed. `cues`: what the sentence does, see `cues.py`."""

    score: float
    queue: bool
    hide: bool
    reasons: tuple[str, ...]
    detector: str
    version: str
    cues: tuple[str, ...] = ()


class Thresholds(msgspec.Struct, frozen=True):
    """The score from which a text gets a case, and from which it is hidden until a moderator has decided."""

    queue: float
    hide: float


class Example(msgspec.Struct, frozen=True):
    """One labelled row. `threat`: 1, 0, or None for unlabelled; rows of one `group` are on the same side of a split."""

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


class Measured(msgspec.Struct, frozen=True):
    """`found` and `wrong`: the share of threats, and of other texts, above a threshold. None without any such row."""

    file: str
    lang: str
    rows: int
    threats: int
    roc_auc: float | None
    average_precision: float | None
    queue_found: float | None
    queue_wrong: float | None
    hide_found: float | None
    hide_wrong: float | None
    precision_40: float | None
    recall_100: float | None

    @property
    def base_rate(self) -> float:
        return self.threats / self.rows


class WhySwitched(StrEnum):
    """Why another detector is in use. Stored."""

    TRAINED = "trained"  # and better on held-out rows
    SWITCHED = "switched"  # by an operator
    REVERTED = "reverted"  # by an operator, to the one before
