"""SQL of what is counted: labels, cases, appeals, answers to gold questions. It only reads."""

from datetime import date, datetime
from typing import NamedTuple

from folkmoot.base.db import ReadConn
from folkmoot.moderation.appeals.model import State as AppealState
from folkmoot.moderation.cases.model import Lane, Subject
from folkmoot.moderation.cases.queries.orders import LANE
from folkmoot.moderation.cases.queries.outcome import LAST_ON_APPEAL
from folkmoot.moderation.juries.model import Reason
from folkmoot.moderation.juries.model import State as JuryState
from folkmoot.moderation.jurors.model import PAIR
from folkmoot.moderation.jury.model import Camp
from folkmoot.moderation.learning.actions import SAMPLE
from folkmoot.moderation.measurement.model import Period, Stratum
from folkmoot.moderation.verdicts.model import Action

# Why moderators decide a case about which a jury has sat. The other reasons are known before.
_AFTER_SITTING = (Reason.EDITED, Reason.UNANSWERED, Reason.LATE, Reason.RULES, Reason.JURORS_DISAGREE, Reason.CAMPS_DISAGREE)


class Day(NamedTuple):
    """A day of the sample. `views`: those that could be drawn; `draws`: how these divide."""

    day: date
    views: int
    lost_views: int
    draws: dict[Stratum, int]


class Item(NamedTuple):
    """An item of the sample. `clauses`: None without an answer. `is_reported` and `is_breach`: whether its post was reported, and whether
    a verdict in force has found a breach; both without what only the answer to the sample has brought about."""

    day: date
    stratum: Stratum
    draws: int
    is_queued: bool
    clauses: tuple[str, ...] | None
    is_reported: bool
    is_breach: bool


class Handled(NamedTuple):
    """A case. `decided_at`: None if it is open, or if its subject was deleted at `closed_at`."""

    lane: Lane
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None
    closed_at: datetime | None


class Tried(NamedTuple):
    """A case about which a jury has sat. `side`: the camp of its author; `is_overturned`: the decision of the jury, by an appeal so far."""

    side: Camp | None
    is_escalated: bool
    is_overturned: bool


class Flips(NamedTuple):
    """The counterfactual pairs that one juror has answered in a language. `flipped`: one half as a breach and the other not."""

    juror_id: int
    language: str
    flipped: int
    pairs: int


async def list_days(conn: ReadConn, period: Period) -> list[Day]:
    rows = await conn.fetch(
        """
        SELECT d.day, d.views, d.lost_views, coalesce(array_agg(s.stratum) FILTER (WHERE s.stratum IS NOT NULL), '{}') AS strata,
            coalesce(array_agg(s.draws) FILTER (WHERE s.stratum IS NOT NULL), '{}') AS draws
        FROM sample_days AS d LEFT JOIN sample_strata AS s ON s.day = d.day
        WHERE d.day >= $1 AND d.day < $2 GROUP BY d.day ORDER BY d.day
        """,
        period.starts_on, period.end,
    )
    return [
        Day(row["day"], row["views"], row["lost_views"], dict(zip(map(Stratum, row["strata"]), row["draws"], strict=True))) for row in rows
    ]


async def list_items(conn: ReadConn, period: Period) -> list[Item]:
    """Indexes: that of (day, post_id), cases_subject, verdicts_one_standing."""
    rows = await conn.fetch(
        f"""
        SELECT s.day, s.stratum, s.draws, s.is_queued, s.clauses,
            EXISTS (SELECT FROM cases AS c JOIN report_cases AS r ON r.case_id = c.id
                WHERE c.subject = '{Subject.POST}' AND c.subject_id = s.post_id) AS is_reported,
            EXISTS (SELECT FROM cases AS c JOIN verdicts AS v ON v.case_id = c.id AND v.settled_at IS NOT NULL AND v.undone_at IS NULL
                {LAST_ON_APPEAL}
                WHERE c.subject = '{Subject.POST}' AND c.subject_id = s.post_id AND c.appealed_verdict_id IS NULL
                AND coalesce(later.action, v.action) <> '{Action.KEEP}'
                AND NOT EXISTS (SELECT FROM signals AS g WHERE g.case_id = c.id AND g.detector = $3)) AS is_breach
        FROM sample_items AS s WHERE s.day >= $1 AND s.day < $2 ORDER BY s.id
        """,
        period.starts_on, period.end, SAMPLE,
    )
    return [
        Item(row["day"], Stratum(row["stratum"]), row["draws"], row["is_queued"], None if row["clauses"] is None else tuple(row["clauses"]),
             row["is_reported"], row["is_breach"])
        for row in rows
    ]


