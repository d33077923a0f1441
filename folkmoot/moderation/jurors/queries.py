"""All SQL of jurors, of how items and calls come to them, of their answers to gold questions, and of files of questions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.jurors.model import PAIR, Asked, Choices, Finding, GoldItem, Juror, State, Sureness, Training, Turns

_JUROR = (
    "account_id, state, changed_at, languages, avoided, without_pictures, counted_from, applications, attempts, failed_at, passed_at,"
    " reason, excluded_by_id"
)
_ASKED = "attempt, position, question, language, expected, answer, sureness, is_right, answered_at"
_AMONG_CASES = 0  # instead of an attempt
_ITEM = (
    "item_id AS id, account_id, case_id, question, language, expected, suspected, opened_at, leased_until, answer, sureness, severity,"
    " is_right, answered_at"
)


class Counted(NamedTuple):
    """How many jurors there are of a kind. `name`: a state, a language, or the key of a clause."""

    name: str
    number: int


def _juror_from(row: Row) -> Juror:
    values = dict(row)
    choices = Choices(
        languages=tuple(values.pop("languages")), avoided=tuple(values.pop("avoided")), without_pictures=values.pop("without_pictures")
    )
    return Juror(**{**values, "state": State(values["state"]), "choices": choices})


def _asked_from(row: Row) -> Asked:
    return Asked(**{**dict(row), "sureness": Sureness(row["sureness"]) if row["sureness"] else None})


def _item_from(row: Row) -> GoldItem:
    return GoldItem(**{**dict(row), "sureness": Sureness(row["sureness"]) if row["sureness"] else None})


async def find_juror(conn: ReadConn, account_id: int) -> Juror | None:
    row = await conn.fetchrow(f"SELECT {_JUROR} FROM jurors WHERE account_id = $1", account_id)
    return _juror_from(row) if row else None


async def lock_juror(tx: WriteTx, account_id: int) -> Juror | None:
    row = await tx.fetchrow(f"SELECT {_JUROR} FROM jurors WHERE account_id = $1 FOR UPDATE", account_id)
    return _juror_from(row) if row else None


async def insert_juror(tx: WriteTx, juror: Juror) -> bool:
    """False if the account has a record."""
    return bool(await tx.fetchval(
        "INSERT INTO jurors (account_id, state, changed_at, languages, avoided, without_pictures, counted_from)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true",
        juror.account_id, juror.state, juror.changed_at, list(juror.choices.languages), list(juror.choices.avoided),
        juror.choices.without_pictures, juror.counted_from,
    ))


async def update_juror(tx: WriteTx, juror: Juror) -> None:
    """Stores all of a record that can change."""
    await tx.execute(
        "UPDATE jurors SET state = $2, changed_at = $3, languages = $4, avoided = $5, without_pictures = $6, counted_from = $7,"
        " applications = $8, attempts = $9, failed_at = $10, passed_at = $11, reason = $12, excluded_by_id = $13 WHERE account_id = $1",
        juror.account_id, juror.state, juror.changed_at, list(juror.choices.languages), list(juror.choices.avoided),
        juror.choices.without_pictures, juror.counted_from, juror.applications, juror.attempts, juror.failed_at, juror.passed_at,
        juror.reason, juror.excluded_by_id,
    )


async def delete_left(tx: WriteTx, before: datetime, limit: int) -> int:
    """Deletes records of jurors who left, and whose applications no longer count. Index: jurors_left."""
    rows = await tx.fetch(
        f"DELETE FROM jurors WHERE account_id IN (SELECT account_id FROM jurors WHERE state = '{State.LEFT}' AND counted_from < $1 LIMIT $2"
        " FOR UPDATE SKIP LOCKED) RETURNING account_id",
        before, limit,
    )
    return len(rows)


async def count_jurors(conn: ReadConn) -> list[Counted]:
    """By state. Reads all records."""
    rows = await conn.fetch("SELECT state, count(*) FROM jurors GROUP BY state ORDER BY state")
    return [Counted(row["state"], row["count"]) for row in rows]


async def count_by_language(conn: ReadConn) -> list[Counted]:
    """The jurors who can be called, by each language of theirs. Reads all records."""
    rows = await conn.fetch(
        f"SELECT language, count(*) FROM jurors, unnest(languages) AS language WHERE state = '{State.JUROR}' GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return [Counted(row["language"], row["count"]) for row in rows]


async def count_by_topic(conn: ReadConn, clauses: Sequence[str]) -> list[Counted]:
    """The jurors who can be called, by each of these clauses that they do not leave to others. Reads all records."""
    rows = await conn.fetch(
        f"SELECT clause, count(j) FROM unnest($1::text[]) WITH ORDINALITY AS c (clause, place)"
        f" LEFT JOIN jurors AS j ON j.state = '{State.JUROR}' AND NOT clause = ANY (j.avoided) GROUP BY clause, place ORDER BY place",
        list(clauses),
    )
    return [Counted(row["clause"], row["count"]) for row in rows]


async def insert_asked(tx: WriteTx, account_id: int, asked: Sequence[Asked]) -> None:
    await tx.execute(
        "INSERT INTO gold_answers (account_id, attempt, position, question, language, expected)"
        " SELECT $1, * FROM unnest($2::smallint[], $3::smallint[], $4::text[], $5::text[], $6::text[])",
        account_id, *(list(column) for column in zip(
            *((one.attempt, one.position, one.question, one.language, one.expected) for one in asked), strict=True
        )),
    )


async def delete_attempt(tx: WriteTx, account_id: int, attempt: int) -> None:
    await tx.execute("DELETE FROM gold_answers WHERE account_id = $1 AND attempt = $2", account_id, attempt)


async def get_training(conn: ReadConn, account_id: int, attempt: int) -> Training:
    """The questions of an attempt; none before it began."""
    rows = await conn.fetch(
        f"SELECT {_ASKED} FROM gold_answers WHERE account_id = $1 AND attempt = $2 ORDER BY position", account_id, attempt
    )
    return Training(tuple(_asked_from(row) for row in rows))


async def list_answers(conn: ReadConn, account_id: int) -> list[Asked]:
    """The answers of a juror in all trainings, and (attempt 0) to gold questions among cases; the oldest first."""
    rows = await conn.fetch(
        f"SELECT {_ASKED} FROM gold_answers WHERE account_id = $1 AND answered_at IS NOT NULL ORDER BY attempt, position", account_id
    )
    return [_asked_from(row) for row in rows]


async def list_seen(conn: ReadConn, account_id: int) -> list[str]:
    """The keys of the questions that a juror has been asked, the oldest first."""
    rows = await conn.fetch(
        "SELECT question FROM gold_answers WHERE account_id = $1 GROUP BY question ORDER BY max(attempt), max(position)", account_id
    )
    return [row["question"] for row in rows]


async def list_halves(conn: ReadConn, account_id: int) -> dict[str, datetime]:
    """The halves of counterfactual pairs that a juror was asked, each with its time."""
    rows = await conn.fetch(
        f"SELECT question, opened_at FROM gold_answers WHERE account_id = $1 AND attempt = {_AMONG_CASES} AND question LIKE '{PAIR}%'",
        account_id,
    )
    return {row["question"]: row["opened_at"] for row in rows}


async def update_answer(tx: WriteTx, account_id: int, asked: Asked, finding: Finding, *, is_right: bool, at: datetime) -> bool:
    """False if the question has been answered already."""
    return bool(await tx.fetchval(
        "UPDATE gold_answers SET answer = $4, sureness = $5, is_right = $6, answered_at = $7"
        " WHERE account_id = $1 AND attempt = $2 AND position = $3 AND answered_at IS NULL RETURNING true",
        account_id, asked.attempt, asked.position, finding.clause, finding.sureness, is_right, at,
    ))


async def delete_answers(tx: WriteTx, account_id: int) -> None:
    """Also forgets how items and calls come to the juror."""
    await tx.execute(
        "WITH turns AS (DELETE FROM juror_turns WHERE account_id = $1) DELETE FROM gold_answers WHERE account_id = $1", account_id
    )


async def lock_turns(tx: WriteTx, account_id: int) -> Turns:
    """How items come to a juror. Until the transaction ends, no other request of this juror takes or answers one."""
    row = await tx.fetchrow(
        "INSERT INTO juror_turns (account_id) VALUES ($1) ON CONFLICT (account_id) DO UPDATE SET account_id = excluded.account_id"
        " RETURNING cases_to_gold, called_at, mailed_at, wants_mails",
        account_id,
    )
    assert row is not None
    return Turns(**dict(row))


async def get_turns(conn: ReadConn, account_id: int) -> Turns:
    row = await conn.fetchrow(
        "SELECT cases_to_gold, called_at, mailed_at, wants_mails FROM juror_turns WHERE account_id = $1", account_id
    )
    return Turns(**dict(row)) if row else Turns()


async def update_cases_to_gold(tx: WriteTx, account_id: int, cases: int) -> None:
    await tx.execute("UPDATE juror_turns SET cases_to_gold = $2 WHERE account_id = $1", account_id, cases)


async def upsert_wants_mails(tx: WriteTx, account_id: int, *, wants: bool) -> None:
    await tx.execute(
        "INSERT INTO juror_turns (account_id, wants_mails) VALUES ($1, $2)"
        " ON CONFLICT (account_id) DO UPDATE SET wants_mails = excluded.wants_mails",
        account_id, wants,
    )


async def insert_gold_item(tx: WriteTx, item: GoldItem) -> None:
    await tx.execute(
        "INSERT INTO gold_answers (account_id, attempt, position, question, language, expected, suspected, item_id, case_id,"
        f" opened_at, leased_until) SELECT $1, {_AMONG_CASES}, coalesce(max(position), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9"
        f" FROM gold_answers WHERE account_id = $1 AND attempt = {_AMONG_CASES}",
        item.account_id, item.question, item.language, item.expected, item.suspected, item.id, item.case_id, item.opened_at,
        item.leased_until,
    )


async def find_open_gold_item(conn: ReadConn, account_id: int, now: datetime) -> GoldItem | None:
    """The gold question that a juror has open."""
    row = await conn.fetchrow(
        f"SELECT {_ITEM} FROM gold_answers WHERE account_id = $1 AND attempt = {_AMONG_CASES} AND answered_at IS NULL"
        " AND leased_until > $2",
        account_id, now,
    )
    return _item_from(row) if row else None


async def find_gold_item(conn: ReadConn, account_id: int, item_id: int) -> GoldItem | None:
    """Index: gold_answers_item."""
    row = await conn.fetchrow(f"SELECT {_ITEM} FROM gold_answers WHERE item_id = $2 AND account_id = $1", account_id, item_id)
    return _item_from(row) if row else None


async def get_gold_item(conn: ReadConn, account_id: int, item_id: int) -> GoldItem:
    """Raises NotFound for the item of another juror."""
    item = await find_gold_item(conn, account_id, item_id)
    if item is None:
        raise NotFound
    return item


async def update_gold_item(
    tx: WriteTx, item: GoldItem, finding: Finding, severity: int | None, *, is_right: bool, at: datetime
) -> None:
    await tx.execute(
        "UPDATE gold_answers SET answer = $2, sureness = $3, severity = $4, is_right = $5, answered_at = $6"
        " WHERE item_id = $1 AND answered_at IS NULL",
        item.id, finding.clause, finding.sureness, severity, is_right, at,
    )


async def update_gold_lease(tx: WriteTx, item: GoldItem, until: datetime) -> None:
    await tx.execute("UPDATE gold_answers SET leased_until = $2 WHERE item_id = $1", item.id, until)


async def delete_unanswered_gold(tx: WriteTx, opened_before: datetime) -> None:
    """Deletes old questions among cases that were not answered. Reads all answers."""
    await tx.execute(
        f"DELETE FROM gold_answers WHERE attempt = {_AMONG_CASES} AND answered_at IS NULL AND opened_at < $1", opened_before
    )


async def list_gold_items(conn: ReadConn, account_id: int, limit: int) -> list[GoldItem]:
    """The gold questions among cases that a juror has answered, the newest answer first."""
    rows = await conn.fetch(
        f"SELECT {_ITEM} FROM gold_answers WHERE account_id = $1 AND attempt = {_AMONG_CASES} AND answered_at IS NOT NULL"
        " ORDER BY answered_at DESC LIMIT $2",
        account_id, limit,
    )
    return [_item_from(row) for row in rows]


async def open_calls(tx: WriteTx, account_ids: Sequence[int], now: datetime) -> list[int]:
    """Opens a call for each of these jurors who has none. Returns them."""
    rows = await tx.fetch(
        "INSERT INTO juror_turns AS t (account_id, called_at)"
        f" SELECT account_id, $2 FROM jurors WHERE account_id = ANY ($1::bigint[]) AND state = '{State.JUROR}' ORDER BY account_id"
        " FOR KEY SHARE"  # whoever takes an item locks the juror first, too
        " ON CONFLICT (account_id) DO UPDATE SET called_at = excluded.called_at WHERE t.called_at IS NULL RETURNING account_id",
        list(account_ids), now,
    )
    return [row["account_id"] for row in rows]


async def close_calls(tx: WriteTx, still_waiting: Sequence[int]) -> list[int]:
    """Closes the calls of all but these jurors. Returns whose. Index: juror_turns_called."""
    rows = await tx.fetch(
        "UPDATE juror_turns SET called_at = NULL WHERE called_at IS NOT NULL AND account_id <> ALL ($1::bigint[]) RETURNING account_id",
        list(still_waiting),
    )
    return [row["account_id"] for row in rows]


async def take_mails(tx: WriteTx, account_ids: Sequence[int], now: datetime, last_before: datetime) -> list[int]:
    """Notes a mail about a call to those of these jurors who want mails and got none since `last_before`. Returns them."""
    rows = await tx.fetch(
        "UPDATE juror_turns SET mailed_at = $2 WHERE account_id = ANY ($1::bigint[]) AND wants_mails"
        " AND (mailed_at IS NULL OR mailed_at <= $3) RETURNING account_id",
        list(account_ids), now, last_before,
    )
    return [row["account_id"] for row in rows]


async def find_gold_source(conn: ReadConn) -> str | None:
    """The network's own file of questions; None for the shipped one. Index: the primary key."""
    source: str | None = await conn.fetchval("SELECT source FROM gold_files ORDER BY published_at DESC LIMIT 1")
    return source


async def insert_gold_file(tx: WriteTx, source: str, at: datetime) -> None:
    await tx.execute("INSERT INTO gold_files (published_at, source) VALUES ($1, $2)", at, source)
