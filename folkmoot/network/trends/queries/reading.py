"""What is shown: hashtags, links and posts that are much talked about, and how much they were used."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.base.errors import NotFound
from folkmoot.network.posts.card import Card
from folkmoot.network.posts.queries.reading import CARD_SQL
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.search.model import Hashtag
from folkmoot.network.timelines.rules import public_sql
from folkmoot.network.trends.model import LEAST_ACCOUNTS, Day, Kind, shown_days
from folkmoot.network.trends.queries.conditions import COUNTS, COUNTS_UNLESS_LIMITED, refused_sql


async def list_hashtags(conn: ReadConn, limit: int, offset: int = 0) -> list[Hashtag]:
    """Hashtags that are much talked about, as long as a post that counts has them now."""
    rows = await conn.fetch(
        f"""
        SELECT t.subject AS key, coalesce(h.name, t.subject) AS name FROM trends AS t LEFT JOIN hashtags AS h ON h.key = t.subject
        WHERE t.kind = {Kind.HASHTAG:d} AND NOT {refused_sql("t")} AND EXISTS (
            SELECT FROM post_hashtags AS ph JOIN posts AS p ON p.id = ph.post_id JOIN accounts AS a ON a.id = p.account_id
            WHERE ph.key = t.subject AND {COUNTS})
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
        WHERE t.kind = {Kind.LINK:d} AND cd.is_found AND NOT {refused_sql("t")} AND EXISTS (
            SELECT FROM post_cards AS pc JOIN posts AS p ON p.id = pc.post_id JOIN accounts AS a ON a.id = p.account_id
            WHERE pc.card_id = cd.id AND {COUNTS})
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
        WHERE t.kind = {Kind.POST:d} AND {COUNTS} AND p.cover = '' AND NOT p.is_sensitive
          AND {visible_sql("p", "a", "$1::bigint")} AND {public_sql("p", "a", "$1::bigint")}
        ORDER BY t.score DESC, p.id DESC LIMIT $2 OFFSET $3
        """,
        viewer_id, limit, offset,
    )
    return [row["id"] for row in rows]


async def list_limited_ids(conn: ReadConn, post_ids: Sequence[int], limit: int) -> list[int]:
    """Those of these posts that could be trends if their reach were not limited, by the number of favourites and boosts."""
    rows = await conn.fetch(
        f"""
        SELECT p.id FROM posts AS p JOIN accounts AS a ON a.id = p.account_id JOIN post_counts AS c ON c.post_id = p.id
        WHERE p.id = ANY ($1::bigint[]) AND {COUNTS_UNLESS_LIMITED} AND p.is_limited AND p.cover = '' AND NOT p.is_sensitive
          AND c.favourites + c.boosts >= {LEAST_ACCOUNTS}
        ORDER BY c.favourites + c.boosts DESC, p.id DESC LIMIT $2
        """,
        list(post_ids), limit,
    ) if post_ids else []
    return [row["id"] for row in rows]


async def get_card(conn: ReadConn, card_id: int) -> Card:
    """The card of a page. Raises NotFound."""
    row = await conn.fetchrow(
        f"SELECT {CARD_SQL} AS card FROM cards AS cd LEFT JOIN media AS cm ON cm.id = cd.picture_id WHERE cd.id = $1 AND cd.is_found",
        card_id,
    )
    if row is None:
        raise NotFound
    return msgspec.json.decode(row["card"], type=Card)


async def list_histories(conn: ReadConn, kind: Kind, subjects: Sequence[str], now: datetime) -> dict[str, list[Day]]:
    """How much each was used in the last seven days, today first: one statement."""
    days = shown_days(now)
    rows = await conn.fetch(
        "SELECT subject, day, accounts, uses FROM trend_days WHERE kind = $1 AND subject = ANY ($2::text[]) AND day = ANY ($3::date[])",
        kind, list(subjects), days,
    ) if subjects else []
    counted = {(row["subject"], row["day"]): Day(day=row["day"], accounts=row["accounts"], uses=row["uses"]) for row in rows}
    return {subject: [counted.get((subject, day)) or Day(day=day) for day in days] for subject in subjects}
