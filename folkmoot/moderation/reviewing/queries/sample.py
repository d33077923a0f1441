"""SQL of the seats in which jurors label posts of the daily sample.

An item waits for jurors while nobody has answered it and its post is public and as it was drawn. A transaction that changes seats has
locked the item.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.juries.model import SampledPost, SeatState, Severity
from folkmoot.moderation.juries.queries.stored import IS_OUTSTANDING
from folkmoot.moderation.jurors.model import Sureness
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.measurement.model import SampleItem, Stratum
from folkmoot.moderation.reviewing.model import SampleSeat
from folkmoot.network.posts.model import Visibility

_SEAT = "id, item_id, account_id, state, suspected, drawn_at, until, opened_at, version, answer, clause, severity, sureness, answered_at"
_ITEM = "i.id, i.day, i.post_id, i.edited_at, i.stratum, i.draws, i.score, i.is_queued"
_IS_WAITING = f"i.labelled_at IS NULL AND p.edited_at IS NOT DISTINCT FROM i.edited_at AND p.visibility <= {Visibility.UNLISTED:d}"


def _seat_from(row: Row) -> SampleSeat:
    values: dict[str, Any] = {name: row[name] for name in _SEAT.split(", ")}
    values.update(
        state=SeatState(row["state"]), answer=Answer(row["answer"]) if row["answer"] is not None else None,
        severity=Severity(row["severity"]) if row["severity"] else None, sureness=Sureness(row["sureness"]) if row["sureness"] else None,
    )
    return SampleSeat(**values)


async def list_to_offer(conn: ReadConn, since: date, agreed: int, limit: int, now: datetime) -> list[int]:
    """Items of this day or later that wait for jurors and have too few of them, or lost ones. `agreed`: the fewest answers of an item.
    Index: sample_items_waiting."""
    rows = await conn.fetch(
        f"""
        SELECT i.id FROM sample_items AS i JOIN posts AS p ON p.id = i.post_id
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE s.state {IS_OUTSTANDING} AND s.until > $4) AS outstanding,
                count(*) FILTER (WHERE s.state = '{SeatState.ANSWERED}') AS answered
            FROM sample_seats AS s WHERE s.item_id = i.id
        ) AS seats
        WHERE {_IS_WAITING} AND i.day >= $1 AND (seats.outstanding = 0 OR seats.outstanding + seats.answered < $2)
        ORDER BY i.day, i.id LIMIT $3
        """,
        since, agreed, limit, now,
    )
    return [row["id"] for row in rows]


async def lock_item(tx: WriteTx, item_id: int) -> SampleItem | None:
    """An item that waits for an answer; None for every other one."""
    row = await tx.fetchrow(
        f"SELECT {_ITEM} FROM sample_items AS i WHERE i.id = $1 AND i.labelled_at IS NULL FOR UPDATE", item_id
    )
    return SampleItem(**{**dict(row), "stratum": Stratum(row["stratum"])}) if row else None


async def find_post_id(conn: ReadConn, item_id: int) -> int:
    """The post of an item. Raises NotFound."""
    found = await conn.fetchval("SELECT post_id FROM sample_items WHERE id = $1", item_id)
    if found is None:
        raise NotFound
    return int(found)


async def find_sampled(conn: ReadConn, item_id: int, suspected: str) -> SampledPost | None:
    """What matters of the post of an item for a draw; None if it waits no longer. A post that has a case is suspected as that case is."""
    row = await conn.fetchrow(
        f"""
        SELECT i.id AS item_id, i.post_id, p.account_id, p.language, p.media_count > 0 AS has_pictures, coalesce((
            SELECT c.clause FROM cases AS c WHERE c.subject = '{Subject.POST}' AND c.subject_id = i.post_id AND c.clause <> ''
            ORDER BY c.id LIMIT 1), $2) AS suspected
        FROM sample_items AS i JOIN posts AS p ON p.id = i.post_id WHERE i.id = $1 AND {_IS_WAITING}
        """,
        item_id, suspected,
    )
    return SampledPost(**dict(row)) if row else None


async def list_newest_clauses(conn: ReadConn, limit: int) -> list[str]:
    """The suspected clauses of the newest cases about posts. Index: the primary key."""
    rows = await conn.fetch(
        f"SELECT clause FROM cases WHERE subject = '{Subject.POST}' AND clause <> '' ORDER BY id DESC LIMIT $1", limit
    )
    return [row["clause"] for row in rows]


async def insert_seats(tx: WriteTx, seats: Sequence[SampleSeat]) -> None:
    await tx.executemany(
        "INSERT INTO sample_seats (id, item_id, account_id, state, suspected, drawn_at, until) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [(one.id, one.item_id, one.account_id, one.state, one.suspected, one.drawn_at, one.until) for one in seats],
    )


async def list_seats(conn: ReadConn, item_id: int) -> list[SampleSeat]:
    rows = await conn.fetch(f"SELECT {_SEAT} FROM sample_seats WHERE item_id = $1 ORDER BY drawn_at, id", item_id)
    return [_seat_from(row) for row in rows]


async def find_seat(conn: ReadConn, account_id: int, seat_id: int) -> SampleSeat | None:
    """None for the seat of another juror."""
    row = await conn.fetchrow(f"SELECT {_SEAT} FROM sample_seats WHERE id = $1 AND account_id = $2", seat_id, account_id)
    return _seat_from(row) if row else None


async def get_seat(conn: ReadConn, account_id: int, seat_id: int) -> SampleSeat:
    """Raises NotFound for the seat of another juror."""
    seat = await find_seat(conn, account_id, seat_id)
    if seat is None:
        raise NotFound
    return seat


async def list_outstanding(conn: ReadConn, account_id: int, now: datetime) -> list[SampleSeat]:
    """The seats that a juror has or is offered: opened ones first, also those whose words were changed meanwhile, as in a case. Index:
    sample_seats_outstanding."""
    rows = await conn.fetch(
        f"SELECT {', '.join(f's.{name}' for name in _SEAT.split(', '))} FROM sample_seats AS s JOIN sample_items AS i ON i.id = s.item_id"
        " JOIN posts AS p ON p.id = i.post_id"
        f" WHERE s.account_id = $1 AND s.state {IS_OUTSTANDING} AND s.until > $2 AND i.labelled_at IS NULL"
        f" AND (s.state = '{SeatState.OPENED}' OR {_IS_WAITING}) ORDER BY s.state <> '{SeatState.OPENED}', s.id",
        account_id, now,
    )
    return [_seat_from(row) for row in rows]


async def update_seat(tx: WriteTx, seat: SampleSeat) -> None:
    """Stores all of a seat that can change."""
    await tx.execute(
        "UPDATE sample_seats SET state = $2, until = $3, opened_at = $4, version = $5, answer = $6, clause = $7, severity = $8,"
        " sureness = $9, answered_at = $10 WHERE id = $1",
        seat.id, seat.state, seat.until, seat.opened_at, seat.version, seat.answer, seat.clause, seat.severity, seat.sureness,
        seat.answered_at,
    )


async def count_outstanding(conn: ReadConn, item_id: int) -> int:
    return int(await conn.fetchval(f"SELECT count(*) FROM sample_seats WHERE item_id = $1 AND state {IS_OUTSTANDING}", item_id))


async def void_outstanding(tx: WriteTx, item_id: int) -> None:
    await tx.execute(f"UPDATE sample_seats SET state = '{SeatState.VOID}' WHERE item_id = $1 AND state {IS_OUTSTANDING}", item_id)


async def delete_seats(tx: WriteTx, drawn_before: datetime) -> None:
    """Index: sample_seats_drawn."""
    await tx.execute("DELETE FROM sample_seats WHERE drawn_at < $1", drawn_before)
