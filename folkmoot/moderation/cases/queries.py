"""All SQL of cases."""

from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.model import Case, State, Subject, Waiting
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions.model import Role

_CASE = (
    "id, subject, subject_id, account_id, state, clause, severity, probability, harm, appealed_verdict_id, barred_ids, holder_id,"
    " held_until, opened_at, due_at, closed_at"
)
# Expected harm, growing up to threefold as the time to decide runs out. $1 is now.
_URGENCY = "harm * (1 + 2 * least(1, greatest(0, extract(epoch FROM $1 - opened_at) / extract(epoch FROM due_at - opened_at))))"


def case_from(row: Row) -> Case:
    values = dict(row)
    values.update(subject=Subject(row["subject"]), state=State(row["state"]), barred_ids=tuple(row["barred_ids"]))
    return Case(**values)


async def get_case(conn: ReadConn, case_id: int) -> Case:
    row = await conn.fetchrow(f"SELECT {_CASE} FROM cases WHERE id = $1", case_id)
    if row is None:
        raise NotFound
    return case_from(row)


async def lock_case(tx: WriteTx, case_id: int) -> Case:
    """The case, with its row locked until the transaction ends."""
    row = await tx.fetchrow(f"SELECT {_CASE} FROM cases WHERE id = $1 FOR UPDATE", case_id)
    if row is None:
        raise NotFound
    return case_from(row)


async def keep_subject(tx: WriteTx, subject: Subject, subject_id: int) -> bool:
    """Whether a subject is there. A post that is stays until this transaction ends: who deletes it then finds the case."""
    if subject is Subject.ACCOUNT:
        return True
    return bool(await tx.fetchval("SELECT true FROM posts WHERE id = $1 FOR KEY SHARE", subject_id))


async def find_open_case(tx: WriteTx, subject: Subject, subject_id: int) -> Case | None:
    """The open first look at a subject, with its row locked. Leans on cases_one_open."""
    row = await tx.fetchrow(
        f"SELECT {_CASE} FROM cases WHERE subject = $1 AND subject_id = $2 AND state = 'open' AND appealed_verdict_id IS NULL"
        " FOR UPDATE",
        subject, subject_id,
    )
    return case_from(row) if row else None


async def find_appeal_case(tx: WriteTx, verdict_id: int) -> Case | None:
    """The open second look at a verdict, with its row locked. Leans on cases_one_appeal."""
    row = await tx.fetchrow(f"SELECT {_CASE} FROM cases WHERE appealed_verdict_id = $1 AND state = 'open' FOR UPDATE", verdict_id)
    return case_from(row) if row else None


async def insert_case(tx: WriteTx, case: Case) -> bool:
    """False when somebody else opened one for the same subject at the same moment."""
    return bool(await tx.fetchval(
        "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, appealed_verdict_id,"
        " barred_ids, opened_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " ON CONFLICT DO NOTHING RETURNING true",
        case.id, case.subject, case.subject_id, case.account_id, case.state, case.clause, case.severity, case.probability, case.harm,
        case.appealed_verdict_id, list(case.barred_ids), case.opened_at, case.due_at,
    ))


async def update_estimate(tx: WriteTx, case: Case) -> None:
    """Stores what is suspected, how likely and how harmful it is, who is barred, and until when it must be decided."""
    await tx.execute(
        "UPDATE cases SET clause = $2, severity = $3, probability = $4, harm = $5, barred_ids = $6, due_at = $7 WHERE id = $1",
        case.id, case.clause, case.severity, case.probability, case.harm, list(case.barred_ids), case.due_at,
    )


async def update_state(tx: WriteTx, case_id: int, state: State, closed_at: datetime | None) -> None:
    await tx.execute("UPDATE cases SET state = $2, closed_at = $3 WHERE id = $1", case_id, state, closed_at)


async def claim_case(tx: WriteTx, case_id: int, moderator_id: int, now: datetime, until: datetime) -> bool:
    """Takes or renews a claim, in one statement: False while somebody else holds it, or for one who may not."""
    return bool(await tx.execute(
        "UPDATE cases SET holder_id = $2, held_until = $4 WHERE id = $1 AND state = 'open'"
        " AND (holder_id = $2 OR holder_id IS NULL OR held_until <= $3)"
        " AND account_id <> $2 AND NOT barred_ids @> ARRAY[$2::bigint]",
        case_id, moderator_id, now, until,
    ))


