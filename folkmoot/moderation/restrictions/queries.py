"""All SQL of restrictions."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.restrictions.model import Kind, Restriction

_RESTRICTION = (
    "id, subject, subject_id, account_id, kind, clause, case_id, verdict_id, imposed_at, until, lifted_at, lifted_by_verdict_id,"
    " cleared_at"
)


def _restriction_from(row: Row) -> Restriction:
    return Restriction(**{**dict(row), "subject": Subject(row["subject"]), "kind": Kind(row["kind"])})


async def insert_restriction(tx: WriteTx, restriction: Restriction) -> None:
    await insert_restrictions(tx, [restriction])


async def insert_restrictions(tx: WriteTx, restrictions: Sequence[Restriction]) -> None:
    await tx.executemany(
        "INSERT INTO restrictions (id, subject, subject_id, account_id, kind, clause, case_id, verdict_id, imposed_at, until)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [
            (one.id, one.subject, one.subject_id, one.account_id, one.kind, one.clause, one.case_id, one.verdict_id, one.imposed_at,
             one.until)
            for one in restrictions
        ],
    )


async def lock_subject(tx: WriteTx, subject: Subject, subject_id: int) -> None:
    """Serialises changes of the restrictions of a subject, so that its effect is always derived from all of its rows."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7021))", f"{subject}:{subject_id}")


async def lock_hiding(tx: WriteTx, account_id: int) -> None:
    """Serialises the hiding of posts of one author by programs, so that none is counted too late."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7022))", str(account_id))


async def lock_subjects(tx: WriteTx, subject: Subject, subject_ids: Sequence[int]) -> None:
    """The same for several subjects, in the order of their ids."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || ':' || one.id, 7021)) FROM unnest($2::bigint[]) AS one (id)",
        subject, sorted(subject_ids),
    )


