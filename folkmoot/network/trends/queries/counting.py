"""Counts days, and scores what was used lately. The work is bounded, whatever the number of posts."""

from datetime import date, datetime, timedelta

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.network.accounts.model import AccountEffect
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
    shown_days,
)
from folkmoot.network.trends.queries.conditions import COUNTS, lowest_id, refused_sql

_MOST_POSTS = 50_000  # of a day or span that are counted, newest first
_MOST_CANDIDATES = 300  # posts whose favourites and boosts are counted by account
_MOST_MARKS = 1000  # of a post

# $1 and $2: the lowest and the highest id. A subquery, whose uses are: kind, subject, account, id of the post.
_USED = f"""
    WITH newest AS MATERIALIZED (
        SELECT p.id, p.account_id, p.hashtags FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
        WHERE p.id >= $1 AND p.id < $2 AND {COUNTS} ORDER BY p.id DESC LIMIT {_MOST_POSTS}
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


async def count_day(tx: WriteTx, day: Day) -> None:
    """Counts a day anew. What is deleted, hidden or restricted since is not counted any more."""
    first, last = (lowest_id(day.begins_at + timedelta(days=number)) for number in (0, 1))
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
            FROM weighed AS w WHERE NOT {refused_sql("w")}
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY kind ORDER BY score DESC, subject) AS place FROM scored
        )
        INSERT INTO trends (kind, subject, score) SELECT kind, subject, score FROM ranked WHERE place <= {KEPT_OF_A_KIND}
        """,
        lowest_id(now - SCORED_SPAN), lowest_id(now + timedelta(minutes=1)), now, shown_days(now)[1],
    )
    await tx.execute(_SCORE_POSTS, lowest_id(now - POST_SPAN), lowest_id(now + timedelta(minutes=1)), now)


# The best post of each author. Covered and sensitive posts are for those who choose to open them.
_SCORE_POSTS = f"""
    WITH candidate AS (
        SELECT p.id, p.account_id FROM posts AS p JOIN accounts AS a ON a.id = p.account_id JOIN post_counts AS c ON c.post_id = p.id
        WHERE p.id >= $1 AND p.id < $2 AND {COUNTS} AND p.cover = '' AND NOT p.is_sensitive
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
