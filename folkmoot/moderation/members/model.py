"""What staff see of an account. No input or output.

Address and e-mail are private: operators see them, and the journal records who has read them. Moderators decide without them.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.sessions.model import Login, Role


class Standing(StrEnum):
    """States by which accounts can be listed. An account can be in several."""

    ACTIVE = "active"  # approved, and neither disabled nor suspended
    PENDING = "pending"  # waits for approval
    DISABLED = "disabled"  # frozen, or its log-in is disabled
    SILENCED = "silenced"  # its reach is limited
    SUSPENDED = "suspended"


class UsedAddress(NamedTuple):
    """An IP address from which a member has a session, and when it was used last."""

    address: str
    seen_at: datetime


class MemberFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts are listed; empty fields select all. `username` and `display_name` are beginnings. `is_local` None: accounts of this
    and of other networks. `email` and `address` are for operators."""

    standing: Standing | None = None
    is_local: bool | None = None
    domain: str = ""
    username: str = ""
    display_name: str = ""
    email: str = ""
    address: str = ""
    roles: tuple[Role, ...] = ()
    invited_by_id: int | None = None

    @property
    def is_private(self) -> bool:
        """Whether it asks about what only operators may know."""
        return bool(self.email or self.address)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An account with its log-in (None: of another network, or a feed). `effect`: of its restrictions, also while it is leaving.
    `is_private_shown`: whether e-mail, addresses and the reason for joining are here; they are empty otherwise."""

    account: Account
    login: Login | None
    effect: AccountEffect
    reason: str = ""
    addresses: tuple[UsedAddress, ...] = ()
    invited_by_id: int | None = None
    is_private_shown: bool = False

    @property
    def is_suspended(self) -> bool:
        return self.effect >= AccountEffect.SUSPENDED

    @property
    def is_disabled(self) -> bool:
        return self.effect is AccountEffect.FROZEN or bool(self.login and self.login.disabled_at)

    @property
    def is_silenced(self) -> bool:
        return self.account.is_limited or self.effect is AccountEffect.LIMITED

    def without_private(self) -> "Member":
        login = msgspec.structs.replace(self.login, email="") if self.login else None
        return msgspec.structs.replace(self, login=login, reason="", addresses=(), is_private_shown=False)
