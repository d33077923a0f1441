"""All SQL of trends. Only public posts count that are no replies, of accounts that want to be found, as long as nothing restricts
them; each account counts once for a hashtag or a link. The work is bounded, whatever the number of posts."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.activity.model import Figure, Period, Share
from folkmoot.network.posts.card import Card
from folkmoot.network.posts.model import PostEffect, Visibility
from folkmoot.network.posts.queries.reading import CARD_SQL
from folkmoot.network.posts.visibility import limited_sql, visible_sql
from folkmoot.network.search.model import Hashtag
from folkmoot.network.timelines.rules import public_sql
from folkmoot.network.trends.model import (
    HALVED_AFTER_HOURS,
    KEPT_OF_A_KIND,
    LEAST_ACCOUNTS,
    POST_HALVED_AFTER_HOURS,
    POST_SPAN,
    SCORED_SPAN,
    SHOWN_DAYS,
    Day,
    Kind,
    Refusal,
    TagFigures,
    shown_days,
)

_MOST_POSTS = 50_000  # of a day or span that are counted, newest first
_MOST_CANDIDATES = 300  # posts whose favourites and boosts are counted by account
_MOST_MARKS = 1000  # of a post

# SQL: whether a public post `p` of `a` counts. Uses the index posts_public, with a range of ids.
_COUNTS = f"""
    p.visibility = {Visibility.PUBLIC:d} AND p.boost_of_id IS NULL AND p.reply_to_id IS NULL
    AND p.effect = {PostEffect.NONE:d} AND NOT p.is_limited
    AND a.is_discoverable AND a.effect < {AccountEffect.SUSPENDED:d} AND NOT {limited_sql("a")}
"""
# $1 and $2: the lowest and the highest id. A subquery, whose uses are: kind, subject, account, id of the post.
_USED = f"""
    WITH newest AS MATERIALIZED (
        SELECT p.id, p.account_id, p.hashtags FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
        WHERE p.id >= $1 AND p.id < $2 AND {_COUNTS} ORDER BY p.id DESC LIMIT {_MOST_POSTS}
    ), used AS (
        SELECT {Kind.HASHTAG:d}::smallint AS kind, key AS subject, account_id, id FROM newest CROSS JOIN unnest(hashtags) AS key
        UNION ALL
        SELECT {Kind.LINK:d}::smallint, c.url, newest.account_id, newest.id
        FROM newest JOIN post_cards AS pc ON pc.post_id = newest.id JOIN cards AS c ON c.id = pc.card_id AND c.is_found
    )
