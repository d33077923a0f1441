"""All SQL that reads timelines.

Every timeline is one statement: a *source* that names post ids in order, and the same *page* around it, which adds
versions, counts, the viewer's marks and whether the viewer may see the post. Two functions of a sharded future (the
viewer's home and marks; the authors' posts and counts) have one joined implementation here, because today they live
in one database. Leans on the primary keys of all tables, and on posts_account and posts_public.
"""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.timelines.model import PULLED_AUTHORS, Entry, Timeline

# Who the viewer does not want to meet, or who does not want to meet the viewer. $1 is the viewer.
_AVOIDED = """
    EXISTS (SELECT FROM mutes WHERE mutes.account_id = $1 AND mutes.target_id = {who}
            AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
    OR EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1 AND blocks.target_id = {who})
    OR EXISTS (SELECT FROM blocks WHERE blocks.account_id = {who} AND blocks.target_id = $1)
"""

# A reply belongs into a home only if the reader follows both sides of the talk. {reader} and {post} are SQL names.
HOME_REPLY_RULE = """
    ({post}.reply_to_account_id IS NULL
     OR {post}.reply_to_account_id IN ({post}.account_id, {reader})
     OR EXISTS (SELECT FROM follows AS both_sides
                WHERE both_sides.account_id = {reader} AND both_sides.target_id = {post}.reply_to_account_id))
"""


def _page_sql(source: str, order: str) -> str:
    """`source` selects `post_id` in `order`, with $1 the viewer, $2 and $3 the bounds and $4 the limit."""
    return f"""
        SELECT e.post_id, a.version, s.id, s.version, sa.version,
               coalesce(c.replies, 0), coalesce(c.boosts, 0), coalesce(c.favourites, 0),
               coalesce(m.bits, 0), m.choices,
               {visible_sql("s", "sa", "$1")} AND (p.boost_of_id IS NULL OR {visible_sql("p", "a", "$1")})
        FROM ({source}) AS e
        JOIN posts AS p ON p.id = e.post_id
        JOIN accounts AS a ON a.id = p.account_id
        JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id)
        JOIN accounts AS sa ON sa.id = s.account_id
        LEFT JOIN post_counts AS c ON c.post_id = s.id
        LEFT JOIN marks AS m ON m.account_id = $1 AND m.post_id = s.id
        ORDER BY e.post_id {order}
    """


def _own_and_pulled(order: str) -> str:
    """A reader's own posts, and those of authors with too many followers to push to, are never pushed."""
    return f"""
        (SELECT id AS post_id FROM posts WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id {order} LIMIT $4)
        UNION
        (SELECT recent.id FROM
            (SELECT target_id FROM follows WHERE account_id = $1 AND is_pulled LIMIT {PULLED_AUTHORS}) AS pulled
            CROSS JOIN LATERAL (
                SELECT p.id FROM posts AS p
                WHERE p.account_id = pulled.target_id AND p.id < $2 AND p.id > $3
                  AND {HOME_REPLY_RULE.format(post="p", reader="$1")}
                ORDER BY p.id {order} LIMIT $4) AS recent)
    """


def _home_source(order: str) -> str:
    """The built home. The `homes` row is asked in the same statement: without it there is no row at all."""
    return f"""
        SELECT post_id FROM (
            (SELECT post_id FROM home_entries
             WHERE account_id = $1 AND post_id < $2 AND post_id > $3 ORDER BY post_id {order} LIMIT $4)
            UNION {_own_and_pulled(order)}
        ) AS either ORDER BY post_id {order} LIMIT $4
    """


def _pull_source(order: str) -> str:
    """The same home from logged tables alone: while it is being built, and on a standby."""
    return f"""
        SELECT post_id FROM (
            {_own_and_pulled(order)}
            UNION
            (SELECT recent.id FROM follows AS f CROSS JOIN LATERAL (
                SELECT p.id FROM posts AS p LEFT JOIN posts AS o ON o.id = p.boost_of_id
                WHERE p.account_id = f.target_id AND p.id < $2 AND p.id > $3
                  AND (p.boost_of_id IS NULL OR f.shows_boosts)
                  AND (f.languages IS NULL OR p.language = ANY (f.languages))
                  AND {HOME_REPLY_RULE.format(post="p", reader="$1")}
                  AND NOT ({_AVOIDED.format(who="p.account_id")})
                  AND NOT (o.id IS NOT NULL AND ({_AVOIDED.format(who="o.account_id")}))
                ORDER BY p.id {order} LIMIT $4) AS recent
             WHERE f.account_id = $1 AND NOT f.is_pulled)
        ) AS either ORDER BY post_id {order} LIMIT $4
    """


