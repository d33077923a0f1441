"""SQL of the weights with which answers are counted, of the positions on the axis of the camps, and of what both are fitted from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.juries.model import Fit, SeatState, State
from folkmoot.moderation.jury.model import Answer, Reliability, Vote, Weights


class Gold(NamedTuple):
    """An answer of a juror to a question of known truth. `question`: its key."""

    account_id: int
    question: str
    answer: Answer
    truth: Answer


class Answered(NamedTuple):
    """The answers in one jury, which may be sitting."""

    vote: Vote
    author_id: int


def _weights_from(six: Sequence[int]) -> Weights:
    one, two, three, four, five, six_ = six
    return Weights((one, two, three), (four, five, six_))


def _plain(weights: Weights) -> list[int]:
    return [*weights.breach, *weights.harmless]


async def find_fit(conn: ReadConn) -> Fit | None:
    """The newest version."""
    row = await conn.fetchrow("SELECT version, base, newcomer FROM jury_fits ORDER BY version DESC LIMIT 1")
    return Fit(version=row["version"], base=row["base"], newcomer=_weights_from(row["newcomer"])) if row else None


async def list_weights(conn: ReadConn, account_ids: Sequence[int]) -> dict[int, Weights]:
    """Of the newest version; jurors who had no answers then are missing."""
    rows = await conn.fetch("SELECT account_id, weights FROM juror_weights WHERE account_id = ANY ($1::bigint[])", list(account_ids))
    return {row["account_id"]: _weights_from(row["weights"]) for row in rows}


async def insert_fit(tx: WriteTx, fitted: Reliability, answers: int, at: datetime) -> int:
    """Stores a new version, with the weights of its jurors instead of those before; returns its number."""
    version = int(await tx.fetchval(
        "INSERT INTO jury_fits (version, fitted_at, base, newcomer, answers, jurors)"
        " SELECT coalesce(max(version), 0) + 1, $1, $2, $3, $4, $5 FROM jury_fits RETURNING version",
        at, fitted.base, _plain(fitted.newcomer), answers, len(fitted.weights),
    ))
    await tx.execute("DELETE FROM juror_weights WHERE account_id <> ALL ($1::bigint[])", list(fitted.weights))
    await tx.executemany(
        "INSERT INTO juror_weights (account_id, weights) SELECT id, $2 FROM accounts WHERE id = $1"
        " ON CONFLICT (account_id) DO UPDATE SET weights = excluded.weights",
        [(account_id, _plain(weights)) for account_id, weights in fitted.weights.items()],
    )
    return version


async def list_answered(conn: ReadConn) -> list[Answered]:
    """All answers in juries that have ended. Reads the whole table of seats."""
    rows = await conn.fetch(
        "SELECT s.case_id, s.account_id, s.answer, c.account_id AS author_id FROM jury_seats AS s JOIN juries AS j USING (case_id)"
        f" JOIN cases AS c ON c.id = s.case_id WHERE s.state = '{SeatState.ANSWERED}' AND j.state <> '{State.SITTING}'"
        " ORDER BY s.case_id, s.account_id"
    )
    return [Answered(Vote(row["case_id"], row["account_id"], Answer(row["answer"])), row["author_id"]) for row in rows]


async def list_gold(conn: ReadConn) -> list[Gold]:
    """The answers of jurors to the questions of their training."""
    rows = await conn.fetch(
        "SELECT account_id, question, answer, expected FROM gold_answers WHERE answered_at IS NOT NULL"
        " ORDER BY account_id, attempt, position"
    )
    found: dict[tuple[int, str], Gold] = {}
    for row in rows:
        answer = Answer.UNSURE if row["answer"] is None else Answer.BREACH if row["answer"] else Answer.HARMLESS
        truth = Answer.BREACH if row["expected"] else Answer.HARMLESS
        found.setdefault((row["account_id"], row["question"]), Gold(row["account_id"], row["question"], answer, truth))
    return list(found.values())


async def list_places(conn: ReadConn, account_ids: Sequence[int] | None = None) -> dict[int, float]:
    """Positions of these accounts, or of all."""
    rows = await conn.fetch(
        "SELECT account_id, place FROM camp_positions WHERE $1::bigint[] IS NULL OR account_id = ANY ($1)",
        None if account_ids is None else list(account_ids),
    )
    return {row["account_id"]: row["place"] for row in rows}


async def list_follows(conn: ReadConn, most: int) -> list[tuple[int, int]]:
    """(follower, followed): all, or about `most` of them at random with all those of jurors and of authors of cases."""
    whole = int(await conn.fetchval("SELECT greatest(reltuples, 1)::bigint FROM pg_class WHERE oid = 'follows'::regclass"))
    if whole <= most:
        rows = await conn.fetch("SELECT account_id, target_id FROM follows")
    else:
        rows = await conn.fetch(
            f"SELECT account_id, target_id FROM follows TABLESAMPLE BERNOULLI ({100 * most / whole:.6f}) REPEATABLE (1)"
            " UNION SELECT account_id, target_id FROM follows WHERE account_id IN"
            " (SELECT account_id FROM jurors UNION SELECT c.account_id FROM juries AS j JOIN cases AS c ON c.id = j.case_id)"
        )
    return [(row["account_id"], row["target_id"]) for row in rows]


async def replace_places(tx: WriteTx, places: Mapping[int, float]) -> None:
    """Stores positions instead of those before; rows that do not change are not written."""
    ids, values = list(places), list(places.values())
    await tx.execute("DELETE FROM camp_positions WHERE account_id <> ALL ($1::bigint[])", ids)
    await tx.execute(
        "INSERT INTO camp_positions AS p (account_id, place) SELECT one.id, one.place"
        " FROM unnest($1::bigint[], $2::real[]) AS one (id, place) JOIN accounts AS a ON a.id = one.id"
        " ON CONFLICT (account_id) DO UPDATE SET place = excluded.place WHERE p.place <> excluded.place",
        ids, values,
    )


async def delete_unneeded_fits(tx: WriteTx, before: datetime, limit: int) -> int:
    """Deletes old versions, of which only the number stands in the journal; never the newest one."""
    rows = await tx.fetch(
        "DELETE FROM jury_fits WHERE version IN (SELECT version FROM jury_fits WHERE fitted_at < $1"
        " AND version < (SELECT max(version) FROM jury_fits) LIMIT $2) RETURNING version",
        before, limit,
    )
    return len(rows)