"""


def _halved_sql(id_: str, hours: float) -> str:
    """SQL: the weight of what was written with this id, at the moment $3."""
    return f"power(0.5, greatest(0, extract(epoch FROM $3 - {ids.time_sql(id_)})) / {hours * 3600})"


def _lowest(at: datetime) -> int:
    """The lowest id of a moment."""
    return ids.span(at - ids.FIRST_MOMENT)


def _refused_sql(trend: str) -> str:
    return f"EXISTS (SELECT FROM trend_refusals AS tr WHERE tr.kind = {trend}.kind AND tr.subject = {trend}.subject)"


async def count_day(tx: WriteTx, day: Day) -> None:
    """Counts a day anew. What is deleted, hidden or restricted since is not counted any more."""
    first, last = (_lowest(day.begins_at + timedelta(days=number)) for number in (0, 1))
    await tx.execute(
        f"""
        {_USED}, counted AS (
            SELECT kind, subject, count(DISTINCT account_id) AS accounts, count(*) AS uses FROM used GROUP BY 1, 2
        ), gone AS (
            DELETE FROM trend_days AS d WHERE d.day = $3
            AND NOT EXISTS (SELECT FROM counted WHERE counted.kind = d.kind AND counted.subject = d.subject)
        )
        INSERT INTO trend_days (kind, subject, day, accounts, uses) SELECT kind, subject, $3, accounts, uses FROM counted
        ON CONFLICT (kind, subject, day) DO UPDATE SET accounts = excluded.accounts, uses = excluded.uses
        WHERE (trend_days.accounts, trend_days.uses) <> (excluded.accounts, excluded.uses)
        """,
        first, last, day.day,
    )


async def delete_days_before(tx: WriteTx, day: date) -> None:
    """Uses the index trend_days_day."""
    await tx.execute("DELETE FROM trend_days WHERE day < $1", day)


async def replace_trends(tx: WriteTx, now: datetime) -> None:
    """Scores everything anew. What is used every day by as many counts half as much as what is new."""
    await tx.execute("DELETE FROM trends")
    await tx.execute(
        f"""
        {_USED}, latest AS (
            SELECT kind, subject, account_id, max(id) AS id FROM used GROUP BY 1, 2, 3
        ), weighed AS (
            SELECT kind, subject, sum({_halved_sql("id", HALVED_AFTER_HOURS)}) AS weight FROM latest
            GROUP BY 1, 2 HAVING count(*) >= {LEAST_ACCOUNTS}
        ), scored AS (
            SELECT w.kind, w.subject, w.weight * w.weight / (w.weight + coalesce((
                SELECT sum(d.accounts) / {SHOWN_DAYS - 2}.0 FROM trend_days AS d
                WHERE d.kind = w.kind AND d.subject = w.subject AND d.day < $4), 0)) AS score
            FROM weighed AS w WHERE NOT {_refused_sql("w")}
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY kind ORDER BY score DESC, subject) AS place FROM scored
        )
        INSERT INTO trends (kind, subject, score) SELECT kind, subject, score FROM ranked WHERE place <= {KEPT_OF_A_KIND}
        """,
        _lowest(now - SCORED_SPAN), _lowest(now + timedelta(minutes=1)), now, shown_days(now)[1],
    )
    await tx.execute(_SCORE_POSTS, _lowest(now - POST_SPAN), _lowest(now + timedelta(minutes=1)), now)


# The best post of each author. Covered and sensitive posts are for those who choose to open them.
_SCORE_POSTS = f"""
    WITH candidate AS (
        SELECT p.id, p.account_id FROM posts AS p JOIN accounts AS a ON a.id = p.account_id JOIN post_counts AS c ON c.post_id = p.id
        WHERE p.id >= $1 AND p.id < $2 AND {_COUNTS} AND p.cover = '' AND NOT p.is_sensitive
          AND c.favourites + c.boosts >= {LEAST_ACCOUNTS}
        ORDER BY c.favourites + c.boosts DESC, p.id DESC LIMIT {_MOST_CANDIDATES}
    ), weighed AS (
        SELECT one.id, one.account_id, count(*) * {_halved_sql("one.id", POST_HALVED_AFTER_HOURS)} AS score
        FROM candidate AS one CROSS JOIN LATERAL (
            (SELECT f.account_id FROM favourites AS f WHERE f.post_id = one.id LIMIT {_MOST_MARKS})
            UNION
            (SELECT b.account_id FROM posts AS b WHERE b.boost_of_id = one.id LIMIT {_MOST_MARKS})
        ) AS who JOIN accounts AS wa ON wa.id = who.account_id AND wa.effect < {AccountEffect.SUSPENDED:d}
        WHERE who.account_id <> one.account_id GROUP BY one.id, one.account_id HAVING count(*) >= {LEAST_ACCOUNTS}
    ), best AS (
        SELECT DISTINCT ON (account_id) id, score FROM weighed ORDER BY account_id, score DESC, id DESC
    )
    INSERT INTO trends (kind, subject, score)
    SELECT {Kind.POST:d}, id::text, score FROM best ORDER BY score DESC, id DESC LIMIT {KEPT_OF_A_KIND}
