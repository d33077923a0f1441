"""How much one hashtag was used in a period, for moderators."""

from folkmoot.base import ids
from folkmoot.base.db import ReadConn
from folkmoot.network.activity.model import Figure, Period, Share
from folkmoot.network.trends.model import TagFigures
from folkmoot.network.trends.queries.conditions import COUNTS, lowest_id

# $1: the key of a hashtag, $2 and $3: the lowest and the highest id. Uses the primary key of post_hashtags.
_TAGGED = f"""
    FROM post_hashtags AS ph JOIN posts AS p ON p.id = ph.post_id JOIN accounts AS a ON a.id = p.account_id
    WHERE ph.key = $1 AND ph.post_id >= $2 AND ph.post_id < $3 AND {COUNTS}
"""


async def count_tag(conn: ReadConn, key: str, period: Period) -> TagFigures:
    """How much a hashtag was used in a period, by whom, and from how many networks: the posts that count in a history, at any age."""
    rows = await conn.fetch(
        f"""
        SELECT day, is_before, count(*) AS uses, count(DISTINCT account_id) AS accounts, count(DISTINCT domain) AS servers
        FROM (SELECT ({ids.time_sql("p.id")} AT TIME ZONE 'UTC')::date AS day, p.id < $4 AS is_before, p.account_id, a.domain {_TAGGED})
            AS used
        GROUP BY GROUPING SETS ((is_before), (is_before, day))
        """,
        key, lowest_id(period.before.begins_at), lowest_id(period.ends_at), lowest_id(period.begins_at),
    )
    by_day = {row["day"]: row for row in rows if row["day"] and not row["is_before"]}
    totals = {row["is_before"]: row for row in rows if row["day"] is None}

    def figure(name: str) -> Figure:
        total, previous = (totals[is_before][name] if is_before in totals else 0 for is_before in (False, True))
        return Figure(total=total, previous=previous, days={day: by_day[day][name] if day in by_day else 0 for day in period.days})

    return TagFigures(uses=figure("uses"), accounts=figure("accounts"), servers=figure("servers"))


async def list_tag_languages(conn: ReadConn, key: str, period: Period, limit: int) -> list[Share]:
    """In which languages posts with a hashtag are written; an empty name: not known."""
    return await _list_shares(conn, "coalesce(p.language, '')", key, period, limit)


async def list_tag_servers(conn: ReadConn, key: str, period: Period, limit: int) -> list[Share]:
    """The networks from which posts with a hashtag came; an empty name: this one."""
    return await _list_shares(conn, "a.domain", key, period, limit)


async def _list_shares(conn: ReadConn, name: str, key: str, period: Period, limit: int) -> list[Share]:
    rows = await conn.fetch(
        f"SELECT {name} AS name, count(*) AS count {_TAGGED} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $4",
        key, lowest_id(period.begins_at), lowest_id(period.ends_at), limit,
    )
    return [Share(**dict(row)) for row in rows]
