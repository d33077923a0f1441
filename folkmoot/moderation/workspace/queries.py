"""All SQL of the room of moderators: their preferences, and what they have decided today."""

from datetime import datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.workspace.model import Done, Preferences


async def get_preferences(conn: ReadConn, moderator_id: int) -> Preferences:
    row = await conn.fetchrow("SELECT avoided, daily_limit FROM moderator_preferences WHERE account_id = $1", moderator_id)
    return Preferences(avoided=tuple(row["avoided"]), daily_limit=row["daily_limit"]) if row else Preferences()


async def upsert_preferences(tx: WriteTx, moderator_id: int, preferences: Preferences) -> None:
    await tx.execute(
        "INSERT INTO moderator_preferences (account_id, avoided, daily_limit) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id) DO UPDATE SET avoided = excluded.avoided, daily_limit = excluded.daily_limit",
        moderator_id, list(preferences.avoided), preferences.daily_limit,
    )


async def list_done_since(conn: ReadConn, moderator_id: int, since: datetime, limit: int = 1000) -> list[Done]:
    """The decisions of a moderator since then, oldest first, without undone and repeated ones. Index: verdicts_moderator."""
    rows = await conn.fetch(
        "SELECT v.made_at, c.severity FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id"
        " WHERE v.moderator_id = $1 AND v.made_at >= $2 AND v.undone_at IS NULL AND v.batch_id IS NULL ORDER BY v.id DESC LIMIT $3",
        moderator_id, since, limit,
    )
    return [Done(row["made_at"], row["severity"]) for row in reversed(rows)]
