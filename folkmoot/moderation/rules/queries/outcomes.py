"""What people decided about posts and about the cases of rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.moderation.cases.queries.outcome import LAST_ON_APPEAL
from folkmoot.moderation.rules.model import DETECTOR, Record, rule_of_detector

# The verdict about a case, or the one that replaced it on appeal. The first one counts before it is settled.
VERDICT = f"LEFT JOIN verdicts AS v ON v.case_id = c.id AND v.undone_at IS NULL {LAST_ON_APPEAL}"
ACTION = "coalesce(later.action, v.action)"
KEEP = "keep"  # `verdicts.model.Action.KEEP`, which stands a layer above


class RuleCase(msgspec.Struct, frozen=True):
    """A case to which a rule has pointed. `action`: what was decided; None while it is open or withdrawn, and while an appeal is heard
    by somebody who must not know."""

    case_id: int
    subject: str
    raised_at: datetime
    reasons: tuple[str, ...]
    is_open: bool
    action: str | None


async def list_outcomes_unscoped(conn: ReadConn, post_ids: Sequence[int]) -> dict[int, bool]:
    """For each decided post whether it broke a clause, in the latest case about it. Index: cases_subject."""
    rows = await conn.fetch(
        f"""
        SELECT DISTINCT ON (c.subject_id) c.subject_id, {ACTION} <> '{KEEP}' AS is_violation
        FROM cases AS c {VERDICT}
        WHERE c.subject = '{Subject.POST}' AND c.subject_id = ANY ($1::bigint[]) AND c.state = '{State.DECIDED}'
            AND c.appealed_verdict_id IS NULL AND v.id IS NOT NULL
        ORDER BY c.subject_id, c.id DESC
        """,
        list(post_ids),
    )
    return {row["subject_id"]: row["is_violation"] for row in rows}


async def count_records(conn: ReadConn, since: datetime) -> Mapping[str, Record]:
    """For each rule how many cases its signals since then belong to, and what came of them. Index: signals_of_rules."""
    rows = await conn.fetch(
        f"""
        SELECT s.detector, count(*) AS met, count(v.id) AS decided, count(*) FILTER (WHERE {ACTION} <> '{KEEP}') AS violations
        FROM (SELECT DISTINCT detector, case_id FROM signals WHERE detector LIKE 'rule %' AND created_at > $1) AS s
        JOIN cases AS c ON c.id = s.case_id {VERDICT}
        GROUP BY s.detector
        """,
        since,
    )
    return {rule_of_detector(row["detector"]) or "": Record(row["met"], row["decided"], row["violations"]) for row in rows}


async def list_cases_of_rule(conn: ReadConn, rule: str, limit: int) -> list[RuleCase]:
    """The newest cases to which a rule has pointed. Index: signals_of_rules."""
    rows = await conn.fetch(
        f"""
        SELECT c.id, c.subject, s.created_at, s.reasons, c.state = '{State.OPEN}' AS is_open,
            CASE WHEN NOT EXISTS (SELECT FROM cases AS a WHERE a.appealed_verdict_id = v.id AND a.state = '{State.OPEN}')
                THEN {ACTION} END AS action
        FROM (
            SELECT DISTINCT ON (case_id) case_id, created_at, reasons FROM (
                SELECT case_id, created_at, reasons FROM signals WHERE detector = $1 AND detector LIKE 'rule %'
                ORDER BY created_at DESC LIMIT 4 * $2
            ) AS newest ORDER BY case_id, created_at DESC
        ) AS s JOIN cases AS c ON c.id = s.case_id {VERDICT}
        ORDER BY s.created_at DESC LIMIT $2
        """,
        DETECTOR + rule, limit,
    )
    return [
        RuleCase(row["id"], row["subject"], row["created_at"], tuple(row["reasons"]), row["is_open"], row["action"]) for row in rows
    ]
