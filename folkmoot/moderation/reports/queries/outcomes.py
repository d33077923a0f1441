"""What became of reports, and who was told of it."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.moderation.cases.queries.outcome import OUTCOME, SETTLED_VERDICTS
from folkmoot.moderation.reports.model import ReportedCase
from folkmoot.network.posts.model import PostEffect


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


async def take_untold(tx: WriteTx, case_id: int, limit: int) -> list[tuple[int, int]]:
    """Marks reporters of a case as notified of its outcome; returns (newest report, reporter) for those who were not yet,
    in the order of their ids."""
    rows = await tx.fetch(
        """
        WITH told AS (
            UPDATE report_cases SET told_at = now() WHERE case_id = $1 AND told_at IS NULL AND reporter_id IN (
                SELECT DISTINCT reporter_id FROM report_cases WHERE case_id = $1 AND told_at IS NULL ORDER BY reporter_id LIMIT $2)
            RETURNING report_id, reporter_id
        )
        SELECT max(report_id) AS report_id, reporter_id FROM told GROUP BY reporter_id ORDER BY reporter_id
        """,
        case_id, limit,
    )
    return [(row["report_id"], row["reporter_id"]) for row in rows]


async def reset_told(tx: WriteTx, case_id: int) -> None:
    """Marks all reporters of a case as not notified, because the outcome has changed."""
    await tx.execute("UPDATE report_cases SET told_at = NULL WHERE case_id = $1", case_id)
