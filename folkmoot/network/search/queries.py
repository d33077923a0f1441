"""All SQL of search. Words are folded in Python, and every word of a query is a prefix (decision 0010). Pages of a large network:
decision 0128."""

from folkmoot.base.db import ReadConn
from folkmoot.base.handles import handle_of
from folkmoot.base.paging import Page
from folkmoot.base.text import prefix_pattern, prefix_query
from folkmoot.base.tokens import hashtag_key, hashtags_of
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.posts.model import PostView, Visibility
from folkmoot.network.posts.queries import list_post_views
from folkmoot.network.posts.visibility import limited_sql, open_sql, reaches_sql, visible_sql
from folkmoot.network.relations.queries import domain_blocked_sql
from folkmoot.network.search.model import Hashtag

MOST_WORDS = 10
# SQL: whether a public post that everybody may see has the hashtag `h`. Others must not be revealed, nor their spelling.
_IS_OPEN = f"""EXISTS (
    SELECT FROM post_hashtags AS ph JOIN posts AS p ON p.id = ph.post_id JOIN accounts AS a ON a.id = p.account_id
    WHERE ph.key = h.key AND p.visibility = {Visibility.PUBLIC:d} AND {open_sql("p", "a")} AND {reaches_sql("p", "a", "NULL::bigint")})"""
_NEWEST = 1000  # posts of an account whose hashtags are counted
_MANY_NAMES = 500  # that begin with a text
# Posts that are looked through at first, and at most how many times as many, if by the share of those found they will fill the page.
# Posts with rarer words are found by the index.
_LOOKED_THROUGH, _TIMES_MORE = 3000, 16


def _found_sql(source: str, order: str) -> str:
    """$1: the viewer, $2: the words, $3 and $4: limit and offset, $5 and $6: the bounds, $7: the author (or NULL), $8: hashtags, $9: how
    many posts are looked through (not with the index).

    Who may see a post is looked up one by one, in order, until the page is full: hence OFFSET 0.
    """
    return f"""
        WITH candidates AS MATERIALIZED ({source})
        SELECT found.id FROM (SELECT id FROM candidates ORDER BY id {order} OFFSET 0) AS c CROSS JOIN LATERAL (
            SELECT p.id FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
            WHERE p.id = c.id AND (a.is_indexable OR p.account_id = $1) AND {visible_sql("p", "a", "$1")}
              AND {reaches_sql("p", "a", "$1")}
              AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1 AND blocks.target_id = p.account_id)
              AND NOT {domain_blocked_sql("$1", "a.domain")} OFFSET 0) AS found
        ORDER BY c.id {order} LIMIT $3 OFFSET $4
    """


_BOUNDS = "p.id < $5 AND p.id > $6"
_BY = {False: "$7::bigint IS NULL", True: "p.account_id = $7::bigint"}  # whether posts of one author are wanted
_HAS_WORDS = "p.search @@ $2::tsquery AND p.hashtags @> $8::text[]"


def _next_sql(order: str, by: str) -> str:
    """Of the posts next to the bound."""
    near = f"""
        SELECT p.id, p.search, p.hashtags FROM posts AS p WHERE p.search IS NOT NULL AND {_BOUNDS} AND {by}
        ORDER BY p.id {order} LIMIT $9"""
    return _found_sql(f"SELECT p.id FROM ({near}) AS p WHERE {_HAS_WORDS}", order)


def _indexed_sql(order: str, by: str) -> str:
    """Of all posts. The bounds are added to 0, so that they are not looked up too: in the primary key, that would be all posts."""
    bounds = _BOUNDS.replace("p.id", "p.id + 0")
    return _found_sql(f"SELECT p.id FROM posts AS p WHERE {_HAS_WORDS} AND {bounds} AND {by}", order)


_NEXT = {(order, is_by): _next_sql(order, by) for order in ("ASC", "DESC") for is_by, by in _BY.items()}
_INDEXED = {(order, is_by): _indexed_sql(order, by) for order in ("ASC", "DESC") for is_by, by in _BY.items()}


# $1: the viewer, $2: the words, $3: a pattern of user names, $4: one of domains (or ''), $5 and $6: limit and offset, $7: whether only
# followed accounts are wanted, $8: the user name.
_FITS = f"""
    (a.search @@ $2::tsquery OR a.username_key LIKE $3) AND ($4 = '' OR a.domain LIKE $4)
    AND a.effect < {AccountEffect.SUSPENDED:d} AND (NOT $7::boolean OR f.account_id IS NOT NULL)
    AND (NOT {limited_sql('a')} OR f.account_id IS NOT NULL OR a.id = $1 OR a.username_key = $8)
    AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = a.id AND blocks.target_id = $1)"""