"""


async def list_hashtags(conn: ReadConn, limit: int, offset: int = 0) -> list[Hashtag]:
    """Hashtags that are much talked about, as long as a post that counts has them now."""
    rows = await conn.fetch(
        f"""
        SELECT t.subject AS key, coalesce(h.name, t.subject) AS name FROM trends AS t LEFT JOIN hashtags AS h ON h.key = t.subject
        WHERE t.kind = {Kind.HASHTAG:d} AND NOT {_refused_sql("t")} AND EXISTS (
            SELECT FROM post_hashtags AS ph JOIN posts AS p ON p.id = ph.post_id JOIN accounts AS a ON a.id = p.account_id
            WHERE ph.key = t.subject AND {_COUNTS})
        ORDER BY t.score DESC, t.subject LIMIT $1 OFFSET $2
        """,
        limit, offset,
    )
    return [Hashtag(key=row["key"], name=row["name"]) for row in rows]


async def list_links(conn: ReadConn, limit: int, offset: int = 0) -> list[Card]:
    """Cards of links that are much talked about, as long as a post that counts has them now."""
    rows = await conn.fetch(
        f"""
        SELECT {CARD_SQL} AS card FROM trends AS t JOIN cards AS cd ON cd.url = t.subject LEFT JOIN media AS cm ON cm.id = cd.picture_id
        WHERE t.kind = {Kind.LINK:d} AND cd.is_found AND NOT {_refused_sql("t")} AND EXISTS (
            SELECT FROM post_cards AS pc JOIN posts AS p ON p.id = pc.post_id JOIN accounts AS a ON a.id = p.account_id
            WHERE pc.card_id = cd.id AND {_COUNTS})
        ORDER BY t.score DESC, t.subject LIMIT $1 OFFSET $2
        """,
        limit, offset,
    )
    return [msgspec.json.decode(row["card"], type=Card) for row in rows]


async def list_post_ids(conn: ReadConn, viewer_id: int | None, limit: int, offset: int = 0) -> list[int]:
    """Posts that many have liked or boosted, without those whose authors the viewer avoids. What no longer counts is left out."""
    rows = await conn.fetch(
        f"""
        SELECT p.id FROM trends AS t JOIN posts AS p ON p.id = t.subject::bigint JOIN accounts AS a ON a.id = p.account_id
        WHERE t.kind = {Kind.POST:d} AND {_COUNTS} AND p.cover = '' AND NOT p.is_sensitive
          AND {visible_sql("p", "a", "$1::bigint")} AND {public_sql("p", "a", "$1::bigint")}
        ORDER BY t.score DESC, p.id DESC LIMIT $2 OFFSET $3
        """,
        viewer_id, limit, offset,
    )
    return [row["id"] for row in rows]


async def list_histories(conn: ReadConn, kind: Kind, subjects: Sequence[str], now: datetime) -> dict[str, list[Day]]:
    """How much each was used in the last seven days, today first: one statement."""
    days = shown_days(now)
    rows = await conn.fetch(
        "SELECT subject, day, accounts, uses FROM trend_days WHERE kind = $1 AND subject = ANY ($2::text[]) AND day = ANY ($3::date[])",
        kind, list(subjects), days,
    ) if subjects else []
    counted = {(row["subject"], row["day"]): Day(day=row["day"], accounts=row["accounts"], uses=row["uses"]) for row in rows}
    return {subject: [counted.get((subject, day)) or Day(day=day) for day in days] for subject in subjects}


# $1: the key of a hashtag, $2 and $3: the lowest and the highest id. Uses the primary key of post_hashtags.
_TAGGED = f"""
    FROM post_hashtags AS ph JOIN posts AS p ON p.id = ph.post_id JOIN accounts AS a ON a.id = p.account_id
    WHERE ph.key = $1 AND ph.post_id >= $2 AND ph.post_id < $3 AND {_COUNTS}
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
        key, _lowest(period.before.begins_at), _lowest(period.ends_at), _lowest(period.begins_at),
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
        key, _lowest(period.begins_at), _lowest(period.ends_at), limit,
    )
    return [Share(**dict(row)) for row in rows]


async def insert_refusal(tx: WriteTx, kind: Kind, subject: str, by_id: int, now: datetime) -> bool:
    return bool(await tx.execute(
        "INSERT INTO trend_refusals (kind, subject, refused_by, refused_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        kind, subject, by_id, now,
    ))


async def delete_refusal(tx: WriteTx, kind: Kind, subject: str) -> bool:
    return bool(await tx.execute("DELETE FROM trend_refusals WHERE kind = $1 AND subject = $2", kind, subject))


async def list_refusals(conn: ReadConn, limit: int) -> list[Refusal]:
    """The newest refusals, with the spelling of hashtags."""
    rows = await conn.fetch(
        f"""
        SELECT tr.kind, CASE tr.kind WHEN {Kind.HASHTAG:d} THEN '#' || coalesce(h.name, tr.subject) ELSE tr.subject END AS name,
            tr.refused_at
        FROM trend_refusals AS tr LEFT JOIN hashtags AS h ON tr.kind = {Kind.HASHTAG:d} AND h.key = tr.subject
        ORDER BY tr.refused_at DESC, tr.subject LIMIT $1
        """,
        limit,
    )
    return [Refusal(kind=Kind(row["kind"]), name=row["name"], refused_at=row["refused_at"]) for row in rows]
