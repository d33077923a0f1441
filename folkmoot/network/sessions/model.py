"""Log-ins, sessions, apps and tokens. No input or output.

A secret (session, token, code) is returned once and stored as its SHA-256: a copy of the database contains no secrets.
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.base.events import Event
from folkmoot.network.accounts.model import Account, AccountEffect

CODE_LASTS = timedelta(seconds=60)  # an authorisation code
RESET_LASTS = timedelta(hours=1)
CONFIRM_LASTS = timedelta(days=7)
CHANGE_EMAIL_LASTS = timedelta(days=1)  # the link to the new address
KEEP_EMAIL_LASTS = timedelta(days=7)  # the link to the old address, which undoes the change
STAY_LASTS = timedelta(minutes=30)  # to stop the deletion of an account
SESSION_LASTS = timedelta(days=180)  # without use
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


RESET_JOB = "sessions.send_reset"


class ResetWanted(msgspec.Struct, frozen=True):
    """A request for a new password; the account may not exist."""

    email: str
    base_url: str


class Role(StrEnum):
    """The roles of members, the least powerful first."""

    MEMBER = "member"
    JUROR = "juror"  # gives no right; earlier releases could store it. Jurors: moderation/jurors
    MODERATOR = "moderator"
    OPERATOR = "operator"

    def includes(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


class Preferences(msgspec.Struct, frozen=True):
    """A member's settings for pages, and defaults for posting."""

    theme: str = "system"  # system, light, dark
    contrast: str = "normal"  # normal, more
    text_size: int = 100  # per cent
    shortcuts: bool = True
    visibility: int = 0
    quote_policy: int = 0
    post_language: str = ""
    is_sensitive: bool = False
    outcome_mails: bool = True  # at most one mail a day about what became of reports
    attribution_domains: tuple[str, ...] = ()  # whose pages may name the member as their author
    seen_rules: str = ""  # the newest version of the rules whose announcement the member has dismissed in an app


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """The log-in of a member: address, password, role, and state."""

    account_id: int
    email: str
    password_hash: str
    role: Role
    language: str
    confirmed_at: datetime | None
    approved_at: datetime | None
    disabled_at: datetime | None
    preferences: Preferences = Preferences()
    created_at: datetime

    @property
    def obstacle(self) -> str:
        """Why this log-in cannot be used yet or any more: a sentence, or an empty text."""
        if self.disabled_at:
            return "Your login is currently disabled."
        if not self.confirmed_at:
            return "Your login is missing a confirmed e-mail address."
        if not self.approved_at:
            return "Your login is currently pending approval."
        return ""


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """The account on whose behalf a request is handled, with its log-in and its session or token."""

    account: Account
    login: Login
    session_id: int | None = None
    token_id: int | None = None
    app_id: int | None = None
    scopes: frozenset[str] = frozenset()
    filters_version: int = 0  # 0: the member never had a filter

    @property
    def id(self) -> int:
        return self.account.id

    @property
    def is_frozen(self) -> bool:
        return self.account.effect >= AccountEffect.FROZEN

    @property
    def is_suspended(self) -> bool:
        return self.account.effect >= AccountEffect.SUSPENDED

    def holds(self, role: Role) -> bool:
        """Whether this member has the role or a higher one. Frozen accounts have no role above member."""
        return role is Role.MEMBER or (self.login.role.includes(role) and not self.is_frozen)


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A registered client. `client_secret` is set only when the app is created."""

    id: int
    client_id: str
    client_secret: str = ""
    name: str
    website: str
    redirect_uris: tuple[str, ...]
    scopes: str
    created_at: datetime


class TokenHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The owner of a token: an app itself, or (with `viewer`) an app on behalf of an account."""

    token_id: int
    app_id: int
    app_name: str
    app_website: str
    scopes: frozenset[str]
    viewer: Viewer | None = None


class AuthorizationCode(NamedTuple):
    """What a code was issued for. `challenge`: of PKCE, or empty; `is_valid`: not expired, and its account is admitted."""

    account_id: int
    redirect_uri: str
    scopes: str
    challenge: str
    is_valid: bool


class TokenOwner(NamedTuple):
    """The account of a token: None for an app's own token."""

    account_id: int | None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is logged in."""

    id: int
    agent: str
    address: str
    created_at: datetime
    seen_at: datetime


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    code: str
    account_id: int
    max_uses: int
    uses: int
    expires_at: datetime


class WaitingSignUp(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-up that waits for approval. `reason`: why they want to join, in their words."""

    account_id: int
    username: str
    email: str
    language: str
    reason: str
    created_at: datetime
    is_confirmed: bool


class SignUpWaiting(Event, frozen=True, kw_only=True):
    """A sign-up that waits for approval."""

    kind = "sign_up.waiting"
    account_id: int


class SignUpDecided(Event, frozen=True, kw_only=True):
    """A sign-up was approved, refused or withdrawn."""

    kind = "sign_up.decided"
    account_id: int


def digest(secret: str) -> bytes:
    """The stored form of a secret. Secrets are random and long, so a plain hash cannot be reversed."""
    return hashlib.sha256(secret.encode()).digest()


LOGIN_TOPICS = "login"  # the family of live topics, one for each account


def login_topic(account_id: int) -> str:
    """The live topic of everything that ends log-ins of an account: password change, log-out, suspension."""
    return f"{LOGIN_TOPICS}:{account_id}"


LOGINS_TOPIC = "logins"  # live topic for all accounts; caches of viewers subscribe to it
