"""The SQL that reads timelines.

Every timeline is one statement: a *source* that selects posts in order, and around it the same *page*, which adds
versions, counts, the viewer's marks and whether the viewer may see the post. The rules in rules.py decide which posts a
source selects. Uses the primary keys of all tables, and the indexes posts_account and posts_public.
"""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.paging import Page
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries.quoting import may_quote_sql
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.timelines.model import Entry, Timeline
from folkmoot.network.timelines.rules import avoided_ids_sql, home_sql, member_sql, public_sql, tagged_sql

# The columns of a source: a post `p`, and the shown post, which is the boosted one (`o`, outer joined) or `p` itself.
_COLUMNS = """
    p.id, p.account_id, p.visibility, p.effect, p.boost_of_id, coalesce(o.id, p.id) AS shown_id,
    coalesce(o.version, p.version) AS shown_version, coalesce(o.account_id, p.account_id) AS shown_account_id,
    coalesce(o.visibility, p.visibility) AS shown_visibility, coalesce(o.effect, p.effect) AS shown_effect,
    coalesce(o.quote_policy, p.quote_policy) AS shown_quote_policy
"""
_ORIGINAL = "LEFT JOIN posts AS o ON o.id = p.boost_of_id"
_NO_DIRECT = f"AND p.visibility < {Visibility.DIRECT:d}"
_PICTURES = "($5::boolean IS FALSE OR p.media_count > 0)"
_AVOIDED = f"WITH avoided AS MATERIALIZED (SELECT {avoided_ids_sql('$1')} AS ids)"  # precedes the statements of homes


def _page_sql(source: str, order: str, *, is_home: bool = False, floor: str = ", 0") -> str:
    """`source` selects `_COLUMNS` in `order`, with $1 the viewer, $2 and $3 the bounds and $4 the limit.

    With `is_home`, the viewer follows the author or booster of each post, or is that account, or the source has checked that the
    author does not block the viewer. `floor`: the last column of an Entry, or nothing if the caller adds it.
    """
    shown = visible_sql("s", "sa", "$1", followed="p.boost_of_id IS NULL" if is_home else "")
    boost = visible_sql("p", "a", "$1", followed="true" if is_home else "")
    return f"""
        SELECT p.id, coalesce(a.version, sa.version), s.id, s.version, sa.version,
               coalesce(c.replies, 0), coalesce(c.boosts, 0), coalesce(c.favourites, 0), coalesce(c.quotes, 0),
               coalesce(m.bits, 0) | {may_quote_sql("s", "$1::bigint")}, m.choices,
               {shown} AND (p.boost_of_id IS NULL OR s.id <> p.id AND {boost}){floor}
        FROM ({source}) AS p
        CROSS JOIN LATERAL (
            SELECT p.shown_id AS id, p.shown_version AS version, p.shown_account_id AS account_id,
                   p.shown_visibility AS visibility, p.shown_effect AS effect, p.shown_quote_policy AS quote_policy) AS s
        JOIN accounts AS sa ON sa.id = s.account_id
        LEFT JOIN accounts AS a ON a.id = CASE WHEN p.boost_of_id IS NOT NULL THEN p.account_id END
        LEFT JOIN post_counts AS c ON c.post_id = s.id
        LEFT JOIN marks AS m ON m.account_id = $1 AND m.post_id = s.id
        ORDER BY p.id {order}
    """


def _own_sql(order: str, above: str, only: str) -> str:
    """The reader's own posts, which are never stored in the home, so that they appear at once."""
    return f"""
        SELECT {_COLUMNS} FROM posts AS p {_ORIGINAL}
        WHERE p.account_id = $1 AND p.id < $2 AND p.id > {above} {only} ORDER BY p.id {order} LIMIT $4
    """


def _followed_sql(order: str, above: str, which: str, only: str) -> str:
    """Posts of followed accounts, read from `posts`. `which`: the condition on the follows."""
    return f"""
        SELECT recent.* FROM follows AS f CROSS JOIN LATERAL (
            SELECT {_COLUMNS} FROM posts AS p {_ORIGINAL}
            WHERE p.account_id = f.target_id AND p.id < $2 AND p.id > {above} AND {home_sql("p", "o", "f", "$1", avoided="avoided.ids")}
            {only} ORDER BY p.id {order} LIMIT $4) AS recent
        WHERE f.account_id = $1 AND {which}
    """


def _stored_sql(order: str, only: str) -> str:
    """The stored entries of the home. Entries below `floor_id` may have gaps, and so may those of pulled authors.

    Entries are read one by one, in the order of the key, until a page is full. OFFSET 0 makes the planner look each follow
    up: if it expects one follow per reader, it would otherwise scan all of them for each entry.
    """
    return f"""
        SELECT e.post_id AS id, {_COLUMNS.partition(",")[2]}
        FROM (
            SELECT post_id, author_id FROM home_entries
            WHERE account_id = $1 AND post_id < $2 AND post_id > greatest($3, homes.floor_id) ORDER BY post_id {order}) AS e
        JOIN posts AS p ON p.id = e.post_id
        CROSS JOIN LATERAL (
            SELECT shows_boosts, languages FROM follows
            WHERE account_id = $1 AND target_id = e.author_id AND NOT is_pulled OFFSET 0) AS f
        {_ORIGINAL} WHERE {home_sql("p", "o", "f", "$1", avoided="avoided.ids", is_stored=True)} {only}
        ORDER BY e.post_id {order} LIMIT $4
    """


