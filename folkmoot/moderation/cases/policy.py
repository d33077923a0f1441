"""Who may decide a case: small and pure. Who has too much to do with one is asked in `queries.is_concerned`."""

from folkmoot.base.errors import Forbidden
from folkmoot.network.sessions.model import Role, Viewer


class Concerned(Forbidden):
    """Nobody decides in their own matter, nor about people whom they know."""

    code = "concerned"
    message = "You know the people in this, so somebody else decides."


def require_moderator(viewer: Viewer) -> None:
    """Raises Forbidden for who is no moderator, or is under a restriction."""
    if not viewer.login.role.includes(Role.MODERATOR) or viewer.is_frozen:
        raise Forbidden
