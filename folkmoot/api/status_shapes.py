"""The wire shapes of statuses: posts and boosts with their pictures, polls and versions. `status_entities.py` fills them."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from folkmoot.api.account_shapes import Account, Emoji, Html, Id, Moment, Shape, Url
from folkmoot.api.filter_shapes import FilterResult
from folkmoot.api.words import QuotePolicyWord, QuoteStateWord, VisibilityWord

_OF_STATES = "null unless the state is `accepted`, `blocked_account` or `muted_account`."


class Size(Shape, kw_only=True):
    width: int
    height: int
    size: str
    aspect: float


class Point(Shape, kw_only=True):
    x: float
    y: float


class OriginalSize(Shape, kw_only=True):
    """Sizes are present for what is seen, the others for what is played. `frame_rate` is a fraction, `duration` in seconds."""

    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET
    size: str | UnsetType = UNSET
    aspect: float | UnsetType = UNSET
    frame_rate: str | UnsetType = UNSET
    duration: float | UnsetType = UNSET
    bitrate: int | UnsetType = UNSET


class MediaMeta(Shape, kw_only=True):
    """Empty while a recording is prepared. `small` is absent for a sound without a picture."""

    original: OriginalSize | UnsetType = UNSET
    small: Size | UnsetType = UNSET
    focus: Point | UnsetType = UNSET
    length: str | UnsetType = UNSET
    duration: float | UnsetType = UNSET
    fps: int | UnsetType = UNSET
    size: str | UnsetType = UNSET
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET
    aspect: float | UnsetType = UNSET


class MediaAttachment(Shape, kw_only=True):
    """`type`: image, video, gifv (a short video without sound, to be shown in a loop) or audio. `url` is null while a recording is
    prepared."""

    id: Id
    type: Literal["image", "video", "gifv", "audio"]
    url: Url | None
    preview_url: Url | None
    remote_url: Url | None
    preview_remote_url: Url | None
    text_url: Url | None
    meta: MediaMeta
    description: str | None
    blurhash: str | None


class TranslatedOption(Shape, kw_only=True):
    title: str


class TranslatedPoll(Shape, kw_only=True):
    id: Id
    options: list[TranslatedOption]


class TranslatedMedia(Shape, kw_only=True):
    id: Id
    description: str


class StatusTranslation(Shape, kw_only=True):
    """A status in another language. `provider`: who has translated it."""

    content: Html
    spoiler_text: str
    poll: TranslatedPoll | None
    media_attachments: list[TranslatedMedia]
    detected_source_language: str
    language: str
    provider: str


class PollOption(Shape, kw_only=True):
    title: str
    votes_count: Annotated[int | None, Meta(description="null while the totals are hidden.")]


class Poll(Shape, kw_only=True):
    """`voted` and `own_votes` are present for members only."""

    id: Id
    expires_at: Moment | None
    expired: bool
    multiple: bool
    votes_count: int
    voters_count: int | None
    options: list[PollOption]
    emojis: list[Emoji]
    voted: bool | UnsetType = UNSET
    own_votes: list[int] | UnsetType = UNSET


class Mention(Shape, kw_only=True):
    id: Id
    username: str
    url: Url
    acct: str


class StatusTag(Shape, kw_only=True):
    name: str
    url: Url


class StatusApplication(Shape, kw_only=True):
    name: str
    website: Url | None


class PreviewCardAuthor(Shape, kw_only=True):
    name: str
    url: Url
    account: Annotated[
        Account | None,
        Meta(description="The member whom the page names (`fediverse:creator`), and who lists its site in `attribution_domains`."),
    ]


class PreviewCard(Shape, kw_only=True):
    """What a linked page says about itself: plain texts, and our small copy of its picture. Nothing of the page runs or is embedded."""

    url: Annotated[Url, Meta(description="The address in the status, whatever the page says.")]
    title: str
    description: str
    language: str | None
    type: Literal["link"]
    authors: list[PreviewCardAuthor]
    author_name: str
    author_url: Url
    provider_name: str
    provider_url: Url
    html: str
    width: int
    height: int
    image: Url | None
    image_description: str
    embed_url: Url
    blurhash: str | None
    published_at: Moment | None


class StatusBody(Shape, kw_only=True):
    """The part of a status that is the same for every viewer."""

    id: Id
    created_at: Moment
    in_reply_to_id: Id | None
    in_reply_to_account_id: Id | None
    sensitive: bool
    spoiler_text: str
    visibility: VisibilityWord
    language: str | None
    uri: Url
    url: Url
    edited_at: Moment | None
    content: Annotated[Html | UnsetType, Meta(description="Absent in the response to a deletion.")] = UNSET
    account: Account
    media_attachments: list[MediaAttachment]
    mentions: list[Mention]
    tags: list[StatusTag]
    emojis: list[Emoji]
    card: Annotated[
        PreviewCard | None, Meta(description="Of the first link in a public or unlisted status; null if something of it is covered.")
    ]
    application: StatusApplication | None


class ShallowQuote(Shape, kw_only=True):
    """The quote in a version of a status."""

    state: QuoteStateWord
    quoted_status_id: Annotated[Id | None, Meta(description=_OF_STATES)]


class Quote(Shape, kw_only=True):
    """What the viewer gets of a quoted status. Nothing waits for an approval here, so no state is `pending` or `rejected`."""

    state: QuoteStateWord
    quoted_status: Annotated["Status | UnsetType | None", Meta(description=_OF_STATES)] = UNSET
    quoted_status_id: Annotated[
        Id | UnsetType | None, Meta(description=f"Instead of `quoted_status`, in a status that is quoted itself. {_OF_STATES}")
    ] = UNSET


class QuoteApproval(Shape, kw_only=True):
    """Who may quote a status. Authors may always quote their own, except direct ones."""

    automatic: list[str]
    manual: Annotated[list[str], Meta(description="Always empty: quotes are accepted at once, and can be revoked.")]
    current_user: Literal["automatic", "manual", "denied", "unknown"]


class Status(StatusBody, kw_only=True):
    """A post or a boost. `favourited` to `filtered` are present for members only, `pinned` for their own posts only."""

    replies_count: int
    reblogs_count: int
    favourites_count: int
    quotes_count: int
    quote_approval: QuoteApproval
    quote: Annotated[Quote | None, Meta(description="null for a boost, whose `reblog` has the quote.")]
    favourited: bool | UnsetType = UNSET
    reblogged: bool | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    bookmarked: bool | UnsetType = UNSET
    filtered: Annotated[
        list[FilterResult] | UnsetType, Meta(description="The member's filters that apply; empty for their own posts.")
    ] = UNSET
    pinned: bool | UnsetType = UNSET
    reblog: "Status | None"
    poll: Poll | None


class DeletedStatus(Status, kw_only=True):
    """A deleted status with its source, for rewriting it; without `content`."""

    text: str


class ScheduledPoll(Shape, kw_only=True):
    options: list[str]
    expires_in: int | None
    multiple: bool
    hide_totals: bool


class ScheduledParams(Shape, kw_only=True):
    """What the status will be published with."""

    text: str
    media_ids: list[Id] | None
    poll: ScheduledPoll | None
    sensitive: bool
    spoiler_text: str | None
    visibility: VisibilityWord
    language: str | None
    in_reply_to_id: Id | None
    application_id: Id | None
    scheduled_at: Annotated[None, Meta(description="The time stands in the status.")]
    quoted_status_id: Id | None
    quote_approval_policy: QuotePolicyWord | None
    idempotency: str | None
    with_rate_limit: bool


class ScheduledStatus(Shape, kw_only=True):
    """A status that is not published yet. A time in the past: it could not be published; its page says why."""

    id: Id
    scheduled_at: Moment
    params: ScheduledParams
    media_attachments: list[MediaAttachment]


class Context(Shape, kw_only=True):
    ancestors: list[Status]
    descendants: list[Status]


class StatusSource(Shape, kw_only=True):
    id: Id
    text: str
    spoiler_text: str


class EditPollOption(Shape, kw_only=True):
    title: str


class EditPoll(Shape, kw_only=True):
    options: list[EditPollOption]


class StatusEdit(Shape, kw_only=True):
    """A version of a status."""

    content: Html
    spoiler_text: str
    sensitive: bool
    created_at: Moment
    account: Account
    media_attachments: list[MediaAttachment]
    emojis: list[Emoji]
    poll: EditPoll | UnsetType = UNSET
    quote: ShallowQuote | UnsetType = UNSET
