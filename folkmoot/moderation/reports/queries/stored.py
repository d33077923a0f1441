"""Stores and reads reports."""

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.moderation.clauses.model import Family
from folkmoot.moderation.reports.model import Category, Report

REPORT = "id, reporter_id, account_id, post_ids, category, clauses, comment, forwards, created_at, family"


def report_from(row: Row) -> Report:
    values = dict(row)
    values.update(post_ids=tuple(row["post_ids"]), clauses=tuple(row["clauses"]), category=Category(row["category"]))
    values["family"] = Family(row["family"]) if row["family"] else None
    return Report(**values)


async def insert_report(tx: WriteTx, report: Report) -> None:
    await tx.execute(
        f"INSERT INTO reports ({REPORT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        report.id, report.reporter_id, report.account_id, list(report.post_ids), report.category, list(report.clauses),
        report.comment, report.forwards, report.created_at, report.family,
    )


async def get_own_report(conn: ReadConn, reporter_id: int, report_id: int) -> Report:
    row = await conn.fetchrow(f"SELECT {REPORT} FROM reports WHERE id = $1 AND reporter_id = $2", report_id, reporter_id)
    if row is None:
        raise NotFound
    return report_from(row)


async def list_own_reports(conn: ReadConn, reporter_id: int, page: Page) -> list[Report]:
    """Index: reports_reporter."""
    rows = await conn.fetch(
        f"SELECT {REPORT} FROM reports WHERE reporter_id = $1 AND id < $2 AND id > $3 ORDER BY id {page.order} LIMIT $4",
        reporter_id, page.below, page.above, page.limit,
    )
    return [report_from(row) for row in page.newest_first(rows)]


async def list_own_reports_of_case(conn: ReadConn, reporter_id: int, case_id: int) -> list[Report]:
    """The reports of this member in this case, oldest first. Index: report_cases_reporter."""
    rows = await conn.fetch(
        f"SELECT {REPORT} FROM reports WHERE id IN ("
        " SELECT report_id FROM report_cases WHERE reporter_id = $1 AND case_id = $2) ORDER BY id",
        reporter_id, case_id,
    )
    return [report_from(row) for row in rows]


async def blank_comments(tx: WriteTx, reporter_id: int) -> None:
    await tx.execute("UPDATE reports SET comment = '' WHERE reporter_id = $1 AND comment <> ''", reporter_id)
