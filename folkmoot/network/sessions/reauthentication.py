"""Asks for the password again before a change that could lock the member out: another address, another password, deletion."""

from folkmoot.base.db import Database
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.network.sessions import limits
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.sessions.passwords import is_right


async def require_password(database: Database, viewer: Viewer, password: str, *, field: str = "password", multiplier: float = 1.0) -> None:
    """Raises Invalid for `field` unless this is the viewer's password, TooMany after too many guesses."""
    await limits.spend(database, "password", str(viewer.id), multiplier)
    if not await is_right(viewer.login.password_hash, password):
        raise Invalid(FieldError(field, "invalid", "This is not your current password."))
