"""All SQL of verdicts."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.queries import list_decider_ids
from folkmoot.moderation.verdicts.model import Action, Decider, DeciderKind, Verdict

# The previous release stores the decider in `moderator_id` and does not fill the other two columns.
_VERDICT = (
    "id, case_id, decider_kind, coalesce(decider_id, moderator_id) AS decider_id, action, clause, policy, explanation, until, made_at,"
    " undone_at, settled_at, overturned_by_id"
)


def _verdict_from(row: Row) -> Verdict:
    values = {**dict(row), "action": Action(row["action"])}
    decider = Decider(DeciderKind(values.pop("decider_kind")), values.pop("decider_id"))
    return Verdict(**values, decider=decider)


async def insert_verdict(tx: WriteTx, verdict: Verdict) -> None:
    await tx.execute(
        "INSERT INTO verdicts (id, case_id, decider_kind, decider_id, moderator_id, action, clause, policy, explanation, until, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        verdict.id, verdict.case_id, verdict.decider.kind, verdict.decider.id,
        verdict.decider.id if verdict.decider.kind is DeciderKind.PERSON else None, verdict.action, verdict.clause, verdict.policy,
        verdict.explanation, verdict.until, verdict.made_at,
    )


async def get_verdict(conn: ReadConn, verdict_id: int) -> Verdict:
    row = await conn.fetchrow(f"SELECT {_VERDICT} FROM verdicts WHERE id = $1", verdict_id)
    if row is None:
        raise NotFound
    return _verdict_from(row)


async def lock_verdict(tx: WriteTx, verdict_id: int) -> Verdict:
    row = await tx.fetchrow(f"SELECT {_VERDICT} FROM verdicts WHERE id = $1 FOR UPDATE", verdict_id)
    if row is None:
        raise NotFound
    return _verdict_from(row)


async def find_last_of_moderator(conn: ReadConn, moderator_id: int) -> Verdict | None:
    """The newest verdict of a moderator that was not undone. Index: verdicts_moderator."""
    row = await conn.fetchrow(
        f"SELECT {_VERDICT} FROM verdicts WHERE moderator_id = $1 AND undone_at IS NULL ORDER BY id DESC LIMIT 1", moderator_id
    )
    return _verdict_from(row) if row else None


async def list_verdicts_of_cases(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, Verdict]:
    """The verdicts of cases that were not undone, by case id."""
    rows = await conn.fetch(
        f"SELECT {_VERDICT} FROM verdicts WHERE case_id = ANY ($1::bigint[]) AND undone_at IS NULL", list(case_ids)
    )
    return {row["case_id"]: _verdict_from(row) for row in rows}


async def count_verdicts_since(conn: ReadConn, moderator_id: int, since: datetime) -> int:
    """The number of verdicts of a moderator since then, without undone ones. Index: verdicts_moderator."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM verdicts WHERE moderator_id = $1 AND made_at >= $2 AND undone_at IS NULL", moderator_id, since
    ))


async def get_first_case_id(conn: ReadConn, case_id: int) -> int:
    """The reported case from which a chain of appeal cases started."""
    return int(await conn.fetchval(
        """
        WITH RECURSIVE up AS (
            SELECT id, appealed_verdict_id FROM cases WHERE id = $1
            UNION ALL
            SELECT c.id, c.appealed_verdict_id FROM up JOIN verdicts AS v ON v.id = up.appealed_verdict_id
            JOIN cases AS c ON c.id = v.case_id
        )
        SELECT id FROM up WHERE appealed_verdict_id IS NULL
        """,
        case_id,
    ))


async def has_overturned(conn: ReadConn, verdict_id: int) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM verdicts WHERE overturned_by_id = $1)", verdict_id))


async def list_verdict_deciders(conn: ReadConn, verdict: Verdict) -> list[int]:
    """The account ids of the deciders of a verdict: a person, or the members of a jury."""
    if verdict.decider.kind is DeciderKind.PERSON and verdict.decider.id:
        return [verdict.decider.id]
    return await list_decider_ids(conn, verdict.case_id)


async def list_verdicts_on_appeal(conn: ReadConn, verdict_id: int) -> list[Verdict]:
    """The verdicts on earlier appeals against this one."""
    rows = await conn.fetch(
        f"SELECT {_VERDICT} FROM verdicts WHERE case_id IN (SELECT id FROM cases WHERE appealed_verdict_id = $1) AND undone_at IS NULL",
        verdict_id,
    )
    return [_verdict_from(row) for row in rows]


async def update_undone(tx: WriteTx, verdict_id: int, at: datetime) -> None:
    await tx.execute("UPDATE verdicts SET undone_at = $2 WHERE id = $1", verdict_id, at)


async def update_settled(tx: WriteTx, verdict_id: int, at: datetime) -> None:
    await tx.execute("UPDATE verdicts SET settled_at = $2 WHERE id = $1", verdict_id, at)


async def update_overturned(tx: WriteTx, verdict_id: int, by_id: int | None) -> None:
    await tx.execute("UPDATE verdicts SET overturned_by_id = $2 WHERE id = $1", verdict_id, by_id)
