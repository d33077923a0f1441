"""All SQL of proposals."""

from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.moderation.proposals.model import Kind, Proposal, State

_NAMES = Proposal.__struct_fields__
_PROPOSAL = ", ".join(_NAMES)
_OF_P = ", ".join(f"p.{name}" for name in _NAMES)


def _proposal_from(row: Row) -> Proposal:
    return Proposal(**{**dict(row), "kind": Kind(row["kind"]), "state": State(row["state"])})


async def insert_proposal(tx: WriteTx, made: Proposal) -> bool:
    """False if the same is proposed already. Index: proposals_waiting."""
    return bool(await tx.fetchval(
        "INSERT INTO proposals (id, kind, case_id, state, proposed_by_id, proposed_at, expires_at, verdict_id, count, reason, until)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING true",
        made.id, made.kind, made.case_id, made.state, made.proposed_by_id, made.proposed_at, made.expires_at, made.verdict_id, made.count,
        made.reason, made.until,
    ))


async def get_proposal(conn: ReadConn, proposal_id: int) -> Proposal:
    row = await conn.fetchrow(f"SELECT {_PROPOSAL} FROM proposals WHERE id = $1", proposal_id)
    if row is None:
        raise NotFound
    return _proposal_from(row)


async def lock_proposal(tx: WriteTx, proposal_id: int) -> Proposal:
    row = await tx.fetchrow(f"SELECT {_PROPOSAL} FROM proposals WHERE id = $1 FOR UPDATE", proposal_id)
    if row is None:
        raise NotFound
    return _proposal_from(row)


async def list_waiting_for(conn: ReadConn, moderator_id: int, now: datetime, limit: int = 50) -> list[Proposal]:
    """Proposals that a moderator can answer: of others, about cases that do not concern them, the oldest first. Index:
    proposals_waiting."""
    rows = await conn.fetch(
        f"SELECT {_OF_P} FROM proposals AS p JOIN cases AS c ON c.id = p.case_id WHERE p.state = '{State.PROPOSED}' AND p.expires_at > $2"
        f" AND p.proposed_by_id <> $1 AND NOT {concerned_sql('$1::bigint')} ORDER BY p.proposed_at, p.id LIMIT $3",
        moderator_id, now, limit,
    )
    return [_proposal_from(row) for row in rows]


async def list_own_waiting(conn: ReadConn, moderator_id: int, now: datetime, limit: int = 50) -> list[Proposal]:
    """What a moderator has proposed and nobody has answered, the oldest first."""
    rows = await conn.fetch(
        f"SELECT {_PROPOSAL} FROM proposals WHERE state = '{State.PROPOSED}' AND expires_at > $2 AND proposed_by_id = $1"
        " ORDER BY proposed_at, id LIMIT $3",
        moderator_id, now, limit,
    )
    return [_proposal_from(row) for row in rows]


async def list_waiting(conn: ReadConn, now: datetime, limit: int = 1000) -> list[Proposal]:
    """All proposals that wait for an answer, the oldest first, for operators."""
    rows = await conn.fetch(
        f"SELECT {_PROPOSAL} FROM proposals WHERE state = '{State.PROPOSED}' AND expires_at > $1 ORDER BY proposed_at, id LIMIT $2",
        now, limit,
    )
    return [_proposal_from(row) for row in rows]


async def list_proposals_of_case(conn: ReadConn, case_id: int) -> list[Proposal]:
    """The newest first. Index: proposals_case."""
    rows = await conn.fetch(f"SELECT {_PROPOSAL} FROM proposals WHERE case_id = $1 ORDER BY id DESC LIMIT 50", case_id)
    return [_proposal_from(row) for row in rows]


async def lock_waiting_of_verdict(tx: WriteTx, verdict_id: int) -> list[Proposal]:
    rows = await tx.fetch(
        f"SELECT {_PROPOSAL} FROM proposals WHERE state = '{State.PROPOSED}' AND verdict_id = $1 ORDER BY id FOR UPDATE", verdict_id
    )
    return [_proposal_from(row) for row in rows]


async def lock_expired(tx: WriteTx, now: datetime, limit: int) -> list[Proposal]:
    rows = await tx.fetch(
        f"SELECT {_PROPOSAL} FROM proposals WHERE state = '{State.PROPOSED}' AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2"
        " FOR UPDATE SKIP LOCKED",
        now, limit,
    )
    return [_proposal_from(row) for row in rows]


async def update_closed(tx: WriteTx, proposal_id: int, state: State, closed_by_id: int | None, at: datetime) -> None:
    await tx.execute(
        "UPDATE proposals SET state = $2, closed_by_id = $3, closed_at = $4 WHERE id = $1", proposal_id, state, closed_by_id, at
    )
