"""Which cases a moderator may be offered, and which topics everybody leaves to others.

A moderator's choice of topics is respected as long as somebody else can decide. A case that nobody would be offered otherwise
goes to operators when half of its time has passed, and to everybody who may decide it when little is left (decision 0100).
"""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import ASSIGNED_FOR, LEASE, SeatKind, SeatState, Share, State
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.sessions.model import Role

# `Seat.is_held` as SQL, at the time $3.
IS_HELD = (
    f"s.kind = '{SeatKind.MODERATOR}' AND s.state = '{SeatState.HELD}'"
    f" AND s.leased_until > $3 AND s.leased_until <= $3::timestamptz + interval '{LEASE.total_seconds():.0f} seconds'"
)
NO_JURY_SITS = "NOT EXISTS (SELECT FROM juries AS j WHERE j.case_id = c.id AND j.state = 'sitting')"
_IS_STAFF = f"l.role IN ('{Role.MODERATOR}', '{Role.OPERATOR}') AND l.disabled_at IS NULL AND a.effect < {AccountEffect.FROZEN:d}"
# Nobody may decide the case who does not leave its topic to others.
_IS_LEFT = (
    "NOT EXISTS (SELECT FROM logins AS l JOIN accounts AS a ON a.id = l.account_id"
    " LEFT JOIN moderator_preferences AS m ON m.account_id = l.account_id"
    f" WHERE {_IS_STAFF} AND c.clause <> ALL (coalesce(m.avoided, '{{}}')) AND NOT {concerned_sql('l.account_id')})"
)
_IS_OFFERED = (
    "(c.clause <> ALL (coalesce((SELECT avoided FROM moderator_preferences WHERE account_id = $2), '{}'))"
    f" OR c.noted_share >= {Share.HALF:d} AND (c.noted_share >= {Share.LATE:d}"
    f" OR (SELECT role FROM logins WHERE account_id = $2) = '{Role.OPERATOR}') AND {_IS_LEFT})"
)
# The moderator $2 may decide the case and does not leave its topic to others, and no other holds it or was asked to decide it at the
# time $3; no jury sits on it, unless half of the time has passed.
MAY_DECIDE = (
    f"{_IS_OFFERED} AND (c.noted_share >= {Share.HALF:d} OR {NO_JURY_SITS})"
    f" AND (c.assigned_to_id IS NULL OR c.assigned_to_id = $2 OR c.noted_share >= {Share.LATE:d}"
    f" OR c.assigned_at < $3::timestamptz - interval '{ASSIGNED_FOR.total_seconds():.0f} seconds')"
    f" AND NOT {concerned_sql('$2::bigint')}"
    f" AND NOT EXISTS (SELECT FROM case_seats AS s WHERE s.case_id = c.id AND s.account_id <> $2 AND {IS_HELD})"
)


async def list_avoiding(conn: ReadConn, account_ids: Sequence[int], clause: str) -> set[int]:
    """Those of these accounts that leave cases of a clause to others."""
    rows = await conn.fetch(
        "SELECT account_id FROM moderator_preferences WHERE account_id = ANY ($1::bigint[]) AND $2 = ANY (avoided)",
        list(account_ids), clause,
    )
    return {row["account_id"] for row in rows}


async def list_left_clauses(conn: ReadConn) -> list[str]:
    """The clauses that everybody who decides leaves to others; none where nobody decides."""
    rows = await conn.fetch(
        f"WITH staff AS (SELECT l.account_id FROM logins AS l JOIN accounts AS a ON a.id = l.account_id WHERE {_IS_STAFF})"
        " SELECT clause FROM staff JOIN moderator_preferences AS m USING (account_id) CROSS JOIN unnest(m.avoided) AS clause"
        " GROUP BY clause HAVING count(DISTINCT account_id) = (SELECT count(*) FROM staff) ORDER BY clause"
    )
    return [row["clause"] for row in rows]


async def count_left(conn: ReadConn, case_ids: Sequence[int]) -> int:
    """How many of these open cases somebody may decide, but everybody who may leaves their topic to others."""
    return int(await conn.fetchval(
        f"SELECT count(*) FROM cases AS c WHERE c.id = ANY ($1::bigint[]) AND c.state = '{State.OPEN}' AND {_IS_LEFT}"
        f" AND EXISTS (SELECT FROM logins AS l JOIN accounts AS a ON a.id = l.account_id WHERE {_IS_STAFF}"
        f"  AND NOT {concerned_sql('l.account_id')})",
        list(case_ids),
    ))
