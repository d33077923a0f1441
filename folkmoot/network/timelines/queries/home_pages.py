"""The SQL that reads homes: the stored entries of a warm home, and the same from logged tables.

The statements answer one reader, or several at once (decision 0140).
"""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.paging import Page
from folkmoot.network.posts.model import Visibility
from folkmoot.network.timelines.model import Entry, Timeline
from folkmoot.network.timelines.queries.parts import COLUMNS, ORDERS, ORIGINAL, page_sql, timeline_of
from folkmoot.network.timelines.rules import avoided_ids_sql, home_sql, tagged_sql

_NO_DIRECT = f"AND p.visibility < {Visibility.DIRECT:d}"
_READER = "w.reader_id"  # of a home: its statements answer several readers at once
_AVOIDED = f"WITH avoided AS MATERIALIZED (SELECT {avoided_ids_sql(_READER)} AS ids)"  # precedes the statements of homes


def _own_sql(order: str, above: str, only: str) -> str:
    """The reader's own posts, which are never stored in the home, so that they appear at once."""
    return f"""
        SELECT {COLUMNS} FROM posts AS p {ORIGINAL}
        WHERE p.account_id = {_READER} AND p.id < w.below AND p.id > {above} {only} ORDER BY p.id {order} LIMIT w.most
    """


def _followed_sql(order: str, above: str, which: str, only: str) -> str:
    """Posts of followed accounts, read from `posts`. `which`: the condition on the follows."""
    return f"""
        SELECT recent.* FROM follows AS f CROSS JOIN LATERAL (
            SELECT {COLUMNS} FROM posts AS p {ORIGINAL}
            WHERE p.account_id = f.target_id AND p.id < w.below AND p.id > {above}
            AND {home_sql("p", "o", "f", _READER, avoided="avoided.ids")} {only} ORDER BY p.id {order} LIMIT w.most) AS recent
        WHERE f.account_id = {_READER} AND {which}
    """


def _stored_sql(order: str, only: str) -> str:
    """The stored entries of the home. Entries below `floor_id` may have gaps, and so may those of pulled authors.

    Entries are read one by one, in the order of the key, until a page is full. OFFSET 0 makes the planner look each follow
    up: if it expects one follow per reader, it would otherwise scan all of them for each entry.
    """
    return f"""
        SELECT e.post_id AS id, {COLUMNS.partition(",")[2]}
        FROM (
            SELECT post_id, author_id FROM home_entries
            WHERE account_id = {_READER} AND post_id < w.below AND post_id > greatest(w.above, homes.floor_id)
            ORDER BY post_id {order}) AS e
        JOIN posts AS p ON p.id = e.post_id
        CROSS JOIN LATERAL (
            SELECT shows_boosts, languages FROM follows
            WHERE account_id = {_READER} AND target_id = e.author_id AND NOT is_pulled OFFSET 0) AS f
        {ORIGINAL} WHERE {home_sql("p", "o", "f", _READER, avoided="avoided.ids", is_stored=True)} {only}
        ORDER BY e.post_id {order} LIMIT w.most
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
                WHERE key = t.key AND post_id < w.below AND post_id > {above} ORDER BY post_id {order} OFFSET 0) AS h
            CROSS JOIN LATERAL (
                SELECT {COLUMNS} FROM posts AS p {ORIGINAL} JOIN accounts AS pa ON pa.id = p.account_id
                WHERE p.id = h.post_id AND {tagged_sql("p", "pa", _READER)} OFFSET 0) AS found
            ORDER BY h.post_id {order} LIMIT w.most) AS recent
        WHERE t.account_id = {_READER}
    """


def _merged_sql(parts: list[str], order: str) -> str:
    """The posts of several sources in `order`, each once: one may have a hashtag that is followed, or several, and a followed author."""
    everything = " UNION ALL ".join(f"({part})" for part in parts)
    return f"SELECT DISTINCT ON (id) * FROM ({everything}) AS merged ORDER BY id {order} LIMIT w.most"


_ONE_READER = "(SELECT $1::bigint AS reader_id, $2::bigint AS below, $3::bigint AS above, $4::int AS most, 1 AS number) AS w"
# Sub-selects, because the planner would look into the arrays, and plan anew for each statement.
_SEVERAL_READERS = """unnest((SELECT $1::bigint[]), (SELECT $2::bigint[]), (SELECT $3::bigint[]), (SELECT $4::int[]))
    WITH ORDINALITY AS w (reader_id, below, above, most, number)"""


def _for_reader(home: str, readers: str = _ONE_READER) -> str:
    """The rows of homes, each with the number of its reader as the last column. $1: the reader, $2 and $3 the bounds, $4 the limit; with
    _SEVERAL_READERS, arrays of them."""
    return f"SELECT one.*, w.number FROM {readers} CROSS JOIN LATERAL ({home}) AS one"


def _warm_home_sql(order: str, only: str, *, with_pulled: bool, readers: str = _ONE_READER) -> str:
    """The warm home, with its `floor_id` in each row; no rows when there is none. `only`: a condition on the posts.

    Without the parts for pulled authors and hashtags the statement costs a fifth less, but returns no rows for viewers who follow
    one of them.
    """
    above = "greatest(w.above, homes.floor_id)"
    parts = [_stored_sql(order, only), _own_sql(order, above, only)]
    if with_pulled:
        parts += [_followed_sql(order, above, "is_pulled", only), _tagged_sql(order, above)]
        source = _merged_sql(parts, order)
    else:
        source = f"SELECT * FROM ({' UNION ALL '.join(f'({part})' for part in parts)}) AS merged ORDER BY id {order} LIMIT w.most"
    return _for_reader(f"""
        {_AVOIDED} SELECT page.*, homes.floor_id
        FROM homes CROSS JOIN avoided LEFT JOIN LATERAL ({page_sql(source, order, is_home=True, floor="", reader=_READER)}) AS page ON true
        WHERE homes.account_id = {_READER} AND homes.floor_id IS NOT NULL
          AND ({with_pulled} OR NOT EXISTS (SELECT FROM follows WHERE account_id = {_READER} AND is_pulled)
               AND NOT EXISTS (SELECT FROM followed_hashtags WHERE account_id = {_READER}))
    """, readers)


