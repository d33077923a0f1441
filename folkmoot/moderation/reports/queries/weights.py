"""How much a report weighs: by the measured accuracy of its reporter, and by how many open cases it adds to (decision 0100).

The first reports of a member have the full weight of their accuracy. Each further one weighs less while the others are open, so that the
sum grows with the logarithm of their number: nobody can fill a lane by reporting everything. New accounts of which no report
was right yet share such a bound with all accounts that signed up on the same day.

The weight is stored with the report, and again when its reporter's accuracy has changed. Of a case only the reports with the highest
stored weights are weighed as of now, so that the ten thousandth report about a post reads as much as the hundredth (decision 0122).
"""

from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import MOST_REPORTERS, THREAT_SEVERITY, Case, State
from folkmoot.moderation.reports.model import Place, Report
from folkmoot.network.accounts.model import Account

COUNTS = "v.settled_at IS NOT NULL AND v.undone_at IS NULL AND v.overturned_by_id IS NULL"  # a verdict for the record of a reporter
_OPEN_AT_FULL_WEIGHT = 5  # cases of one reporter in one lane
_OPEN_OF_DAY_AT_FULL_WEIGHT = 20  # cases of all new accounts of a day
_RIGHT_ADDS = 3  # to each of these, for every report that led to a measure
_RECENT = timedelta(days=30)  # older cases are not counted
_MOST_COUNTED = 1000
_MOST_WEIGHED = 8 * MOST_REPORTERS  # reports of a case whose weight is computed anew
_RECORD = 200  # the newest cases of a reporter that are counted
_NEW = timedelta(days=7)  # how long an account is new
# The probability that a report is right: the share of the reporter's decided reports that led to a measure, with a third for a new
# reporter, times the bounds.
_WEIGHT = f"""
    ("right" + 1) / (decided + 3.0::float8)
    * least(1, ({_OPEN_AT_FULL_WEIGHT} + {_RIGHT_ADDS} * "right") / (place + 1.0::float8))
    * (CASE WHEN "right" = 0 THEN least(1, {_OPEN_OF_DAY_AT_FULL_WEIGHT} / (day_place + 1.0::float8)) ELSE 1 END)
"""
_IS_THREAT = f"(c.severity >= {THREAT_SEVERITY})"


def _record_of(reporter: str) -> str:
    """SQL: how many of the newest decided cases of a reporter led to a measure, and how many there are. Indexes: report_cases_reporter,
    verdicts_one_standing."""
    return f"""(
        SELECT count(*) FILTER (WHERE v.action <> 'keep') AS "right", count(*) AS decided
        FROM (SELECT DISTINCT case_id FROM report_cases WHERE reporter_id = {reporter} ORDER BY case_id DESC LIMIT {_RECORD}) AS rc
        JOIN verdicts AS v ON v.case_id = rc.case_id AND {COUNTS})"""


async def insert_report_case(tx: WriteTx, case_id: int, report: Report, place: Place) -> None:
    """With the weight that the report has now."""
    await tx.execute(
        f"""
        INSERT INTO report_cases (case_id, report_id, reporter_id, place, day_place, weight)
        SELECT mine.*, {_WEIGHT} FROM (SELECT $1::bigint, $2::bigint, $3::bigint, $4::integer AS place, $5::integer AS day_place) AS mine
        CROSS JOIN {_record_of("$3")} AS record
        """,
        case_id, report.id, report.reporter_id, place.own, place.of_day,
    )


async def update_weights(tx: WriteTx, case_ids: Sequence[int], reporter_ids: Sequence[int]) -> None:
    """Stores the present weights of the reports in these cases by these reporters. Reports of which another transaction changes the weight
    keep what that one stores. Index: report_cases_reporter."""
    await tx.execute(
        f"""
        WITH mine AS (
            SELECT case_id, report_id, reporter_id, place, day_place FROM report_cases WHERE case_id = ANY ($1::bigint[])
                AND reporter_id = ANY ($2::bigint[])
            ORDER BY case_id, report_id FOR UPDATE SKIP LOCKED
        ), records AS (
            SELECT one.reporter_id, record.* FROM (SELECT DISTINCT reporter_id FROM mine) AS one
            CROSS JOIN LATERAL {_record_of("one.reporter_id")} AS record
        )
        UPDATE report_cases AS rc SET weight = weighed.weight
        FROM (SELECT case_id, report_id, {_WEIGHT} AS weight FROM mine JOIN records USING (reporter_id)) AS weighed
        WHERE rc.case_id = weighed.case_id AND rc.report_id = weighed.report_id AND rc.weight <> weighed.weight
        """,
        list(case_ids), list(reporter_ids),
    )


