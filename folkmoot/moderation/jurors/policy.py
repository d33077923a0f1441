"""Who may be a juror: members in good standing. Pure. The numbers stand in `model.py`."""

from datetime import datetime
from typing import Any

from folkmoot.base.errors import Forbidden, Plural
from folkmoot.moderation.jurors.model import CLEAN_FOR, MIN_AGE
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions.model import Role, Viewer

_TOO_NEW = Plural(
    "You can become a juror when your account is %(days)d day old.", "You can become a juror when your account is %(days)d days old.",
    "days",
)
_TOO_SOON = Plural(
    "Something of yours broke a rule not long ago. You can become a juror %(days)d day after that.",
    "Something of yours broke a rule not long ago. You can become a juror %(days)d days after that.", "days",
)


class NotInGoodStanding(Forbidden):
    """`until`: when this obstacle ends, if that is known."""

    code = "standing"

    def __init__(self, message: str, until: datetime | None = None, **params: Any) -> None:
        super().__init__(message, **params)
        self.until = until


def find_obstacle(viewer: Viewer, last_breach_at: datetime | None, now: datetime) -> NotInGoodStanding | None:
    """Why a member cannot be a juror at present; None if they can."""
    account, login = viewer.account, viewer.login
    if login.role.includes(Role.MODERATOR):
        return NotInGoodStanding("You decide cases with the moderators, so you cannot sit on a jury as well.")
    if account.effect > AccountEffect.NONE or account.is_limited:
        return NotInGoodStanding("Your account is restricted at present. You can become a juror when that is over.")
    if account.is_bot:
        return NotInGoodStanding("Your profile says that a program writes here. Jurors are people.")
    if last_breach_at and now - last_breach_at < CLEAN_FOR:
        return NotInGoodStanding(_TOO_SOON, last_breach_at + CLEAN_FOR, days=CLEAN_FOR.days)
    if now - account.created_at < MIN_AGE:
        return NotInGoodStanding(_TOO_NEW, account.created_at + MIN_AGE, days=MIN_AGE.days)
    return None


def require_good_standing(viewer: Viewer, last_breach_at: datetime | None, now: datetime) -> None:
    """Raises NotInGoodStanding."""
    if obstacle := find_obstacle(viewer, last_breach_at, now):
        raise obstacle
