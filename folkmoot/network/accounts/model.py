"""What an account is. No input or output.

An account can post and follow; a member is an account of this network with a log-in. Accounts of other networks are
rows of the same table with a `domain`. `effect` and `is_limited` are derived from the restrictions, which `moderation` stores.
"""

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

import msgspec

from folkmoot.base.events import Event


class AccountEffect(IntEnum):
    """What restrictions do to an account, mildest first."""

    NONE = 0
    LIMITED = 1  # seen by its followers only
    FROZEN = 2  # can read but not write; what it wrote stays
    SUSPENDED = 3  # hidden from everybody


class ProfileField(msgspec.Struct, frozen=True):
    """A row of the profile; pages show `value_html`."""

    name: str
    value: str
    value_html: str
    verified_at: datetime | None = None


class AccountCounts(msgspec.Struct, frozen=True):
    posts: int = 0
    followers: int = 0
    following: int = 0
    last_post_at: datetime | None = None


class AccountStamp(NamedTuple):
    """What a rendered account depends on. The version grows with each change of anything else than the counts."""

    id: int
    version: int
    counts: AccountCounts


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as everybody may see it. `avatar_key` and `header_key` are keys of media, None for the default."""

    id: int
    username: str
    domain: str = ""
    uri: str | None = None
    url: str | None = None
    display_name: str = ""
    bio: str = ""
    bio_html: str = ""
    fields: tuple[ProfileField, ...] = ()
    avatar_key: str | None = None
    header_key: str | None = None
    avatar_description: str = ""
    header_description: str = ""
    is_locked: bool = False
    is_bot: bool = False
    is_discoverable: bool = True
    is_indexable: bool = True
    hides_collections: bool = False
    effect: AccountEffect = AccountEffect.NONE
    is_limited: bool = False
    version: int = 1
    created_at: datetime
    counts: AccountCounts = AccountCounts()

    @property
    def stamp(self) -> AccountStamp:
        return AccountStamp(self.id, self.version, self.counts)

    @property
    def acct(self) -> str:
        """The handle: `jana`, of other networks `jana@example.org`."""
        return f"{self.username}@{self.domain}" if self.domain else self.username

    @property
    def name(self) -> str:
        """The display name, else the user name."""
        return self.display_name or self.username

    @property
    def is_suspended(self) -> bool:
        return self.effect >= AccountEffect.SUSPENDED

    def shown_to_others(self) -> "Account":
        """The account as lists of others show it: of a suspended one, only the handle."""
        if not self.is_suspended:
            return self
        return msgspec.structs.replace(self, display_name="", bio="", bio_html="", fields=(), avatar_key=None, header_key=None)

    @property
    def is_local(self) -> bool:
        return not self.domain


class AccountCreated(Event, frozen=True, kw_only=True):
    kind = "account.created"
    account_id: int


class AccountUpdated(Event, frozen=True, kw_only=True):
    """A text of the profile changed: display name, biography or fields."""

    kind = "account.updated"
    account_id: int


class AccountChanged(Event, frozen=True, kw_only=True):
    """Something else that others can see changed: a picture, a setting, the effect of restrictions."""

    kind = "account.changed"
    account_id: int


class AccountUnlocked(Event, frozen=True, kw_only=True):
    """The account no longer decides who follows it."""

    kind = "account.unlocked"
    account_id: int


class AccountDeleted(Event, frozen=True, kw_only=True):
    """The account and all rows that depended on it are deleted."""

    kind = "account.deleted"
    account_id: int
