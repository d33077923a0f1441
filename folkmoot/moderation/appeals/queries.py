"""All SQL of appeals."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.appeals.model import Appeal, Clearable, Objection, Side, State
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.holds.queries import held_sql
from folkmoot.moderation.restrictions.model import Kind

# Whether `case` is about the subject of the restriction `r`; to an account also what it wrote belongs.
_ABOUT_SAME = (
    f"({{case}}.subject = r.subject AND {{case}}.subject_id = r.subject_id"
    f" OR r.subject = '{Subject.ACCOUNT}' AND {{case}}.account_id = r.subject_id)"
)
_APPEAL = "id, verdict_id, case_id, appellant_id, side, reason, state, lodged_at, closed_at, notice_id"


def _appeal_from(row: Row) -> Appeal:
    values = {name: row[name] for name in _APPEAL.split(", ")}
    return Appeal(**{**values, "side": Side(row["side"]), "state": State(row["state"])})


async def insert_appeal(tx: WriteTx, appeal: Appeal) -> bool:
    """False when this appellant has appealed against this verdict already."""
    return bool(await tx.fetchval(
        f"INSERT INTO appeals ({_APPEAL}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING true",
        appeal.id, appeal.verdict_id, appeal.case_id, appeal.appellant_id, appeal.side, appeal.reason, appeal.state, appeal.lodged_at,
        appeal.closed_at, appeal.notice_id,
    ))


async def get_own_appeal(conn: ReadConn, appellant_id: int, appeal_id: int) -> Appeal:
    row = await conn.fetchrow(f"SELECT {_APPEAL} FROM appeals WHERE id = $1 AND appellant_id = $2", appeal_id, appellant_id)
    if row is None:
        raise NotFound
    return _appeal_from(row)


async def find_own_appeal(conn: ReadConn, appellant_id: int, verdict_id: int) -> Appeal | None:
    row = await conn.fetchrow(f"SELECT {_APPEAL} FROM appeals WHERE verdict_id = $1 AND appellant_id = $2", verdict_id, appellant_id)
    return _appeal_from(row) if row else None


async def list_own_appeals(conn: ReadConn, appellant_id: int, verdict_ids: Sequence[int]) -> dict[int, Appeal]:
    """By verdict."""
    rows = await conn.fetch(
        f"SELECT {_APPEAL} FROM appeals WHERE appellant_id = $1 AND verdict_id = ANY ($2::bigint[])", appellant_id, list(verdict_ids)
    )
    return {row["verdict_id"]: _appeal_from(row) for row in rows}


async def list_appeals_of_case(conn: ReadConn, case_id: int) -> list[Appeal]:
    """The appeals that are heard in a case. Index: appeals_case."""
    rows = await conn.fetch(f"SELECT {_APPEAL} FROM appeals WHERE case_id = $1 ORDER BY id LIMIT 100", case_id)
    return [_appeal_from(row) for row in rows]


async def list_objections(conn: ReadConn, notice_id: int) -> list[Objection]:
    """What the sender of a notice has objected to, oldest first. Index: appeals_notice."""
    rows = await conn.fetch(
        f"SELECT {', '.join(f'a.{name}' for name in _APPEAL.split(', '))}, c.subject, c.subject_id, c.due_at"
        " FROM appeals AS a JOIN cases AS c ON c.id = a.case_id WHERE a.notice_id = $1 ORDER BY a.id",
        notice_id,
    )
    return [
        Objection(appeal=_appeal_from(row), subject=Subject(row["subject"]), subject_id=row["subject_id"], due_at=row["due_at"])
        for row in rows
    ]


async def list_objecting_notices(conn: ReadConn, case_id: int) -> set[int]:
    """The notices whose senders object in this case."""
    rows = await conn.fetch("SELECT notice_id FROM appeals WHERE case_id = $1 AND notice_id IS NOT NULL", case_id)
    return {row["notice_id"] for row in rows}


async def take_untold_objections(tx: WriteTx, case_id: int, at: datetime) -> list[int]:
    """Marks the notifiers' closed appeals in a case as answered; returns the notices of those that were not yet."""
    rows = await tx.fetch(
        "UPDATE appeals SET told_at = $2 WHERE case_id = $1 AND notice_id IS NOT NULL AND told_at IS NULL AND closed_at IS NOT NULL"
        " RETURNING notice_id",
        case_id, at,
    )
    return sorted({row["notice_id"] for row in rows})


async def update_state(tx: WriteTx, appeal_id: int, state: State, at: datetime) -> None:
    await tx.execute("UPDATE appeals SET state = $2, closed_at = $3 WHERE id = $1", appeal_id, state, at)


async def blank_reasons(tx: WriteTx, appellant_id: int) -> None:
    await tx.execute("UPDATE appeals SET reason = '' WHERE appellant_id = $1 AND reason <> ''", appellant_id)


async def has_reported(conn: ReadConn, account_id: int, case_id: int) -> bool:
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM report_cases WHERE reporter_id = $1 AND case_id = $2)", account_id, case_id
    ))


async def list_clearable(tx: WriteTx, kind: Kind, settled_before: datetime, limit: int) -> list[Clearable]:
    """Removed posts, or accounts that are to be deleted, about which nobody can appeal any more: all verdicts about them were settled
    before that time, no case is open, and no hold keeps them. Locks the restrictions. Index: restrictions_to_clear."""
    rows = await tx.fetch(
        f"""
        SELECT r.subject, r.subject_id, r.case_id, r.clause FROM restrictions AS r JOIN cases AS c ON c.id = r.case_id
        WHERE r.kind = $1 AND r.kind IN ('{Kind.REMOVE}', '{Kind.DELETE}') AND r.lifted_at IS NULL AND r.cleared_at IS NULL
            AND r.imposed_at < $2 AND NOT {held_sql("c")}
            AND NOT EXISTS (SELECT FROM cases AS o WHERE o.state = '{CaseState.OPEN}' AND {_ABOUT_SAME.format(case="o")})
            AND NOT EXISTS (
                SELECT FROM cases AS o JOIN verdicts AS v ON v.case_id = o.id WHERE {_ABOUT_SAME.format(case="o")}
                AND v.undone_at IS NULL AND (v.settled_at IS NULL OR v.settled_at >= $2))
        ORDER BY r.imposed_at, r.id LIMIT $3 FOR UPDATE OF r SKIP LOCKED
        """,
        kind, settled_before, limit,
    )
    return [Clearable(**{**dict(row), "subject": Subject(row["subject"])}) for row in rows]


async def list_case_ids_of(tx: WriteTx, subject: Subject, subject_id: int) -> list[int]:
    """Index: cases_subject."""
    rows = await tx.fetch("SELECT id FROM cases WHERE subject = $1 AND subject_id = $2 ORDER BY id", subject, subject_id)
    return [row["id"] for row in rows]
