"""All SQL of the room of moderators: their preferences, what they have decided today, and figures of the queue."""

from datetime import UTC, date, datetime, time

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.ids import first_id
from folkmoot.moderation.cases.model import Lane, Share, State
from folkmoot.moderation.cases.queries.orders import LANE
from folkmoot.moderation.workspace.model import Done, Preferences
from folkmoot.moderation.workspace.statistics import Figures, OpenCases, Unit


async def get_preferences(conn: ReadConn, moderator_id: int) -> Preferences:
    row = await conn.fetchrow("SELECT avoided, daily_limit FROM moderator_preferences WHERE account_id = $1", moderator_id)
    return Preferences(avoided=tuple(row["avoided"]), daily_limit=row["daily_limit"]) if row else Preferences()


async def upsert_preferences(tx: WriteTx, moderator_id: int, preferences: Preferences) -> None:
    await tx.execute(
        "INSERT INTO moderator_preferences (account_id, avoided, daily_limit) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id) DO UPDATE SET avoided = excluded.avoided, daily_limit = excluded.daily_limit",
        moderator_id, list(preferences.avoided), preferences.daily_limit,
    )


async def list_done_since(conn: ReadConn, moderator_id: int, since: datetime, limit: int = 1000) -> list[Done]:
    """The decisions of a moderator since then, oldest first, without undone ones. Posts with the same words, which were read once, count
    once; each post of one author that was decided together with others counts, because each was read. Of such a set the first one tells
    which it is. Index: verdicts_moderator."""
    rows = await conn.fetch(
        """
        WITH done AS (
            SELECT id, case_id, batch_id, made_at FROM verdicts WHERE moderator_id = $1 AND made_at >= $2 AND undone_at IS NULL
        ), together AS (
            SELECT d.batch_id
            FROM (SELECT batch_id, min(case_id) AS case_id FROM done WHERE batch_id IS NOT NULL GROUP BY batch_id) AS d
            JOIN cases AS c ON c.id = d.case_id JOIN posts AS p ON p.id = c.subject_id
            JOIN verdicts AS first ON first.id = d.batch_id
            JOIN cases AS fc ON fc.id = first.case_id JOIN posts AS fp ON fp.id = fc.subject_id
            WHERE (p.text, p.cover) IS DISTINCT FROM (fp.text, fp.cover)
        )
        SELECT d.made_at, c.severity FROM done AS d JOIN cases AS c ON c.id = d.case_id
        WHERE d.batch_id IS NULL OR d.batch_id IN (SELECT batch_id FROM together) ORDER BY d.id DESC LIMIT $3
        """,
        moderator_id, since, limit,
    )
    return [Done(row["made_at"], row["severity"]) for row in reversed(rows)]


async def list_figures(conn: ReadConn, unit: Unit, since: date) -> list[Figures]:
    """The figures of each period from `since` on in which something happened. Ids are ordered by time, so primary keys bound what is
    read."""
    rows = await conn.fetch(
        f"""
        WITH opened AS (
            SELECT date_trunc($1, c.opened_at AT TIME ZONE 'UTC')::date AS start, {LANE} AS lane, count(*) AS opened
            FROM cases AS c WHERE c.id >= $2 GROUP BY GROUPING SETS ((1, 2), (1))
        ), decided AS (
            SELECT date_trunc($1, v.made_at AT TIME ZONE 'UTC')::date AS start, {LANE} AS lane,
                count(*) FILTER (WHERE v.undone_at IS NULL) AS decided,
                count(*) FILTER (WHERE v.undone_at IS NULL AND v.made_at <= c.due_at) AS in_time,
                count(*) FILTER (WHERE v.undone_at IS NOT NULL) AS undone,
                count(*) FILTER (WHERE v.undone_at IS NULL AND c.appealed_verdict_id IS NOT NULL) AS appeals,
                count(*) FILTER (WHERE v.undone_at IS NULL AND first.overturned_by_id = v.id) AS overturned,
                percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM v.made_at - c.opened_at)::float8)
                    FILTER (WHERE v.undone_at IS NULL) AS seconds
            FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id LEFT JOIN verdicts AS first ON first.id = c.appealed_verdict_id
            WHERE v.id >= $2 GROUP BY GROUPING SETS ((1, 2), (1))
        )
        SELECT coalesce(o.start, d.start) AS start, coalesce(o.lane, d.lane) AS lane, coalesce(o.opened, 0) AS opened,
            coalesce(d.decided, 0) AS decided, coalesce(d.in_time, 0) AS in_time, coalesce(d.undone, 0) AS undone,
            coalesce(d.appeals, 0) AS appeals, coalesce(d.overturned, 0) AS overturned, d.seconds[1] AS median, d.seconds[2] AS slowest
        FROM opened AS o FULL JOIN decided AS d ON d.start = o.start AND coalesce(d.lane, -1) = coalesce(o.lane, -1)
        """,
        unit.value, first_id(datetime.combine(since, time(), UTC)),
    )
    return [Figures(**{**dict(row), "lane": None if row["lane"] is None else Lane(row["lane"])}) for row in rows]


async def list_open_by_lane(conn: ReadConn, now: datetime) -> list[OpenCases]:
    """Of each lane that is not empty. Reads all open cases."""
    rows = await conn.fetch(
        f"""
        SELECT {LANE} AS lane, count(*) AS open, count(*) FILTER (WHERE c.due_at <= $1) AS overdue, min(c.opened_at) AS oldest_at,
            count(*) FILTER (WHERE c.due_at > $1 AND $1 - c.opened_at >= (c.due_at - c.opened_at) * {Share.LATE / 100}) AS late,
            min(c.due_at) AS next_due_at
        FROM cases AS c WHERE c.state = '{State.OPEN}' GROUP BY 1 ORDER BY 1
        """,
        now,
    )
    return [OpenCases(**{**dict(row), "lane": Lane(row["lane"])}) for row in rows]
