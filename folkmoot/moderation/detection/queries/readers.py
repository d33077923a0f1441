"""SQL of requests to a reader."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A post about which a reader is to be asked. `edited_at` is the version of its text."""

    post_id: int
    edited_at: datetime | None


async def upsert_requests(tx: WriteTx, posts: Sequence[tuple[int, datetime | None, float]], now: datetime) -> None:
    """Notes posts (id, version, score). An edited one is asked about again. Posts that were deleted meanwhile are left out."""
    await tx.executemany(
        """
        INSERT INTO reader_requests (post_id, edited_at, score, noted_at)
        SELECT id, $2::timestamptz, $3::real, $4::timestamptz FROM posts WHERE id = $1 FOR KEY SHARE
        ON CONFLICT (post_id) DO UPDATE SET edited_at = excluded.edited_at, score = excluded.score, noted_at = excluded.noted_at,
            answered_at = NULL, attempts = 0
        WHERE reader_requests.edited_at IS DISTINCT FROM excluded.edited_at
        """,
        [(*post, now) for post in posts],
    )


async def take_requests(tx: WriteTx, limit: int, most_attempts: int, asked_before: datetime, now: datetime) -> list[OpenRequest]:
    """Marks the open requests with the highest scores as asked. Index: reader_requests_open."""
    rows = await tx.fetch(
        """
        UPDATE reader_requests SET asked_at = $4, attempts = attempts + 1, asked_count = asked_count + 1 WHERE post_id IN (
            SELECT post_id FROM reader_requests
            WHERE answered_at IS NULL AND attempts < $2 AND (attempts = 0 OR asked_at < $3)
            ORDER BY score DESC, post_id LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING post_id, edited_at
        """,
        limit, most_attempts, asked_before, now,
    )
    return [OpenRequest(**dict(row)) for row in rows]


async def count_asked(conn: ReadConn, since: datetime) -> int:
    return int(await conn.fetchval("SELECT coalesce(sum(asked_count), 0) FROM reader_requests WHERE asked_at >= $1", since))


async def update_answered(tx: WriteTx, request: OpenRequest, now: datetime, *, was_sent: bool) -> None:
    """What was not sent, after all, does not count for the daily limit."""
    await tx.execute(
        """
        UPDATE reader_requests SET answered_at = $3, asked_count = asked_count - CASE WHEN $4 THEN 0 ELSE 1 END
        WHERE post_id = $1 AND edited_at IS NOT DISTINCT FROM $2
        """,
        request.post_id, request.edited_at, now, was_sent,
    )


async def delete_requests(tx: WriteTx, noted_before: datetime) -> None:
    await tx.execute("DELETE FROM reader_requests WHERE noted_at < $1", noted_before)
