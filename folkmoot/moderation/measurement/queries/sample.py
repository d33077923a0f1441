"""SQL of the sample that people label."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.juries.model import SeatState
from folkmoot.moderation.juries.queries.stored import IS_OUTSTANDING
from folkmoot.moderation.measurement.model import WITH_JURORS, LabelledBy, SampleItem, Stratum
from folkmoot.network.posts.model import Visibility

_ITEM = "s.id, s.day, s.post_id, s.edited_at, s.stratum, s.draws, s.score, s.is_queued"
# An item (s) that waits for a moderator ($1) at the time $3: its post (p) is open to everybody and as it was drawn, it is not the
# moderator's own, the moderator has neither reported nor decided it, so that the answer is independent, and no jurors are at it.
_WAITING = f"""s.labelled_at IS NULL AND p.account_id <> $1 AND p.edited_at IS NOT DISTINCT FROM s.edited_at
    AND p.visibility <= {Visibility.UNLISTED:d}
    AND NOT EXISTS (
        SELECT FROM sample_seats AS js WHERE js.item_id = s.id AND (js.state {IS_OUTSTANDING} AND js.until > $3
            OR js.state = '{SeatState.ANSWERED}' AND js.answered_at > $3 - interval '{WITH_JURORS.total_seconds():.0f} seconds'))
    AND NOT EXISTS (
        SELECT FROM cases AS c WHERE c.subject = '{Subject.POST}' AND c.subject_id = s.post_id
        AND (EXISTS (SELECT FROM verdicts AS v WHERE v.case_id = c.id AND v.moderator_id = $1)
            OR EXISTS (SELECT FROM report_cases AS r WHERE r.case_id = c.id AND r.reporter_id = $1)))"""


async def was_drawn(conn: ReadConn, day: date) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM sample_days WHERE day = $1)", day))


async def list_cased(conn: ReadConn, post_ids: Sequence[int]) -> set[int]:
    """Those of these posts that have or had a case. Index: cases_subject."""
    rows = await conn.fetch(
        f"SELECT DISTINCT subject_id FROM cases WHERE subject = '{Subject.POST}' AND subject_id = ANY ($1::bigint[])", list(post_ids)
    )
    return {row["subject_id"] for row in rows}


async def insert_day(
    tx: WriteTx, day: date, drawn_at: datetime, views: int, lost: int, detector: str, draws: Mapping[Stratum, int]
) -> bool:
    """False if the day was drawn already."""
    is_new = await tx.fetchval(
        "INSERT INTO sample_days (day, drawn_at, views, lost_views, detector) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (day) DO NOTHING RETURNING true",
        day, drawn_at, views, lost, detector,
    )
    if is_new:
        await tx.executemany(
            "INSERT INTO sample_strata (day, stratum, draws) VALUES ($1, $2, $3)", [(day, one, number) for one, number in draws.items()]
        )
    return bool(is_new)


async def insert_items(tx: WriteTx, items: Sequence[SampleItem]) -> None:
    await tx.executemany(
        "INSERT INTO sample_items (id, day, post_id, edited_at, stratum, draws, score, is_queued) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [(one.id, one.day, one.post_id, one.edited_at, one.stratum, one.draws, one.score, one.is_queued) for one in items],
    )


async def copy_labels(tx: WriteTx, day: date) -> None:
    """Answers items of a day whose post was labelled on another day, in the same version. Index: sample_items_post."""
    await tx.execute(
        "UPDATE sample_items AS s SET clauses = known.clauses, labelled_by = known.labelled_by, labelled_at = known.labelled_at"
        " FROM sample_items AS known WHERE s.day = $1 AND s.labelled_at IS NULL AND known.post_id = s.post_id AND known.day <> s.day"
        " AND known.edited_at IS NOT DISTINCT FROM s.edited_at AND known.labelled_at IS NOT NULL",
        day,
    )


async def find_waiting_item(conn: ReadConn, moderator_id: int, since: date, now: datetime) -> SampleItem | None:
    """The oldest item of this day or later that waits for this moderator. Index: sample_items_waiting."""
    row = await conn.fetchrow(
        f"SELECT {_ITEM} FROM sample_items AS s JOIN posts AS p ON p.id = s.post_id WHERE {_WAITING} AND s.day >= $2"
        " ORDER BY s.day, s.id LIMIT 1",
        moderator_id, since, now,
    )
    return _item(row) if row else None


async def find_parent_id(conn: ReadConn, post_id: int) -> int | None:
    """The post that a post answers."""
    found = await conn.fetchval("SELECT reply_to_id FROM posts WHERE id = $1", post_id)
    return None if found is None else int(found)


async def count_waiting_items(conn: ReadConn, moderator_id: int, since: date, now: datetime) -> int:
    """How many wait for this moderator; at most 100 are counted."""
    return int(await conn.fetchval(
        f"SELECT count(*) FROM (SELECT FROM sample_items AS s JOIN posts AS p ON p.id = s.post_id WHERE {_WAITING} AND s.day >= $2"
        " LIMIT 100) AS found",
        moderator_id, since, now,
    ))


async def lock_item_for(tx: WriteTx, moderator_id: int, item_id: int, now: datetime) -> SampleItem | None:
    """The item, if it waits for this moderator."""
    row = await tx.fetchrow(
        f"SELECT {_ITEM} FROM sample_items AS s JOIN posts AS p ON p.id = s.post_id WHERE {_WAITING} AND s.id = $2 FOR UPDATE OF s",
        moderator_id, item_id, now,
    )
    return _item(row) if row else None


async def update_label(tx: WriteTx, item: SampleItem, clauses: Sequence[str] | None, by: LabelledBy, at: datetime) -> bool:
    """Answers the item, and those of other days about the same words. False if it has an answer."""
    rows = await tx.fetch(
        "UPDATE sample_items SET clauses = $3, labelled_by = $4, labelled_at = $5"
        " WHERE post_id = $1 AND edited_at IS NOT DISTINCT FROM $2 AND labelled_at IS NULL RETURNING id",
        item.post_id, item.edited_at, None if clauses is None else list(clauses), by, at,
    )
    return item.id in {row["id"] for row in rows}


async def delete_items(tx: WriteTx, before: date) -> None:
    """Deletes the items of days before this one; how the views of these days divided is kept. Index: that of (day, post_id)."""
    await tx.execute("DELETE FROM sample_items WHERE day < $1", before)


def _item(row: Row) -> SampleItem:
    return SampleItem(**{**dict(row), "stratum": Stratum(row["stratum"])})
