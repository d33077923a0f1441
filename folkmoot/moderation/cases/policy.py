"""Who may decide cases. No input or output. Whether a moderator is concerned by a case: `queries.is_concerned`."""

from folkmoot.base.errors import Forbidden
from folkmoot.network.sessions.model import Role, Viewer


class Concerned(Forbidden):
    """The viewer is barred from deciding this case, because they are concerned by it."""

    code = "concerned"
    message = "You know the people involved, so somebody else decides."


def require_moderator(viewer: Viewer) -> None:
    """Raises Forbidden for an account that is not a moderator, or is restricted."""
    if not viewer.login.role.includes(Role.MODERATOR) or viewer.is_frozen:
        raise Forbidden