def _public_source(order: str, where: str, tables: str = "posts AS p") -> str:
    """Public posts of accounts that are not limited (or are followed), without those the viewer avoids."""
    return f"""
        SELECT p.id AS post_id FROM {tables} JOIN accounts AS pa ON pa.id = p.account_id
        WHERE p.visibility = 0 AND p.boost_of_id IS NULL AND p.id < $2 AND p.id > $3 AND {where}
          AND (pa.effect <> {AccountEffect.LIMITED:d} OR EXISTS (
               SELECT FROM follows WHERE follows.account_id = $1 AND follows.target_id = p.account_id))
          AND NOT ({_AVOIDED.format(who="p.account_id")})
        ORDER BY p.id {order} LIMIT $4
    """


_ORDERS = ("ASC", "DESC")
_HOME = {
    order: f"SELECT page.* FROM homes LEFT JOIN LATERAL ({_page_sql(_home_source(order), order)}) AS page ON true"
    " WHERE homes.account_id = $1 AND homes.built_at IS NOT NULL"
    for order in _ORDERS
}
_PULLED_HOME = {order: _page_sql(_pull_source(order), order) for order in _ORDERS}
_PICTURES = "($5::boolean IS FALSE OR p.media_count > 0)"
_PUBLIC = {
    order: _page_sql(_public_source(order, f"p.reply_to_id IS NULL AND {_PICTURES}"), order) for order in _ORDERS
}
_LOCAL = {
    order: _page_sql(_public_source(order, f"p.reply_to_id IS NULL AND p.domain = '' AND {_PICTURES}"), order)
    for order in _ORDERS
}
_HASHTAG = {
    order: _page_sql(
        _public_source(
            order,
            f"h.key = ANY ($6::text[]) AND ($7::boolean IS FALSE OR p.domain = '') AND {_PICTURES}"
            " AND p.hashtags @> $8::text[] AND NOT p.hashtags && $9::text[]",
            "(SELECT DISTINCT key, post_id FROM post_hashtags WHERE key = ANY ($6::text[])) AS h"
            " JOIN posts AS p ON p.id = h.post_id",
        ),
        order,
    )
    for order in _ORDERS
}


async def get_home(conn: ReadConn, viewer_id: int, page: Page) -> Timeline:
    """The viewer's home: one statement when it is built, else pulled, and then `is_partial`."""
    if not conn.is_standby:
        rows = await conn.fetch(_HOME[page.order], viewer_id, page.below, page.above, page.limit)
        if rows:
            return _timeline([row for row in rows if row[0] is not None], page)
    rows = await conn.fetch(_PULLED_HOME[page.order], viewer_id, page.below, page.above, page.limit)
    return _timeline(rows, page, is_partial=True)


async def get_public(conn: ReadConn, viewer_id: int | None, page: Page, *, is_local: bool, only_media: bool = False) -> Timeline:
    """Everybody's public posts, without replies; with `is_local` those of this network."""
    sql = (_LOCAL if is_local else _PUBLIC)[page.order]
    rows = await conn.fetch(sql, viewer_id, page.below, page.above, page.limit, only_media)
    return _timeline(rows, page)


async def get_hashtag(
    conn: ReadConn,
    viewer_id: int | None,
    page: Page,
    any_of: list[str],
    *,
    all_of: list[str] | None = None,
    none_of: list[str] | None = None,
    is_local: bool = False,
    only_media: bool = False,
) -> Timeline:
    """Public posts under hashtags, given as folded keys: any of the first, all of the second, none of the third."""
    rows = await conn.fetch(
        _HASHTAG[page.order], viewer_id, page.below, page.above, page.limit, only_media,
        any_of, is_local, all_of or [], none_of or [],
    )
    return _timeline(rows, page)


def _timeline(rows: Sequence[Row], page: Page, *, is_partial: bool = False) -> Timeline:
    """What the viewer may see, newest first; a post that several people boosted comes once, where it is newest."""
    ordered = page.newest_first(rows)
    kept: dict[int, Entry] = {}  # by the post that is shown
    for entry in map(Entry._make, ordered):
        if entry.is_visible and entry.shown_id not in kept:
            kept[entry.shown_id] = entry
    return Timeline(list(kept.values()), [row[0] for row in ordered], is_partial)


async def list_followed_ids(conn: ReadConn, viewer_id: int) -> list[int]:
    """Whom the viewer follows: whose posts a live home listens for."""
    rows = await conn.fetch("SELECT target_id FROM follows WHERE account_id = $1", viewer_id)
    return [row["target_id"] for row in rows]
