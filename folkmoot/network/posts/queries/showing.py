"""Whether what a page has shown to visitors may be shown again: one statement, by the primary keys of its posts and accounts."""

from folkmoot.base.db import ReadConn
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.posts.queries.quoting import state_for_visitors_sql
from folkmoot.network.posts.showing import Shown
from folkmoot.network.posts.visibility import open_sql

# $1: whether counts matter; then the columns of `Shown`. Versions that are equal would suffice; that everybody may see a post is
# checked beside them, for a post that was hidden between the two statements which read its page.
_POSTS = f"""NOT EXISTS (
    SELECT FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::integer[]) AS k (id, version, author_version, counted)
    LEFT JOIN posts AS p ON p.id = k.id LEFT JOIN accounts AS a ON a.id = p.account_id LEFT JOIN post_counts AS c ON c.post_id = k.id
    WHERE (p.version = coalesce(k.version, p.version) AND a.version = k.author_version AND {open_sql("p", "a")}) IS NOT TRUE
        OR $1 AND coalesce(c.replies + c.boosts + c.favourites + c.quotes, 0) <> k.counted
)"""
_ACCOUNTS = f"""NOT EXISTS (
    SELECT FROM unnest($6::bigint[], $7::integer[]) AS k (id, version) LEFT JOIN accounts AS a ON a.id = k.id
    WHERE (a.version = k.version AND a.effect < {AccountEffect.SUSPENDED:d}) IS NOT TRUE
)"""
_QUOTES = f"""NOT EXISTS (
    SELECT FROM unnest($8::bigint[], $9::text[]) AS k (id, state) LEFT JOIN quotes AS q ON q.post_id = k.id
    LEFT JOIN posts AS s ON s.id = q.quoted_id LEFT JOIN accounts AS sa ON sa.id = s.account_id
    WHERE {state_for_visitors_sql("q", "s", "sa")} IS DISTINCT FROM k.state
)"""
_WITHOUT_QUOTES = f"SELECT {_POSTS} AND {_ACCOUNTS}"
_WITH_QUOTES = f"SELECT {_POSTS} AND {_ACCOUNTS} AND {_QUOTES}"


async def is_unchanged(conn: ReadConn, shown: Shown, *, with_counts: bool) -> bool:
    """Whether all that a page has shown is still as it was, and open to everybody. `with_counts`: the counts of its posts too."""
    if shown.has_quotes:
        return bool(await conn.fetchval(_WITH_QUOTES, with_counts, *shown.columns))
    return bool(await conn.fetchval(_WITHOUT_QUOTES, with_counts, *shown.columns[:6]))
