"""All SQL of learning."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.evidence.model import Version
from folkmoot.moderation.learning.model import Answer, DecidedText, Sample
from folkmoot.moderation.verdicts.model import Action
from folkmoot.network.posts.model import PostEffect, Visibility

# A sample (s) that waits for a moderator ($1): of somebody else's post (p), which is public and as it was when it was drawn.
_WAITING = (
    "s.answer IS NULL AND p.account_id <> $1 AND p.edited_at IS NOT DISTINCT FROM s.edited_at"
    f" AND p.visibility <= {Visibility.UNLISTED:d} AND p.effect = {PostEffect.NONE:d}"
)


async def list_decided_texts(conn: ReadConn, after_case_id: int, limit: int) -> list[DecidedText]:
    """What settled verdicts in force were about, by case id, as long as their evidence is kept; without private messages.

    Of a chain of appeals only the last verdict is in force.
    """
    rows = await conn.fetch(
        f"""
        SELECT c.id AS case_id, v.action = '{Action.KEEP}' AS is_kept, v.clause, v.settled_at, e.content
        FROM cases AS c JOIN verdicts AS v ON v.case_id = c.id
        CROSS JOIN LATERAL (
            SELECT content FROM evidence WHERE evidence.case_id = c.id AND decided_at IS NOT NULL ORDER BY decided_at DESC LIMIT 1) AS e
        WHERE c.id > $1 AND v.settled_at IS NOT NULL AND v.undone_at IS NULL AND v.overturned_by_id IS NULL
          AND (c.subject = '{Subject.ACCOUNT}'
            OR EXISTS (SELECT FROM posts AS p WHERE p.id = c.subject_id AND p.visibility < {Visibility.DIRECT:d})
            OR EXISTS (SELECT FROM deleted_posts AS d WHERE d.post_id = c.subject_id AND d.visibility < {Visibility.DIRECT:d}))
        ORDER BY c.id LIMIT $2
        """,
        after_case_id, limit,
    )
    return [
        DecidedText(
            case_id=row["case_id"], is_kept=row["is_kept"], clause=row["clause"], settled_at=row["settled_at"],
            version=msgspec.json.decode(row["content"], type=Version),
        )
        for row in rows
    ]


async def list_unexamined_post_ids(conn: ReadConn, since: datetime, limit: int) -> list[int]:
    """Posts since then that everybody may see, without those that have a case or were drawn before. Index: primary key."""
    rows = await conn.fetch(
        f"""
        SELECT p.id FROM posts AS p
        WHERE p.id >= $1 AND p.boost_of_id IS NULL AND p.visibility <= {Visibility.UNLISTED:d} AND p.effect = {PostEffect.NONE:d}
            AND p.text <> '' AND NOT EXISTS (SELECT FROM samples WHERE samples.post_id = p.id)
            AND NOT EXISTS (SELECT FROM cases AS c WHERE c.subject = '{Subject.POST}' AND c.subject_id = p.id)
        ORDER BY p.id DESC LIMIT $2
        """,
        ids.first_id(since), limit,
    )
    return [row["id"] for row in rows]


async def insert_samples(tx: WriteTx, samples: Sequence[Sample]) -> None:
    """Posts that were deleted meanwhile are left out."""
    await tx.executemany(
        "INSERT INTO samples (post_id, edited_at, score, is_unsure, drawn_at)"
        " SELECT id, $2::timestamptz, $3::real, $4::boolean, $5::timestamptz FROM posts WHERE id = $1 FOR KEY SHARE ON CONFLICT DO NOTHING",
        [(one.post_id, one.edited_at, one.score, one.is_unsure, one.drawn_at) for one in samples],
    )


async def find_waiting(conn: ReadConn, moderator_id: int) -> Sample | None:
    """The oldest sample that nobody has reviewed, not by the moderator. Index: samples_waiting."""
    row = await conn.fetchrow(
        f"""
        SELECT s.post_id, s.edited_at, s.score, s.is_unsure, s.drawn_at FROM samples AS s JOIN posts AS p ON p.id = s.post_id
        WHERE {_WAITING}
        ORDER BY s.drawn_at, s.post_id LIMIT 1
        """,
        moderator_id,
    )
    return Sample(**dict(row)) if row else None


async def count_samples(conn: ReadConn, moderator_id: int) -> int:
    """How many wait for this moderator; at most 100 are counted."""
    return int(await conn.fetchval(
        f"SELECT count(*) FROM (SELECT FROM samples AS s JOIN posts AS p ON p.id = s.post_id WHERE {_WAITING} LIMIT 100) AS found",
        moderator_id,
    ))


async def update_answer(tx: WriteTx, post_id: int, edited_at: datetime | None, answer: Answer, moderator_id: int, at: datetime) -> bool:
    """False if somebody has answered already, or the post has changed."""
    return bool(await tx.fetchval(
        "UPDATE samples SET answer = $3, reviewed_by_id = $4, reviewed_at = $5"
        " WHERE post_id = $1 AND edited_at IS NOT DISTINCT FROM $2 AND answer IS NULL RETURNING true",
        post_id, edited_at, answer, moderator_id, at,
    ))


async def list_answered(conn: ReadConn, after_post_id: int, limit: int) -> list[tuple[int, Answer]]:
    """Answered samples whose post stands as it was drawn, by post id."""
    rows = await conn.fetch(
        f"""
        SELECT s.post_id, s.answer FROM samples AS s JOIN posts AS p ON p.id = s.post_id
        WHERE s.post_id > $1 AND s.answer IN ('{Answer.THREAT}', '{Answer.HARMLESS}') AND p.edited_at IS NOT DISTINCT FROM s.edited_at
        ORDER BY s.post_id LIMIT $2
        """,
        after_post_id, limit,
    )
    return [(row["post_id"], Answer(row["answer"])) for row in rows]


async def list_judged(conn: ReadConn, after_post_id: int, limit: int) -> list[tuple[int, tuple[str, ...]]]:
    """Posts of the random sample that people have judged and that stand as they were drawn, with the keys of the clauses that they break,
    by post id. Index: sample_items_post."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (s.post_id) s.post_id, s.clauses FROM sample_items AS s JOIN posts AS p ON p.id = s.post_id
        WHERE s.post_id > $1 AND s.clauses IS NOT NULL AND p.edited_at IS NOT DISTINCT FROM s.edited_at
        ORDER BY s.post_id, s.labelled_at DESC LIMIT $2
        """,
        after_post_id, limit,
    )
    return [(row["post_id"], tuple(row["clauses"])) for row in rows]


async def delete_unanswered(tx: WriteTx, drawn_before: datetime) -> None:
    await tx.execute("DELETE FROM samples WHERE answer IS NULL AND drawn_at < $1", drawn_before)
