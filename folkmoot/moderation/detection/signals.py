"""What a detector pointed out in one post or profile. No input or output. A signal orders and hides; people decide."""

from datetime import datetime

import msgspec

from folkmoot.base.events import Event


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """About a post: `edited_at` says which words of it, None for the first. About a profile: `account_id`, and `words` is
    the key of its words. `score` is a probability."""

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
    created_at: datetime


class SignalRaised(Event, frozen=True, kw_only=True):
    """`is_hiding`: so likely that the post is hidden until people have looked; `edited_at` says which words of it. Without a
    post it is about a profile: that waits for people, since nothing hides a person."""

    kind = "signal.raised"
    case_id: int
    post_id: int | None
    clause: str
    edited_at: datetime | None
    is_hiding: bool
