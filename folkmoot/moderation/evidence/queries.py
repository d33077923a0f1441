"""All SQL of evidence."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.moderation.evidence.model import Evidence, Version
from folkmoot.moderation.holds.queries import held_sql
from folkmoot.network.posts.model import Visibility


async def upsert_evidence(
    tx: WriteTx, case_id: int, account_id: int, evidence: Sequence[Evidence], now: datetime
) -> None:
    """Adds versions to a case. Of one that it has already, the first report and the last decision are stored."""
    await tx.executemany(
        "INSERT INTO evidence (case_id, key, account_id, content, stood_from, reported_at, decided_at, taken_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (case_id, key) DO UPDATE SET"
        " reported_at = coalesce(evidence.reported_at, excluded.reported_at),"
        " decided_at = coalesce(excluded.decided_at, evidence.decided_at)",
        [
            (case_id, one.version.key, account_id, msgspec.json.encode(one.version).decode(), one.version.stood_from, one.reported_at,
             one.decided_at, now)
            for one in evidence
        ],
    )


async def delete_quoted_words(tx: WriteTx, account_id: int) -> None:
    """Removes the words of an account from versions of others' posts that quote them. Reads the whole table, which is small."""
    await tx.execute(
        "UPDATE evidence SET content = content - 'quoted' WHERE content -> 'quoted' ->> 'account_id' = $1::bigint::text", account_id
    )


async def insert_held(tx: WriteTx, case_id: int, media_ids: Sequence[int]) -> None:
    await tx.execute(
        "INSERT INTO evidence_media (media_id, case_id) SELECT unnest($1::bigint[]), $2 ON CONFLICT DO NOTHING", list(media_ids), case_id
    )


async def list_evidence(conn: ReadConn, case_id: int) -> list[Evidence]:
    """The versions of a case, oldest first."""
    rows = await conn.fetch(
        "SELECT content, reported_at, decided_at FROM evidence WHERE case_id = $1 ORDER BY stood_from, taken_at, key", case_id
    )
    return [
        Evidence(version=msgspec.json.decode(row["content"], type=Version), reported_at=row["reported_at"], decided_at=row["decided_at"])
        for row in rows
    ]


async def copy_evidence(tx: WriteTx, from_case_id: int, to_case_id: int) -> None:
    """Gives the evidence of a case to the case of its appeal."""
    await tx.execute(
        "INSERT INTO evidence (case_id, key, account_id, content, stood_from, reported_at, decided_at, taken_at)"
        " SELECT $2, key, account_id, content, stood_from, reported_at, decided_at, taken_at FROM evidence WHERE case_id = $1"
        " ON CONFLICT DO NOTHING",
        from_case_id, to_case_id,
    )
    await tx.execute(
        "INSERT INTO evidence_media (media_id, case_id) SELECT media_id, $2 FROM evidence_media WHERE case_id = $1 ON CONFLICT DO NOTHING",
        from_case_id, to_case_id,
    )


async def is_private(conn: ReadConn, case_id: int) -> bool:
    """Whether a case is about a post that not everybody may read: for followers, or a message; also after its deletion."""
    return bool(await conn.fetchval(
        f"""
        SELECT EXISTS (SELECT FROM posts AS p WHERE p.id = c.subject_id AND p.visibility > {Visibility.UNLISTED:d})
            OR EXISTS (SELECT FROM deleted_posts AS d WHERE d.post_id = c.subject_id AND d.visibility > {Visibility.UNLISTED:d})
        FROM cases AS c WHERE c.id = $1 AND c.subject = '{Subject.POST}'
        """,
        case_id,
    ))


async def list_expired(tx: WriteTx, settled_before: datetime, limit: int) -> list[int]:
    """Cases whose evidence nobody needs any more and no hold keeps: withdrawn, of a deleted account, or decided by a verdict that was
    settled before that time."""
    rows = await tx.fetch(
        f"""
        SELECT c.id FROM cases AS c WHERE c.id IN (SELECT case_id FROM evidence) AND NOT {held_sql("c")} AND (
            c.state = '{State.WITHDRAWN}' OR NOT EXISTS (SELECT FROM accounts WHERE accounts.id = c.account_id)
            OR c.state = '{State.DECIDED}' AND EXISTS (
                SELECT FROM verdicts AS v WHERE v.case_id = c.id AND v.undone_at IS NULL AND v.settled_at < $1))
        ORDER BY c.id LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        settled_before, limit,
    )
    return [row["id"] for row in rows]


async def list_case_ids_of_account(tx: WriteTx, account_id: int) -> list[int]:
    """Without those that a hold keeps. Index: evidence_account."""
    rows = await tx.fetch(
        f"SELECT c.id FROM cases AS c WHERE c.id IN (SELECT case_id FROM evidence WHERE account_id = $1) AND NOT {held_sql('c')}",
        account_id,
    )
    return [row["id"] for row in rows]


async def list_case_ids_of_subject(tx: WriteTx, subject: Subject, subject_id: int) -> list[int]:
    """Cases about a subject that have evidence. Index: cases_subject."""
    rows = await tx.fetch(
        "SELECT c.id FROM cases AS c WHERE c.subject = $1 AND c.subject_id = $2 AND EXISTS (SELECT FROM evidence WHERE case_id = c.id)",
        subject, subject_id,
    )
    return [row["id"] for row in rows]


async def list_held_pictures(conn: ReadConn, account_id: int) -> dict[int, bool]:
    """The pictures in evidence about an account and its posts, and whether a legal hold keeps each. Index: cases_account."""
    rows = await conn.fetch(
        f"SELECT em.media_id, bool_or({held_sql('c')}) AS is_held FROM cases AS c JOIN evidence_media AS em ON em.case_id = c.id"
        " WHERE c.account_id = $1 GROUP BY em.media_id",
        account_id,
    )
    return {row["media_id"]: row["is_held"] for row in rows}


async def delete_evidence(tx: WriteTx, case_ids: Sequence[int]) -> list[int]:
    """Deletes the evidence of cases. Returns the pictures that no other case needs."""
    await tx.execute("DELETE FROM evidence WHERE case_id = ANY ($1::bigint[])", list(case_ids))
    rows = await tx.fetch(
        """
        WITH deleted AS (DELETE FROM evidence_media WHERE case_id = ANY ($1::bigint[]) RETURNING media_id)
        SELECT DISTINCT media_id FROM deleted
        WHERE NOT EXISTS (
            SELECT FROM evidence_media AS other WHERE other.media_id = deleted.media_id AND other.case_id <> ALL ($1::bigint[]))
        """,
        list(case_ids),
    )
    return [row["media_id"] for row in rows]
