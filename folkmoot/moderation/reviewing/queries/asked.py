"""SQL of settled cases that are fit to be gold questions, of what jurors have done in a day, and of who is to be called."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.juries.model import SeatState, State
from folkmoot.moderation.juries.queries.stored import IS_OUTSTANDING
from folkmoot.moderation.jurors.model import Choices
from folkmoot.moderation.jury.model import FIRST_SEATS, Answer
from folkmoot.moderation.verdicts.model import Action
from folkmoot.network.posts.model import Visibility


class GoldCase(NamedTuple):
    """A settled case as a gold question. `expected`: the broken clause, or ""; `suspected`: the one for which it was opened."""

    case_id: int
    expected: str
    suspected: str
    language: str


# SQL: whether the decision of the case `c` by the verdict `v` about the post `p` is beyond doubt, and everybody may still read the
# same words.
_IS_BEYOND_DOUBT = f"""
    v.undone_at IS NULL AND v.overturned_by_id IS NULL AND c.appealed_verdict_id IS NULL
    AND NOT EXISTS (SELECT FROM appeals WHERE appeals.verdict_id = v.id)
    AND p.visibility <= {Visibility.UNLISTED:d} AND (p.edited_at IS NULL OR p.edited_at < v.made_at)
"""
# SQL: whether at least FIRST_SEATS jurors of the case `c` said something, and all the same.
_IS_UNANIMOUS = f"""
    (SELECT count(*) >= {FIRST_SEATS} AND min(s.answer) = max(s.answer) FROM jury_seats AS s
     WHERE s.case_id = c.id AND s.state = '{SeatState.ANSWERED}' AND s.answer <> {Answer.UNSURE:d})