_FOLLOWED = "LEFT JOIN follows AS f ON f.account_id = $1 AND f.target_id = a.id"
_FIRST = "ORDER BY a.username_key = $8 DESC, f.account_id IS NULL, ac.followers DESC NULLS LAST, a.id LIMIT $5 OFFSET $6"
_COUNTED_ACCOUNTS = f"accounts AS a LEFT JOIN account_counts AS ac ON ac.account_id = a.id {_FOLLOWED}"
_NAME = f"SELECT {columns()} FROM {_COUNTED_ACCOUNTS} WHERE {_FITS} {_FIRST}"
_ARE_MANY = f"SELECT count(*) = {_MANY_NAMES} FROM (SELECT FROM accounts WHERE search @@ $1::tsquery LIMIT {_MANY_NAMES}) AS found"
# The same accounts as `_NAME`: the named one, the followed ones, and as many as the page needs of the others, one by one in their order.
_FREQUENT_NAME = f"""
    WITH others AS MATERIALIZED (
        SELECT found.id FROM (SELECT account_id, followers FROM account_counts ORDER BY followers DESC, account_id OFFSET 0) AS c
        CROSS JOIN LATERAL (SELECT a.id FROM accounts AS a {_FOLLOWED} WHERE a.id = c.account_id AND {_FITS} OFFSET 0) AS found
        ORDER BY c.followers DESC, c.account_id LIMIT $5::bigint + $6::bigint
    ), near AS MATERIALIZED (
        SELECT id FROM others UNION SELECT id FROM accounts WHERE username_key = $8
        UNION SELECT target_id FROM follows WHERE account_id = $1)
    SELECT {columns()} FROM near CROSS JOIN LATERAL (SELECT accounts.* FROM accounts WHERE accounts.id = near.id OFFSET 0) AS a
    LEFT JOIN account_counts AS ac ON ac.account_id = a.id {_FOLLOWED} WHERE {_FITS} {_FIRST}"""


async def search_accounts(
    conn: ReadConn, viewer_id: int | None, text: str, *, own_domain: str, limit: int, offset: int = 0, only_followed: bool = False
) -> list[Account]:
    """Accounts by name or handle: first the exact user name, then those the viewer follows, then by number of followers.

    Uses the indexes accounts_search and accounts_username_prefix. The beginning of very many names is looked for among the accounts with
    the most followers first, by account_counts_followers: two statements.
    """
    name, domain = handle_of(text, own_domain)
    query = prefix_query(name if "@" in text else text)
    if query is None:
        return []
    are_many = not only_followed and await conn.fetchval(_ARE_MANY, query)
    rows = await conn.fetch(
        _FREQUENT_NAME if are_many else _NAME,
        viewer_id, query, prefix_pattern(name), prefix_pattern(domain) if domain else "", limit, offset, only_followed, name,
    )
    return [account_from(row) for row in rows]


async def list_directory(
    conn: ReadConn, viewer_id: int | None, *, by_activity: bool, is_local: bool, limit: int, offset: int = 0
) -> list[Account]:
    """Accounts that want to be found: by their newest post, or the newest accounts first. Without those that the viewer has
    muted or blocked or that have blocked the viewer, and without members who cannot log in yet.

    By age it uses the primary key of accounts; by activity it sorts all accounts.
    """
    order = "ac.last_post_at DESC NULLS LAST, a.id DESC" if by_activity else "a.id DESC"
    rows = await conn.fetch(
        f"""
        SELECT {columns()} FROM accounts AS a LEFT JOIN account_counts AS ac ON ac.account_id = a.id
        WHERE a.is_discoverable AND a.effect < {AccountEffect.SUSPENDED:d} AND NOT {limited_sql('a')}
          AND (a.domain = '' OR NOT $2::boolean)
          AND (a.domain <> '' OR EXISTS (
            SELECT FROM logins AS l WHERE l.account_id = a.id AND l.confirmed_at IS NOT NULL AND l.approved_at IS NOT NULL
              AND l.disabled_at IS NULL))
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = a.id AND blocks.target_id = $1)
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1 AND blocks.target_id = a.id)
          AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = $1 AND mutes.target_id = a.id
                          AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
          AND NOT {domain_blocked_sql("$1", "a.domain")}
        ORDER BY {order} LIMIT $3 OFFSET $4
        """,
        viewer_id, is_local, limit, offset,
    )
    return [account_from(row) for row in rows]


