"""Reads cases: one, the queue, an author's history, and the numbers of open cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.model import Backlog, Case, Lane, Order, Seat, Share, State, Subject, in_turns
from folkmoot.moderation.cases.queries.concern import concerned_sql
from folkmoot.moderation.cases.queries.offering import IS_HELD, MAY_DECIDE
from folkmoot.moderation.cases.queries.orders import BY, HAS, LANE

_COUNTED = 50  # open cases that are looked at for the count in the head of a page
SELECT = """
    SELECT c.id, c.subject, c.subject_id, c.account_id, c.state, c.clause, c.severity, c.probability, c.harm, c.appealed_verdict_id,
        c.barred_ids, c.opened_at, c.due_at, c.closed_at, c.is_confirmed, c.is_demanded, c.is_ordered,
        c.assigned_to_id,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(s.kind, s.number, s.account_id, s.state, s.leased_until)), '[]')
         FROM case_seats AS s WHERE s.case_id = c.id) AS seats
    FROM cases AS c
"""


def queue_sql(condition: str) -> str:
    """SQL: the first $1 open cases of each lane that meet the condition, in each order of the lane (`by`)."""
    queues = (
        f"SELECT queue.*, {order:d} AS by FROM ({SELECT} WHERE {HAS[order]} AND {LANE} = {lane:d} AND {condition}"
        f" ORDER BY {BY[order]} LIMIT $1) AS queue"
        for lane in Lane for order in Order if order is not Order.ORDERED or lane is Lane.DEMAND
    )
    return " UNION ALL ".join(queues)


_QUEUE = queue_sql("true")
_OWN_QUEUE = queue_sql(MAY_DECIDE)
_WITHOUT_JURY = queue_sql("c.is_confirmed AND NOT EXISTS (SELECT FROM juries AS j WHERE j.case_id = c.id)")


def case_from(row: Row | dict[str, Any]) -> Case:
    values = dict(row)
    values.update(
        subject=Subject(row["subject"]), state=State(row["state"]), barred_ids=tuple(row["barred_ids"]),
        seats=msgspec.json.decode(row["seats"], type=tuple[Seat, ...]),
    )
    return Case(**values)


async def get_case(conn: ReadConn, case_id: int) -> Case:
    row = await conn.fetchrow(f"{SELECT} WHERE c.id = $1", case_id)
    if row is None:
        raise NotFound
    return case_from(row)


async def list_subject_ids(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, int]:
    """What these cases are about, by case."""
    rows = await conn.fetch("SELECT id, subject_id FROM cases WHERE id = ANY ($1::bigint[])", list(case_ids))
    return {row["id"]: row["subject_id"] for row in rows}


async def list_with_open_case(conn: ReadConn, subject: Subject, subject_ids: Sequence[int]) -> set[int]:
    """Those of these subjects about which a case is open that is no appeal. Index: cases_one_open."""
    rows = await conn.fetch(
        f"SELECT subject_id FROM cases WHERE subject = $1 AND subject_id = ANY ($2::bigint[]) AND state = '{State.OPEN}'"
        " AND appealed_verdict_id IS NULL",
        subject, list(subject_ids),
    ) if subject_ids else []
    return {row["subject_id"] for row in rows}


async def list_queue(conn: ReadConn, now: datetime, limit: int, moderator_id: int | None = None, turn: int = 0) -> list[Case]:
    """Open cases in the order in which they should be decided; with `moderator_id`, only those that this moderator may decide
    and no other holds. `turn`: how many turns of the lanes have passed (`in_turns`).

    Indexes: cases_by_harm, cases_near_deadline and cases_ordered, which provide the orders.
    """
    if moderator_id is None:
        rows = await conn.fetch(_QUEUE, limit)
    else:
        rows = await conn.fetch(_OWN_QUEUE, limit, moderator_id, now)
    return _in_turns(rows, turn)[:limit]


async def list_without_jury(conn: ReadConn, limit: int, turn: int) -> list[Case]:
    """Open cases for which no jury was drawn and which were not left to moderators, in the order of the queue. Indexes: as `list_queue`."""
    return _in_turns(await conn.fetch(_WITHOUT_JURY, limit), turn)[:limit]


def _in_turns(rows: Sequence[Row], turn: int) -> list[Case]:
    queues: dict[tuple[Lane, Order], list[Case]] = {}
    for row in rows:
        values = dict(row)
        order = Order(values.pop("by"))
        case = case_from(values)
        queues.setdefault((case.lane, order), []).append(case)
    return in_turns(queues, turn)


async def list_assigned(conn: ReadConn, moderator_id: int, now: datetime, limit: int = 20) -> list[Case]:
    """Open cases that a moderator was asked to decide and may decide, the earliest deadline first. Index: cases_assigned."""
    rows = await conn.fetch(
        f"{SELECT} WHERE c.state = '{State.OPEN}' AND c.assigned_to_id = $2 AND {MAY_DECIDE} ORDER BY c.due_at, c.id LIMIT $1",
        limit, moderator_id, now,
    )
    return [case_from(row) for row in rows]


async def count_waiting(conn: ReadConn, now: datetime, moderator_id: int, most: int) -> int:
    """The number of open cases that this moderator may decide and no other holds, at most `most`; of the first ones only. The order is
    that of the index cases_by_harm, so that however many cases there are, few are read."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM (SELECT FROM ("
        f"SELECT * FROM cases AS c WHERE {HAS[Order.HARM]} ORDER BY {LANE}, {BY[Order.HARM]} LIMIT {_COUNTED}) AS c"
        f" WHERE {MAY_DECIDE} LIMIT $1) AS waiting",
        most, moderator_id, now,
    ))