async def list_weights(conn: ReadConn, case_ids: Sequence[int]) -> dict[int, list[float]]:
    """The weights of the reports of each case, of the weightiest reporters. Index: report_cases_weight."""
    rows = await conn.fetch(
        f"""
        WITH pairs AS (
            SELECT case_id, reporter_id, min(place) AS place, min(day_place) AS day_place
            FROM unnest($1::bigint[]) AS one (id) CROSS JOIN LATERAL (
                SELECT case_id, reporter_id, place, day_place FROM report_cases WHERE case_id = one.id
                ORDER BY weight DESC, report_id LIMIT {_MOST_WEIGHED}) AS weightiest
            GROUP BY case_id, reporter_id
        ), records AS (
            SELECT one.reporter_id, record.* FROM (SELECT DISTINCT reporter_id FROM pairs) AS one
            CROSS JOIN LATERAL {_record_of("one.reporter_id")} AS record
        ), weighed AS (
            SELECT case_id, {_WEIGHT} AS weight FROM pairs JOIN records USING (reporter_id)
        )
        SELECT case_id, weight FROM (
            SELECT weighed.*, row_number() OVER (PARTITION BY case_id ORDER BY weight DESC) AS number FROM weighed) AS numbered
        WHERE number <= {MOST_REPORTERS}
        """,
        list(case_ids),
    )
    found: dict[int, list[float]] = {}
    for row in rows:
        found.setdefault(row["case_id"], []).append(row["weight"])
    return found


async def find_place(conn: ReadConn, reporter: Account, case: Case, severity: float) -> Place:
    """How many other open cases in the lane of this one the reporter has reported, and all accounts that signed up on the same day, less
    what was right. Index: report_cases_reporter; ids are ordered by time, so ranges of it bound what is read."""
    is_threat, since = max(case.severity, severity) >= THREAT_SEVERITY, ids.first_id(case.opened_at - _RECENT)
    own = await conn.fetchval(
        f"SELECT count(*) FROM (SELECT FROM report_cases AS rc JOIN cases AS c ON c.id = rc.case_id AND c.state = '{State.OPEN}'"
        f" AND {_IS_THREAT} = $3 WHERE rc.reporter_id = $1 AND rc.case_id > $4 AND rc.case_id <> $2"
        f" GROUP BY rc.case_id LIMIT {_MOST_COUNTED}) AS own",
        reporter.id, case.id, is_threat, since,
    )
    signed_up_at = ids.time_of(reporter.id)
    if signed_up_at < case.opened_at - _NEW:
        return Place(own, 0)
    day = signed_up_at.replace(hour=0, minute=0, second=0, microsecond=0)
    of_day = await conn.fetchval(
        f"""
        SELECT count(DISTINCT c.id) FILTER (WHERE c.state = '{State.OPEN}' AND {_IS_THREAT} = $3)
            - {_RIGHT_ADDS} * count(DISTINCT v.id) FILTER (WHERE v.action <> 'keep')
        FROM (SELECT case_id FROM report_cases WHERE reporter_id >= $1 AND reporter_id < $2 AND case_id > $4 AND case_id <> $5
              LIMIT {_MOST_COUNTED}) AS rc
        JOIN cases AS c ON c.id = rc.case_id LEFT JOIN verdicts AS v ON v.case_id = c.id AND {COUNTS}
        """,
        ids.first_id(day), ids.first_id(day + timedelta(days=1)), is_threat, since, case.id,
    )
    return Place(own, max(0, of_day))


async def list_reporters(conn: ReadConn, case_id: int, after: int, limit: int) -> list[tuple[int, int]]:
    """(report, reporter) of the reports of a case after the report `after`, oldest first. Index: report_cases_pkey."""
    rows = await conn.fetch(
        "SELECT report_id, reporter_id FROM report_cases WHERE case_id = $1 AND report_id > $2 ORDER BY report_id LIMIT $3",
        case_id, after, limit,
    )
    return [(row["report_id"], row["reporter_id"]) for row in rows]


async def list_cases_of_reporters(conn: ReadConn, reporter_ids: Sequence[int], except_id: int, limit: int) -> list[int]:
    """The open cases in which one of these has reported, without `except_id`. Index: report_cases_reporter."""
    rows = await conn.fetch(
        f"SELECT DISTINCT c.id FROM report_cases AS rc JOIN cases AS c ON c.id = rc.case_id AND c.state = '{State.OPEN}'"
        " WHERE rc.reporter_id = ANY ($1::bigint[]) AND c.id <> $2 LIMIT $3",
        list(reporter_ids), except_id, limit,
    )
    return [row["id"] for row in rows]
