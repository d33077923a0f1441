"""SQL of simulations: how juries have ended. They own no table."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.juries.model import SeatState, State
from folkmoot.moderation.verdicts.model import Action


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """Of a case whose jury has ended. `reason`: why moderators decide, "" if the jury has; `verdict_id` and `is_breach`: None before
    anybody has decided; `votes`: answers; `drawn`: all seats, with those that were lost."""

    case_id: int
    reason: str
    verdict_id: int | None
    is_breach: bool | None
    votes: int
    drawn: int
    closed_at: datetime


async def list_endings(conn: ReadConn, case_ids: Sequence[int]) -> list[Ending]:
    """Those of these cases whose jury does not sit any more, in the order of the cases."""
    rows = await conn.fetch(
        f"""
        SELECT j.case_id, j.reason, v.id AS verdict_id, v.action <> '{Action.KEEP}' AS is_breach, j.closed_at,
            (SELECT count(*) FROM jury_seats AS s WHERE s.case_id = j.case_id AND s.state = '{SeatState.ANSWERED}') AS votes,
            (SELECT count(*) FROM jury_seats AS s WHERE s.case_id = j.case_id) AS drawn
        FROM juries AS j LEFT JOIN verdicts AS v ON v.case_id = j.case_id AND v.undone_at IS NULL
        WHERE j.case_id = ANY ($1::bigint[]) AND j.state <> '{State.SITTING}' ORDER BY j.case_id
        """,
        list(case_ids),
    )
    return [Ending(**dict(row)) for row in rows]
