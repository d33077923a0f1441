"""The types of learning. No input or output."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from folkmoot.moderation.detection.model import Measured
from folkmoot.moderation.evidence.model import Version

MIN_TRAINING, MIN_MEASURING = 20, 10  # rows; of each label at least a quarter of them
SAMPLE_LASTS = timedelta(days=7)  # until an unreviewed sample is dropped
MOST_WORSE = 0.01  # by which ROC-AUC on the shipped rows may fall, and the share of harmless ones that are queued may rise


class DecidedText(msgspec.Struct, frozen=True, kw_only=True):
    """What a settled verdict was about. `is_kept`: the verdict found no breach."""

    case_id: int
    is_kept: bool
    clause: str
    version: Version
    settled_at: datetime


class Answer(StrEnum):
    """What a moderator says about a sampled post. Stored."""

    THREAT = "threat"
    HARMLESS = "harmless"
    UNCLEAR = "unclear"  # teaches nothing


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A post that was drawn for review. `edited_at` is the version of its text."""

    post_id: int
    edited_at: datetime | None
    score: float
    is_unsure: bool
    drawn_at: datetime


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The errors of one detector. `own`: on rows of this network that no detector was trained on; `shipped`: on rows that are
    part of the release. `loss`: the mean surprise of the own rows, lower is better."""

    version: str
    own: Measured
    loss: float
    shipped: list[Measured]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison of a new detector with the present one. `objections`: why the new one is not better; empty if it is."""

    training_rows: int
    training_threats: int
    present: Figures
    new: Figures
    objections: list[str]

    @property
    def is_better(self) -> bool:
        return not self.objections
