"""All SQL of the activity of days, weeks and months, and of what moderators see of it."""

from collections.abc import Sequence
from datetime import date

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.activity.model import DAY, WEEK, Cohort, Figure, Period, Share, Week, month_after, start_of

# Spans that end with a recorded day, by their length in days.
_MEMBERS = {1: "members", 7: "members_of_week", 30: "members_of_month"}


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


async def list_recorded_days(conn: ReadConn, days: Sequence[date]) -> set[date]:
    """Which of these days have been recorded."""
    rows = await conn.fetch("SELECT day FROM daily_activity WHERE day = ANY ($1::date[])", list(days))
    return {row["day"] for row in rows}


async def record_day(tx: WriteTx, day: date, *, is_today: bool) -> None:
    """Counts a day. Counts never fall, as in `record_week`. Members are counted on the day itself, and once more soon after it: later,
    too many visits are replaced by newer ones.

    Uses the primary keys of posts and favourites, and scans the log-ins: who did something on a day was last seen on it, or later.
    """
    begin, end = start_of(day), start_of(day + DAY)
    await tx.execute(
        """
        INSERT INTO daily_activity AS d (day, members, members_of_week, members_of_month, interactions)
        SELECT $1, CASE WHEN is_counted THEN of_day END, CASE WHEN is_counted THEN of_week END, CASE WHEN is_counted THEN of_month END,
            (SELECT count(*) FROM posts WHERE id >= $2 AND id < $3 AND domain = ''
                AND (boost_of_id IS NOT NULL OR reply_to_id IS NOT NULL))
            + (SELECT count(*) FROM logins AS l JOIN favourites AS f ON f.account_id = l.account_id AND f.id >= $2 AND f.id < $3
                WHERE l.seen_at >= $4)
        FROM (SELECT count(*) FILTER (WHERE seen_at >= $4) AS of_day, count(*) FILTER (WHERE seen_at >= $4 - interval '6 days') AS of_week,
                count(*) FILTER (WHERE seen_at >= $4 - interval '29 days') AS of_month
            FROM logins WHERE seen_at < $5) AS seen,
            (SELECT $6 OR EXISTS (SELECT FROM daily_activity WHERE day = $1 AND members IS NOT NULL) AS is_counted) AS known
        ON CONFLICT (day) DO UPDATE SET members = greatest(d.members, excluded.members),
            members_of_week = greatest(d.members_of_week, excluded.members_of_week),
            members_of_month = greatest(d.members_of_month, excluded.members_of_month),
            interactions = greatest(d.interactions, excluded.interactions)
        """,
        day, ids.first_id(begin), ids.first_id(end), begin, end, is_today,
    )


async def find_active_members(conn: ReadConn, period: Period, today: date) -> Figure | None:
    """How many members were here. None if nobody knows it of the whole period: it has to last until today, or to be a day, a week or 30
    days whose end was recorded."""
    rows = {row["day"]: row for row in await conn.fetch(
        "SELECT day, members, members_of_week, members_of_month FROM daily_activity WHERE day BETWEEN $1 AND $2", period.before.last,
        period.last,
    )}
    column = _MEMBERS.get(period.length)
    total, previous = (rows[day][column] if column and day in rows else None for day in (period.last, period.before.last))
    if period.first <= today <= period.last:
        total = await conn.fetchval("SELECT count(*) FROM logins WHERE seen_at >= $1", period.begins_at)
    if total is None:
        return None
    days = {day: row["members"] for day, row in sorted(rows.items()) if day >= period.first and row["members"] is not None}
    return Figure(total=total, previous=previous, days=days)


async def count_sign_ups(conn: ReadConn, period: Period) -> Figure:
    """Of members who are still here. Scans the log-ins."""
    rows = await conn.fetch(
        "SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS count FROM logins WHERE created_at >= $1 AND created_at < $2"
        " GROUP BY 1",
        period.before.begins_at, period.ends_at,
    )
    return Figure.added(period, {row["day"]: row["count"] for row in rows})


