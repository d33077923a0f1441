"""All SQL of answers: it only reads, for evidence packages."""

from folkmoot.base.db import ReadConn
from folkmoot.moderation.answers.model import RestrictionPart


async def list_restriction_parts(conn: ReadConn, case_id: int) -> list[RestrictionPart]:
    """The restrictions that a case led to, in their order. Those of a verdict that is not settled are left out: it can be undone."""
    rows = await conn.fetch(
        "SELECT r.kind, r.clause, r.imposed_at, r.until, r.lifted_at, r.verdict_id IS NULL AS is_interim"
        " FROM restrictions AS r LEFT JOIN verdicts AS v ON v.id = r.verdict_id"
        " WHERE r.case_id = $1 AND (v.id IS NULL OR v.settled_at IS NOT NULL) ORDER BY r.imposed_at, r.id",
        case_id,
    )
    return [RestrictionPart(**dict(row)) for row in rows]


async def list_answer_positions(conn: ReadConn, case_ids: list[int], notice_id: int) -> list[int | None]:
    """The positions in the journal of the answers to a notice; None for one that is not sealed yet. Index: journal_case."""
    rows = await conn.fetch(
        "SELECT position FROM journal WHERE case_id = ANY ($1::bigint[]) AND kind = 'notice.answered'"
        " AND facts::jsonb ->> 'notice' = $2",
        case_ids, str(notice_id),
    )
    return [row["position"] for row in rows]
