"""Numbers of juries for moderators and operators. No accounts."""

from datetime import UTC, datetime, timedelta

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.juries.model import Reason, SeatState, State

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
PROGRESS_EVERY = timedelta(minutes=15)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the jury of a case is. `asked`: seats; `reason`: why moderators decide; `as_of`: when so many had answered.

    While a jury sits, the number changes every PROGRESS_EVERY only: who reads it each second must not learn when somebody answered,
    because that may be when a member was seen to be here.
    """

    state: State
    reason: Reason | None
    asked: int
    answered: int
    as_of: datetime


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`sitting`: juries; `oldest_at`: when the first of them was formed; `invited`, `opened`: seats; `decided`, `passed`: juries that ended
    since a time, and cases that were left to moderators, by reason."""

    sitting: int
    oldest_at: datetime | None
    invited: int
    opened: int
    decided: int
    passed: dict[str, int]


async def find_progress(conn: ReadConn, case_id: int, now: datetime) -> Progress | None:
    as_of = now - (now - _EPOCH) % PROGRESS_EVERY
    row = await conn.fetchrow(
        f"""
        SELECT j.state, j.reason, j.wanted AS asked,
            count(s) FILTER (WHERE s.state = '{SeatState.ANSWERED}' AND (s.answered_at < $2 OR j.state <> '{State.SITTING}')) AS answered
        FROM juries AS j LEFT JOIN jury_seats AS s USING (case_id) WHERE j.case_id = $1 GROUP BY j.case_id
        """,
        case_id, as_of,
    )
    if row is None:
        return None
    reason = Reason(row["reason"]) if row["reason"] else None
    return Progress(**{**dict(row), "state": State(row["state"]), "reason": reason}, as_of=as_of)


async def get_figures(conn: ReadConn, now: datetime, lasting: timedelta) -> Figures:
    """Of all juries now, and of those that ended within that time. Reads the table of juries."""
    row = await conn.fetchrow(
        f"""
        SELECT count(*) FILTER (WHERE state = '{State.SITTING}') AS sitting,
            min(formed_at) FILTER (WHERE state = '{State.SITTING}') AS oldest_at,
            count(*) FILTER (WHERE state = '{State.DECIDED}' AND closed_at > $1) AS decided,
            (SELECT count(*) FROM jury_seats WHERE state = '{SeatState.OFFERED}') AS invited,
            (SELECT count(*) FROM jury_seats WHERE state = '{SeatState.OPENED}') AS opened
        FROM juries
        """,
        now - lasting,
    )
    assert row is not None
    rows = await conn.fetch(
        f"SELECT reason, count(*) FROM juries WHERE state = '{State.STAFF}' AND closed_at > $1 GROUP BY reason ORDER BY 2 DESC, 1",
        now - lasting,
    )
    return Figures(**dict(row), passed={one["reason"]: one["count"] for one in rows})
