"""What a restriction is, and the combined effect of several. No input or output."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from folkmoot.base.events import Event
from folkmoot.moderation.cases.model import Subject
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.model import PostEffect


class Kind(StrEnum):
    """The measures on posts and accounts. Stored."""

    WARN = "warn"  # of an account: nothing is restricted, but it counts
    LABEL = "label"
    LIMIT_POST = "limit_post"  # its reach
    LIMIT = "limit"  # the reach of an account
    HIDE = "hide"
    REMOVE = "remove"
    FREEZE = "freeze"
    SUSPEND = "suspend"
    DELETE = "delete"  # suspended, and deleted when nobody can appeal any more; two people decide it

    @property
    def subject(self) -> Subject:
        return Subject.ACCOUNT if self in _ON_ACCOUNTS else Subject.POST

    @property
    def is_timed(self) -> bool:
        return self in (Kind.LIMIT_POST, Kind.LIMIT, Kind.HIDE, Kind.FREEZE)


_ON_ACCOUNTS = {
    Kind.WARN: AccountEffect.NONE, Kind.LIMIT: AccountEffect.LIMITED, Kind.FREEZE: AccountEffect.FROZEN,
    Kind.SUSPEND: AccountEffect.SUSPENDED, Kind.DELETE: AccountEffect.SUSPENDED,
}
_ON_POSTS = {
    Kind.LABEL: PostEffect.LABEL, Kind.LIMIT_POST: PostEffect.NONE, Kind.HIDE: PostEffect.HIDDEN, Kind.REMOVE: PostEffect.REMOVED,
}


class Restriction(msgspec.Struct, frozen=True, kw_only=True):
    """`verdict_id` None: interim. In force until it is lifted; with `until`, at most until then. `cleared_at`: when what it had removed
    was deleted for good."""

    id: int
    subject: Subject
    subject_id: int
    account_id: int
    kind: Kind
    clause: str
    case_id: int
    verdict_id: int | None
    imposed_at: datetime
    until: datetime | None
    lifted_at: datetime | None = None
    lifted_by_verdict_id: int | None = None
    cleared_at: datetime | None = None

    @property
    def is_interim(self) -> bool:
        return self.verdict_id is None


class RestrictionImposed(Event, frozen=True, kw_only=True):
    """`subject` and `what` are None in events of earlier releases."""

    kind = "restriction.imposed"
    restriction_id: int
    subject: Subject | None = None
    subject_id: int
    account_id: int
    what: Kind | None = None


class RestrictionLifted(Event, frozen=True, kw_only=True):
    """`subject` and `what` are None in events of earlier releases."""

    kind = "restriction.lifted"
    restriction_id: int
    subject: Subject | None = None
    subject_id: int
    account_id: int
    what: Kind | None = None


def post_effect(standing: Sequence[Restriction]) -> tuple[PostEffect, str | None]:
    """The effect of the restrictions in force on a post: the strongest one; for a label, also its clause."""
    effect = max((_ON_POSTS[restriction.kind] for restriction in standing), default=PostEffect.NONE)
    labels = [restriction.clause for restriction in standing if restriction.kind is Kind.LABEL]
    return effect, labels[-1] if effect is PostEffect.LABEL else None


def is_limited(standing: Sequence[Restriction]) -> bool:
    """Whether the restrictions in force limit the reach of the post or account, beside whatever else they do."""
    return any(restriction.kind in (Kind.LIMIT_POST, Kind.LIMIT) for restriction in standing)


def account_effect(standing: Sequence[Restriction]) -> AccountEffect:
    return max((_ON_ACCOUNTS[restriction.kind] for restriction in standing), default=AccountEffect.NONE)
