"""Who may decide a case: small and pure."""

from folkmoot.base.errors import Forbidden
from folkmoot.moderation.cases.model import Case
from folkmoot.network.sessions.model import Role, Viewer


def require_moderator(viewer: Viewer) -> None:
    """Raises Forbidden for who is no moderator, or is under a restriction."""
    if not viewer.login.role.includes(Role.MODERATOR) or viewer.is_frozen:
        raise Forbidden


def can_decide(moderator_id: int, case: Case) -> bool:
    """Nobody judges in their own matter: not the author, not who reported it, on appeal not who decided first."""
    return moderator_id != case.account_id and moderator_id not in case.barred_ids