async def count_open(conn: ReadConn, now: datetime) -> Backlog:
    """The numbers of cases that are open, near their deadline, and overdue."""
    row = await conn.fetchrow(
        f"""
        SELECT count(*) AS open, count(*) FILTER (WHERE due_at <= $1) AS overdue, min(due_at) AS next_due_at,
            count(*) FILTER (WHERE due_at > $1 AND $1 - opened_at >= (due_at - opened_at) * {Share.LATE / 100}) AS late
        FROM cases WHERE state = '{State.OPEN}'
        """,
        now,
    )
    assert row is not None
    return Backlog(**dict(row))


async def list_cases_of_account(conn: ReadConn, account_id: int, without: int, limit: int = 20) -> list[Case]:
    """The other cases of an author, newest first. Index: cases_account."""
    rows = await conn.fetch(
        f"{SELECT} WHERE c.account_id = $1 AND c.id <> $2 ORDER BY c.id DESC LIMIT $3", account_id, without, limit
    )
    return [case_from(row) for row in rows]


async def list_others(conn: ReadConn, case: Case, moderator_id: int, now: datetime, limit: int) -> list[Case]:
    """Open cases about other posts of the same author that this moderator may decide and no other holds, oldest first; without appeals
    and deleted posts. Index: cases_account."""
    rows = await conn.fetch(
        f"{SELECT} WHERE c.account_id = $4 AND c.id <> $5 AND c.subject = '{Subject.POST}' AND c.state = '{State.OPEN}'"
        f" AND c.appealed_verdict_id IS NULL AND EXISTS (SELECT FROM posts WHERE posts.id = c.subject_id) AND {MAY_DECIDE}"
        " ORDER BY c.id LIMIT $1",
        limit, moderator_id, now, case.account_id, case.id,
    )
    return [case_from(row) for row in rows]


async def was_decided(conn: ReadConn, subject: Subject, subject_id: int, since: datetime | None) -> bool:
    """Whether a subject was decided since its last change at `since`. Index: cases_subject."""
    return bool(await conn.fetchval(
        f"SELECT EXISTS (SELECT FROM cases WHERE subject = $1 AND subject_id = $2 AND state = '{State.DECIDED}'"
        " AND ($3::timestamptz IS NULL OR closed_at > $3))",
        subject, subject_id, since,
    ))


async def holds_case_with_picture(conn: ReadConn, moderator_id: int, key: str, now: datetime) -> bool:
    """Whether a moderator holds, and may decide, an open case about the post with this picture, or with it as evidence."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM media AS m"
        f" JOIN cases AS c ON c.subject = '{Subject.POST}' AND c.subject_id = m.post_id"
        "  OR c.id IN (SELECT case_id FROM evidence_media WHERE media_id = m.id)"
        f" JOIN case_seats AS s ON s.case_id = c.id AND s.account_id = $2 AND {IS_HELD}"
        f" WHERE m.key = $1 AND c.state = '{State.OPEN}' AND NOT {concerned_sql('$2::bigint')})",
        key, moderator_id, now,
    ))


async def get_reach(conn: ReadConn, subject: Subject, subject_id: int, account_id: int) -> tuple[int, int]:
    """(followers of the author, boosts of the post)."""
    row = await conn.fetchrow(
        "SELECT (SELECT followers FROM account_counts WHERE account_id = $1) AS followers,"
        f" (SELECT boosts FROM post_counts WHERE $2 = '{Subject.POST}' AND post_id = $3) AS boosts",
        account_id, subject, subject_id,
    )
    assert row is not None
    return row["followers"] or 0, row["boosts"] or 0
