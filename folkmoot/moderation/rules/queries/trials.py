"""What rules on trial have met."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import State, Subject
from folkmoot.moderation.rules.model import MOST_TRIED, Record, TrialResult
from folkmoot.moderation.rules.queries.outcomes import ACTION, KEEP, VERDICT

_BATCH = 5000  # rows that are deleted in one statement


async def insert_tried(tx: WriteTx, version: str, met: Sequence[tuple[str, int]], at: datetime) -> None:
    """Stores (rule, post) of what was met, up to the bound for each rule. Posts that were deleted meanwhile are left out.

    Index: rule_trial_posts_rule.
    """
    await tx.execute(
        f"""
        WITH open AS (
            SELECT w.rule FROM (SELECT DISTINCT unnest($2::text[]) AS rule) AS w CROSS JOIN LATERAL (
                SELECT count(*) AS met FROM (
                    SELECT FROM rule_trial_posts AS t WHERE t.version = $1 AND t.rule = w.rule LIMIT {MOST_TRIED}) AS n
            ) AS known WHERE known.met < {MOST_TRIED}
        )
        INSERT INTO rule_trial_posts (version, rule, post_id, met_at)
        SELECT $1, w.rule, p.id, $4 FROM unnest($2::text[], $3::bigint[]) AS w (rule, id)
        JOIN open ON open.rule = w.rule JOIN posts AS p ON p.id = w.id
        ORDER BY p.id FOR KEY SHARE OF p
        ON CONFLICT DO NOTHING
        """,
        version, [rule for rule, _ in met], [post_id for _, post_id in met], at,
    )


async def list_tried(conn: ReadConn, version: str, examples: int) -> dict[str, TrialResult]:
    """What each rule of a version has met, and what people decided about these posts in other ways. Posts that were deleted since then
    do not count. Indexes: rule_trial_posts_rule, cases_subject."""
    rows = await conn.fetch(
        f"""
        SELECT t.rule, count(*) AS met, count(DISTINCT p.account_id) AS authors, count(found.is_violation) AS decided,
            count(*) FILTER (WHERE found.is_violation) AS violations, (array_agg(p.id ORDER BY p.id DESC))[:$2] AS post_ids
        FROM rule_trial_posts AS t JOIN posts AS p ON p.id = t.post_id LEFT JOIN LATERAL (
            SELECT {ACTION} <> '{KEEP}' AS is_violation FROM cases AS c {VERDICT}
            WHERE c.subject = '{Subject.POST}' AND c.subject_id = t.post_id AND c.state = '{State.DECIDED}'
                AND c.appealed_verdict_id IS NULL AND v.id IS NOT NULL
            ORDER BY c.id DESC LIMIT 1
        ) AS found ON true
        WHERE t.version = $1 GROUP BY t.rule
        """,
        version, examples,
    )
    return {
        row["rule"]: TrialResult(
            record=Record(row["met"], row["decided"], row["violations"]), authors=row["authors"], post_ids=tuple(row["post_ids"] or ()))
        for row in rows
    }


async def delete_tried(tx: WriteTx, ended_before: datetime) -> int:
    """Deletes what versions have met whose trials ended before that, a part at a time; returns how many. Index: rule_trial_posts_rule."""
    return await tx.execute(
        f"""
        DELETE FROM rule_trial_posts WHERE ctid IN (
            SELECT t.ctid FROM rule_trial_posts AS t
            WHERE t.version NOT IN (SELECT r.version FROM rule_trials AS r WHERE r.ends_at >= $1) LIMIT {_BATCH}
        )
        """,
        ended_before,
    )
