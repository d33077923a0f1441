"""Relations between two accounts. No input or output."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.events import Event


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """The relation of a viewer to one other account (`target_id`), in both directions."""

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
    blocks_domain: bool = False  # the network of the other account
    endorses: bool = False
    note: str = ""

    @property
    def can_be_ended(self) -> bool:
        """Whether there is something that the viewer can end."""
        return (
            self.follows or self.has_requested or self.mutes or self.blocks or self.is_followed_by or self.is_requested_by
        )


class FollowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which posts a follow adds to the home. `languages` None means all."""

    shows_boosts: bool = True
    notifies: bool = False
    languages: tuple[str, ...] | None = None

    @classmethod
    def of(cls, relation: Relation) -> "FollowOptions":
        """The options of the existing follow or request, else the defaults."""
        if not (relation.follows or relation.has_requested):
            return cls()
        return cls(shows_boosts=relation.shows_boosts, notifies=relation.notifies, languages=relation.languages)

    def changed(self, shows_boosts: bool | None, notifies: bool | None, languages: Sequence[str] | None) -> "FollowOptions":
        """These options, with the arguments that are not None replaced."""
        return FollowOptions(
            shows_boosts=self.shows_boosts if shows_boosts is None else shows_boosts,
            notifies=self.notifies if notifies is None else notifies,
            languages=self.languages if languages is None else tuple(languages) or None,
        )


class RelationEvent(Event, frozen=True, kw_only=True):
    """What subscribers need about both accounts. The defaults serve events that an earlier release left in the queue."""

    account_id: int  # who follows, mutes, blocks
    target_id: int
    account_domain: str = ""
    target_domain: str = ""
    target_is_locked: bool = False


class FollowRequested(RelationEvent, frozen=True, kw_only=True):
    kind = "follow.requested"


class FollowRequestEnded(RelationEvent, frozen=True, kw_only=True):
    """A request ended without a follow. `ended_by_id`: the account that withdrew it, rejected it, or blocked the other."""

    kind = "follow.request_ended"
    ended_by_id: int


class FollowStarted(RelationEvent, frozen=True, kw_only=True):
    kind = "follow.started"


class FollowChanged(RelationEvent, frozen=True, kw_only=True):
    """The options of an existing follow changed."""

    kind = "follow.changed"


class FollowEnded(RelationEvent, frozen=True, kw_only=True):
    """`ended_by_id`: the follower, or the target that removed the follower or blocked."""

    kind = "follow.ended"
    ended_by_id: int = 0


class AccountMuted(RelationEvent, frozen=True, kw_only=True):
    kind = "account.muted"


class AccountUnmuted(RelationEvent, frozen=True, kw_only=True):
    """The viewer ended a mute. An expired mute tells nothing."""

    kind = "account.unmuted"


class AccountBlocked(RelationEvent, frozen=True, kw_only=True):
    kind = "account.blocked"


class AccountUnblocked(RelationEvent, frozen=True, kw_only=True):
    kind = "account.unblocked"
