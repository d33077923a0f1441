"""All SQL of transparency reports: it only reads, and counts by the ids, which are ordered by time.

Nothing here joins accounts or posts, so the figures of a period stay the same when people leave (decision 0095).
"""

from folkmoot.base.db import ReadConn
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.cases.queries.outcome import LAST_ON_APPEAL
from folkmoot.moderation.transparency.model import Complaint, Measures, Notices, Outcomes, Reports, Response, Span
from folkmoot.moderation.verdicts.model import Action

_STANDS = "v.settled_at IS NOT NULL AND v.undone_at IS NULL"
# The first restriction of a case of which its author was told.
_FIRST = (
    "SELECT min(r.imposed_at) AS at FROM restrictions AS r JOIN statements AS s ON s.restriction_id = r.id AND s.told_at IS NOT NULL"
    " WHERE r.case_id = v.case_id"
)


async def list_measures(conn: ReadConn, span: Span) -> list[Measures]:
    rows = await conn.fetch(
        f"""
        SELECT s.clause, s.policy, s.kind, s.source, s.notifier, s.is_interim, s.is_after_deadline,
            coalesce(appealed.action = '{Action.KEEP}', false) AS answers_complaint, count(*) AS number
        FROM statements AS s JOIN restrictions AS r ON r.id = s.restriction_id LEFT JOIN verdicts AS v ON v.id = r.verdict_id
        LEFT JOIN cases AS c ON c.id = v.case_id LEFT JOIN verdicts AS appealed ON appealed.id = c.appealed_verdict_id
        WHERE s.id >= $1 AND s.id < $2 AND s.told_at IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
        """,
        *span.ids,
    )
    return [Measures(**dict(row)) for row in rows]


async def list_notices(conn: ReadConn, span: Span) -> list[Notices]:
    rows = await conn.fetch(
        """
        SELECT n.clause, coalesce(c.kind, '') AS kind, coalesce(c.country, '') AS country, count(*) AS number,
            sum(greatest(1, jsonb_array_length(n.places))) AS items
        FROM notices AS n LEFT JOIN contacts AS c ON c.id = n.contact_id WHERE n.id >= $1 AND n.id < $2 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        *span.ids,
    )
    return [Notices(**dict(row)) for row in rows]


async def list_reports(conn: ReadConn, span: Span) -> list[Reports]:
    rows = await conn.fetch(
        """
        SELECT clauses, category, family, count(*) AS number, sum(greatest(1, cardinality(post_ids))) AS items FROM reports
        WHERE id >= $1 AND id < $2 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        *span.ids,
    )
    return [Reports(**{**dict(row), "clauses": tuple(row["clauses"])}) for row in rows]


async def list_responses(conn: ReadConn, span: Span) -> list[Response]:
    """One for each notice or report and each of its cases in which a breach was found."""
    rows = await conn.fetch(
        f"""
        SELECT true AS is_notice, coalesce(c.kind, '') AS kind, coalesce(c.country, '') AS country, v.clause, v.policy,
            greatest(0, extract(epoch FROM first.at - n.received_at)) / 3600 AS hours, n.id, v.case_id
        FROM notices AS n JOIN notice_cases AS nc ON nc.notice_id = n.id JOIN verdicts AS v ON v.case_id = nc.case_id
        CROSS JOIN LATERAL ({_FIRST}) AS first LEFT JOIN contacts AS c ON c.id = n.contact_id
        WHERE n.id >= $1 AND n.id < $2 AND {_STANDS} AND v.action <> '{Action.KEEP}' AND first.at IS NOT NULL
        UNION ALL
        SELECT false, '', '', v.clause, v.policy, greatest(0, extract(epoch FROM first.at - n.created_at)) / 3600, n.id, v.case_id
        FROM reports AS n JOIN report_cases AS rc ON rc.report_id = n.id JOIN verdicts AS v ON v.case_id = rc.case_id
        CROSS JOIN LATERAL ({_FIRST}) AS first
        WHERE n.id >= $1 AND n.id < $2 AND {_STANDS} AND v.action <> '{Action.KEEP}' AND first.at IS NOT NULL
        ORDER BY 7, 8
        """,
        *span.ids,
    )
    return [Response(row["is_notice"], row["kind"], row["country"], row["clause"], row["policy"], float(row["hours"])) for row in rows]


async def list_complaints(conn: ReadConn, span: Span) -> list[Complaint]:
    rows = await conn.fetch(
        """
        SELECT a.side, a.state, v.action, v.measures, CASE WHEN a.notice_id IS NOT NULL THEN coalesce(c.kind, '') END AS notifier,
            extract(epoch FROM a.closed_at - a.lodged_at) / 3600 AS hours
        FROM appeals AS a JOIN verdicts AS v ON v.id = a.verdict_id LEFT JOIN notices AS n ON n.id = a.notice_id
        LEFT JOIN contacts AS c ON c.id = n.contact_id WHERE a.id >= $1 AND a.id < $2 ORDER BY a.id
        """,
        *span.ids,
    )
    return [
        Complaint(row["side"], row["state"], row["action"], tuple(row["measures"]), row["notifier"],
                  None if row["hours"] is None else float(row["hours"]))
        for row in rows
    ]


async def list_outcomes(conn: ReadConn, span: Span) -> list[Outcomes]:
    """Of first decisions about posts, as they stand after all appeals."""
    rows = await conn.fetch(
        f"""
        SELECT coalesce(later.action, v.action) <> '{Action.KEEP}' AS is_breach,
            ARRAY(SELECT DISTINCT detector FROM signals WHERE signals.case_id = c.id AND is_hiding ORDER BY 1) AS hiding, count(*) AS number
        FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id {LAST_ON_APPEAL}
        WHERE v.id >= $1 AND v.id < $2 AND {_STANDS} AND c.appealed_verdict_id IS NULL AND c.subject = '{Subject.POST}'
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        *span.ids,
    )
    return [Outcomes(row["is_breach"], tuple(row["hiding"]), row["number"]) for row in rows]


async def count_deciders(conn: ReadConn, span: Span) -> int:
    """How many people have decided cases. Those of releases that knew only moderators are in `moderator_id`."""
    return int(await conn.fetchval(
        "SELECT count(DISTINCT coalesce(decider_id, moderator_id)) FROM verdicts AS v"
        f" WHERE id >= $1 AND id < $2 AND {_STANDS} AND decider_kind = 'person'",
        *span.ids,
    ))
