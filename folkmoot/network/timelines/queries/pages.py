"""The SQL that reads timelines; that of homes is in `home_pages.py`.

Every timeline is one statement: a *source* that selects posts in order, and around it the same *page*, which adds
versions, counts, the viewer's marks and whether the viewer may see the post. The rules in rules.py decide which posts a
source selects. Uses the primary keys of all tables, and the indexes posts_account and posts_public.
"""

from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.network.timelines.model import Timeline
from folkmoot.network.timelines.queries.parts import COLUMNS, ORDERS, ORIGINAL, page_sql, timeline_of
from folkmoot.network.timelines.rules import member_sql, public_sql

_PICTURES = "($5::boolean IS FALSE OR p.media_count > 0)"


def _list_source(order: str) -> str:
    """The newest posts of each member of the list $5, merged: as many look-ups as the list has members."""
    return f"""
        SELECT recent.* FROM list_members AS m
        JOIN lists AS li ON li.id = m.list_id AND li.account_id = m.account_id
        JOIN follows AS f ON f.account_id = m.account_id AND f.target_id = m.target_id
        CROSS JOIN LATERAL (
            SELECT {COLUMNS} FROM posts AS p {ORIGINAL}
            WHERE p.account_id = m.target_id AND p.id < $2 AND p.id > $3 AND {member_sql("p", "o", "f", "$1", "li")}
            ORDER BY p.id {order} LIMIT $4) AS recent
        WHERE m.list_id = $5 AND m.account_id = $1
        ORDER BY recent.id {order} LIMIT $4
    """


def _hashtag_source(order: str) -> str:
    """Posts with one of the hashtags $6, and each of them once: at most a page for each hashtag.

    OFFSET 0 makes the planner look posts up one by one, in the order of the index: a frequent hashtag would otherwise be read whole, and
    sorted.
    """
    return f"""
        SELECT DISTINCT ON (id) recent.* FROM unnest((SELECT $6::text[])) AS t (key) CROSS JOIN LATERAL (
            SELECT found.* FROM (
                SELECT post_id FROM post_hashtags
                WHERE key = t.key AND post_id < $2 AND post_id > $3 ORDER BY post_id {order} OFFSET 0) AS h
            CROSS JOIN LATERAL (
                SELECT {COLUMNS} FROM posts AS p {ORIGINAL} JOIN accounts AS pa ON pa.id = p.account_id
                WHERE p.id = h.post_id AND {public_sql("p", "pa", "$1")} AND ($7::boolean IS FALSE OR p.domain = '') AND {_PICTURES}
                  AND p.hashtags @> $8::text[] AND NOT p.hashtags && $9::text[]
                  AND ($10::text[] = '{{}}' OR p.hashtags && $10::text[]) OFFSET 0) AS found
            ORDER BY h.post_id {order} LIMIT $4) AS recent
        ORDER BY id {order} LIMIT $4
    """


def _public_source(order: str, where: str, tables: str = "posts AS p") -> str:
    return f"""
        SELECT {COLUMNS} FROM {tables} {ORIGINAL} JOIN accounts AS pa ON pa.id = p.account_id
        WHERE {public_sql("p", "pa", "$1")} AND p.id < $2 AND p.id > $3 AND {where}
        ORDER BY p.id {order} LIMIT $4
    """


_LIST = {order: page_sql(_list_source(order), order, is_home=True) for order in ORDERS}
_PUBLIC = {
    order: page_sql(_public_source(order, f"p.reply_to_id IS NULL AND {_PICTURES}"), order) for order in ORDERS
}
_LOCAL = {
    order: page_sql(_public_source(order, f"p.reply_to_id IS NULL AND p.domain = '' AND {_PICTURES}"), order)
    for order in ORDERS
}
_HASHTAG = {order: page_sql(_hashtag_source(order), order) for order in ORDERS}
# Of the keys of hashtags $1 the one with the fewest uses, counted up to a thousand.
_RAREST = """
    SELECT t.key FROM unnest($1::text[]) AS t (key)
    ORDER BY (SELECT count(*) FROM (SELECT FROM post_hashtags AS h WHERE h.key = t.key LIMIT 1000) AS uses), t.key LIMIT 1
"""
_LINK = {
    order: page_sql(
        _public_source(
            order, "pa.is_discoverable",
            "(SELECT pc.post_id FROM cards AS c JOIN post_cards AS pc ON pc.card_id = c.id WHERE c.url = $5) AS h"
            " JOIN posts AS p ON p.id = h.post_id",
        ),
        order,
    )
    for order in ORDERS
}


async def get_list_timeline(conn: ReadConn, viewer_id: int, list_id: int, page: Page) -> Timeline:
    """The posts of the members of a list; empty for a list of another member."""
    rows = await conn.fetch(_LIST[page.order], viewer_id, page.below, page.above, page.limit, list_id)
    return timeline_of(rows, page)


async def get_public(conn: ReadConn, viewer_id: int | None, page: Page, *, is_local: bool, only_media: bool = False) -> Timeline:
    """Everybody's public posts, without replies; with `is_local` those of this network."""
    sql = (_LOCAL if is_local else _PUBLIC)[page.order]
    rows = await conn.fetch(sql, viewer_id, page.below, page.above, page.limit, only_media)
    return timeline_of(rows, page)


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
    """Public posts with any of `any_of`, all of `all_of` and none of `none_of`, which are keys of hashtags. They are looked for among the
    posts with any of them or, by one more statement, among those with the rarest of all of them."""
    sought = any_of
    if all_of:
        found = await conn.fetchval(_RAREST, [*all_of, *(any_of if len(any_of) == 1 else [])])
        sought = [found]
    rows = await conn.fetch(
        _HASHTAG[page.order], viewer_id, page.below, page.above, page.limit, only_media,
        sought, is_local, all_of or [], none_of or [], any_of if all_of else [],
    )
    return timeline_of(rows, page)


async def get_link(conn: ReadConn, viewer_id: int | None, page: Page, url: str) -> Timeline:
    """Public posts with a card of this address, of authors who want to be found. Uses the indexes cards_url_key and post_cards_card."""
    rows = await conn.fetch(_LINK[page.order], viewer_id, page.below, page.above, page.limit, url)
    return timeline_of(rows, page)
