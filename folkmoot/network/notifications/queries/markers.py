"""How far members have read."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.notifications.model import Marker


async def list_markers(conn: ReadConn, account_id: int, timelines: Sequence[str]) -> list[Marker]:
    rows = await conn.fetch(
        "SELECT timeline, last_read_id, version, updated_at FROM markers WHERE account_id = $1 AND timeline = ANY ($2::text[])",
        account_id, list(timelines),
    )
    return [Marker(**dict(row)) for row in rows]


async def upsert_marker(tx: WriteTx, account_id: int, timeline: str, last_read_id: int) -> Marker:
    row = await tx.fetchrow(
        """
        INSERT INTO markers (account_id, timeline, last_read_id, updated_at) VALUES ($1, $2, $3, now())
        ON CONFLICT (account_id, timeline) DO UPDATE
            SET last_read_id = excluded.last_read_id, version = markers.version + 1, updated_at = now()
        RETURNING timeline, last_read_id, version, updated_at
        """,
        account_id, timeline, last_read_id,
    )
    assert row is not None
    return Marker(**dict(row))