async def list_handled(conn: ReadConn, period: Period) -> list[Handled]:
    """The cases that were opened in the period, without appeals. Index: the primary key, as ids are ordered by time."""
    rows = await conn.fetch(
        f"""
        SELECT {LANE} AS lane, c.opened_at, c.due_at, v.made_at, c.closed_at
        FROM cases AS c LEFT JOIN verdicts AS v ON v.case_id = c.id AND v.undone_at IS NULL
        WHERE c.id >= $1 AND c.id < $2 AND c.appealed_verdict_id IS NULL
        """,
        *period.ids,
    )
    return [Handled(Lane(row["lane"]), row["opened_at"], row["due_at"], row["made_at"], row["closed_at"]) for row in rows]


async def count_appeals(conn: ReadConn, period: Period) -> tuple[int, int]:
    """(appeals that were decided in the period, those of them that changed the decision)."""
    (row,) = await conn.fetch(
        "SELECT count(*) AS decided, count(*) FILTER (WHERE state <> $3) AS changed FROM appeals"
        " WHERE closed_at >= $1 AND closed_at < $2 AND state = ANY ($4::text[])",
        period.begins_at, period.ends_at, AppealState.UPHELD, [AppealState.UPHELD, AppealState.OVERTURNED, AppealState.CHANGED],
    )
    return row["decided"], row["changed"]


async def count_verdicts(conn: ReadConn, period: Period) -> tuple[int, int]:
    """(first verdicts of the period that were not undone, those of them that an appeal has overturned so far)."""
    (row,) = await conn.fetch(
        "SELECT count(*) AS made, count(*) FILTER (WHERE v.overturned_by_id IS NOT NULL) AS overturned"
        " FROM verdicts AS v JOIN cases AS c ON c.id = v.case_id"
        " WHERE v.id >= $1 AND v.id < $2 AND v.undone_at IS NULL AND c.appealed_verdict_id IS NULL",
        *period.ids,
    )
    return row["made"], row["overturned"]


async def list_gold_answers(conn: ReadConn, period: Period) -> list[tuple[int, int]]:
    """(right answers, answers) of each juror to gold questions among cases, without those of the training."""
    rows = await conn.fetch(
        "SELECT count(*) FILTER (WHERE is_right) AS hits, count(*) AS answers FROM gold_answers"
        " WHERE attempt = 0 AND answered_at >= $1 AND answered_at < $2 GROUP BY account_id",
        period.begins_at, period.ends_at,
    )
    return [(row["hits"], row["answers"]) for row in rows]


async def list_flips(conn: ReadConn, begins_at: datetime, ends_at: datetime) -> list[Flips]:
    """By juror and language: counterfactual pairs of which the juror answered the second half in that time."""
    rows = await conn.fetch(
        f"""
        SELECT one.account_id, split_part(one.question, '/', 2) AS language, count(*) AS pairs,
            count(*) FILTER (WHERE (coalesce(one.answer, '') = '') <> (coalesce(other.answer, '') = '')) AS flipped
        FROM gold_answers AS one JOIN gold_answers AS other
            ON other.account_id = one.account_id AND other.attempt = 0 AND other.question = left(one.question, -1) || '1'
        WHERE one.attempt = 0 AND one.question LIKE '{PAIR}%/0' AND one.answered_at IS NOT NULL AND other.answered_at IS NOT NULL
            AND greatest(one.answered_at, other.answered_at) >= $1 AND greatest(one.answered_at, other.answered_at) < $2
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        begins_at, ends_at,
    )
    return [Flips(row["account_id"], row["language"], row["flipped"], row["pairs"]) for row in rows]


async def list_tried(conn: ReadConn, period: Period) -> list[Tried]:
    """The cases of the period whose jury has decided or could not, without appeals. Indexes: the primary key of
    juries, verdicts_one_standing."""
    rows = await conn.fetch(
        f"""
        SELECT j.side, j.state = '{JuryState.STAFF}' AS is_escalated,
            j.state = '{JuryState.DECIDED}' AND v.overturned_by_id IS NOT NULL AS is_overturned
        FROM juries AS j JOIN cases AS c ON c.id = j.case_id LEFT JOIN verdicts AS v ON v.case_id = j.case_id AND v.undone_at IS NULL
        WHERE j.case_id >= $1 AND j.case_id < $2 AND c.appealed_verdict_id IS NULL
            AND (j.state = '{JuryState.DECIDED}' OR j.state = '{JuryState.STAFF}' AND j.reason = ANY ($3::text[]))
        """,
        *period.ids, list(_AFTER_SITTING),
    )
    return [Tried(None if row["side"] is None else Camp(row["side"]), row["is_escalated"], row["is_overturned"]) for row in rows]
