"""Deletes seats and answers when nobody can appeal any more."""

from datetime import datetime

from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.juries.model import State


async def delete_seats(tx: WriteTx, ended_before: datetime, limit: int) -> int:
    """Deletes the seats of juries that ended before that time, if no case about the same subject is open or was closed since. Returns
    how many juries."""
    rows = await tx.fetch(
        f"""
        WITH ended AS (
            SELECT j.case_id FROM juries AS j JOIN cases AS c ON c.id = j.case_id
            WHERE j.state <> '{State.SITTING}' AND j.closed_at < $1 AND EXISTS (SELECT FROM jury_seats AS s WHERE s.case_id = j.case_id)
              AND NOT EXISTS (SELECT FROM cases AS o WHERE o.subject = c.subject AND o.subject_id = c.subject_id
                              AND (o.state = '{CaseState.OPEN}' OR o.closed_at >= $1))
            LIMIT $2 FOR UPDATE OF j SKIP LOCKED
        )
        DELETE FROM jury_seats AS s USING ended WHERE s.case_id = ended.case_id RETURNING s.case_id
        """,
        ended_before, limit,
    )
    return len({row["case_id"] for row in rows})
