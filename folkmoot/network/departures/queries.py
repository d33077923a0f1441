"""All SQL of departures."""

from datetime import timedelta

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.network.departures.model import Departure, State

_DEPARTURE = "account_id, state, asked_at, due_at, due_at <= now() AS is_due"


def _departure_from(row: Row) -> Departure:
    return Departure(**{**dict(row), "state": State(row["state"])})


async def find_departure(conn: ReadConn, account_id: int) -> Departure | None:
    row = await conn.fetchrow(f"SELECT {_DEPARTURE} FROM departures WHERE account_id = $1", account_id)
    return _departure_from(row) if row else None


async def lock_departure(tx: WriteTx, account_id: int) -> Departure | None:
    """A departure, locked: staying and removing wait for each other."""
    row = await tx.fetchrow(f"SELECT {_DEPARTURE} FROM departures WHERE account_id = $1 FOR UPDATE", account_id)
    return _departure_from(row) if row else None


async def insert_departure(tx: WriteTx, account_id: int, state: State, wait: timedelta) -> Departure:
    row = await tx.fetchrow(
        "INSERT INTO departures (account_id, state, asked_at, due_at) VALUES ($1, $2, now(), now() + $3::interval)"
        f" RETURNING {_DEPARTURE}",
        account_id, state, wait,
    )
    assert row is not None
    return _departure_from(row)


async def update_state(tx: WriteTx, account_id: int, state: State) -> None:
    await tx.execute("UPDATE departures SET state = $2 WHERE account_id = $1", account_id, state)


async def delete_departure(tx: WriteTx, account_id: int) -> None:
    await tx.execute("DELETE FROM departures WHERE account_id = $1", account_id)
