"""SQL of the monthly figures. It only reads.

Everything is counted by the moment when it happened, mostly by ids, which are ordered by time. Nothing here joins accounts or posts, so
the figures of a span stay the same when people leave (decision 0095).
"""

from datetime import date, datetime, timedelta

from folkmoot.base.db import ReadConn
from folkmoot.base.ids import first_id
from folkmoot.moderation.appeals.model import State as AppealState
from folkmoot.moderation.cases.model import Lane
from folkmoot.moderation.cases.queries.orders import LANE
from folkmoot.moderation.detection.model import WhySwitched
from folkmoot.moderation.detection.reader import READER
from folkmoot.moderation.hash_lists.matching import DETECTOR as LISTS
from folkmoot.moderation.journal.model import SealState, Step
from folkmoot.moderation.learning.actions import SAMPLE
from folkmoot.moderation.notices.model import Urgency
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.rules.model import DETECTOR as RULES
from folkmoot.moderation.statements.model import Source
from folkmoot.moderation.transparency.model import Span
from folkmoot.moderation.transparency.monthly import ALL, Appeals, Hiding, Incident, JournalEnd, Speed
from folkmoot.moderation.verdicts.model import Action

LONGEST_DEADLINE = timedelta(days=366)  # no setting and no clause allows a longer one: older cases and notices are not read
_STANDS = "v.settled_at IS NOT NULL AND v.undone_at IS NULL"
_KIND_OF_DETECTOR = (
    f"CASE WHEN s.detector = '{LISTS}' THEN 'lists' WHEN s.detector LIKE '{RULES}%' THEN 'rules' WHEN s.detector = '{READER}' THEN 'reader'"
    " ELSE 'detector' END"
)
_DAY = "(({moment}) AT TIME ZONE 'UTC')::date"


async def count_intake(conn: ReadConn, span: Span) -> dict[str, int]:
    """Reports, cases that were opened (without appeals), and notices by urgency."""
    row = await conn.fetchrow(
        f"""
        SELECT (SELECT count(*) FROM reports WHERE id >= $1 AND id < $2) AS reports,
            (SELECT count(*) FROM cases WHERE id >= $1 AND id < $2 AND appealed_verdict_id IS NULL) AS cases,
            {", ".join(f"count(*) FILTER (WHERE urgency = '{one}') AS {one}" for one in Urgency)}
        FROM notices WHERE id >= $1 AND id < $2
        """,
        *span.ids,
    )
    assert row is not None
    return dict(row)


