"""All SQL of the activity of weeks and months."""

from collections.abc import Sequence
from datetime import date

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.activity.model import WEEK, Week, month_after, start_of


async def list_weeks(conn: ReadConn, mondays: Sequence[date]) -> list[Week]:
    """These weeks, in this order; a week that was not recorded is empty."""
    rows = await conn.fetch(
        "SELECT week AS begins_on, posts, members, sign_ups FROM weekly_activity WHERE week = ANY ($1::date[])", list(mondays)
    )
    found = {row["begins_on"]: Week(**dict(row)) for row in rows}
    return [found.get(monday) or Week(begins_on=monday) for monday in mondays]


async def list_recorded(conn: ReadConn, mondays: Sequence[date]) -> set[date]:
    """Which of these weeks have been recorded."""
    rows = await conn.fetch("SELECT week FROM weekly_activity WHERE week = ANY ($1::date[])", list(mondays))
    return {row["week"] for row in rows}


async def record_week(tx: WriteTx, monday: date) -> None:
    """Counts a week. Counts never fall, so what was deleted since, and visits that later ones have replaced, stay counted.

    Uses the primary key of posts, whose ids are ordered by time, and scans the log-ins.
    """
    begin, end = start_of(monday), start_of(monday + WEEK)
    await tx.execute(
        """
        INSERT INTO weekly_activity AS w (week, posts, members, sign_ups)
        SELECT $1,
            (SELECT count(*) FROM posts WHERE id >= $2 AND id < $3 AND domain = '' AND boost_of_id IS NULL),
            (SELECT count(*) FROM (
                SELECT account_id FROM posts WHERE id >= $2 AND id < $3 AND domain = ''
                UNION SELECT account_id FROM logins WHERE seen_at >= $4 AND seen_at < $5) AS here),
            (SELECT count(*) FROM logins WHERE created_at >= $4 AND created_at < $5)
        ON CONFLICT (week) DO UPDATE SET posts = greatest(w.posts, excluded.posts),
            members = greatest(w.members, excluded.members), sign_ups = greatest(w.sign_ups, excluded.sign_ups)
        """,
        monday, ids.first_id(begin), ids.first_id(end), begin, end,
    )


async def record_month(tx: WriteTx, month: date) -> None:
    """Counts who was here in a month, which begins on this day. Counts never fall, as in `record_week`."""
    begin, end = start_of(month), start_of(month_after(month))
    await tx.execute(
        """
        INSERT INTO monthly_activity AS m (month, members)
        SELECT $1, (SELECT count(*) FROM (
            SELECT account_id FROM posts WHERE id >= $2 AND id < $3 AND domain = ''
            UNION SELECT account_id FROM logins WHERE seen_at >= $4 AND seen_at < $5) AS here)
        ON CONFLICT (month) DO UPDATE SET members = greatest(m.members, excluded.members)
        """,
        month, ids.first_id(begin), ids.first_id(end), begin, end,
    )


async def average_members(conn: ReadConn, first: date, last: date) -> int | None:
    """The average number of members who were here in a month, over the recorded months that begin in this span; None without any."""
    value = await conn.fetchval(
        "SELECT round(avg(members)) FROM monthly_activity WHERE month BETWEEN $1 AND $2", first.replace(day=1), last
    )
    return None if value is None else int(value)
