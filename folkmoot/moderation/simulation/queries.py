"""SQL of simulations: how juries and cases have ended. They own no table."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.juries.model import SeatState, State
from folkmoot.moderation.verdicts.model import Action, DeciderKind


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


class FloodEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Of a case of a flood. `interim_at`: when its post was hidden at the deadline; `made_at` and the rest None before anybody decided."""

    case_id: int
    severity: float
    opened_at: datetime
    due_at: datetime
    interim_at: datetime | None
    verdict_id: int | None
    made_at: datetime | None
    is_breach: bool | None
    is_by_jury: bool

    @property
    def is_in_time(self) -> bool:
        return self.made_at is not None and self.made_at <= self.due_at

    @property
    def is_covered(self) -> bool:
        return not self.is_in_time and self.interim_at is not None and self.interim_at <= self.due_at

    @property
    def seen_until(self) -> datetime:
        """When it was decided or hidden, whichever came first; the deadline, if neither has happened."""
        return min(filter(None, (self.interim_at, self.made_at)), default=self.due_at)


async def list_flood_ends(conn: ReadConn, case_ids: Sequence[int]) -> list[FloodEnd]:
    """How these cases stand, in their order."""
    rows = await conn.fetch(
        f"""
        SELECT c.id AS case_id, c.severity, c.opened_at, c.due_at, c.interim_at, v.id AS verdict_id, v.made_at,
            v.action <> '{Action.KEEP}' AS is_breach, coalesce(v.decider_kind = '{DeciderKind.JURY}', false) AS is_by_jury
        FROM cases AS c LEFT JOIN verdicts AS v ON v.case_id = c.id AND v.undone_at IS NULL
        WHERE c.id = ANY ($1::bigint[]) ORDER BY c.id
        """,
        list(case_ids),
    )
    return [FloodEnd(**dict(row)) for row in rows]
