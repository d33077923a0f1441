"""What an account may do under the restrictions on it."""

from folkmoot.base.errors import Forbidden
from folkmoot.network.accounts.model import Account, AccountEffect


def require_can_write(account: Account) -> None:
    """Raises Forbidden for an account that a restriction bars from public actions."""
    if account.effect >= AccountEffect.FROZEN:
        raise Forbidden("Your account is frozen. You can read, but not write.")
