"""What stands between two accounts. No input or output."""

from datetime import datetime

import msgspec

from folkmoot.base.events import Event


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """How a viewer stands to one other account (`target_id`), both ways."""

    target_id: int
    follows: bool = False
    shows_boosts: bool = False
    notifies: bool = False
    languages: tuple[str, ...] | None = None
    is_followed_by: bool = False
    has_requested: bool = False
    is_requested_by: bool = False
    mutes: bool = False
    hides_notifications: bool = False
    mute_ends_at: datetime | None = None
    blocks: bool = False
    is_blocked_by: bool = False
    note: str = ""


class FollowStarted(Event, frozen=True, kw_only=True):
    kind = "follow.started"
    account_id: int
    target_id: int


class FollowEnded(Event, frozen=True, kw_only=True):
    kind = "follow.ended"
    account_id: int
    target_id: int


class FollowRequested(Event, frozen=True, kw_only=True):
    kind = "follow.requested"
    account_id: int
    target_id: int


class AccountMuted(Event, frozen=True, kw_only=True):
    kind = "account.muted"
    account_id: int
    target_id: int


class AccountBlocked(Event, frozen=True, kw_only=True):
    kind = "account.blocked"
    account_id: int
    target_id: int
