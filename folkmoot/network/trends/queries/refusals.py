"""What moderators hold back from the trends."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.posts.card import Card
from folkmoot.network.posts.queries.reading import CARD_SQL
from folkmoot.network.search.model import Hashtag
from folkmoot.network.trends.model import Kind, Refusal, Site
from folkmoot.network.trends.queries.conditions import is_site_sql, refused_sql


async def list_refused_hashtags(conn: ReadConn, limit: int) -> list[Hashtag]:
    """Hashtags that are held back, the newest first."""
    rows = await conn.fetch(
        f"SELECT tr.subject AS key, coalesce(h.name, tr.subject) AS name FROM trend_refusals AS tr LEFT JOIN hashtags AS h"
        f" ON h.key = tr.subject WHERE tr.kind = {Kind.HASHTAG:d} ORDER BY tr.refused_at DESC, tr.subject LIMIT $1",
        limit,
    )
    return [Hashtag(key=row["key"], name=row["name"]) for row in rows]


async def list_refused_links(conn: ReadConn, limit: int) -> list[Card]:
    """Cards of pages that are held back, the newest first; without pages that no post shows any more."""
    rows = await conn.fetch(
        f"""
        SELECT {CARD_SQL} AS card FROM trend_refusals AS tr JOIN cards AS cd ON cd.url = tr.subject
        LEFT JOIN media AS cm ON cm.id = cd.picture_id
        WHERE tr.kind = {Kind.LINK:d} AND cd.is_found ORDER BY tr.refused_at DESC, tr.subject LIMIT $1
        """,
        limit,
    )
    return [msgspec.json.decode(row["card"], type=Card) for row in rows]


async def find_refused(conn: ReadConn, kind: Kind, subjects: Sequence[str]) -> set[str]:
    """Which of these are held back, by themselves or as pages of a site."""
    rows = await conn.fetch(
        f"SELECT t.subject FROM unnest($2::text[]) AS given (subject) CROSS JOIN LATERAL (SELECT $1::smallint AS kind, given.subject) AS t"
        f" WHERE {refused_sql('t')}",
        kind, list(subjects),
    ) if subjects else []
    return {row["subject"] for row in rows}


async def list_sites(conn: ReadConn, limit: int, offset: int) -> list[Site]:
    """Hosts of links that are trends now, and sites that are held back: by their names."""
    rows = await conn.fetch(
        f"""
        SELECT host, max(refused_at) AS refused_at FROM (
            SELECT split_part(t.subject, '/', 3) AS host, ts.refused_at FROM trends AS t
            LEFT JOIN trend_refusals AS ts ON {is_site_sql("ts", "t.subject")} WHERE t.kind = {Kind.LINK:d}
            UNION ALL
            SELECT subject, refused_at FROM trend_refusals WHERE kind = {Kind.LINK:d} AND subject NOT LIKE '%/%'
        ) AS found GROUP BY host ORDER BY host LIMIT $1 OFFSET $2
        """,
        limit, offset,
    )
    return [Site(host=row["host"], refused_at=row["refused_at"]) for row in rows]


async def find_site(conn: ReadConn, host: str) -> Site | None:
    """The site of this name, if a card shows a page of it or it is held back. Index: cards_url_key."""
    row = await conn.fetchrow(
        f"""
        SELECT (SELECT max(ts.refused_at) FROM trend_refusals AS ts WHERE {is_site_sql("ts", "'//' || $1::text")}) AS refused_at
        WHERE EXISTS (SELECT FROM trend_refusals AS ts WHERE {is_site_sql("ts", "'//' || $1::text")})
           OR EXISTS (SELECT FROM cards WHERE url >= 'https://' || $1 || '/' AND url < 'https://' || $1 || '0' AND is_found)
           OR EXISTS (SELECT FROM cards WHERE url >= 'http://' || $1 || '/' AND url < 'http://' || $1 || '0' AND is_found)
        """,
        host,
    )
    return Site(host=host, refused_at=row["refused_at"]) if row else None


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
