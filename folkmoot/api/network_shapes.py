"""The wire shapes of the network's description, of OAuth, and of errors."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from folkmoot.api.account_shapes import Account, Html, Id, Moment, Shape, Url
from folkmoot.api.activity_shapes import Rule

# -- errors ------------------------------------------------------------------------------------------------------------


class Error(Shape, kw_only=True):
    error: Annotated[str, Meta(description="A sentence in English.")]


class FieldProblem(Shape, kw_only=True):
    error: Annotated[str, Meta(description="`ERR_BLANK`, `ERR_TOO_LONG`, `ERR_TAKEN`, `ERR_INVALID`, `ERR_INCLUSION` …")]
    description: str


class ValidationError(Error, kw_only=True):
    """`details`: the errors by field."""

    details: dict[str, list[FieldProblem]] | UnsetType = UNSET


class OAuthError(Shape, kw_only=True):
    """RFC 6749 5.2."""

    error: str
    error_description: str | UnsetType = UNSET


class Nothing(Shape, kw_only=True):
    """An empty object."""


class PrivacyPolicy(Shape, kw_only=True):
    """`content` is HTML."""

    updated_at: Moment
    content: Html


class TermsOfService(Shape, kw_only=True):
    """`content` is HTML; the dates are days."""

    effective_date: str
    effective: bool
    content: Html
    succeeded_by: str | None


class OEmbed(Shape, kw_only=True):
    """As oembed.com describes it."""

    type: str
    version: str
    title: str
    author_name: str
    author_url: Url
    provider_name: str
    provider_url: Url
    cache_age: int
    html: Annotated[Html, Meta(description="A frame.")]
    width: int
    height: int


class AnnouncementReaction(Shape, kw_only=True):
    """`name` is an emoji; `me`: whether the member has reacted with it."""

    name: str
    count: int
    me: bool


class ReactionCount(Shape, kw_only=True):
    """The payload of the event `announcement.reaction`."""

    announcement_id: str
    name: str
    count: int


class Announcement(Shape, kw_only=True):
    """`content` is HTML."""

    id: str
    content: str
    starts_at: Moment | None
    ends_at: Moment | None
    all_day: bool
    published_at: Moment
    updated_at: Moment
    read: bool
    mentions: list[Nothing]
    statuses: list[Nothing]
    tags: list[Nothing]
    emojis: list[Nothing]
    reactions: list[AnnouncementReaction]


# -- apps and tokens ---------------------------------------------------------------------------------------------------


class App(Shape, kw_only=True):
    id: str
    name: str
    website: Url | None
    scopes: list[str]
    redirect_uri: str
    redirect_uris: list[str]
    vapid_key: str


class CredentialApp(App, kw_only=True):
    client_id: str
    client_secret: str
    client_secret_expires_at: Annotated[int, Meta(description="0: it does not expire.")]


class Token(Shape, kw_only=True):
    access_token: str
    token_type: str = "Bearer"
    scope: str
    created_at: Annotated[int, Meta(description="Seconds since 1970.")]


class UserInfo(Shape, kw_only=True):
    """OpenID Connect Core 5.3."""

    iss: Url
    sub: Url
    name: str
    preferred_username: str
    profile: Url
    picture: Url


class AuthorizationServer(Shape, kw_only=True):
    """RFC 8414."""

    issuer: Url
    service_documentation: Url
    authorization_endpoint: Url
    token_endpoint: Url
    app_registration_endpoint: Url
    revocation_endpoint: Url
    userinfo_endpoint: Url
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    code_challenge_methods_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]


# -- the network -------------------------------------------------------------------------------------------------------


class InstanceUrls(Shape, kw_only=True):
    streaming: str
    status: Url | None
    about: Url
    privacy_policy: Url | None
    terms_of_service: Url | None


class Vapid(Shape, kw_only=True):
    public_key: str


class AccountLimits(Shape, kw_only=True):
    max_display_name_length: int
    max_note_length: int
    max_featured_tags: int
    max_pinned_statuses: int
    max_profile_fields: int
    profile_field_name_limit: int
    profile_field_value_limit: int


class StatusLimits(Shape, kw_only=True):
    max_characters: int
    max_media_attachments: int
    characters_reserved_per_url: int


class MediaLimits(Shape, kw_only=True):
    supported_mime_types: list[str]
    description_limit: int
    image_size_limit: int
    image_matrix_limit: int
    video_size_limit: int
    video_frame_rate_limit: int
    video_matrix_limit: int


class PollLimits(Shape, kw_only=True):
    max_options: int
    max_characters_per_option: int
    min_expiration: int
    max_expiration: int


class Translation(Shape, kw_only=True):
    enabled: bool


class FeedAccess(Shape, kw_only=True):
    local: str
    remote: str


class TimelinesAccess(Shape, kw_only=True):
    live_feeds: FeedAccess
    hashtag_feeds: FeedAccess
    trending_link_feeds: FeedAccess


class Configuration(Shape, kw_only=True):
    """`urls` is present in the second version only."""

    urls: InstanceUrls | UnsetType = UNSET
    vapid: Vapid
    accounts: AccountLimits
    statuses: StatusLimits
    media_attachments: MediaLimits
    polls: PollLimits
    translation: Translation
    timelines_access: TimelinesAccess
    limited_federation: bool


class ActiveUsers(Shape, kw_only=True):
    active_month: int


class InstanceUsage(Shape, kw_only=True):
    users: ActiveUsers


class Thumbnail(Shape, kw_only=True):
    url: Url
    blurhash: str | None
    versions: dict[str, Url]


class Icon(Shape, kw_only=True):
    src: Url
    size: str


class Registrations(Shape, kw_only=True):
    enabled: bool
    approval_required: bool
    reason_required: bool
    message: str | None
    min_age: int | None
    url: Url


class ApiVersions(Shape, kw_only=True):
    mastodon: int


class Contact(Shape, kw_only=True):
    email: str
    account: Account | None


class Instance(Shape, kw_only=True):
    domain: str
    title: str
    version: Annotated[str, Meta(description="Clients derive the supported features from it.")]
    source_url: str
    description: str
    usage: InstanceUsage
    thumbnail: Thumbnail
    icon: list[Icon]
    languages: list[str]
    configuration: Configuration
    registrations: Registrations
    api_versions: ApiVersions
    contact: Contact
    rules: list[Rule]


class List(Shape, kw_only=True):
    id: Id
    title: str
    replies_policy: str
    exclusive: Annotated[bool, Meta(description="Always false: posts of a list stay in the home timeline.")]


class Language(Shape, kw_only=True):
    code: str
    name: str


class WeekOfActivity(Shape, kw_only=True):
    """All are numbers in texts. `week`: its Monday, in seconds since 1970; `logins`: members who were here."""

    week: str
    statuses: str
    logins: str
    registrations: str


class StreamingUrls(Shape, kw_only=True):
    streaming_api: str


class Stats(Shape, kw_only=True):
    user_count: int
    status_count: int
    domain_count: int


class OldInstance(Shape, kw_only=True):
    uri: str
    title: str
    short_description: str
    description: str
    email: str
    version: str
    urls: StreamingUrls
    stats: Stats
    thumbnail: Url
    languages: list[str]
    registrations: bool
    approval_required: bool
    invites_enabled: bool
    max_toot_chars: int
    configuration: Configuration
    contact_account: Account | None
    rules: list[Rule]


class ExtendedDescription(Shape, kw_only=True):
    updated_at: Moment | None
    content: Html