def _tagged_sql(order: str, above: str) -> str:
    """Public posts with a hashtag that the reader follows, read from `posts`: at most a page for each hashtag.

    Each OFFSET 0 makes the planner look posts up one by one, in the order of the index: it would otherwise read every post with
    a hashtag, and sort them.
    """
    return f"""
        SELECT recent.* FROM followed_hashtags AS t CROSS JOIN LATERAL (
            SELECT found.* FROM (
                SELECT post_id FROM post_hashtags
                WHERE key = t.key AND post_id < $2 AND post_id > {above} ORDER BY post_id {order} OFFSET 0) AS h
            CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM posts AS p {_ORIGINAL} JOIN accounts AS pa ON pa.id = p.account_id
                WHERE p.id = h.post_id AND {tagged_sql("p", "pa", "$1")} OFFSET 0) AS found
            ORDER BY h.post_id {order} LIMIT $4) AS recent
        WHERE t.account_id = $1
    """


def _merged_sql(parts: list[str], order: str) -> str:
    """The posts of several sources in `order`, each once: one may have a hashtag that is followed, or several, and a followed author."""
    everything = " UNION ALL ".join(f"({part})" for part in parts)
    return f"SELECT DISTINCT ON (id) * FROM ({everything}) AS merged ORDER BY id {order} LIMIT $4"


def _warm_home_sql(order: str, only: str, *, with_pulled: bool) -> str:
    """The warm home, with its `floor_id` in each row; no rows when there is none. `only`: a condition on the posts.

    Without the parts for pulled authors and hashtags the statement costs a fifth less, but returns no rows for viewers who follow
    one of them.
    """
    above = "greatest($3, homes.floor_id)"
    parts = [_stored_sql(order, only), _own_sql(order, above, only)]
    if with_pulled:
        parts += [_followed_sql(order, above, "is_pulled", only), _tagged_sql(order, above)]
        source = _merged_sql(parts, order)
    else:
        source = f"SELECT * FROM ({' UNION ALL '.join(f'({part})' for part in parts)}) AS merged ORDER BY id {order} LIMIT $4"
    return f"""
        {_AVOIDED} SELECT page.*, homes.floor_id
        FROM homes CROSS JOIN avoided LEFT JOIN LATERAL ({_page_sql(source, order, is_home=True, floor="")}) AS page ON true
        WHERE homes.account_id = $1 AND homes.floor_id IS NOT NULL
          AND ({with_pulled} OR NOT EXISTS (SELECT FROM follows WHERE account_id = $1 AND is_pulled)
               AND NOT EXISTS (SELECT FROM followed_hashtags WHERE account_id = $1))
    """


def _pulled_home_sql(order: str, only: str) -> str:
    """The same home from logged tables only: used until it is built, below its floor, and on a standby."""
    parts = [_own_sql(order, "$3", only), _followed_sql(order, "$3", "true", only), _tagged_sql(order, "$3")]
    page = _page_sql(_merged_sql(parts, order), order, is_home=True)
    return f"{_AVOIDED} SELECT page.* FROM avoided CROSS JOIN LATERAL ({page}) AS page"


def _list_source(order: str) -> str:
    """The newest posts of each member of the list $5, merged: as many look-ups as the list has members."""
    return f"""
        SELECT recent.* FROM list_members AS m
        JOIN lists AS li ON li.id = m.list_id AND li.account_id = m.account_id
        JOIN follows AS f ON f.account_id = m.account_id AND f.target_id = m.target_id
        CROSS JOIN LATERAL (
            SELECT {_COLUMNS} FROM posts AS p {_ORIGINAL}
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
                SELECT {_COLUMNS} FROM posts AS p {_ORIGINAL} JOIN accounts AS pa ON pa.id = p.account_id
                WHERE p.id = h.post_id AND {public_sql("p", "pa", "$1")} AND ($7::boolean IS FALSE OR p.domain = '') AND {_PICTURES}
                  AND p.hashtags @> $8::text[] AND NOT p.hashtags && $9::text[]
                  AND ($10::text[] = '{{}}' OR p.hashtags && $10::text[]) OFFSET 0) AS found
            ORDER BY h.post_id {order} LIMIT $4) AS recent
        ORDER BY id {order} LIMIT $4
    """


def _public_source(order: str, where: str, tables: str = "posts AS p") -> str:
    return f"""
        SELECT {_COLUMNS} FROM {tables} {_ORIGINAL} JOIN accounts AS pa ON pa.id = p.account_id
        WHERE {public_sql("p", "pa", "$1")} AND p.id < $2 AND p.id > $3 AND {where}
        ORDER BY p.id {order} LIMIT $4
    """


