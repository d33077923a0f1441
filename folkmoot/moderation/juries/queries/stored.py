"""SQL of juries and their seats. A transaction that changes a seat has locked the row of its jury."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.juries.model import OUTSTANDING, Jury, Reason, Seat, SeatState, Severity, State
from folkmoot.moderation.jurors.model import Sureness
from folkmoot.moderation.jury.model import Answer, Camp

_JURY = "case_id, state, reason, side, is_agreed, wanted, restarts, formed_at, closed_at"
_SEAT = (
    "id, case_id, number, account_id, camp, state, drawn_at, until, opened_at, version, answer, clause, severity, sureness, answered_at"
)
IS_OUTSTANDING = f"IN ({', '.join(repr(str(state)) for state in OUTSTANDING)})"


def _jury_from(row: Row) -> Jury:
    values: dict[str, Any] = dict(row)
    values.update(
        state=State(row["state"]), reason=Reason(row["reason"]) if row["reason"] else None,
        side=Camp(row["side"]) if row["side"] is not None else None,
    )
    return Jury(**values)


def _seat_from(row: Row) -> Seat:
    values: dict[str, Any] = {name: row[name] for name in _SEAT.split(", ")}
    values.update(
        camp=Camp(row["camp"]), state=SeatState(row["state"]), answer=Answer(row["answer"]) if row["answer"] is not None else None,
        severity=Severity(row["severity"]) if row["severity"] else None, sureness=Sureness(row["sureness"]) if row["sureness"] else None,
    )
    return Seat(**values)


async def insert_jury(tx: WriteTx, jury: Jury) -> bool:
    """False if the case has one."""
    return bool(await tx.fetchval(
        f"INSERT INTO juries ({_JURY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING true",
        jury.case_id, jury.state, jury.reason or "", jury.side, jury.is_agreed, jury.wanted, jury.restarts, jury.formed_at, jury.closed_at,
    ))


async def find_jury(conn: ReadConn, case_id: int) -> Jury | None:
    row = await conn.fetchrow(f"SELECT {_JURY} FROM juries WHERE case_id = $1", case_id)
    return _jury_from(row) if row else None


async def lock_jury(tx: WriteTx, case_id: int) -> Jury | None:
    row = await tx.fetchrow(f"SELECT {_JURY} FROM juries WHERE case_id = $1 FOR UPDATE", case_id)
    return _jury_from(row) if row else None


async def update_jury(tx: WriteTx, jury: Jury) -> None:
    """Stores all of a jury that can change."""
    await tx.execute(
        "UPDATE juries SET state = $2, reason = $3, wanted = $4, restarts = $5, closed_at = $6 WHERE case_id = $1",
        jury.case_id, jury.state, jury.reason or "", jury.wanted, jury.restarts, jury.closed_at,
    )


async def insert_seats(tx: WriteTx, seats: Sequence[Seat]) -> None:
    """New seats, which are offered."""
    await tx.execute(
        "INSERT INTO jury_seats (id, case_id, number, account_id, camp, state, drawn_at, until)"
        " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::smallint[], $6::text[], $7::timestamptz[],"
        " $8::timestamptz[])",
        *(list(column) for column in zip(
            *((one.id, one.case_id, one.number, one.account_id, one.camp, one.state, one.drawn_at, one.until) for one in seats), strict=True
        )),
    )


async def list_seats(conn: ReadConn, case_id: int) -> list[Seat]:
    """All seats of a case, in the order in which they were drawn."""
    rows = await conn.fetch(f"SELECT {_SEAT} FROM jury_seats WHERE case_id = $1 ORDER BY number", case_id)
    return [_seat_from(row) for row in rows]


async def get_own_seat(conn: ReadConn, account_id: int, seat_id: int) -> Seat:
    """Raises NotFound for the seat of another juror."""
    row = await conn.fetchrow(f"SELECT {_SEAT} FROM jury_seats WHERE id = $1 AND account_id = $2", seat_id, account_id)
    if row is None:
        raise NotFound
    return _seat_from(row)


async def list_own_outstanding(conn: ReadConn, account_id: int, now: datetime) -> list[Seat]:
    """The seats that a juror has or is offered in open cases: opened ones first, then the earliest deadline. Index:
    jury_seats_outstanding."""
    rows = await conn.fetch(
        f"SELECT {', '.join(f's.{name}' for name in _SEAT.split(', '))} FROM jury_seats AS s JOIN juries AS j USING (case_id)"
        " JOIN cases AS c ON c.id = s.case_id"
        f" WHERE s.account_id = $1 AND s.state {IS_OUTSTANDING} AND s.until > $2 AND j.state = '{State.SITTING}'"
        f" AND c.state = '{CaseState.OPEN}' ORDER BY s.state <> '{SeatState.OPENED}', c.due_at, s.id",
        account_id, now,
    )
    return [_seat_from(row) for row in rows]


async def update_seat(tx: WriteTx, seat: Seat) -> None:
    """Stores all of a seat that can change."""
    await tx.execute(
        "UPDATE jury_seats SET state = $2, until = $3, opened_at = $4, version = $5, answer = $6, clause = $7, severity = $8,"
        " sureness = $9, answered_at = $10, drawn_at = $11 WHERE id = $1",
        seat.id, seat.state, seat.until, seat.opened_at, seat.version, seat.answer, seat.clause, seat.severity, seat.sureness,
        seat.answered_at, seat.drawn_at,
    )


async def count_outstanding(conn: ReadConn, case_id: int) -> int:
    return int(await conn.fetchval(f"SELECT count(*) FROM jury_seats WHERE case_id = $1 AND state {IS_OUTSTANDING}", case_id))


async def void_outstanding(tx: WriteTx, case_id: int) -> None:
    """Voids the seats of a jury that has ended without their answers."""
    await tx.execute(f"UPDATE jury_seats SET state = '{SeatState.VOID}' WHERE case_id = $1 AND state {IS_OUTSTANDING}", case_id)
