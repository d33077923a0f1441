"""Mutes, blocks and notes. Deletes the relations of an account that leaves."""

from folkmoot.base.db import WriteTx


async def upsert_mute(
    tx: WriteTx, account_id: int, target_id: int, row_id: int, *, hides_notifications: bool, seconds: int
) -> None:
    """`seconds`: the duration; 0 means without end."""
    await tx.execute(
        """
        INSERT INTO mutes (account_id, target_id, id, hides_notifications, expires_at)
        VALUES ($1, $2, $3, $4, CASE WHEN $5 > 0 THEN now() + make_interval(secs => $5) END)
        ON CONFLICT (account_id, target_id)
            DO UPDATE SET hides_notifications = excluded.hides_notifications, expires_at = excluded.expires_at
        """,
        account_id, target_id, row_id, hides_notifications, seconds,
    )


async def delete_mute(tx: WriteTx, account_id: int, target_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM mutes WHERE account_id = $1 AND target_id = $2", account_id, target_id))


async def insert_block(tx: WriteTx, account_id: int, target_id: int, row_id: int) -> bool:
    return bool(await tx.execute(
        "INSERT INTO blocks (account_id, target_id, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", account_id, target_id, row_id
    ))


async def delete_block(tx: WriteTx, account_id: int, target_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM blocks WHERE account_id = $1 AND target_id = $2", account_id, target_id))


async def upsert_note(tx: WriteTx, account_id: int, target_id: int, text: str) -> None:
    """Stores a private note; an empty text deletes it."""
    if not text:
        await tx.execute("DELETE FROM account_notes WHERE account_id = $1 AND target_id = $2", account_id, target_id)
        return
    await tx.execute(
        "INSERT INTO account_notes (account_id, target_id, text) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id, target_id) DO UPDATE SET text = excluded.text",
        account_id, target_id, text,
    )


async def delete_other_relations(tx: WriteTx, account_id: int) -> None:
    """Deletes requests, mutes, blocks and notes by and about an account that leaves."""
    await tx.execute("DELETE FROM follow_requests WHERE account_id = $1 OR requester_id = $1", account_id)
    await tx.execute("DELETE FROM mutes WHERE account_id = $1 OR target_id = $1", account_id)
    await tx.execute("DELETE FROM blocks WHERE account_id = $1 OR target_id = $1", account_id)
    await tx.execute("DELETE FROM account_notes WHERE account_id = $1 OR target_id = $1", account_id)