_ORDERS = ("ASC", "DESC")
_KINDS = [(order, with_direct) for order in _ORDERS for with_direct in (True, False)]
_ONLY = {True: "", False: _NO_DIRECT}  # by with_direct
_HOME = {kind: _warm_home_sql(kind[0], _ONLY[kind[1]], with_pulled=False) for kind in _KINDS}
_HOME_WITH_PULLED = {kind: _warm_home_sql(kind[0], _ONLY[kind[1]], with_pulled=True) for kind in _KINDS}
_PULLED_HOME = {kind: _pulled_home_sql(kind[0], _ONLY[kind[1]]) for kind in _KINDS}
_LIST = {order: _page_sql(_list_source(order), order, is_home=True) for order in _ORDERS}
_entry = tuple.__new__  # takes half the time of Entry(*row), in the most frequent request
_pulling: set[int] = set()  # viewers who follow pulled authors or hashtags, or did; only a hint which statement to use
_MOST_PULLING = 50_000
_PUBLIC = {
    order: _page_sql(_public_source(order, f"p.reply_to_id IS NULL AND {_PICTURES}"), order) for order in _ORDERS
}
_LOCAL = {
    order: _page_sql(_public_source(order, f"p.reply_to_id IS NULL AND p.domain = '' AND {_PICTURES}"), order)
    for order in _ORDERS
}
_HASHTAG = {order: _page_sql(_hashtag_source(order), order) for order in _ORDERS}
# Of the keys of hashtags $1 the one with the fewest uses, counted up to a thousand.
_RAREST = """
    SELECT t.key FROM unnest($1::text[]) AS t (key)
    ORDER BY (SELECT count(*) FROM (SELECT FROM post_hashtags AS h WHERE h.key = t.key LIMIT 1000) AS uses), t.key LIMIT 1
"""
_LINK = {
    order: _page_sql(
        _public_source(
            order, "pa.is_discoverable",
            "(SELECT pc.post_id FROM cards AS c JOIN post_cards AS pc ON pc.card_id = c.id WHERE c.url = $5) AS h"
            " JOIN posts AS p ON p.id = h.post_id",
        ),
        order,
    )
    for order in _ORDERS
}


async def get_home(conn: ReadConn, viewer_id: int, page: Page, *, with_direct: bool = True) -> Timeline:
    """The viewer's home: one statement from the warm home, pulled below its floor. Pages show direct posts elsewhere.

    `is_partial` when there is no warm home yet, and one can be built.
    """
    rows = [] if conn.is_standby else await _list_warm(conn, viewer_id, page, with_direct)
    if rows and _is_covered(rows, page):
        return _timeline(rows if rows[0][0] is not None else [], page)
    is_partial = not rows and not conn.is_standby
    rows = await conn.fetch(_PULLED_HOME[page.order, with_direct], viewer_id, page.below, page.above, page.limit)
    return _timeline(rows, page, is_partial=is_partial)


async def _list_warm(conn: ReadConn, viewer_id: int, page: Page, with_direct: bool) -> Sequence[Row]:
    """Rows of the warm home. Remembers viewers who follow pulled authors or hashtags, so that the next call needs one statement."""
    if viewer_id not in _pulling:
        rows = await conn.fetch(_HOME[page.order, with_direct], viewer_id, page.below, page.above, page.limit)
        if rows:
            return rows
    rows = await conn.fetch(_HOME_WITH_PULLED[page.order, with_direct], viewer_id, page.below, page.above, page.limit)
    if rows:
        if len(_pulling) >= _MOST_PULLING:
            _pulling.clear()
        _pulling.add(viewer_id)
    return rows


def _is_covered(rows: Sequence[Row], page: Page) -> bool:
    """Whether the warm home holds the whole page: the page lies above the floor, or is full before it reaches the floor."""
    return rows[0]["floor_id"] <= page.above or (page.order == "DESC" and len(rows) == page.limit and rows[0][0] is not None)


async def get_list_timeline(conn: ReadConn, viewer_id: int, list_id: int, page: Page) -> Timeline:
    """The posts of the members of a list; empty for a list of another member."""
    rows = await conn.fetch(_LIST[page.order], viewer_id, page.below, page.above, page.limit, list_id)
    return _timeline(rows, page)


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
    return _timeline(rows, page)


async def get_link(conn: ReadConn, viewer_id: int | None, page: Page, url: str) -> Timeline:
    """Public posts with a card of this address, of authors who want to be found. Uses the indexes cards_url_key and post_cards_card."""
    rows = await conn.fetch(_LINK[page.order], viewer_id, page.below, page.above, page.limit, url)
    return _timeline(rows, page)


def _timeline(rows: Sequence[Row], page: Page, *, is_partial: bool = False) -> Timeline:
    """The entries that the viewer may see, newest first; a post with several boosts appears once, at the newest."""
    kept: dict[int, Entry] = {}  # by the post that is shown
    ids: list[int] = []
    for row in page.newest_first(rows):
        ids.append(row[0])
        if row[11] and row[2] not in kept:
            kept[row[2]] = _entry(Entry, row)
    return Timeline(list(kept.values()), ids, is_partial)
