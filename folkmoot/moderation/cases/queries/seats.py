"""SQL of seats. A transaction that changes one must have locked the row of its case."""

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import Seat, SeatKind, SeatState


async def list_seats(conn: ReadConn, case_id: int) -> tuple[Seat, ...]:
    rows = await conn.fetch(
        "SELECT kind, number, account_id, state, leased_until FROM case_seats WHERE case_id = $1 ORDER BY kind, number", case_id
    )
    return tuple(
        Seat(SeatKind(row["kind"]), row["number"], row["account_id"], SeatState(row["state"]), row["leased_until"]) for row in rows
    )


async def upsert_seat(tx: WriteTx, case_id: int, seat: Seat) -> None:
    await tx.execute(
        "INSERT INTO case_seats (case_id, kind, number, account_id, state, leased_until) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (case_id, kind, number) DO UPDATE SET account_id = excluded.account_id, state = excluded.state,"
        " leased_until = excluded.leased_until",
        case_id, seat.kind, seat.number, seat.account_id, seat.state, seat.leased_until,
    )
