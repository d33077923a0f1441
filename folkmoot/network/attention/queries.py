"""The SQL that counts what waits for a member: one statement, because every page needs it."""

from folkmoot.base.db import ReadConn
from folkmoot.network.attention.model import AT_MOST, Waiting
from folkmoot.network.conversations import queries as conversations
from folkmoot.network.notifications import queries as notifications

_COUNTS = ", ".join(
    f"(SELECT count(*) FROM ({rows} LIMIT {AT_MOST}) AS waiting) AS {name}" for name, rows in {
        "notices": notifications.UNREAD_ON_PAGES,
        "messages": conversations.UNREAD,
        "requests": "SELECT FROM follow_requests WHERE account_id = $1",
        "strangers": notifications.WAITING,
    }.items()
)


async def count_waiting(conn: ReadConn, viewer_id: int) -> Waiting:
    row = await conn.fetchrow(f"SELECT {_COUNTS}", viewer_id)
    assert row is not None
    return Waiting(**dict(row))
