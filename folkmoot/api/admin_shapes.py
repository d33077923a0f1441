"""The wire shapes of Mastodon's admin API. `admin_entities.py` fills those of accounts and reports."""

from typing import Annotated, Literal

from msgspec import Meta

from folkmoot.api.account_shapes import Account, Id, Moment, Role, Shape
from folkmoot.api.activity_shapes import Rule
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
