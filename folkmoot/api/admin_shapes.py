"""The wire shapes of Mastodon's admin API. `admin_entities.py` fills those of accounts and reports."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from folkmoot.api.account_shapes import Account, Id, Moment, Role, Shape
from folkmoot.api.activity_shapes import Rule, Tag, TrendingCard
from folkmoot.api.status_shapes import Status


class AdminIp(Shape, kw_only=True):
    ip: str
    used_at: Moment


class AdminAccount(Shape, kw_only=True):
    """An account as staff see it. `email`, `ip`, `ips` and `invite_request` are for operators, and the journal records who has read them;
    moderators get null. `disabled`: frozen, so that it reads and does not write. `sensitized` is always false: there is no such measure."""

    id: Id
    username: str
    domain: str | None
    created_at: Moment
    email: str | None
    ip: str | None
    ips: list[AdminIp]
    role: Role | None
    confirmed: bool | None
    approved: bool | None
    disabled: bool | None
    silenced: bool
    suspended: bool
    sensitized: bool
    locale: str | None
    invite_request: str | None
    invited_by_account_id: Id | None
    created_by_application_id: Annotated[None, Meta(description="Which app was used to sign up is not stored.")]
    account: Account


class AdminReport(Shape, kw_only=True):
    """A report. `account` is always null: nobody learns who has reported. `statuses`: the posts that still stand; in a list only those
    that everybody may read. `action_taken_by_account` is null for a decision of a jury."""

    id: Id
    action_taken: bool
    action_taken_at: Moment | None
    category: Literal["spam", "legal", "violation", "other"]
    comment: str
    forwarded: bool
    created_at: Moment
    updated_at: Moment
    account: None
    target_account: AdminAccount
    assigned_account: AdminAccount | None
    action_taken_by_account: AdminAccount | None
    statuses: list[Status]
    rules: list[Rule]


class AdminTag(Tag, kw_only=True):
    """A hashtag. `trendable`: it is not held back from the trends. Nothing else can be decided about one: each may be used and found."""

    trendable: bool
    usable: bool
    listable: bool
    requires_review: bool


class AdminTrendingCard(TrendingCard, kw_only=True):
    """The preview card of a link that many talk about, or that is held back. `trendable` is not part of the Mastodon API."""

    id: Id
    trendable: bool
    requires_review: bool


class AdminTrendingStatus(Status, kw_only=True):
    """A status that is a trend, or would be if its reach were not limited. `requires_review`: its case is open, so that it can be
    decided about. `trendable` is not part of the Mastodon API."""

    trendable: bool
    requires_review: bool


class AdminPublisher(Shape, kw_only=True):
    """A site with links that are trends, or that is held back with all its pages and those of domains below it. `id` is its name.
    Nothing waits for a review: a site may be in the trends until a moderator holds it back."""

    id: str
    domain: str
    trendable: bool
    reviewed_at: Annotated[Moment | None, Meta(description="Since when it is held back.")]
    requested_review_at: None
    requires_review: bool


class AdminDay(Shape, kw_only=True):
    date: Moment
    value: str


class AdminMeasure(Shape, kw_only=True):
    """A number of a period, and of its days as far as they were counted. `previous_total`: of the period of the same length before it."""

    key: str
    unit: None
    total: str
    previous_total: str | UnsetType = UNSET
    data: list[AdminDay]


class AdminShare(Shape, kw_only=True):
    """One value of a dimension."""

    key: str
    human_key: str
    value: str
    unit: Literal["bytes"] | UnsetType = UNSET
    human_value: str | UnsetType = UNSET


class AdminDimension(Shape, kw_only=True):
    key: str
    data: list[AdminShare]


class AdminCohortDay(Shape, kw_only=True):
    """`value`: how many were here in this day or month, or later. `rate`: the part of the cohort, up to 1."""

    date: Moment
    rate: float
    value: str


class AdminCohort(Shape, kw_only=True):
    """Who signed up in a day or month."""

    period: Moment
    frequency: Literal["day", "month"]
    data: list[AdminCohortDay]