async def lock_posts(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """Locks the rows of posts, so that their texts do not change meanwhile."""
    await tx.execute("SELECT FROM posts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE", list(post_ids))


async def lock_post(tx: WriteTx, post_id: int) -> None:
    """Locks the row of a post, so that its text does not change meanwhile."""
    await tx.execute("SELECT FROM posts WHERE id = $1 FOR UPDATE", post_id)


async def lock_post_edited_at(tx: WriteTx, post_id: int) -> tuple[bool, datetime | None]:
    """(whether the post exists, when it was last edited), with its row locked, so that its text does not change meanwhile."""
    row = await tx.fetchrow("SELECT edited_at FROM posts WHERE id = $1 FOR UPDATE", post_id)
    return (True, row["edited_at"]) if row else (False, None)


async def list_in_force(conn: ReadConn, subject: Subject, subject_id: int) -> list[Restriction]:
    """Restrictions in force, oldest first. Index: restrictions_standing."""
    rows = await conn.fetch(
        f"SELECT {_RESTRICTION} FROM restrictions WHERE subject = $1 AND subject_id = $2 AND lifted_at IS NULL ORDER BY id",
        subject, subject_id,
    )
    return [_restriction_from(row) for row in rows]


async def list_hidden_until_decided(conn: ReadConn, subject: Subject, subject_ids: Sequence[int]) -> set[int]:
    """Those of these subjects that are hidden pending review already, or removed. Index: restrictions_standing."""
    rows = await conn.fetch(
        "SELECT DISTINCT subject_id FROM restrictions WHERE subject = $1 AND subject_id = ANY ($2::bigint[]) AND lifted_at IS NULL"
        f" AND (verdict_id IS NULL AND kind = '{Kind.HIDE}' OR kind = '{Kind.REMOVE}')",
        subject, list(subject_ids),
    )
    return {row["subject_id"] for row in rows}


async def count_hidden_by_programs(conn: ReadConn, account_id: int, since: datetime) -> int:
    """How many posts of an author programs have hidden since then, without those that people have restricted as well. What is hidden
    at a deadline is not counted. Index: statements_account; ids are ordered by time."""
    return int(await conn.fetchval(
        "SELECT count(DISTINCT r.subject_id) FROM statements AS s JOIN restrictions AS r ON r.id = s.restriction_id"
        " WHERE s.account_id = $1 AND s.id >= $2 AND s.is_interim AND NOT s.is_after_deadline"
        f" AND r.kind = '{Kind.HIDE}' AND NOT EXISTS (SELECT FROM restrictions AS later WHERE later.case_id = r.case_id"
        "  AND later.verdict_id IS NOT NULL AND later.lifted_at IS NULL)",
        account_id, ids.first_id(since),
    ))


async def list_of_case(conn: ReadConn, case_id: int) -> list[Restriction]:
    rows = await conn.fetch(f"SELECT {_RESTRICTION} FROM restrictions WHERE case_id = $1 ORDER BY id", case_id)
    return [_restriction_from(row) for row in rows]


async def list_of_verdict(conn: ReadConn, verdict_id: int) -> list[Restriction]:
    rows = await conn.fetch(f"SELECT {_RESTRICTION} FROM restrictions WHERE verdict_id = $1 ORDER BY id", verdict_id)
    return [_restriction_from(row) for row in rows]


async def list_lifted_by(conn: ReadConn, verdict_id: int) -> list[Restriction]:
    rows = await conn.fetch(f"SELECT {_RESTRICTION} FROM restrictions WHERE lifted_by_verdict_id = $1 ORDER BY id", verdict_id)
    return [_restriction_from(row) for row in rows]


async def list_expired(tx: WriteTx, now: datetime, limit: int = 100) -> list[Restriction]:
    """Restrictions whose time is over. Index: restrictions_until."""
    rows = await tx.fetch(
        f"SELECT {_RESTRICTION} FROM restrictions WHERE lifted_at IS NULL AND until <= $1 ORDER BY until LIMIT $2", now, limit
    )
    return [_restriction_from(row) for row in rows]


async def list_wrong_reach(conn: ReadConn, limit: int = 100) -> list[tuple[Subject, int]]:
    """Posts and accounts whose reach is limited without such a restriction in force, or not limited in spite of one. Reads all
    restrictions of these two kinds."""
    rows = await conn.fetch(
        f"""
        SELECT r.subject, r.subject_id FROM restrictions AS r
        LEFT JOIN accounts AS a ON r.subject = '{Subject.ACCOUNT}' AND a.id = r.subject_id
        LEFT JOIN posts AS p ON r.subject = '{Subject.POST}' AND p.id = r.subject_id
        WHERE r.kind IN ('{Kind.LIMIT}', '{Kind.LIMIT_POST}')
        GROUP BY r.subject, r.subject_id, coalesce(a.is_limited, p.is_limited)
        HAVING bool_or(r.lifted_at IS NULL) <> coalesce(a.is_limited, p.is_limited) LIMIT $1
        """,
        limit,
    )
    return [(Subject(row["subject"]), row["subject_id"]) for row in rows]


async def list_limited_posts(conn: ReadConn, since: datetime, limit: int = 500) -> list[int]:
    """Posts whose reach was limited since then, and still is, the last first. Uses the primary key: ids are ordered by time."""
    rows = await conn.fetch(
        f"SELECT subject_id FROM restrictions WHERE id >= $1 AND subject = '{Subject.POST}' AND kind = '{Kind.LIMIT_POST}'"
        " AND lifted_at IS NULL ORDER BY id DESC LIMIT $2",
        ids.first_id(since), limit,
    )
    return [row["subject_id"] for row in rows]


async def update_cleared(tx: WriteTx, subject: Subject, subject_id: int, at: datetime) -> None:
    """Notes that a subject was deleted for good, in all of its restrictions in force."""
    await tx.execute(
        "UPDATE restrictions SET cleared_at = $3 WHERE subject = $1 AND subject_id = $2 AND lifted_at IS NULL AND cleared_at IS NULL",
        subject, subject_id, at,
    )


async def update_lifted(tx: WriteTx, restriction_id: int, at: datetime | None, by_verdict_id: int | None) -> bool:
    """Lifts a restriction, or (`at` None) puts it back in force; False if that was already its state."""
    return bool(await tx.execute(
        "UPDATE restrictions SET lifted_at = $2, lifted_by_verdict_id = $3"
        " WHERE id = $1 AND (lifted_at IS NULL) = ($2::timestamptz IS NOT NULL)",
        restriction_id, at, by_verdict_id,
    ))
