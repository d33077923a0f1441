"""What stands between two accounts. No input or output."""

from collections.abc import Sequence
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


class FollowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a follow brings into the home. No `languages` are all of them."""

    shows_boosts: bool = True
    notifies: bool = False
    languages: tuple[str, ...] | None = None

    @classmethod
    def of(cls, relation: Relation) -> "FollowOptions":
        """Those of the follow or request that is there; else the default ones."""
        if not (relation.follows or relation.has_requested):
            return cls()
        return cls(shows_boosts=relation.shows_boosts, notifies=relation.notifies, languages=relation.languages)

    def changed(self, shows_boosts: bool | None, notifies: bool | None, languages: Sequence[str] | None) -> "FollowOptions":
        """The same options with those that are not None."""
        return FollowOptions(
            shows_boosts=self.shows_boosts if shows_boosts is None else shows_boosts,
            notifies=self.notifies if notifies is None else notifies,
            languages=self.languages if languages is None else tuple(languages) or None,
        )


class RelationEvent(Event, frozen=True, kw_only=True):
    """What hearers need of both sides. The defaults are those of events that an earlier release left in the queue."""

    account_id: int  # who follows, mutes, blocks
    target_id: int
    account_domain: str = ""
    target_domain: str = ""
    target_is_locked: bool = False


class FollowRequested(RelationEvent, frozen=True, kw_only=True):
    kind = "follow.requested"


class FollowRequestEnded(RelationEvent, frozen=True, kw_only=True):
    """A request that led to no follow. `ended_by_id`: who took it back, rejected it, or blocked the other."""

    kind = "follow.request_ended"
    ended_by_id: int


class FollowStarted(RelationEvent, frozen=True, kw_only=True):
    kind = "follow.started"


class FollowChanged(RelationEvent, frozen=True, kw_only=True):
    """Other options of a follow that goes on."""

    kind = "follow.changed"


class FollowEnded(RelationEvent, frozen=True, kw_only=True):
    """`ended_by_id`: the follower, or the target that removed the follower or blocked."""

    kind = "follow.ended"
    ended_by_id: int = 0


class AccountMuted(RelationEvent, frozen=True, kw_only=True):
    kind = "account.muted"


class AccountUnmuted(RelationEvent, frozen=True, kw_only=True):
    """A mute that was taken back; one whose time is over tells nothing."""

    kind = "account.unmuted"


class AccountBlocked(RelationEvent, frozen=True, kw_only=True):
    kind = "account.blocked"


class AccountUnblocked(RelationEvent, frozen=True, kw_only=True):
    kind = "account.unblocked"
