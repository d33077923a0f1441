"""Log-ins, sessions, apps and tokens. No input or output.

A secret (session, token, code) is given out once and stored as its SHA-256, so that a copied database lets nobody in.
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
SESSION_LASTS = timedelta(days=180)  # without use
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


RESET_JOB = "sessions.send_reset"


class ResetWanted(msgspec.Struct, frozen=True):
    """Somebody, who may not exist, wants a new password."""

    email: str
    base_url: str


class Role(StrEnum):
    """What a member may do here, least first."""

    MEMBER = "member"
    JUROR = "juror"
    MODERATOR = "moderator"
    OPERATOR = "operator"

    def includes(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


class Preferences(msgspec.Struct, frozen=True):
    """How a member likes the pages, and defaults for posting."""

    theme: str = "system"  # system, light, dark
    contrast: str = "normal"  # normal, more
    text_size: int = 100  # per cent
    shortcuts: bool = True
    visibility: int = 0
    post_language: str = ""
    is_sensitive: bool = False


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody logs in with, and what state that is in."""

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
        """Why this member cannot do anything yet, or no longer: a sentence, or nothing."""
        if self.disabled_at:
            return "Your login is currently disabled."
        if not self.confirmed_at:
            return "Your login is missing a confirmed e-mail address."
        if not self.approved_at:
            return "Your login is currently pending approval."
        return ""


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf a request is answered: an account with its log-in, through a session or a token."""

    account: Account
    login: Login
    session_id: int | None = None
    token_id: int | None = None
    app_id: int | None = None
    scopes: frozenset[str] = frozenset()

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
        """Whether this member has the role, or a higher one. Nobody acts in a role while frozen."""
        return role is Role.MEMBER or (self.login.role.includes(role) and not self.is_frozen)


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A program that people let in. `client_secret` is known only when it is made."""

    id: int
    client_id: str
    client_secret: str = ""
    name: str
    website: str
    redirect_uris: tuple[str, ...]
    scopes: str
    created_at: datetime


class TokenHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a token stands for: an app by itself, or (with `viewer`) for somebody."""

    token_id: int
    app_id: int
    app_name: str
    app_website: str
    scopes: frozenset[str]
    viewer: Viewer | None = None


class AuthorizationCode(NamedTuple):
    """What a code was given for. `challenge` is that of PKCE, or empty; `is_valid`: in time, and its account is admitted."""

    account_id: int
    redirect_uri: str
    scopes: str
    challenge: str
    is_valid: bool


class TokenOwner(NamedTuple):
    """Whose token it was: None for an app's own."""

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


class SignUpWaiting(Event, frozen=True, kw_only=True):
    """A sign-up that somebody has to approve."""

    kind = "sign_up.waiting"
    account_id: int


def digest(secret: str) -> bytes:
    """How a secret is stored. It is random and long, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()


def login_topic(account_id: int) -> str:
    """The live topic of what ends log-ins: password change, log-out, suspension."""
    return f"login:{account_id}"


LOGINS_TOPIC = "logins"  # the same for all accounts: what caches of viewers listen to
