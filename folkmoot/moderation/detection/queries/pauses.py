"""SQL of pauses: when posts were not examined, and the beats of the workers."""

from datetime import datetime, timedelta

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.posts.model import Visibility


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """The last sign of a worker. `is_on`: whether its settings named the part."""

    seen_at: datetime
    is_on: bool


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """A pause as it is shown. `ended_at` None: it lasts."""

    why: str
    began_at: datetime
    ended_at: datetime | None
    posts: int


async def upsert_beat(tx: WriteTx, part: str, now: datetime, *, is_on: bool) -> Beat | None:
    """Stores the newest beat; returns the one before. One worker at a time writes it, as the timed job is claimed."""
    before = await tx.fetchrow("SELECT seen_at, is_on FROM detector_beats WHERE part = $1", part)
    await tx.execute(
        "INSERT INTO detector_beats (part, since, seen_at, is_on) VALUES ($1, $2, $2, $3)"
        " ON CONFLICT (part) DO UPDATE SET seen_at = excluded.seen_at, is_on = excluded.is_on",
        part, now, is_on,
    )
    return Beat(**dict(before)) if before else None


async def insert_pause(tx: WriteTx, id_: int, part: str, why: str, began_at: datetime) -> None:
    """Nothing while one of the part lasts. Index: detector_pauses_open."""
    await tx.execute(
        "INSERT INTO detector_pauses (id, part, why, began_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", id_, part, why, began_at
    )


async def insert_stop(tx: WriteTx, id_: int, part: str, why: str, began_at: datetime, ended_at: datetime) -> bool:
    """A pause that is over already, with the posts that were written in it. False if one that lasts contains it."""
    return bool(await tx.fetchval(
        f"""
        INSERT INTO detector_pauses (id, part, why, began_at, ended_at, posts)
        SELECT $1, $2, $3, $4, $5, ({_WRITTEN.format(first="$6", last="$7")})
        WHERE NOT EXISTS (SELECT FROM detector_pauses WHERE part = $2 AND ended_at IS NULL AND began_at <= $4) RETURNING true
        """,
        id_, part, why, began_at, ended_at, ids.first_id(began_at), ids.first_id(ended_at),
    ))


async def delete_short(tx: WriteTx, part: str, why: str, began_after: datetime) -> bool:
    """Whether the one that lasts has begun so late that it is no pause."""
    return bool(await tx.fetchval(
        "DELETE FROM detector_pauses WHERE part = $1 AND why = $2 AND ended_at IS NULL AND began_at > $3 RETURNING true",
        part, why, began_after,
    ))


async def update_ended(tx: WriteTx, part: str, why: str, now: datetime, *, is_counted: bool) -> datetime | None:
    """Ends the one that lasts; returns when it began. `is_counted`: with the posts that were written in it."""
    began_at: datetime | None = await tx.fetchval(
        "UPDATE detector_pauses SET ended_at = greatest($3, began_at) WHERE part = $1 AND why = $2 AND ended_at IS NULL RETURNING began_at",
        part, why, now,
    )
    if began_at and is_counted:
        await tx.execute(
            f"UPDATE detector_pauses SET posts = ({_WRITTEN.format(first='$4', last='$5')})"
            " WHERE part = $1 AND why = $2 AND began_at = $3",
            part, why, began_at, ids.first_id(began_at), ids.first_id(now),
        )
    return began_at


async def is_open(conn: ReadConn, part: str, why: str) -> bool:
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM detector_pauses WHERE part = $1 AND why = $2 AND ended_at IS NULL)", part, why
    ))


async def list_pauses(conn: ReadConn, part: str, ended_after: datetime, now: datetime, shortest: timedelta) -> list[Spell]:
    """Those that last and those that have ended since then, newest first; also the silence of the workers, if it lasts."""
    rows = await conn.fetch(
        f"SELECT why, began_at, ended_at, posts FROM ({spells_sql('$3', '$4')}) AS s"
        " WHERE part = $1 AND (ended_at IS NULL OR ended_at > $2) ORDER BY began_at DESC LIMIT 100",
        part, ended_after, now, shortest,
    )
    return [Spell(**dict(row)) for row in rows]


async def find_last_end(conn: ReadConn, part: str) -> datetime | None:
    ended_at: datetime | None = await conn.fetchval("SELECT max(ended_at) FROM detector_pauses WHERE part = $1", part)
    return ended_at


# Posts that a detector would have examined, by a range of ids: written in the time, and still there.
_WRITTEN = f"""SELECT count(*) FROM posts AS p
    WHERE p.id >= {{first}} AND p.id < {{last}} AND p.boost_of_id IS NULL AND p.visibility < {Visibility.DIRECT:d}"""


def spells_sql(now: str, shortest: str) -> str:
    """SQL: all pauses that count at the moment `now`, and the silence of the workers if it is longer than `shortest`."""
    return f"""
        SELECT part, why, began_at, ended_at, posts FROM detector_pauses
        WHERE ended_at IS NOT NULL OR began_at <= {now}::timestamptz - {shortest}::interval
        UNION ALL
        SELECT part, 'stopped', seen_at, NULL, 0 FROM detector_beats AS b
        WHERE part = 'detector' AND seen_at < {now}::timestamptz - {shortest}::interval
            AND NOT EXISTS (SELECT FROM detector_pauses AS p WHERE p.part = b.part AND p.ended_at IS NULL)
    """
