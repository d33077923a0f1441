"""All SQL of legal holds, and the rule which cases are held."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.holds.model import Ground, Hold, State
from folkmoot.moderation.proposals.model import Kind as ProposalKind
from folkmoot.moderation.proposals.model import State as ProposalState

_OWN = (
    "id", "case_id", "ground", "reason", "state", "placed_at", "until", "proposal_id", "ended_at", "ended_by_id", "end_reason",
)
_SELECT = (
    f"SELECT {', '.join(f'h.{name}' for name in _OWN)}, p.proposed_by_id, p.closed_by_id AS agreed_by_id"
    " FROM legal_holds AS h LEFT JOIN proposals AS p ON p.id = h.proposal_id"
)


def _hold_from(row: Row) -> Hold:
    return Hold(**{**dict(row), "ground": Ground(row["ground"]), "state": State(row["state"])})


def held_sql(case: str) -> str:
    """SQL: whether a hold keeps what `case` (a table alias) is about, or waits for its second person. Indexes: legal_holds_in_force,
    proposals_waiting."""
    return f"""EXISTS (
        SELECT FROM (
            SELECT case_id FROM legal_holds WHERE state = '{State.IN_FORCE}'
            UNION ALL
            SELECT case_id FROM proposals WHERE kind = '{ProposalKind.HOLD}' AND state = '{ProposalState.PROPOSED}'
        ) AS held JOIN cases AS hc ON hc.id = held.case_id
        WHERE hc.subject = {case}.subject AND hc.subject_id = {case}.subject_id
            OR hc.subject = '{Subject.ACCOUNT}' AND hc.subject_id = {case}.account_id)"""


async def insert_hold(tx: WriteTx, hold: Hold) -> None:
    await tx.execute(
        "INSERT INTO legal_holds (id, case_id, ground, reason, state, placed_at, until, proposal_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        hold.id, hold.case_id, hold.ground, hold.reason, hold.state, hold.placed_at, hold.until, hold.proposal_id,
    )


async def get_hold(conn: ReadConn, hold_id: int) -> Hold:
    row = await conn.fetchrow(f"{_SELECT} WHERE h.id = $1", hold_id)
    if row is None:
        raise NotFound
    return _hold_from(row)


async def lock_hold(tx: WriteTx, hold_id: int) -> Hold:
    row = await tx.fetchrow(f"{_SELECT} WHERE h.id = $1 FOR UPDATE OF h", hold_id)
    if row is None:
        raise NotFound
    return _hold_from(row)


async def list_holds(conn: ReadConn, *, with_ended: bool = False, limit: int = 200) -> list[Hold]:
    """Holds in force, the one that ends first at the beginning; then (`with_ended`) the ended ones."""
    rows = await conn.fetch(
        f"{_SELECT} WHERE $1 OR h.state = '{State.IN_FORCE}' ORDER BY h.state <> '{State.IN_FORCE}', h.until, h.id LIMIT $2",
        with_ended, limit,
    )
    return [_hold_from(row) for row in rows]


async def list_holds_of_case(conn: ReadConn, case_id: int) -> list[Hold]:
    """Index: legal_holds_case."""
    return [_hold_from(row) for row in await conn.fetch(f"{_SELECT} WHERE h.case_id = $1 ORDER BY h.id DESC LIMIT 50", case_id)]


async def lock_expired(tx: WriteTx, now: datetime, limit: int) -> list[Hold]:
    rows = await tx.fetch(
        f"{_SELECT} WHERE h.state = '{State.IN_FORCE}' AND h.until <= $1 ORDER BY h.until, h.id LIMIT $2 FOR UPDATE OF h SKIP LOCKED",
        now, limit,
    )
    return [_hold_from(row) for row in rows]


async def update_ended(tx: WriteTx, hold_id: int, state: State, at: datetime, by_id: int | None, reason: str) -> None:
    await tx.execute(
        "UPDATE legal_holds SET state = $2, ended_at = $3, ended_by_id = $4, end_reason = $5 WHERE id = $1",
        hold_id, state, at, by_id, reason,
    )


async def list_held(conn: ReadConn, case_ids: Sequence[int]) -> set[int]:
    """Those of these cases that a hold keeps."""
    rows = await conn.fetch(
        f"SELECT c.id FROM cases AS c WHERE c.id = ANY ($1::bigint[]) AND {held_sql('c')}", list(case_ids)
    )
    return {row["id"] for row in rows}


async def list_held_cases_of_post(conn: ReadConn, post_id: int) -> list[int]:
    """The held cases about a post. Index: cases_subject."""
    rows = await conn.fetch(
        f"SELECT c.id FROM cases AS c WHERE c.subject = '{Subject.POST}' AND c.subject_id = $1 AND {held_sql('c')} ORDER BY c.id", post_id
    )
    return [row["id"] for row in rows]
