"""The reports of a case for those who decide it. However many there are, a bounded number is read."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn
from folkmoot.moderation.reports.model import AnonymousReport, Category, ReportCounts
from folkmoot.moderation.reports.queries.weights import COUNTS

_AT_EACH_END = 250  # the first and the newest reports, among which comments are looked for
_COUNTED = 10_000  # the newest reports, which are counted
# The record of a reporter: of the other cases they joined, how many were decided, and how many led to a measure.
_RECORD = f"""
    SELECT count(DISTINCT v.id) FILTER (WHERE v.action <> 'keep') AS right, count(DISTINCT v.id) AS decided
    FROM report_cases AS earlier JOIN verdicts AS v ON v.case_id = earlier.case_id AND {COUNTS}
    WHERE earlier.reporter_id = shown.reporter_id AND earlier.case_id <> $1
"""


async def count_reporters(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, int]:
    """The number of reporters of each case."""
    rows = await conn.fetch(
        "SELECT case_id, count(DISTINCT reporter_id) AS times FROM report_cases WHERE case_id = ANY ($1::bigint[]) GROUP BY case_id",
        list(case_ids),
    )
    return {row["case_id"]: row["times"] for row in rows}


async def count_reasons(conn: ReadConn, case_id: int) -> ReportCounts:
    """How many reporters gave each reason, and reported in each week. Index: report_cases_pkey."""
    rows = await conn.fetch(
        """
        SELECT clause, r.category, date_trunc('week', r.created_at AT TIME ZONE 'UTC')::date AS week,
            count(DISTINCT rc.reporter_id) AS times
        FROM (SELECT report_id, reporter_id FROM report_cases WHERE case_id = $1 ORDER BY report_id DESC LIMIT $2) AS rc
        JOIN reports AS r ON r.id = rc.report_id LEFT JOIN LATERAL unnest(r.clauses) AS clause ON true
        GROUP BY GROUPING SETS ((clause, r.category), (week)) ORDER BY week, times DESC
        """,
        case_id, _COUNTED,
    )
    return ReportCounts(
        reasons=[(row["clause"], Category(row["category"]), row["times"]) for row in rows if row["week"] is None],
        weeks=[(row["week"], row["times"]) for row in rows if row["week"]],
    )


async def list_anonymous_reports(conn: ReadConn, case_id: int, limit: int = 50) -> list[AnonymousReport]:
    """Reports of a case: those with a comment first, and the first of each reporter before their further ones. Of many only the first
    and the newest are considered. Index: report_cases_pkey."""
    rows = await conn.fetch(
        f"""
        WITH read AS (
            (SELECT report_id, reporter_id FROM report_cases WHERE case_id = $1 ORDER BY report_id LIMIT $3)
            UNION (SELECT report_id, reporter_id FROM report_cases WHERE case_id = $1 ORDER BY report_id DESC LIMIT $3)
        ), shown AS (
            SELECT r.id AS report_id, read.reporter_id, dense_rank() OVER (ORDER BY read.reporter_id) AS reporter,
                r.category, r.clauses, r.comment, r.created_at,
                row_number() OVER (PARTITION BY read.reporter_id, r.comment = '' ORDER BY r.id) AS time
            FROM read JOIN reports AS r ON r.id = read.report_id ORDER BY r.comment = '', time, r.id LIMIT $2
        )
        SELECT report_id, reporter, category, clauses, comment, created_at, record.right, record.decided
        FROM shown CROSS JOIN LATERAL ({_RECORD}) AS record ORDER BY comment = '', time, report_id
        """,
        case_id, limit, _AT_EACH_END,
    )
    return [AnonymousReport(**{**dict(row), "clauses": tuple(row["clauses"]), "category": Category(row["category"])}) for row in rows]
