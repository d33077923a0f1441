"""Which cases wait for a jury, and which juries wait for somebody to act."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import HIDES_FROM, Share, Subject
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.juries.model import Docket, Reason, SeatState, State
from folkmoot.moderation.juries.queries.stored import IS_OUTSTANDING
from folkmoot.moderation.jurors.model import State as JurorState
from folkmoot.moderation.notices.model import Urgency
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.network.posts.model import Visibility

# `Docket.is_held` as SQL: `Case.hides_at_deadline`, without demands from outside, which people of the network answer.
_IS_HELD = (
    f"(c.subject = '{Subject.POST}' AND c.is_confirmed AND NOT c.is_demanded AND c.appealed_verdict_id IS NULL"
    f" AND (c.interim_at IS NOT NULL OR c.probability >= {HIDES_FROM}::float8))"
)
_IS_TOO_LATE = f"(c.noted_share >= {Share.LATE:d} AND NOT {_IS_HELD})"  # for a jury
_ON_ACCOUNTS = ", ".join(f"'{kind}'" for kind in Kind if kind.subject is Subject.ACCOUNT)


async def find_docket(conn: ReadConn, case_id: int) -> Docket | None:
    """What matters of an open case for its jury; None if it is not open. The detector and the reports agree if both name the suspected
    clause, the detector in the words as they are now."""
    row = await conn.fetchrow(
        f"""
        SELECT c.id AS case_id, c.account_id, c.subject, c.due_at, c.clause, p.language, coalesce(p.media_count > 0, false) AS has_pictures,
            coalesce(p.visibility > {Visibility.UNLISTED:d}, false) AS is_private, p.id IS NULL AS is_deleted,
            EXISTS (SELECT FROM notice_cases AS nc JOIN notices AS n ON n.id = nc.notice_id
                    WHERE nc.case_id = c.id AND n.urgency = '{Urgency.ORDER}') AS has_order,
            c.appealed_verdict_id IS NULL
                AND EXISTS (SELECT FROM signals AS s WHERE s.case_id = c.id AND s.clause = c.clause
                            AND s.post_id = p.id AND s.edited_at IS NOT DISTINCT FROM p.edited_at)
                AND EXISTS (SELECT FROM report_cases AS rc JOIN reports AS r ON r.id = rc.report_id
                            WHERE rc.case_id = c.id AND c.clause = ANY (r.clauses)) AS is_agreed,
            c.noted_share >= {Share.LATE:d} AS is_late, {_IS_HELD} AS is_held, place.place, coalesce(first.action, '') AS at_most,
            coalesce(first.action IN ({_ON_ACCOUNTS}) OR first.measures && ARRAY[{_ON_ACCOUNTS}], false) AS is_of_author
        FROM cases AS c LEFT JOIN posts AS p ON c.subject = '{Subject.POST}' AND p.id = c.subject_id
        LEFT JOIN camp_positions AS place ON place.account_id = c.account_id LEFT JOIN verdicts AS first ON first.id = c.appealed_verdict_id
        WHERE c.id = $1 AND c.state = '{CaseState.OPEN}'
        """,
        case_id,
    )
    return Docket(**{**dict(row), "subject": Subject(row["subject"])}) if row else None


async def insert_passed(tx: WriteTx, case_ids: Sequence[int], reason: Reason, now: datetime) -> list[int]:
    """Leaves cases without a jury to moderators; returns those that had none."""
    rows = await tx.fetch(
        f"INSERT INTO juries (case_id, state, reason, formed_at, closed_at) SELECT id, '{State.STAFF}', $2, $3, $3"
        " FROM unnest($1::bigint[]) AS one (id) ON CONFLICT DO NOTHING RETURNING case_id",
        list(case_ids), reason, now,
    )
    return [row["case_id"] for row in rows]


async def list_to_advance(conn: ReadConn, now: datetime, limit: int) -> list[int]:
    """Juries that wait for nobody's answer, or too long: a seat was lost, is missing, or its juror cannot be called any more; all have
    answered; the case is closed, or little of its time is left. The earliest deadline first; last those that only lack seats, which
    nobody may have time for. Index: juries_sitting; the seats of all of them are grouped at once, which at 10,000 juries is faster than
    one after the other."""
    rows = await conn.fetch(
        f"""
        SELECT j.case_id FROM juries AS j JOIN cases AS c ON c.id = j.case_id
        LEFT JOIN (
            SELECT s.case_id,
                count(*) FILTER (WHERE s.state {IS_OUTSTANDING} AND s.until > $1 AND r.state = '{JurorState.JUROR}') AS outstanding,
                count(*) FILTER (WHERE s.state = '{SeatState.ANSWERED}') AS answered,
                coalesce(bool_or(s.state {IS_OUTSTANDING} AND (s.until <= $1 OR r.state <> '{JurorState.JUROR}')
                    OR s.state = '{SeatState.ANSWERED}' AND r.state = '{JurorState.EXCLUDED}'), false) AS is_lost
            FROM jury_seats AS s JOIN juries AS sitting ON sitting.case_id = s.case_id AND sitting.state = '{State.SITTING}'
            LEFT JOIN jurors AS r ON r.account_id = s.account_id GROUP BY s.case_id
        ) AS seats ON seats.case_id = j.case_id
        WHERE j.state = '{State.SITTING}' AND (c.state <> '{CaseState.OPEN}' OR {_IS_TOO_LATE}
            OR coalesce(seats.is_lost OR seats.outstanding = 0 OR seats.outstanding + seats.answered < j.wanted, true))
        ORDER BY c.state = '{CaseState.OPEN}' AND NOT {_IS_TOO_LATE} AND NOT coalesce(seats.is_lost, false)
            AND coalesce(seats.answered, 0) < j.wanted, c.due_at, c.id LIMIT $2
        """,
        now, limit,
    )
    return [row["case_id"] for row in rows]


async def list_sitting_about(conn: ReadConn, post_id: int) -> list[int]:
    """The cases about a post on which a jury sits. Index: cases_subject."""
    rows = await conn.fetch(
        f"SELECT j.case_id FROM juries AS j JOIN cases AS c ON c.id = j.case_id WHERE j.state = '{State.SITTING}'"
        f" AND c.subject = '{Subject.POST}' AND c.subject_id = $1 ORDER BY c.id",
        post_id,
    )
    return [row["case_id"] for row in rows]
