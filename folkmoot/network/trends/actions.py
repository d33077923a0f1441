"""Refuses trends, and allows them again. Who may do it, and the journal: `moderation/trends`."""

from datetime import datetime

from folkmoot.base.db import WriteTx
from folkmoot.network.trends import queries
from folkmoot.network.trends.model import Kind


async def refuse_trend(tx: WriteTx, kind: Kind, subject: str, by_id: int, now: datetime) -> bool:
    """Takes something out of the trends at once and for good. Returns whether that changed something."""
    return await queries.insert_refusal(tx, kind, subject, by_id, now)


async def allow_trend(tx: WriteTx, kind: Kind, subject: str) -> bool:
    """It may be a trend again from the next count on. Returns whether it was refused."""
    return await queries.delete_refusal(tx, kind, subject)
