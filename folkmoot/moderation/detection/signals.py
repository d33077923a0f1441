"""What a detector pointed out in one post. No input or output. A signal orders and hides; people decide."""

from datetime import datetime

import msgspec

from folkmoot.base.events import Event


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """`edited_at` says which words of the post: None for the first. `score` is a probability."""

    id: int
    case_id: int
    post_id: int
    edited_at: datetime | None
    detector: str
    version: str
    clause: str
    score: float
    is_hiding: bool
    reasons: tuple[str, ...]
    created_at: datetime


class SignalRaised(Event, frozen=True, kw_only=True):
    """`is_hiding`: so likely that the post is hidden until people have looked; `edited_at` says which words of it."""

    kind = "signal.raised"
    case_id: int
    post_id: int
    clause: str
    edited_at: datetime | None
    is_hiding: bool
