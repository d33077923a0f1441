"""All SQL of reports."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.moderation.cases.model import MOST_REPORTERS, State, Subject
from folkmoot.moderation.cases.queries.outcome import OUTCOME, SETTLED_VERDICTS
from folkmoot.moderation.clauses.model import Family
from folkmoot.moderation.reports.model import AnonymousReport, Category, Report, ReportedCase
from folkmoot.network.posts.model import PostEffect

_REPORT = "id, reporter_id, account_id, post_ids, category, clauses, comment, forwards, created_at, family"
_COUNTS = "v.settled_at IS NOT NULL AND v.undone_at IS NULL AND v.overturned_by_id IS NULL"  # a verdict for the record of a reporter
# The record of a reporter: of the other cases they joined, how many were decided, and how many led to a measure.
_RECORD = f"""
    SELECT count(DISTINCT v.id) FILTER (WHERE v.action <> 'keep') AS right, count(DISTINCT v.id) AS decided
    FROM report_cases AS earlier JOIN verdicts AS v ON v.case_id = earlier.case_id AND {_COUNTS}
    WHERE earlier.reporter_id = rc.reporter_id AND earlier.case_id <> rc.case_id
"""


def _report_from(row: Row) -> Report:
    values = dict(row)
    values.update(post_ids=tuple(row["post_ids"]), clauses=tuple(row["clauses"]), category=Category(row["category"]))
    values["family"] = Family(row["family"]) if row["family"] else None
    return Report(**values)


async def insert_report(tx: WriteTx, report: Report) -> None:
    await tx.execute(
        f"INSERT INTO reports ({_REPORT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        report.id, report.reporter_id, report.account_id, list(report.post_ids), report.category, list(report.clauses),
        report.comment, report.forwards, report.created_at, report.family,
    )


async def insert_report_case(tx: WriteTx, case_id: int, report: Report) -> None:
    await tx.execute(
        "INSERT INTO report_cases (case_id, report_id, reporter_id) VALUES ($1, $2, $3)", case_id, report.id, report.reporter_id
    )


async def get_own_report(conn: ReadConn, reporter_id: int, report_id: int) -> Report:
    row = await conn.fetchrow(f"SELECT {_REPORT} FROM reports WHERE id = $1 AND reporter_id = $2", report_id, reporter_id)
    if row is None:
        raise NotFound
    return _report_from(row)


async def list_own_reports(conn: ReadConn, reporter_id: int, page: Page) -> list[Report]:
    """Index: reports_reporter."""
    rows = await conn.fetch(
        f"SELECT {_REPORT} FROM reports WHERE reporter_id = $1 AND id < $2 AND id > $3 ORDER BY id {page.order} LIMIT $4",
        reporter_id, page.below, page.above, page.limit,
    )
    return [_report_from(row) for row in page.newest_first(rows)]


async def list_outcomes(conn: ReadConn, report_ids: Sequence[int]) -> dict[int, list[ReportedCase]]:
    """The state of the cases that these reports joined. Verdicts are included once they are settled."""
    rows = await conn.fetch(
        f"""
        SELECT rc.report_id, c.id, c.subject = 'post' AS is_about_post, c.subject_id, v.id AS verdict_id, {OUTCOME}
        FROM report_cases AS rc JOIN cases AS c ON c.id = rc.case_id {SETTLED_VERDICTS}
        WHERE rc.report_id = ANY ($1::bigint[]) ORDER BY c.id
        """,
        list(report_ids),
    )
    found: dict[int, list[ReportedCase]] = {id_: [] for id_ in report_ids}
    for row in rows:
        found[row["report_id"]].append(ReportedCase(
            case_id=row["id"], is_about_post=row["is_about_post"], subject_id=row["subject_id"], settled_at=row["settled_at"],
            state=row["state"], due_at=row["due_at"], action=row["action"],
            clause=row["clause"], verdict_id=row["verdict_id"], is_overturned=row["is_overturned"], is_deleted=row["is_deleted"],
        ))
    return found


async def list_own_reports_of_case(conn: ReadConn, reporter_id: int, case_id: int) -> list[Report]:
    """The reports of this member in this case, oldest first. Index: report_cases_reporter."""
    rows = await conn.fetch(
        f"SELECT {_REPORT} FROM reports WHERE id IN ("
        " SELECT report_id FROM report_cases WHERE reporter_id = $1 AND case_id = $2) ORDER BY id",
        reporter_id, case_id,
    )
    return [_report_from(row) for row in rows]


async def list_accuracies(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """(right, decided) of the best reporters of each case: how many of the verdicts about what they reported led to a measure, of how
    many. Indexes: report_cases_reporter, verdicts_one_standing."""
    rows = await conn.fetch(
        f"""
        WITH pairs AS (SELECT DISTINCT case_id, reporter_id FROM report_cases WHERE case_id = ANY ($1::bigint[])),
        records AS (
            SELECT one.reporter_id, record.* FROM (SELECT DISTINCT reporter_id FROM pairs) AS one CROSS JOIN LATERAL (
                SELECT count(DISTINCT v.id) FILTER (WHERE v.action <> 'keep') AS right, count(DISTINCT v.id) AS decided
                FROM report_cases AS rc JOIN verdicts AS v ON v.case_id = rc.case_id AND {_COUNTS}
                WHERE rc.reporter_id = one.reporter_id) AS record
        )
        SELECT case_id, "right", decided FROM (
            SELECT case_id, records.*, row_number() OVER (PARTITION BY case_id ORDER BY ("right" + 1) / (decided + 3.0) DESC) AS place
            FROM pairs JOIN records USING (reporter_id)) AS placed
        WHERE place <= {MOST_REPORTERS}
        """,
        list(case_ids),
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        found.setdefault(row["case_id"], []).append((row["right"], row["decided"]))
    return found


async def list_cases_of_same_reporters(conn: ReadConn, case_id: int, limit: int) -> list[int]:
    """The other open cases in which somebody has reported who has reported in this one."""
    rows = await conn.fetch(
        "SELECT DISTINCT c.id FROM report_cases AS mine JOIN report_cases AS rc ON rc.reporter_id = mine.reporter_id"
        f" JOIN cases AS c ON c.id = rc.case_id AND c.state = '{State.OPEN}' WHERE mine.case_id = $1 AND c.id <> $1 LIMIT $2",
        case_id, limit,
    )
    return [row["id"] for row in rows]


async def count_reporters(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, int]:
    """The number of reporters of each case."""
    rows = await conn.fetch(
        "SELECT case_id, count(DISTINCT reporter_id) AS times FROM report_cases WHERE case_id = ANY ($1::bigint[]) GROUP BY case_id",
        list(case_ids),
    )
    return {row["case_id"]: row["times"] for row in rows}


async def list_anonymous_reports(conn: ReadConn, case_id: int, limit: int = 50) -> list[AnonymousReport]:
    """The reports of a case, for deciders: those with a comment first, and the first of each reporter before their further ones."""
    rows = await conn.fetch(
        f"""
        SELECT r.id AS report_id, dense_rank() OVER (ORDER BY rc.reporter_id) AS reporter,
            r.category, r.clauses, r.comment, r.created_at, record.right, record.decided
        FROM report_cases AS rc JOIN reports AS r ON r.id = rc.report_id CROSS JOIN LATERAL ({_RECORD}) AS record
        WHERE rc.case_id = $1
        ORDER BY r.comment = '', row_number() OVER (PARTITION BY rc.reporter_id, r.comment = '' ORDER BY r.id), r.id LIMIT $2
        """,
        case_id, limit,
    )
    return [AnonymousReport(**{**dict(row), "clauses": tuple(row["clauses"]), "category": Category(row["category"])}) for row in rows]


async def take_untold(tx: WriteTx, case_id: int, limit: int = 1000) -> list[tuple[int, int]]:
    """Marks reporters of a case as notified of its outcome; returns (newest report, reporter) for those who were not yet."""
    rows = await tx.fetch(
        """
        WITH told AS (
            UPDATE report_cases SET told_at = now() WHERE case_id = $1 AND told_at IS NULL AND reporter_id IN (
                SELECT DISTINCT reporter_id FROM report_cases WHERE case_id = $1 AND told_at IS NULL LIMIT $2)
            RETURNING report_id, reporter_id
        )
        SELECT max(report_id) AS report_id, reporter_id FROM told GROUP BY reporter_id
        """,
        case_id, limit,
    )
    return [(row["report_id"], row["reporter_id"]) for row in rows]


async def list_told_since(conn: ReadConn, reporter_ids: Sequence[int], since: datetime) -> set[int]:
    """Those of these reporters who were notified of an outcome since then. Index: report_cases_reporter."""
    rows = await conn.fetch(
        "SELECT DISTINCT reporter_id FROM report_cases WHERE reporter_id = ANY ($1::bigint[]) AND told_at >= $2", list(reporter_ids), since
    )
    return {row["reporter_id"] for row in rows}


async def list_untold_reporters(conn: ReadConn, case_id: int) -> list[int]:
    rows = await conn.fetch("SELECT DISTINCT reporter_id FROM report_cases WHERE case_id = $1 AND told_at IS NULL", case_id)
    return [row["reporter_id"] for row in rows]


async def reset_told(tx: WriteTx, case_id: int) -> None:
    """Marks all reporters of a case as not notified, because the outcome has changed."""
    await tx.execute("UPDATE report_cases SET told_at = NULL WHERE case_id = $1", case_id)


async def blank_comments(tx: WriteTx, reporter_id: int) -> None:
    await tx.execute("UPDATE reports SET comment = '' WHERE reporter_id = $1 AND comment <> ''", reporter_id)


async def find_settled(conn: ReadConn, post_id: int, edited_at: datetime | None, clause: str) -> int | None:
    """The case of the newest settled verdict about this version of a post that answers a report under a clause: a decision to
    keep it that considered the clause, or one under which nobody sees it any more."""
    value = await conn.fetchval(
        f"""
        SELECT c.id FROM cases AS c JOIN verdicts AS v ON v.case_id = c.id AND v.undone_at IS NULL AND v.settled_at IS NOT NULL
        WHERE c.subject = '{Subject.POST}' AND c.subject_id = $1 AND c.state = '{State.DECIDED}' AND v.overturned_by_id IS NULL
          AND ($2::timestamptz IS NULL OR $2 < v.made_at)
          AND (v.action = 'keep' AND $3 = ANY (ARRAY(
                  SELECT unnest(r.clauses) FROM report_cases AS rc JOIN reports AS r ON r.id = rc.report_id
                  WHERE rc.case_id = c.id AND r.created_at < v.made_at) || v.clause || c.clause)
               OR EXISTS (SELECT FROM posts WHERE id = $1 AND effect >= {PostEffect.HIDDEN:d})
                  AND v.action NOT IN ('keep', 'warn', 'label', 'limit'))
        ORDER BY c.id DESC LIMIT 1
        """,
        post_id, edited_at, clause,
    )
    return int(value) if value else None
