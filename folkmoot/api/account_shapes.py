"""The wire shapes of accounts, and the field types that all shapes use.

A field that may be absent is `| UnsetType`: it is left out when unset; null is a value. `account_entities.py`
fills these.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from folkmoot.api.words import QuotePolicyWord, VisibilityWord

Id = Annotated[str, Meta(extra_json_schema={"pattern": "^[1-9][0-9]{0,18}$"})]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
Html = Annotated[str, Meta(description="HTML, cleaned.")]


class Shape(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of all shapes. Decoding one refuses unknown fields, so that tests find undeclared ones."""


class Emoji(Shape, kw_only=True):
    """Custom emojis are not supported yet: their lists are empty."""

    shortcode: str
    url: Url
    static_url: Url
    visible_in_picker: bool


class Field(Shape, kw_only=True):
    name: str
    value: str
    verified_at: Moment | None


class Role(Shape, kw_only=True):
    id: str
    name: str
    permissions: str
    color: str
    highlighted: bool


class Account(Shape, kw_only=True):
    """An account as everybody sees it. A suspended account is returned without content, and marked."""

    id: Id
    username: str
    acct: Annotated[str, Meta(description="The name, with a domain for accounts of other servers.")]
    display_name: str
    locked: bool
    bot: bool
    discoverable: bool
    indexable: bool
    group: bool
    created_at: Annotated[Moment, Meta(description="Midnight of the day of creation.")]
    note: Html
    url: Url
    uri: Url
    avatar: Url
    avatar_static: Url
    avatar_description: str
    header: Url
    header_static: Url
    header_description: str
    followers_count: int
    following_count: int
    statuses_count: int
    last_status_at: Day | None
    hide_collections: bool
    noindex: bool
    emojis: list[Emoji]
    roles: list[Role]
    fields: list[Field]
    suspended: bool | UnsetType = UNSET
    limited: bool | UnsetType = UNSET


class MutedAccount(Account, kw_only=True):
    mute_expires_at: Moment | None


class Source(Shape, kw_only=True):
    """The texts that the owner typed, the defaults for new posts, and (of this network) whether outcomes of reports are mailed."""

    privacy: VisibilityWord
    sensitive: bool
    language: str | None
    note: str
    fields: list[Field]
    follow_requests_count: int
    hide_collections: bool
    discoverable: bool
    indexable: bool
    attribution_domains: list[str]
    quote_policy: QuotePolicyWord
    report_mails: bool


class CredentialAccount(Account, kw_only=True):
    """The member's own account."""

    source: Source
    role: Role


class Profile(Shape, kw_only=True):
    """The member's own profile for editing: texts as typed, null where there is no picture."""

    id: Id
    display_name: str
    note: str
    fields: list[Field]
    avatar: Url | None
    avatar_static: Url | None
    avatar_description: str
    header: Url | None
    header_static: Url | None
    header_description: str
    locked: bool
    bot: bool
    hide_collections: bool
    discoverable: bool
    indexable: bool
    show_media: bool
    show_media_replies: bool
    show_featured: bool
    attribution_domains: list[str]
    featured_tags: list[str]


class Preferences(Shape, kw_only=True):
    default_visibility: VisibilityWord = msgspec.field(name="posting:default:visibility")
    default_sensitive: bool = msgspec.field(name="posting:default:sensitive")
    default_language: str | None = msgspec.field(name="posting:default:language")
    default_quote_policy: QuotePolicyWord = msgspec.field(name="posting:default:quote_policy")
    expand_media: str = msgspec.field(name="reading:expand:media")
    expand_spoilers: bool = msgspec.field(name="reading:expand:spoilers")
    autoplay_gifs: bool = msgspec.field(name="reading:autoplay:gifs")


class Relationship(Shape, kw_only=True):
    """The relation of the viewer to another account, in both directions."""

    id: Id
    following: bool
    showing_reblogs: bool
    notifying: bool
    languages: list[str] | None
    followed_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool
    muting_notifications: bool
    muting_expires_at: Moment | None
    requested: bool
    requested_by: bool
    domain_blocking: bool
    endorsed: bool
    note: str


class FamiliarFollowers(Shape, kw_only=True):
    id: Id
    accounts: list[Account]