async def find_interactions(conn: ReadConn, period: Period) -> Figure | None:
    """Favourites, boosts and replies by members; None if no day of the period was recorded."""
    rows = await conn.fetch(
        "SELECT day, interactions FROM daily_activity WHERE day BETWEEN $1 AND $2 ORDER BY day", period.before.first, period.last
    )
    known = {row["day"]: row["interactions"] for row in rows}
    days = {day: count for day, count in known.items() if day >= period.first}
    before = [known.get(day) for day in period.before.days]
    previous = sum(count for count in before if count is not None) if None not in before else None
    return Figure(total=sum(days.values()), previous=previous, days=days) if days else None


async def list_languages(conn: ReadConn, period: Period, limit: int) -> list[Share]:
    """The languages that members have chosen who were last here in the period. Scans the log-ins."""
    rows = await conn.fetch(
        "SELECT language AS name, count(*) AS count FROM logins WHERE seen_at >= $1 AND seen_at < $2 GROUP BY 1"
        " ORDER BY 2 DESC, 1 LIMIT $3",
        period.begins_at, period.ends_at, limit,
    )
    return [Share(**dict(row)) for row in rows]


async def list_sources(conn: ReadConn, period: Period, limit: int) -> list[Share]:
    """The apps with which members have written posts; an empty name: the pages. Uses the primary key of posts."""
    rows = await conn.fetch(
        """
        SELECT coalesce(apps.name, '') AS name, count(*) AS count FROM posts AS p LEFT JOIN apps ON apps.id = p.app_id
        WHERE p.id >= $1 AND p.id < $2 AND p.domain = '' AND p.boost_of_id IS NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $3
        """,
        ids.first_id(period.begins_at), ids.first_id(period.ends_at), limit,
    )
    return [Share(**dict(row)) for row in rows]


async def list_servers(conn: ReadConn, period: Period, limit: int) -> list[Share]:
    """The networks from which most posts came; an empty name: this one. Uses the primary key of posts."""
    rows = await conn.fetch(
        "SELECT domain AS name, count(*) AS count FROM posts WHERE id >= $1 AND id < $2 AND boost_of_id IS NULL GROUP BY 1"
        " ORDER BY 2 DESC, 1 LIMIT $3",
        ids.first_id(period.begins_at), ids.first_id(period.ends_at), limit,
    )
    return [Share(**dict(row)) for row in rows]


async def measure_space(conn: ReadConn) -> tuple[int, int, str]:
    """(bytes of the database, bytes of the files, the version of PostgreSQL)."""
    row = await conn.fetchrow(
        "SELECT pg_database_size(current_database()) AS stored, (SELECT coalesce(sum(bytes), 0)::bigint FROM media_files) AS files,"
        " current_setting('server_version') AS version"
    )
    assert row is not None
    return row["stored"], row["files"], row["version"].partition(" ")[0]


async def list_cohorts(conn: ReadConn, period: Period, *, by_month: bool) -> list[Cohort]:
    """For each day or month of sign-ups, how many of these members were here in it or in a later one, up to the end of the period.

    A member counts until the last visit. One scan of the log-ins.
    """
    unit = "month" if by_month else "day"
    rows = await conn.fetch(
        f"""
        WITH came AS (
            SELECT date_trunc('{unit}', created_at AT TIME ZONE 'UTC')::date AS signed_up_on,
                date_trunc('{unit}', seen_at AT TIME ZONE 'UTC')::date AS seen_on, count(*) AS members
            FROM logins WHERE created_at >= $1 AND created_at < $2 GROUP BY 1, 2
        ), bucket AS (
            SELECT generate_series(date_trunc('{unit}', $3::date::timestamp), $4::date::timestamp, interval '1 {unit}')::date AS began_on
        )
        SELECT s.began_on AS signed_up_on, b.began_on, coalesce(sum(c.members), 0)::int AS sign_ups,
            coalesce(sum(c.members) FILTER (WHERE c.seen_on >= b.began_on), 0)::int AS stayed
        FROM bucket AS s JOIN bucket AS b ON b.began_on >= s.began_on LEFT JOIN came AS c ON c.signed_up_on = s.began_on
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        start_of(period.first.replace(day=1)) if by_month else period.begins_at,
        start_of(month_after(period.last.replace(day=1))) if by_month else period.ends_at, period.first, period.last,
    )
    return [Cohort(**dict(row)) for row in rows]
