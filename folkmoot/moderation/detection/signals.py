"""What a detector found in one post or profile. No input or output. Signals order the queue and hide; people decide."""

from datetime import datetime

import msgspec

from folkmoot.base.events import Event


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """About a post: `edited_at` is the version of its text, None for the first. About a profile: `account_id`, and `words` is
    the key of the text. `score` is a probability."""

    id: int
    case_id: int
    post_id: int | None
    edited_at: datetime | None
    account_id: int | None = None
    words: str | None = None
    detector: str
    version: str
    clause: str
    score: float
    is_hiding: bool
    reasons: tuple[str, ...]
    cues: tuple[str, ...] = ()  # what the sentence does, see `cues.py`
    created_at: datetime


class SignalRaised(Event, frozen=True, kw_only=True):
    """`is_hiding`: over the hide threshold, so the post is hidden until a moderator has decided; `edited_at` is the version of
    its text. Without a post it is about a profile, which is never hidden before a decision. `measures`: kinds of restrictions
    that a rule imposes until then; `detector` and `version` say which one. Events of earlier releases have none of these."""

    kind = "signal.raised"
    case_id: int
    post_id: int | None
    clause: str
    edited_at: datetime | None
    is_hiding: bool
    measures: tuple[str, ...] = ()
    detector: str = ""
    version: str = ""