async def list_decisions(conn: ReadConn, span: Span) -> list[tuple[str, str, str, int]]:
    """(clause, action, kind of decider, number) of first decisions."""
    rows = await conn.fetch(
        f"""
        SELECT v.clause, v.action, v.decider_kind, count(*) AS number FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id
        WHERE v.id >= $1 AND v.id < $2 AND {_STANDS} AND c.appealed_verdict_id IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        *span.ids,
    )
    return [(row["clause"], row["action"], row["decider_kind"], row["number"]) for row in rows]


async def list_speeds(conn: ReadConn, span: Span) -> dict[str, Speed]:
    """From opening to first decision, of all cases and of those of each lane that has any."""
    rows = await conn.fetch(
        f"""
        SELECT {LANE} AS lane, count(*) AS decided, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
            ORDER BY greatest(0, extract(epoch FROM v.made_at - c.opened_at))::float8) AS seconds
        FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id
        WHERE v.id >= $1 AND v.id < $2 AND {_STANDS} AND c.appealed_verdict_id IS NULL GROUP BY GROUPING SETS ((1), ())
        """,
        *span.ids,
    )
    return {
        ALL if row["lane"] is None else Lane(row["lane"]).name.lower(): Speed(
            decided=row["decided"], median=_hours(row["seconds"][0]), nine_tenths=_hours(row["seconds"][1]))
        for row in rows if row["decided"]
    }


async def count_deadlines(conn: ReadConn, span: Span, now: datetime) -> list[tuple[date, str, str, int]]:
    """(day, kind of deadline, how it ended, number) of the deadlines that ended in the span: with a decision or an answer, or because the
    time was over. Cases of which an answer to a notice depends are counted as notices."""
    rows = await conn.fetch(
        f"""
        WITH ended AS (
            SELECT 'notice_' || n.urgency AS kind, least(n.answered_at, n.due_at) AS at, n.answered_at <= n.due_at AS in_time, coalesce((
                SELECT bool_and(coalesce(least(v.made_at, c.interim_at, c.closed_at) <= n.due_at, false)) FROM notice_cases AS nc
                JOIN cases AS c ON c.id = nc.case_id LEFT JOIN verdicts AS v ON v.case_id = c.id AND v.undone_at IS NULL
                WHERE nc.notice_id = n.id), false) AS is_covered
            FROM notices AS n WHERE n.id >= $1 AND n.id < $2 AND n.due_at >= $3
            UNION ALL
            SELECT CASE WHEN c.appealed_verdict_id IS NOT NULL THEN 'appeal' WHEN {LANE} = {Lane.THREAT:d} THEN 'threat' ELSE 'other' END,
                least(v.made_at, c.due_at), v.made_at <= c.due_at, coalesce(c.interim_at <= c.due_at, false)
            FROM cases AS c LEFT JOIN verdicts AS v ON v.case_id = c.id AND v.undone_at IS NULL
            WHERE c.id >= $1 AND c.id < $2 AND c.due_at >= $3 AND (NOT c.is_demanded OR c.appealed_verdict_id IS NOT NULL)
                AND (v.id IS NOT NULL OR c.closed_at IS NULL OR c.closed_at > c.due_at)
        )
        SELECT {_DAY.format(moment="at")} AS day, kind,
            CASE WHEN in_time THEN 'in_time' WHEN is_covered THEN 'covered' ELSE 'late' END AS ending, count(*) AS number
        FROM ended WHERE at >= $3 AND at < least($4::timestamptz, $5::timestamptz) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        first_id(span.begins_at - LONGEST_DEADLINE), span.ids[1], span.begins_at, span.ends_at, now,
    )
    return [(row["day"], row["kind"], row["ending"], row["number"]) for row in rows]


async def list_appeals(conn: ReadConn, span: Span) -> tuple[Appeals, list[Incident]]:
    """Appeals of the span, and the days on which a decision was overturned."""
    lodged = await conn.fetchval("SELECT count(*) FROM appeals WHERE id >= $1 AND id < $2", *span.ids)
    rows = await conn.fetch(
        f"""
        SELECT state, {_DAY.format(moment="closed_at")} AS day, count(*) AS number FROM appeals
        WHERE id >= $3 AND id < $2 AND closed_at >= $1 AND closed_at < $4 GROUP BY 1, 2 ORDER BY 1, 2
        """,
        span.begins_at, span.ids[1], first_id(span.begins_at - LONGEST_DEADLINE), span.ends_at,
    )

    def closed(state: AppealState) -> int:
        return sum(row["number"] for row in rows if row["state"] == state)

    appeals = Appeals(
        lodged=lodged, upheld=closed(AppealState.UPHELD), changed=closed(AppealState.CHANGED), overturned=closed(AppealState.OVERTURNED)
    )
    return appeals, [
        Incident(day=row["day"], kind="overturned", count=row["number"]) for row in rows if row["state"] == AppealState.OVERTURNED
    ]


