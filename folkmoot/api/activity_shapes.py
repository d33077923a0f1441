"""The wire shapes of notifications, markers, conversations, search, reports and rules."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from folkmoot.api.account_shapes import Account, Id, Moment, Shape, Url
from folkmoot.api.status_shapes import PreviewCard, Status

Action = Literal["none", "disable", "mark_statuses_as_sensitive", "delete_statuses", "silence", "suspend"]
AppealState = Literal["pending", "approved", "rejected"]


class Appeal(Shape, kw_only=True):
    text: str
    state: AppealState


class AccountWarning(Shape, kw_only=True):
    """A decision about a post or the account of the member. `text`: the broken rule and the words of the moderator, in the
    member's language."""

    id: Id
    action: Action
    text: str
    status_ids: list[Id] | None
    target_account: Account
    appeal: Appeal | None
    created_at: Moment


class Notification(Shape, kw_only=True):
    """`moderation_warning` is present in notifications of this type only."""

    id: Id
    type: str
    group_key: str
    created_at: Moment
    account: Account
    status: Status | UnsetType = UNSET
    moderation_warning: AccountWarning | UnsetType = UNSET


class NotificationGroup(Shape, kw_only=True):
    """`page_min_id`, `page_max_id` and `latest_page_notification_at` are present in lists only."""

    group_key: str
    notifications_count: int
    type: str
    most_recent_notification_id: Annotated[int, Meta(description="A number, unlike all other ids, because apps expect one.")]
    sample_account_ids: list[Id]
    page_min_id: Id | UnsetType = UNSET
    page_max_id: Id | UnsetType = UNSET
    latest_page_notification_at: Moment | UnsetType = UNSET
    status_id: Id | UnsetType = UNSET
    moderation_warning: AccountWarning | UnsetType = UNSET


class GroupedNotifications(Shape, kw_only=True):
    accounts: list[Account]
    statuses: list[Status]
    notification_groups: list[NotificationGroup]


class Count(Shape, kw_only=True):
    count: int


class PendingSummary(Shape, kw_only=True):
    """What waits in requests: senders, at most 100, and notifications, at most 1000."""

    pending_requests_count: int
    pending_notifications_count: int


class OldNotificationPolicy(Shape, kw_only=True):
    """Whether notifications are filtered or dropped. `NotificationPolicy` says which of the two."""

    filter_not_following: bool
    filter_not_followers: bool
    filter_new_accounts: bool
    filter_private_mentions: bool
    summary: PendingSummary


TreatmentWord = Literal["accept", "filter", "drop"]


class NotificationPolicy(Shape, kw_only=True):
    """How notifications from accounts that the member does not follow are treated: `filter` puts them into a request of their sender,
    `drop` does not create them. Of several fields that apply the strictest decides."""

    for_not_following: TreatmentWord
    for_not_followers: TreatmentWord
    for_new_accounts: TreatmentWord
    for_private_mentions: TreatmentWord
    for_limited_accounts: TreatmentWord
    for_bots: TreatmentWord
    summary: PendingSummary


class NotificationRequest(Shape, kw_only=True):
    """The filtered notifications of one account. `notifications_count` is a number as text, at most 100; `last_status`: the newest
    status that one of them is about."""

    id: Id
    created_at: Moment
    updated_at: Moment
    notifications_count: str
    account: Account
    last_status: Status | UnsetType = UNSET


class Merged(Shape, kw_only=True):
    merged: bool


class Marker(Shape, kw_only=True):
    last_read_id: Id
    version: int
    updated_at: Moment


class Markers(Shape, kw_only=True):
    home: Marker | UnsetType = UNSET
    notifications: Marker | UnsetType = UNSET


class Conversation(Shape, kw_only=True):
    id: Id
    unread: bool
    accounts: list[Account]
    last_status: Status | None


class TagUse(Shape, kw_only=True):
    day: str
    uses: str
    accounts: str


class Tag(Shape, kw_only=True):
    """`following` and `featuring` are present for members only."""

    id: str
    name: str
    url: Url
    history: list[TagUse]
    following: bool | UnsetType = UNSET
    featuring: bool | UnsetType = UNSET


class TrendingCard(PreviewCard, kw_only=True):
    """The preview card of a link that many talk about."""

    history: list[TagUse]


class FeaturedTag(Shape, kw_only=True):
    """A hashtag on a profile; `url` leads to the account's posts with it. `last_status_at` is a date."""

    id: Id
    name: str
    url: Url
    statuses_count: str
    last_status_at: str | None


class Search(Shape, kw_only=True):
    accounts: list[Account]
    statuses: list[Status]
    hashtags: list[Tag]


class ReportOutcome(Shape, kw_only=True):
    """What became of one reported post, or (`status_id` null) of the account. `action` is null until it is decided; `keep`: it stays.
    Not part of the Mastodon API."""

    status_id: Id | None
    state: Literal["open", "decided", "withdrawn"]
    action: str | None
    rule_id: str | None
    decided_at: Moment | None
    due_at: Moment


class Report(Shape, kw_only=True):
    """`action_taken`: whether everything in it is decided."""

    id: Id
    action_taken: bool
    action_taken_at: Moment | None
    category: str
    comment: str
    forwarded: bool
    created_at: Moment
    status_ids: list[Id]
    rule_ids: list[str]
    target_account: Account
    outcomes: list[ReportOutcome] | UnsetType = UNSET


class RuleText(Shape, kw_only=True):
    text: str
    hint: str


class Rule(Shape, kw_only=True):
    id: str
    text: str
    hint: str
    translations: dict[str, RuleText]
