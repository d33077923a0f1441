"""Chosen posts as entries: one post, a thread, the posts of an account. They are spliced from fragments like timelines.

The array of ids stands in a sub-select, so that the planner does not look into it: it would plan the statement anew at each call,
which takes several times as long as running it.
"""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn
from folkmoot.network.posts.model import Mark
from folkmoot.network.posts.queries.quoting import blocks_author_sql, may_quote_sql
from folkmoot.network.posts.visibility import visible_sql
from folkmoot.network.timelines.model import Entry

# The columns of an Entry of the post or boost `p`, for the viewer $1, if the viewer may see it.
_ENTRY = f"""
    SELECT p.id, a.version, s.id, s.version, sa.version,
        coalesce(c.replies, 0), coalesce(c.boosts, 0), coalesce(c.favourites, 0), coalesce(c.quotes, 0),
        coalesce(m.bits, 0) | CASE WHEN muted.account_id IS NULL THEN 0 ELSE {Mark.MUTED:d} END
            | {may_quote_sql("s", "$1::bigint", blocks_author=blocks_author_sql("s", "$1"))},
        m.choices, true
    FROM posts AS p
    JOIN accounts AS a ON a.id = p.account_id
    JOIN posts AS s ON s.id = coalesce(p.boost_of_id, p.id)
    JOIN accounts AS sa ON sa.id = s.account_id
    LEFT JOIN post_counts AS c ON c.post_id = s.id
    LEFT JOIN marks AS m ON m.account_id = $1 AND m.post_id = s.id
    LEFT JOIN muted_conversations AS muted ON muted.account_id = $1 AND muted.conversation_id = s.conversation_id
    WHERE {visible_sql("p", "a", "$1")} AND (p.boost_of_id IS NULL OR {visible_sql("s", "sa", "$1")})
"""
_ONE = f"{_ENTRY} AND p.id = $2"
_MANY = f"{_ENTRY} AND p.id = ANY ((SELECT $2::bigint[])::bigint[])"


async def find_entry(conn: ReadConn, post_id: int, viewer_id: int | None) -> Entry | None:
    """One post or boost; None if it does not exist or the viewer may not see it."""
    row = await conn.fetchrow(_ONE, viewer_id, post_id)
    return Entry(*row) if row else None


async def list_entries(conn: ReadConn, ids: Sequence[int], viewer_id: int | None) -> list[Entry]:
    """Posts and boosts in the order of `ids`, without those that the viewer may not see. One statement."""
    if not ids:
        return []
    found = {row[0]: Entry(*row) for row in await conn.fetch(_MANY, viewer_id, ids)}
    return [found[id_] for id_ in ids if id_ in found]
