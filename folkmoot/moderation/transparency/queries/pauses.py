"""SQL of the times in which posts were not examined, as the monthly figures show them. It only reads."""

from datetime import datetime

from folkmoot.base.db import ReadConn
from folkmoot.moderation.detection.pauses import SHORTEST, Part
from folkmoot.moderation.detection.queries.pauses import spells_sql
from folkmoot.moderation.transparency.model import Span
from folkmoot.moderation.transparency.monthly import Incident, Pauses


async def count_pauses(conn: ReadConn, span: Span, now: datetime) -> tuple[dict[str, Pauses] | None, list[Incident]]:
    """The pauses of the span by part, and the days on which they began. None for a span before the first beat of a worker: nothing was
    recorded. The reader is named only if it was away. Index: detector_pauses_began."""
    end = min(span.ends_at, now)
    rows = await conn.fetch(
        f"""
        SELECT since, s.part, s.why, s.posts, s.began_at >= $1 AS is_new, (s.began_at AT TIME ZONE 'UTC')::date AS day,
            extract(epoch FROM least(coalesce(s.ended_at, $2), $2) - greatest(s.began_at, $1))::float8 / 60 AS minutes
        FROM (SELECT min(since) AS since FROM detector_beats) AS beats
        LEFT JOIN ({spells_sql("$3", "$4")}) AS s ON s.began_at < $2 AND coalesce(s.ended_at, $2) > $1 ORDER BY s.began_at
        """,
        span.begins_at, end, now, SHORTEST,
    )
    found = [row for row in rows if row["part"]]
    if not found and (rows[0]["since"] is None or rows[0]["since"] >= end):
        return None, []
    parts = dict.fromkeys([Part.DETECTOR.value, *(row["part"] for row in found)])
    pauses = {
        part: Pauses(
            count=sum(row["is_new"] for row in found if row["part"] == part),
            minutes=round(sum(row["minutes"] for row in found if row["part"] == part), 1),
            posts=sum(row["posts"] for row in found if row["part"] == part and row["is_new"]),
        )
        for part in parts
    }
    return pauses, [Incident(day=row["day"], kind=f"{row['part']}_paused", of=row["why"]) for row in found if row["is_new"]]