async def release_case(tx: WriteTx, case_id: int, moderator_id: int) -> bool:
    return bool(await tx.execute(
        "UPDATE cases SET holder_id = NULL, held_until = NULL WHERE id = $1 AND holder_id = $2", case_id, moderator_id
    ))


async def list_queue(conn: ReadConn, now: datetime, limit: int, moderator_id: int | None = None) -> list[Case]:
    """Open cases, most urgent first; for a moderator those that this one may decide and nobody else holds."""
    rows = await conn.fetch(
        f"SELECT {_CASE} FROM cases WHERE state = 'open' AND ($3::bigint IS NULL OR account_id <> $3"
        " AND NOT barred_ids @> ARRAY[$3::bigint] AND (holder_id IS NULL OR holder_id = $3 OR held_until <= $1))"
        f" ORDER BY {_URGENCY} DESC, id LIMIT $2",
        now, limit, moderator_id,
    )
    return [case_from(row) for row in rows]


async def count_open(conn: ReadConn, now: datetime) -> Waiting:
    """How many cases wait, how many beyond their time, and how many that no moderator of this network may decide."""
    row = await conn.fetchrow(
        """
        SELECT count(*) AS open, count(*) FILTER (WHERE due_at <= $1) AS overdue, min(due_at) AS next_due_at,
            count(*) FILTER (WHERE NOT EXISTS (
                SELECT FROM logins AS l JOIN accounts AS a ON a.id = l.account_id
                WHERE l.role = ANY ($2::text[]) AND a.effect < $3 AND l.account_id <> c.account_id
                  AND NOT c.barred_ids @> ARRAY[l.account_id])) AS stuck
        FROM cases AS c WHERE c.state = 'open'
        """,
        now, [Role.MODERATOR, Role.OPERATOR], AccountEffect.FROZEN,
    )
    assert row is not None
    return Waiting(**dict(row))


async def list_cases_of_account(conn: ReadConn, account_id: int, without: int, limit: int = 20) -> list[Case]:
    """The history of an author: earlier cases, newest first. Leans on cases_account."""
    rows = await conn.fetch(
        f"SELECT {_CASE} FROM cases WHERE account_id = $1 AND id <> $2 ORDER BY id DESC LIMIT $3", account_id, without, limit
    )
    return [case_from(row) for row in rows]


async def was_decided(conn: ReadConn, subject: Subject, subject_id: int, since: datetime | None) -> bool:
    """Whether people have decided about a subject as it is now; `since`: when it last changed. Leans on cases_subject."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM cases WHERE subject = $1 AND subject_id = $2 AND state = 'decided'"
        " AND ($3::timestamptz IS NULL OR closed_at > $3))",
        subject, subject_id, since,
    ))


async def list_open_cases_of_post(tx: WriteTx, post_id: int) -> list[Case]:
    """Open cases about a post, first and second looks, with their rows locked."""
    rows = await tx.fetch(
        f"SELECT {_CASE} FROM cases WHERE subject = 'post' AND subject_id = $1 AND state = 'open' ORDER BY id FOR UPDATE", post_id
    )
    return [case_from(row) for row in rows]


async def holds_case_with_picture(conn: ReadConn, moderator_id: int, key: str, now: datetime) -> bool:
    """Whether somebody is deciding right now about the post that shows a picture."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM media AS m JOIN cases AS c ON c.subject = 'post' AND c.subject_id = m.post_id"
        " WHERE m.key = $1 AND c.state = 'open' AND c.holder_id = $2 AND c.held_until > $3)",
        key, moderator_id, now,
    ))


async def get_reach(conn: ReadConn, subject: Subject, subject_id: int, account_id: int) -> tuple[int, int]:
    """(followers of the author, boosts of the post)."""
    row = await conn.fetchrow(
        "SELECT (SELECT followers FROM account_counts WHERE account_id = $1) AS followers,"
        " (SELECT boosts FROM post_counts WHERE $2 = 'post' AND post_id = $3) AS boosts",
        account_id, subject, subject_id,
    )
    assert row is not None
    return row["followers"] or 0, row["boosts"] or 0