async def list_detections(conn: ReadConn, span: Span) -> dict[str, dict[str, int]]:
    """The fields of `Detected` by kind of detector, and of all. A sample that was drawn for teaching is no detection."""
    rows = await conn.fetch(
        f"""
        WITH raised AS (
            SELECT s.case_id, {_KIND_OF_DETECTOR} AS kind, s.is_hiding AND s.post_id IS NOT NULL AS is_hiding
            FROM signals AS s WHERE s.id >= $1 AND s.id < $2 AND s.detector <> '{SAMPLE}'
        ), decided AS (
            SELECT v.id, {_KIND_OF_DETECTOR} AS kind, v.action <> '{Action.KEEP}' AS is_breach,
                s.is_hiding AND s.post_id IS NOT NULL AS is_hiding
            FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id JOIN signals AS s ON s.case_id = c.id AND s.created_at <= v.made_at
            WHERE v.id >= $1 AND v.id < $2 AND {_STANDS} AND c.appealed_verdict_id IS NULL AND s.detector <> '{SAMPLE}'
        ), counted AS (
            SELECT kind, count(DISTINCT case_id) AS cases, count(DISTINCT case_id) FILTER (WHERE is_hiding) AS hidden
            FROM raised GROUP BY GROUPING SETS ((kind), ())
        ), judged AS (
            SELECT kind, count(DISTINCT id) AS decided, count(DISTINCT id) FILTER (WHERE is_breach) AS agreed,
                count(DISTINCT id) FILTER (WHERE is_hiding) AS hidden_decided,
                count(DISTINCT id) FILTER (WHERE is_hiding AND is_breach) AS hidden_agreed
            FROM decided GROUP BY GROUPING SETS ((kind), ())
        )
        SELECT coalesce(r.kind, d.kind, '{ALL}') AS kind, coalesce(r.cases, 0) AS cases, coalesce(r.hidden, 0) AS hidden,
            coalesce(d.decided, 0) AS decided, coalesce(d.agreed, 0) AS agreed, coalesce(d.hidden_decided, 0) AS hidden_decided,
            coalesce(d.hidden_agreed, 0) AS hidden_agreed
        FROM counted AS r FULL JOIN judged AS d ON coalesce(r.kind, '') = coalesce(d.kind, '')
        """,
        *span.ids,
    )
    return {row["kind"]: {name: row[name] for name in row if name != "kind"} for row in map(dict, rows)}


async def count_hiding(conn: ReadConn, span: Span) -> Hiding:
    """From the writing of a post, or of its last edit, to its hiding by a program."""
    row = await conn.fetchrow(
        f"""
        SELECT count(*) AS posts, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
            ORDER BY greatest(0, extract(epoch FROM issued_at - posted_at))::float8) AS seconds
        FROM statements WHERE id >= $1 AND id < $2 AND is_interim AND NOT is_after_deadline AND source = '{Source.DETECTOR}'
            AND kind = '{Kind.HIDE}' AND posted_at IS NOT NULL
        """,
        *span.ids,
    )
    assert row is not None
    if not row["posts"]:
        return Hiding()
    return Hiding(posts=row["posts"], median=round(row["seconds"][0], 1), nine_tenths=round(row["seconds"][1], 1))


async def list_incidents(conn: ReadConn, span: Span) -> list[Incident]:
    """Faults of the detector and of the journal. Index: journal_incidents."""
    rows = await conn.fetch(
        f"""
        SELECT {_DAY.format(moment="chosen_at")} AS day, 'detector_reverted' AS kind, count(*) AS number FROM detector_choices
        WHERE chosen_at >= $1 AND chosen_at < $2 AND why = '{WhySwitched.REVERTED}' GROUP BY 1
        UNION ALL
        SELECT {_DAY.format(moment="at")}, CASE kind WHEN '{Step.DAMAGE_ACCEPTED}' THEN 'journal_damaged' ELSE 'journal_moved' END, count(*)
        FROM journal WHERE at >= $1 AND at < $2 AND kind IN ('{Step.DAMAGE_ACCEPTED}', '{Step.END_ADOPTED}') GROUP BY 1, 2
        UNION ALL
        SELECT {_DAY.format(moment="since")}, 'journal_broken', 1 FROM journal_sealer
        WHERE since >= $1 AND since < $2 AND state <> '{SealState.SEALING}'
        ORDER BY 1, 2
        """,
        span.begins_at, span.ends_at,
    )
    return [Incident(day=row["day"], kind=row["kind"], count=row["number"]) for row in rows]


async def find_anchor_before(conn: ReadConn, span: Span) -> JournalEnd | None:
    row = await conn.fetchrow(
        "SELECT position, hash FROM journal_anchors WHERE at < $1 ORDER BY position DESC LIMIT 1", span.ends_at
    )
    return JournalEnd(position=row["position"], hash=bytes(row["hash"]).hex()) if row else None


async def find_first_id(conn: ReadConn) -> int | None:
    """The oldest id of an account of this network, or of a case: when the network began. None before that."""
    value = await conn.fetchval(
        "SELECT least((SELECT id FROM accounts WHERE domain = '' ORDER BY id LIMIT 1), (SELECT id FROM cases ORDER BY id LIMIT 1))"
    )
    return None if value is None else int(value)


def _hours(seconds: float) -> float:
    return round(seconds / 3600, 3)
