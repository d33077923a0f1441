"""All SQL of signals, and the words that a detector reads."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.detection.signals import Signal
from folkmoot.network.posts.model import Visibility


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a post says in all its places: text, cover, poll, descriptions of pictures."""

    post_id: int
    account_id: int
    language: str | None
    edited_at: datetime | None
    text: str


async def list_words_unscoped(conn: ReadConn, post_ids: Sequence[int]) -> list[Words]:
    """The words of posts that others than those whom they name can read; nothing of boosts, private messages, deleted posts.

    A private message is examined by nobody, unless one of those who may read it reports it.
    """
    rows = await conn.fetch(
        """
        SELECT p.id, p.account_id, p.language, p.edited_at, p.cover, p.text, poll.titles,
            CASE WHEN p.media_count > 0 THEN
                ARRAY(SELECT description FROM media WHERE media.post_id = p.id ORDER BY position) END AS pictures
        FROM posts AS p LEFT JOIN polls AS poll ON poll.id = p.poll_id
        WHERE p.id = ANY ($1::bigint[]) AND p.boost_of_id IS NULL AND p.visibility < $2
        """,
        list(post_ids), Visibility.DIRECT,
    )
    return [
        Words(
            post_id=row["id"], account_id=row["account_id"], language=row["language"], edited_at=row["edited_at"],
            text="\n".join(filter(None, [row["cover"], row["text"], *(row["titles"] or ()), *(row["pictures"] or ())])),
        )
        for row in rows
    ]


async def insert_signal(tx: WriteTx, signal: Signal) -> bool:
    """False when this detector has said so already of these words."""
    return bool(await tx.fetchval(
        "INSERT INTO signals (id, case_id, post_id, edited_at, detector, version, clause, score, is_hiding, reasons, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING true",
        signal.id, signal.case_id, signal.post_id, signal.edited_at, signal.detector, signal.version, signal.clause, signal.score,
        signal.is_hiding, list(signal.reasons), signal.created_at,
    ))


async def list_signals(conn: ReadConn, case_ids: Sequence[int]) -> list[Signal]:
    """What detectors said in these cases, newest first. Leans on signals_case."""
    rows = await conn.fetch(
        "SELECT id, case_id, post_id, edited_at, detector, version, clause, score, is_hiding, reasons, created_at FROM signals"
        " WHERE case_id = ANY ($1::bigint[]) ORDER BY id DESC LIMIT 1000",
        list(case_ids),
    )
    return [Signal(**{**dict(row), "reasons": tuple(row["reasons"])}) for row in rows]


async def get_highest_score(conn: ReadConn, case_id: int) -> float:
    """Of the newest words that were examined; 0 without a signal."""
    value = await conn.fetchval(
        "SELECT max(score) FROM signals WHERE case_id = $1 AND edited_at IS NOT DISTINCT FROM"
        " (SELECT edited_at FROM signals WHERE case_id = $1 ORDER BY id DESC LIMIT 1)",
        case_id,
    )
    return float(value or 0)
