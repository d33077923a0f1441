"""Changes and locks cases."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.model import Case, CasesToCall, Share, State, Subject
from folkmoot.moderation.cases.queries.orders import HIDES
from folkmoot.moderation.cases.queries.reading import SELECT, case_from, get_case
from folkmoot.network.sessions.model import Role

_SHARES = ", ".join(f"({share:d})" for share in Share)


async def lock_case(tx: WriteTx, case_id: int) -> Case:
    """The case, with its row locked until the transaction ends. It takes two statements, so that the second one sees the seats
    that the previous holder of the lock has committed."""
    if not await tx.fetchval("SELECT true FROM cases WHERE id = $1 FOR UPDATE", case_id):
        raise NotFound
    return await get_case(tx, case_id)


async def find_open_case(tx: WriteTx, subject: Subject, subject_id: int) -> Case | None:
    """The open case of a subject that is not an appeal, with its row locked. Index: cases_one_open."""
    case_id = await tx.fetchval(
        f"SELECT id FROM cases WHERE subject = $1 AND subject_id = $2 AND state = '{State.OPEN}' AND appealed_verdict_id IS NULL"
        " FOR UPDATE",
        subject, subject_id,
    )
    return await get_case(tx, case_id) if case_id else None


async def find_appeal_case(tx: WriteTx, verdict_id: int) -> Case | None:
    """The open appeal case of a verdict, with its row locked. Index: cases_one_appeal."""
    case_id = await tx.fetchval(
        f"SELECT id FROM cases WHERE appealed_verdict_id = $1 AND state = '{State.OPEN}' FOR UPDATE", verdict_id
    )
    return await get_case(tx, case_id) if case_id else None


async def protect_subject(tx: WriteTx, subject: Subject, subject_id: int) -> bool:
    """Returns whether a subject exists, and prevents its deletion until this transaction ends; a later deletion then finds the
    case."""
    table = "posts" if subject is Subject.POST else "accounts"
    return bool(await tx.fetchval(f"SELECT true FROM {table} WHERE id = $1 FOR KEY SHARE", subject_id))


async def can_be_decided(tx: WriteTx, subject: Subject, subject_id: int) -> bool:
    """Returns whether a subject exists (see `protect_subject`), or is kept after its deletion: a post for a day, and longer as
    the evidence of a case."""
    if await protect_subject(tx, subject, subject_id):
        return True
    return bool(await tx.fetchval(
        f"SELECT EXISTS (SELECT FROM deleted_posts WHERE $1 = '{Subject.POST}' AND post_id = $2)"
        " OR EXISTS (SELECT FROM cases AS c JOIN evidence AS e ON e.case_id = c.id WHERE c.subject = $1 AND c.subject_id = $2)",
        subject, subject_id,
    ))


async def insert_case(tx: WriteTx, case: Case) -> bool:
    """False when another transaction has opened one for the same subject."""
    return bool(await tx.fetchval(
        "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, appealed_verdict_id,"
        " barred_ids, opened_at, due_at, is_confirmed, is_demanded, is_ordered)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        " ON CONFLICT DO NOTHING RETURNING true",
        case.id, case.subject, case.subject_id, case.account_id, case.state, case.clause, case.severity, case.probability, case.harm,
        case.appealed_verdict_id, list(case.barred_ids), case.opened_at, case.due_at, case.is_confirmed,
        case.is_demanded, case.is_ordered,
    ))


async def update_estimate(tx: WriteTx, case: Case) -> None:
    """Stores the suspected clause, its probability and harm, the barred accounts, and the deadline if it is earlier than before."""
    await tx.execute(
        "UPDATE cases SET clause = $2, severity = $3, probability = $4, harm = $5, barred_ids = $6, due_at = least(due_at, $7)"
        " WHERE id = $1",
        case.id, case.clause, case.severity, case.probability, case.harm, list(case.barred_ids), case.due_at,
    )


async def lock_free_cases(tx: WriteTx, case_ids: Sequence[int]) -> list[Case]:
    """Those of these open cases that no other transaction has locked, with their rows locked."""
    rows = await tx.fetch(
        f"{SELECT} WHERE c.id = ANY ($1::bigint[]) AND c.state = '{State.OPEN}' ORDER BY c.id FOR UPDATE SKIP LOCKED", list(case_ids)
    )
    return [case_from(row) for row in rows]


async def update_probabilities(tx: WriteTx, changes: Sequence[tuple[int, float]]) -> None:
    """Stores other probabilities of cases, which have one already, and the harm that follows from each."""
    await tx.executemany("UPDATE cases SET harm = harm * $2::float8 / probability, probability = $2::float8 WHERE id = $1", list(changes))


async def update_confirmed(tx: WriteTx, case_id: int) -> None:
    await tx.execute("UPDATE cases SET is_confirmed = true WHERE id = $1", case_id)


async def update_due_at(tx: WriteTx, case_id: int, due_at: datetime) -> bool:
    """Moves the deadline of an open case to an earlier time; False if that is not earlier, or the case is closed."""
    return bool(await tx.execute(f"UPDATE cases SET due_at = $2 WHERE id = $1 AND due_at > $2 AND state = '{State.OPEN}'", case_id, due_at))


async def update_demanded(tx: WriteTx, case_id: int, *, is_ordered: bool) -> None:
    """Puts an open case into the lane of demands; `is_ordered`: among what authorities have ordered."""
    await tx.execute(
        "UPDATE cases SET is_demanded = true, is_ordered = is_ordered OR $2"
        f" WHERE id = $1 AND NOT (is_demanded AND (is_ordered OR NOT $2)) AND state = '{State.OPEN}'",
        case_id, is_ordered,
    )


async def update_state(tx: WriteTx, case_id: int, state: State, closed_at: datetime | None) -> None:
    await tx.execute("UPDATE cases SET state = $2, closed_at = $3 WHERE id = $1", case_id, state, closed_at)


async def list_open_cases_of_post(tx: WriteTx, post_id: int) -> list[Case]:
    """Open cases about a post, appeals included, with their rows locked."""
    rows = await tx.fetch(
        f"{SELECT} WHERE c.subject = '{Subject.POST}' AND c.subject_id = $1 AND c.state = '{State.OPEN}' ORDER BY c.id FOR UPDATE",
        post_id,
    )
    return [case_from(row) for row in rows]


async def update_barred(tx: WriteTx, post_id: int, account_ids: Sequence[int]) -> None:
    """Bars those of these accounts that may be asked to decide from all cases about a post. Index: cases_subject."""
    await tx.execute(
        f"""
        UPDATE cases SET barred_ids = ARRAY(SELECT DISTINCT unnest(barred_ids || staff.ids))
        FROM (SELECT array_agg(account_id) AS ids FROM logins WHERE account_id = ANY ($2::bigint[]) AND role <> '{Role.MEMBER}') AS staff
        WHERE subject = '{Subject.POST}' AND subject_id = $1 AND staff.ids IS NOT NULL
        """,
        post_id, list(account_ids),
    )


async def list_open_cases_of_account(tx: WriteTx, account_id: int) -> list[Case]:
    """Open cases about an account and about its posts, with their rows locked. Index: cases_account."""
    rows = await tx.fetch(
        f"{SELECT} WHERE c.account_id = $1 AND c.state = '{State.OPEN}' ORDER BY c.id FOR UPDATE", account_id
    )
    return [case_from(row) for row in rows]


async def take_deadlines(tx: WriteTx, now: datetime, limit: int = 200) -> list[tuple[int, Share, datetime]]:
    """Marks the reached shares of the time to decide of open cases as noted; returns (case, share, due_at) for each new one,
    earliest deadline first."""
    rows = await tx.fetch(
        f"""
        WITH reached AS (
            SELECT c.id, c.noted_share, max(share.value) AS share FROM cases AS c JOIN (VALUES {_SHARES}) AS share (value)
                ON share.value > c.noted_share AND $1 - c.opened_at >= (c.due_at - c.opened_at) * (share.value / 100.0::float8)
            WHERE c.state = '{State.OPEN}' AND c.noted_share < {Share.OVER:d} GROUP BY c.id ORDER BY c.due_at LIMIT $2
        ), noted AS (
            UPDATE cases AS c SET noted_share = reached.share FROM reached
            WHERE c.id = reached.id AND c.noted_share = reached.noted_share AND c.state = '{State.OPEN}'
            RETURNING c.id, c.due_at, reached.noted_share AS before, reached.share
        )
        SELECT noted.id, share.value, noted.due_at FROM noted JOIN (VALUES {_SHARES}) AS share (value)
            ON share.value > noted.before AND share.value <= noted.share
        ORDER BY noted.due_at, noted.id, share.value
        """,
        now, limit,
    )
    return [(row["id"], Share(row["value"]), row["due_at"]) for row in rows]


async def take_overdue(tx: WriteTx, due_until: datetime, now: datetime, limit: int) -> list[Case]:
    """Marks the open cases whose deadline is here and which nobody has taken yet, if they hide their post at it;
    returns them with their rows locked. Index: cases_to_hide."""
    rows = await tx.fetch(
        f"""
        WITH due AS (
            SELECT c.id FROM cases AS c WHERE c.state = '{State.OPEN}' AND c.interim_at IS NULL AND c.due_at <= $1 AND {HIDES}
            ORDER BY c.due_at, c.id LIMIT $3 FOR UPDATE SKIP LOCKED
        ), taken AS (
            UPDATE cases AS c SET interim_at = $2 FROM due WHERE c.id = due.id RETURNING c.id
        )
        {SELECT} WHERE c.id IN (SELECT id FROM taken) ORDER BY c.subject_id
        """,
        due_until, now, limit,
    )
    return [case_from(row) for row in rows]


async def take_calls(tx: WriteTx, share: Share, now: datetime, pause: timedelta, most: int) -> CasesToCall | None:
    """Marks the open cases that have reached exactly this share as called for; None if there are none, or the last call for this
    share was less than `pause` ago. Index: cases_to_call."""
    row = await tx.fetchrow(
        f"""
        WITH due AS (
            SELECT id FROM cases WHERE state = '{State.OPEN}' AND called_share < noted_share AND noted_share = $1
                AND NOT EXISTS (SELECT FROM escalation_calls WHERE share = $1 AND called_at > $2::timestamptz - $3::interval
                    AND called_at <= $2)
            ORDER BY id FOR UPDATE SKIP LOCKED
        ), taken AS (
            UPDATE cases AS c SET called_share = $1 FROM due WHERE c.id = due.id RETURNING c.id, c.due_at
        ), noted AS (
            INSERT INTO escalation_calls (share, called_at) SELECT $1, $2 WHERE EXISTS (SELECT FROM taken)
            ON CONFLICT (share) DO UPDATE SET called_at = excluded.called_at
        )
        SELECT count(*) AS count, min(due_at) AS next_due_at, (array_agg(id ORDER BY due_at, id))[:$4] AS case_ids FROM taken
        """,
        share, now, pause, most,
    )
    return CasesToCall(row["count"], row["next_due_at"], tuple(row["case_ids"])) if row and row["count"] else None
