"""How far the mailbox for notices was read."""

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.notices.mailbox import Position


async def find_position(conn: ReadConn, mailbox: str) -> Position | None:
    """How far a mailbox was read."""
    row = await conn.fetchrow("SELECT validity, last_uid, read_at FROM notice_mailboxes WHERE name = $1", mailbox)
    return Position(**dict(row)) if row else None


async def upsert_position(tx: WriteTx, mailbox: str, position: Position) -> None:
    await tx.execute(
        "INSERT INTO notice_mailboxes (name, validity, last_uid, read_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE"
        " SET validity = excluded.validity, last_uid = excluded.last_uid, read_at = excluded.read_at",
        mailbox, position.validity, position.last_uid, position.read_at,
    )
