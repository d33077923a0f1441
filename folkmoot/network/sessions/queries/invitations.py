"""SQL of invitations: `invitations`."""

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.sessions.model import Invitation


async def insert_invitation(tx: WriteTx, invitation: Invitation) -> None:
    await tx.execute(
        "INSERT INTO invitations (id, code, account_id, max_uses, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, now())",
        invitation.id, invitation.code, invitation.account_id, invitation.max_uses, invitation.expires_at,
    )


async def use_invitation(tx: WriteTx, code: str) -> int | None:
    """Counts a use; returns None when the code is unknown, expired or used up."""
    value = await tx.fetchval(
        "UPDATE invitations SET uses = uses + 1 WHERE code = $1 AND uses < max_uses AND expires_at > now() RETURNING id", code
    )
    return int(value) if value else None


async def list_invitations(conn: ReadConn, account_id: int) -> list[Invitation]:
    rows = await conn.fetch(
        "SELECT id, code, account_id, max_uses, uses, expires_at FROM invitations WHERE account_id = $1 ORDER BY id DESC LIMIT 100",
        account_id,
    )
    return [Invitation(**dict(row)) for row in rows]


async def delete_invitation(tx: WriteTx, account_id: int, invitation_id: int) -> int:
    return await tx.execute("DELETE FROM invitations WHERE account_id = $1 AND id = $2", account_id, invitation_id)