"""


async def insert_gold_cases(tx: WriteTx, settled_from: datetime, settled_to: datetime, limit: int, now: datetime) -> int:
    """Adds cases that were settled within that time, the newest first. Ids are ordered by time, so the primary key of verdicts bounds
    what is read. Returns how many are new."""
    rows = await tx.fetch(
        f"""
        INSERT INTO gold_cases (case_id, expected, language, has_pictures, added_at)
        SELECT c.id, CASE v.action WHEN '{Action.KEEP}' THEN '' ELSE v.clause END, p.language, p.media_count > 0, $4
        FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id JOIN juries AS j ON j.case_id = c.id JOIN posts AS p ON p.id = c.subject_id
        WHERE v.id >= $1 AND v.id < $2 AND v.settled_at IS NOT NULL AND c.subject = '{Subject.POST}' AND j.state = '{State.DECIDED}'
          AND {_IS_BEYOND_DOUBT} AND {_IS_UNANIMOUS}
        ORDER BY v.id DESC LIMIT $3
        ON CONFLICT DO NOTHING RETURNING case_id
        """,
        ids.first_id(settled_from), ids.first_id(settled_to), limit, now,
    )
    return len(rows)


async def delete_gold_cases(tx: WriteTx, added_before: datetime) -> None:
    """Deletes those that are too old, and those about which somebody has decided otherwise, or whose words are not there any more."""
    await tx.execute(
        f"""
        DELETE FROM gold_cases AS g WHERE g.added_at < $1 OR NOT EXISTS (
            SELECT FROM cases AS c JOIN verdicts AS v ON v.case_id = c.id JOIN posts AS p ON p.id = c.subject_id
            WHERE c.id = g.case_id AND {_IS_BEYOND_DOUBT})
        """,
        added_before,
    )


async def list_gold_cases(
    conn: ReadConn, account_id: int, choices: Choices, most_uses: int, limit: int, *, is_breach: bool
) -> list[GoldCase]:
    """Cases that this juror can be asked about, those asked least often first: in their languages, without the topics that they leave to
    others, and that they have neither judged nor been asked about. `is_breach`: cases of this kind come first. Reads all rows, of which
    there are some hundred."""
    rows = await conn.fetch(
        f"""
        SELECT g.case_id, g.expected, c.clause AS suspected, coalesce(g.language, '') AS language
        FROM gold_cases AS g JOIN cases AS c ON c.id = g.case_id JOIN posts AS p ON p.id = c.subject_id
        JOIN verdicts AS v ON v.case_id = c.id
        WHERE g.uses < $4 AND (g.language IS NULL OR g.language = ANY ($2::text[])) AND c.clause <> ALL ($3::text[])
          AND g.expected <> ALL ($3::text[]) AND NOT (g.has_pictures AND $6) AND {_IS_BEYOND_DOUBT}
          AND NOT EXISTS (SELECT FROM jury_seats AS s WHERE s.case_id = g.case_id AND s.account_id = $1)
          AND NOT EXISTS (SELECT FROM gold_answers AS a WHERE a.case_id = g.case_id AND a.account_id = $1)
        ORDER BY (g.expected <> '') = $7 DESC, g.uses, g.case_id DESC LIMIT $5
        """,
        account_id, list(choices.languages), list(choices.avoided), most_uses, limit, choices.without_pictures, is_breach,
    )
    return [GoldCase(**dict(row)) for row in rows]


async def count_use(tx: WriteTx, case_id: int) -> None:
    await tx.execute("UPDATE gold_cases SET uses = uses + 1 WHERE case_id = $1", case_id)


async def list_answered_since(conn: ReadConn, account_id: int, since: datetime) -> list[tuple[datetime, str]]:
    """The time of each answer of a juror, with the suspected clause; oldest first. Gold questions among cases and posts of the sample
    count like cases."""
    rows = await conn.fetch(
        f"""
        SELECT s.answered_at, c.clause FROM jury_seats AS s JOIN cases AS c ON c.id = s.case_id
        WHERE s.account_id = $1 AND s.drawn_at > $2::timestamptz - interval '1 day' AND s.state = '{SeatState.ANSWERED}'
          AND s.answered_at > $2
        UNION ALL
        SELECT answered_at, suspected FROM sample_seats
        WHERE account_id = $1 AND drawn_at > $2::timestamptz - interval '1 day' AND state = '{SeatState.ANSWERED}' AND answered_at > $2
        UNION ALL
        SELECT answered_at, suspected FROM gold_answers WHERE account_id = $1 AND item_id IS NOT NULL AND answered_at > $2
        ORDER BY 1
        """,
        account_id, since,
    )
    return [(row["answered_at"], row["clause"]) for row in rows]


async def list_waiting_jurors(conn: ReadConn, now: datetime) -> list[int]:
    """The jurors for whom an item waits. Indexes: jury_seats_outstanding, sample_seats_outstanding."""
    rows = await conn.fetch(
        "SELECT s.account_id FROM jury_seats AS s JOIN juries AS j USING (case_id) JOIN cases AS c ON c.id = s.case_id"
        f" WHERE s.state {IS_OUTSTANDING} AND s.until > $1 AND j.state = '{State.SITTING}' AND c.state = '{CaseState.OPEN}'"
        " UNION SELECT s.account_id FROM sample_seats AS s JOIN sample_items AS i ON i.id = s.item_id"
        f" WHERE s.state {IS_OUTSTANDING} AND s.until > $1 AND i.labelled_at IS NULL ORDER BY account_id",
        now,
    )
    return [row["account_id"] for row in rows]


async def can_see_picture(conn: ReadConn, account_id: int, key: str, now: datetime) -> bool:
    """Whether a juror has an item open that is about the post with this picture."""
    return bool(await conn.fetchval(
        f"""
        SELECT EXISTS (
            SELECT FROM media AS m JOIN sample_items AS i ON i.post_id = m.post_id JOIN sample_seats AS s ON s.item_id = i.id
            WHERE m.key = $2 AND s.account_id = $1 AND s.state = '{SeatState.OPENED}' AND s.until > $3
        ) OR EXISTS (
            SELECT FROM media AS m JOIN cases AS c ON c.subject = '{Subject.POST}' AND c.subject_id = m.post_id
            WHERE m.key = $2 AND (
                EXISTS (SELECT FROM jury_seats AS s WHERE s.case_id = c.id AND s.account_id = $1
                        AND s.state = '{SeatState.OPENED}' AND s.until > $3)
                OR EXISTS (SELECT FROM gold_answers AS a WHERE a.case_id = c.id AND a.account_id = $1 AND a.answered_at IS NULL
                           AND a.leased_until > $3)))
        """,
        account_id, key, now,
    ))


async def list_subjects(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """(post, author) of each case."""
    rows = await conn.fetch("SELECT id, subject_id, account_id FROM cases WHERE id = ANY ($1::bigint[])", list(case_ids))
    return {row["id"]: (row["subject_id"], row["account_id"]) for row in rows}
