"""The timed job of jurors."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.jurors.model import APPLICATIONS_WITHIN
from folkmoot.moderation.jurors.queries import delete_left

_AT_ONCE = 500


async def forget_left(database: Database) -> None:
    """Deletes the records of those who left, when their applications do not count any more."""
    while True:
        async with database.write() as tx:
            if await delete_left(tx, clock.now() - APPLICATIONS_WITHIN, _AT_ONCE) < _AT_ONCE:
                return
