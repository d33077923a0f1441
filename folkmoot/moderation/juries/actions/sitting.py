"""Whether juries decide on this network at present."""

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.config import Moderation
from folkmoot.moderation.juries.model import ENOUGH_JURORS
from folkmoot.moderation.juries.queries import count_able

WHEN_ENOUGH = "when_enough"  # a value of the setting moderation.juries


async def are_juries_sitting(conn: ReadConn, settings: Moderation) -> bool:
    """Whether the setting wants juries and enough jurors can be called. Reads as few records as that needs."""
    return settings.juries == WHEN_ENOUGH and await count_able(conn, clock.now(), ENOUGH_JURORS) >= ENOUGH_JURORS