def _pulled_home_sql(order: str, only: str) -> str:
    """The same home from logged tables only: used until it is built, below its floor, and on a standby."""
    parts = [_own_sql(order, "w.above", only), _followed_sql(order, "w.above", "true", only), _tagged_sql(order, "w.above")]
    page = page_sql(_merged_sql(parts, order), order, is_home=True, floor=", 0", reader=_READER)
    return _for_reader(f"{_AVOIDED} SELECT page.* FROM avoided CROSS JOIN LATERAL ({page}) AS page")


_KINDS = [(order, with_direct) for order in ORDERS for with_direct in (True, False)]
_ONLY = {True: "", False: _NO_DIRECT}  # by with_direct
_HOME = {kind: _warm_home_sql(kind[0], _ONLY[kind[1]], with_pulled=False) for kind in _KINDS}
_HOME_WITH_PULLED = {kind: _warm_home_sql(kind[0], _ONLY[kind[1]], with_pulled=True) for kind in _KINDS}
_HOMES = {kind: _warm_home_sql(kind[0], _ONLY[kind[1]], with_pulled=False, readers=_SEVERAL_READERS) for kind in _KINDS}
_HOMES_WITH_PULLED = {kind: _warm_home_sql(kind[0], _ONLY[kind[1]], with_pulled=True, readers=_SEVERAL_READERS) for kind in _KINDS}
_PULLED_HOME = {kind: _pulled_home_sql(kind[0], _ONLY[kind[1]]) for kind in _KINDS}
_FLOOR, _NUMBER = Entry._fields.index("floor_id"), Entry._fields.index("number")  # columns
_pulling: set[int] = set()  # viewers who follow pulled authors or hashtags, or did; only a hint which statement to use
_MOST_PULLING = 50_000


async def get_home(conn: ReadConn, viewer_id: int, page: Page, *, with_direct: bool = True) -> Timeline:
    """The viewer's home: one statement from the warm home, pulled below its floor. Pages show direct posts elsewhere.

    `is_partial` when there is no warm home yet, and one can be built.
    """
    return (await get_homes(conn, [(viewer_id, page)], with_direct=with_direct))[0]


async def get_homes(conn: ReadConn, wanted: Sequence[tuple[int, Page]], *, with_direct: bool = True) -> list[Timeline]:
    """The homes of several viewers, each with its page; all pages have the same order. One statement if they are warm."""
    kind = wanted[0][1].order, with_direct
    warm = {} if conn.is_standby else await _list_warm(conn, wanted, kind)
    found: list[Timeline] = []
    for number, (viewer_id, page) in enumerate(wanted):
        rows = warm.get(number)
        if rows and _is_covered(rows, page):
            found.append(timeline_of(rows if rows[0][0] is not None else [], page))
            continue
        pulled = await conn.fetch(_PULLED_HOME[kind], viewer_id, page.below, page.above, page.limit)
        found.append(timeline_of(pulled, page, is_partial=not rows and not conn.is_standby))
    return found


async def _list_warm(conn: ReadConn, wanted: Sequence[tuple[int, Page]], kind: tuple[str, bool]) -> dict[int, Sequence[Row]]:
    """Rows of warm homes, by their place in `wanted`. Remembers viewers who follow pulled authors or hashtags, so that the next call needs
    one statement."""
    simple = [number for number, (viewer_id, _) in enumerate(wanted) if viewer_id not in _pulling]
    found = await _list_homes(conn, _HOME[kind], _HOMES[kind], wanted, simple) if simple else {}
    if len(found) < len(wanted):
        others = [number for number in range(len(wanted)) if number not in found]
        pulling = await _list_homes(conn, _HOME_WITH_PULLED[kind], _HOMES_WITH_PULLED[kind], wanted, others)
        if len(_pulling) >= _MOST_PULLING:
            _pulling.clear()
        _pulling.update(wanted[number][0] for number in pulling)
        found |= pulling
    return found


async def _list_homes(
    conn: ReadConn, of_one: str, of_several: str, wanted: Sequence[tuple[int, Page]], numbers: list[int]
) -> dict[int, Sequence[Row]]:
    """The rows of each of these homes that has any."""
    if len(numbers) == 1:
        viewer_id, page = wanted[numbers[0]]
        rows = await conn.fetch(of_one, viewer_id, page.below, page.above, page.limit)
        return {numbers[0]: rows} if rows else {}
    viewers, pages = zip(*[wanted[number] for number in numbers], strict=True)
    found: dict[int, list[Row]] = {}
    for row in await conn.fetch(
        of_several, viewers, [page.below for page in pages], [page.above for page in pages], [page.limit for page in pages]
    ):
        found.setdefault(numbers[row[_NUMBER] - 1], []).append(row)
    return {**found}


def _is_covered(rows: Sequence[Row], page: Page) -> bool:
    """Whether the warm home holds the whole page: the page lies above the floor, or is full before it reaches the floor."""
    return rows[0][_FLOOR] <= page.above or (page.order == "DESC" and len(rows) == page.limit and rows[0][0] is not None)