async def search_hashtags(conn: ReadConn, text: str, *, limit: int, offset: int = 0) -> list[Hashtag]:
    """Hashtags with this prefix of public posts, shortest first. Uses the index hashtags_prefix."""
    key = hashtag_key(text)
    if not key or " " in key:
        return []
    rows = await conn.fetch(
        f"SELECT key, name FROM hashtags AS h WHERE key LIKE $1 AND {_IS_OPEN} ORDER BY length(key), key LIMIT $2 OFFSET $3",
        prefix_pattern(key), limit, offset,
    )
    return [Hashtag(key=row["key"], name=row["name"]) for row in rows]


async def list_used_hashtags(conn: ReadConn, account_id: int, limit: int) -> list[Hashtag]:
    """The hashtags that an account uses most in its newest open posts. Uses the index posts_account."""
    rows = await conn.fetch(
        f"""
        SELECT used.key, coalesce(h.name, used.key) AS name FROM (
            SELECT key, count(*) AS uses, max(recent.id) AS newest FROM (
                SELECT id, hashtags FROM posts
                WHERE account_id = $1 AND boost_of_id IS NULL AND visibility <= {Visibility.UNLISTED:d} ORDER BY id DESC LIMIT {_NEWEST}
            ) AS recent CROSS JOIN unnest(recent.hashtags) AS key
            GROUP BY key ORDER BY uses DESC, newest DESC, key LIMIT $2
        ) AS used LEFT JOIN hashtags AS h ON h.key = used.key
        ORDER BY used.uses DESC, used.newest DESC, used.key
        """,
        account_id, limit,
    )
    return [Hashtag(key=row["key"], name=row["name"]) for row in rows]


async def find_hashtag(conn: ReadConn, name: str) -> Hashtag | None:
    """A hashtag of a public post that everybody may see, in the spelling of its first writer."""
    row = await conn.fetchrow(f"SELECT key, name FROM hashtags AS h WHERE key = $1 AND {_IS_OPEN}", hashtag_key(name))
    return Hashtag(key=row["key"], name=row["name"]) if row else None


async def list_hashtags(conn: ReadConn, below: str, above: str, limit: int) -> list[Hashtag]:
    """Hashtags of public posts that everybody may see, by their keys, the last first; an empty bound is none. Above a bound, those directly
    after it. Uses the primary key of hashtags."""
    order = "ASC" if above else "DESC"
    rows = await conn.fetch(
        f"SELECT key, name FROM hashtags AS h WHERE ($1 = '' OR key < $1) AND key > $2 AND {_IS_OPEN} ORDER BY key {order} LIMIT $3",
        below, above, limit,
    )
    return [Hashtag(key=row["key"], name=row["name"]) for row in (reversed(rows) if above else rows)]


async def search_posts(
    conn: ReadConn, viewer_id: int, text: str, page: Page, *, offset: int = 0, author_id: int | None = None
) -> list[PostView]:
    """The posts of `search_post_ids`: at most five statements."""
    ids = await search_post_ids(conn, viewer_id, text, page, offset=offset, author_id=author_id)
    return await list_post_views(conn, ids, viewer_id)


async def search_post_ids(
    conn: ReadConn, viewer_id: int, text: str, page: Page, *, offset: int = 0, author_id: int | None = None
) -> list[int]:
    """Posts with all these words and hashtags that the viewer may see, newest first: the viewer's own, and those of accounts
    that allow it (`is_indexable`). A hashtag is whole: `#tram` does not find `#tramvaj`. One to three statements.

    Looks through the newest posts first. If they fill no page, the words are rare, and the index posts_search finds all their posts: those
    of a frequent word would be half of all posts, to be sorted for a page of twenty.
    """
    query = prefix_query(text)
    if query is None:
        return []
    wanted = (viewer_id, query, page.limit, offset, page.below, page.above, author_id,
              [hashtag_key(name) for name in hashtags_of(text)][:MOST_WORDS])
    kind = page.order, author_id is not None
    rows = await conn.fetch(_NEXT[kind], *wanted, _LOOKED_THROUGH)
    times = 2 + 3 * page.limit // (2 * len(rows)) if rows else _TIMES_MORE + 1  # with more than half as many to spare
    if len(rows) < page.limit and times <= _TIMES_MORE:
        rows = await conn.fetch(_NEXT[kind], *wanted, times * _LOOKED_THROUGH)
    if len(rows) < page.limit:
        rows = await conn.fetch(_INDEXED[kind], *wanted)
    return page.newest_first([row["id"] for row in rows])
