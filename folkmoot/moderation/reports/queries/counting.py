"""How many reports came, and how many were answered, on each day. Counts only: they are the same for all moderators."""

from folkmoot.base import ids
from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import State
from folkmoot.network.activity.model import Figure, Period


async def count_opened(conn: ReadConn, period: Period) -> Figure:
    """Uses the primary key of reports."""
    rows = await conn.fetch(
        "SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS count FROM reports WHERE id >= $1 AND id < $2 GROUP BY 1",
        ids.first_id(period.before.begins_at), ids.first_id(period.ends_at),
    )
    return Figure.added(period, {row["day"]: row["count"] for row in rows})


async def count_resolved(conn: ReadConn, period: Period) -> Figure:
    """A report is resolved when the last of its cases is closed. Scans the cases; uses the index report_cases_report."""
    rows = await conn.fetch(
        f"""
        WITH touched AS (
            SELECT DISTINCT rc.report_id FROM cases AS c JOIN report_cases AS rc ON rc.case_id = c.id
            WHERE c.closed_at >= $1 AND c.closed_at < $2
        ), resolved AS (
            SELECT max(c.closed_at) AS at FROM touched AS t JOIN report_cases AS rc ON rc.report_id = t.report_id
            JOIN cases AS c ON c.id = rc.case_id GROUP BY t.report_id HAVING NOT bool_or(c.state = '{State.OPEN}')
        )
        SELECT (at AT TIME ZONE 'UTC')::date AS day, count(*) AS count FROM resolved WHERE at < $2 GROUP BY 1
        """,
        period.before.begins_at, period.ends_at,
    )
    return Figure.added(period, {row["day"]: row["count"] for row in rows})
