"""Quotes: what a viewer gets of quoted posts, who quotes a post, and the rows of the table `quotes`.

One statement tells for any number of quoting posts what the viewer gets of the posts that they quote; the caller then needs
their content, which may be in a cache. A page without quotes needs neither.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.counters import Counter, insert_deltas_sql
from folkmoot.network.posts.model import MAY_QUOTE, Mark, Marks, Post, PostCounts, Quote, QuoteFacts, QuotePolicy, QuoteState, Visibility
from folkmoot.network.posts.visibility import reaches_sql, visible_sql
from folkmoot.network.relations.queries import unblocked_sql

_WITH_POST = (QuoteState.SHOWN, QuoteState.BLOCKED, QuoteState.MUTED)


def may_quote_sql(post: str, viewer: str, *, blocks_author: str = "false") -> str:
    """SQL: `MAY_QUOTE` if the policy of `post` lets `viewer` quote it, otherwise 0. A viewer that is NULL may not.

    `blocks_author`: SQL for whether the viewer blocks the author. Timelines leave such posts out.
    """
    return f"""CASE WHEN {post}.quote_policy < {QuotePolicy.NOBODY:d} AND {viewer} IS NOT NULL AND NOT {blocks_author}
        AND ({post}.quote_policy = {QuotePolicy.PUBLIC:d} OR EXISTS (
            SELECT FROM follows AS qf WHERE qf.account_id = {viewer} AND qf.target_id = {post}.account_id))
        THEN {MAY_QUOTE} ELSE 0 END"""


def blocks_author_sql(post: str, viewer: str) -> str:
    return f"EXISTS (SELECT FROM blocks AS qb WHERE qb.account_id = {viewer} AND qb.target_id = {post}.account_id)"


def _stands_sql(quote: str) -> str:
    """SQL: whether a quote was not revoked and neither of its two authors blocks the other."""
    return f"""({quote}.revoked_at IS NULL
        AND NOT EXISTS (SELECT FROM blocks WHERE account_id = {quote}.account_id AND target_id = {quote}.quoted_account_id)
        AND NOT EXISTS (SELECT FROM blocks WHERE account_id = {quote}.quoted_account_id AND target_id = {quote}.account_id))"""


def _mutes_sql(account_id: str, viewer: str) -> str:
    return f"""EXISTS (SELECT FROM mutes WHERE mutes.account_id = {viewer} AND mutes.target_id = {account_id}
        AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))"""


def _state_sql(quote: str, quoted: str, author: str, viewer: str) -> str:
    """SQL: the `QuoteState` for `viewer` of `quote`, whose quoted post and its author are outer joined."""
    return f"""CASE
        WHEN NOT {_stands_sql(quote)} THEN '{QuoteState.REVOKED}'
        WHEN {quoted}.id IS NULL THEN '{QuoteState.DELETED}'
        WHEN ({visible_sql(quoted, author, viewer)} AND {reaches_sql(quoted, author, viewer)}) IS NOT TRUE -- NULL for nobody
            THEN '{QuoteState.WITHHELD}'
        WHEN {blocks_author_sql(quoted, viewer)} THEN '{QuoteState.BLOCKED}'
        WHEN {_mutes_sql(f"{quoted}.account_id", viewer)} THEN '{QuoteState.MUTED}'
        ELSE '{QuoteState.SHOWN}' END"""


def state_for_visitors_sql(quote: str, quoted: str, author: str) -> str:
    """SQL: the `QuoteState` of `quote` for visitors without an account; the quoted post and its author are outer joined."""
    return _state_sql(quote, quoted, author, "NULL::bigint")


# $1 and $2: pairs of a quoting post and a viewer. `i`: the post that the quoted post quotes in turn.
_FACTS = f"""
    SELECT q.post_id, w.viewer_id, {_state_sql("q", "s", "sa", "w.viewer_id")} AS state,
        s.id AS quoted_id, s.version, sa.version AS author_version,
        coalesce(c.replies, 0) AS replies, coalesce(c.boosts, 0) AS boosts, coalesce(c.favourites, 0) AS favourites,
        coalesce(c.quotes, 0) AS quotes,
        coalesce(m.bits, 0) | CASE WHEN muted.account_id IS NULL THEN 0 ELSE {Mark.MUTED:d} END
            | {may_quote_sql("s", "w.viewer_id", blocks_author=blocks_author_sql("s", "w.viewer_id"))} AS bits, m.choices,
        i.id AS inner_id, CASE WHEN iq.post_id IS NOT NULL THEN {_state_sql("iq", "i", "ia", "w.viewer_id")} END AS inner_state
    FROM unnest($1::bigint[], $2::bigint[]) AS w (post_id, viewer_id)
    JOIN quotes AS q ON q.post_id = w.post_id
    LEFT JOIN posts AS s ON s.id = q.quoted_id LEFT JOIN accounts AS sa ON sa.id = s.account_id
    LEFT JOIN post_counts AS c ON c.post_id = s.id
    LEFT JOIN marks AS m ON m.account_id = w.viewer_id AND m.post_id = s.id
    LEFT JOIN muted_conversations AS muted ON muted.account_id = w.viewer_id AND muted.conversation_id = s.conversation_id
    LEFT JOIN quotes AS iq ON iq.post_id = s.id
    LEFT JOIN posts AS i ON i.id = iq.quoted_id LEFT JOIN accounts AS ia ON ia.id = i.account_id
"""


async def list_quote_facts(conn: ReadConn, wanted: Collection[tuple[int, int | None]]) -> dict[tuple[int, int | None], QuoteFacts]:
    """For each pair of a quoting post and a viewer: what the viewer gets of the quoted post. The caller has checked that the viewer
    may see the quoting post."""
    rows = await conn.fetch(_FACTS, [post_id for post_id, _ in wanted], [viewer_id for _, viewer_id in wanted])
    return {(row["post_id"], row["viewer_id"]): _facts(row) for row in rows}


def _facts(row: Row) -> QuoteFacts:
    state = QuoteState(row["state"])
    if state not in _WITH_POST:
        return QuoteFacts(row["post_id"], state)
    inner = QuoteState(row["inner_state"]) if row["inner_state"] else None
    return QuoteFacts(
        row["post_id"], state, row["quoted_id"], row["version"], row["author_version"],
        PostCounts.seen_with(row["replies"], row["boosts"], row["favourites"], row["quotes"], row["bits"]),
        Marks(row["bits"], tuple(row["choices"] or ())), row["inner_id"] if inner in _WITH_POST else None, inner,
    )


async def list_quoting_ids(conn: ReadConn, post_id: int, viewer_id: int | None, page: Page) -> list[int]:
    """The posts that quote a post and that the viewer may see, without revoked quotes and without accounts that the viewer blocks or
    mutes. The caller has checked the visibility of the quoted post. Uses the index quotes_quoted."""
    rows = await conn.fetch(
        f"""
        SELECT p.id FROM quotes AS q JOIN posts AS p ON p.id = q.post_id JOIN accounts AS a ON a.id = p.account_id
        WHERE q.quoted_id = $1 AND q.post_id < $3 AND q.post_id > $4 AND {_stands_sql("q")} AND {visible_sql("p", "a", "$2")}
          AND {unblocked_sql("a", "$2")} AND NOT {_mutes_sql("p.account_id", "$2")}
        ORDER BY q.post_id {page.order} LIMIT $5
        """,
        post_id, viewer_id, page.below, page.above, page.limit,
    )
    return page.newest_first([row["id"] for row in rows])


async def list_quoting_posts_unscoped(conn: ReadConn, post_id: int, above: int, most: int) -> list[tuple[int, int]]:
    """(account, post) of quotes of a post that stand, by id from `above`. Uses the index quotes_quoted."""
    rows = await conn.fetch(
        f"SELECT q.account_id, q.post_id FROM quotes AS q WHERE q.quoted_id = $1 AND q.post_id > $2 AND {_stands_sql('q')}"
        " ORDER BY q.post_id LIMIT $3",
        post_id, above, most,
    )
    return [(row["account_id"], row["post_id"]) for row in rows]


# -- changes -------------------------------------------------------------------------------------------------------


async def lock_quoted(tx: WriteTx, post_id: int) -> int | None:
    """Locks the post to be quoted (for a boost, the boosted one) against deletion and changes of its policy; returns its author's
    id, None when it is deleted."""
    value = await tx.fetchval(
        "SELECT s.account_id FROM posts AS s WHERE s.id = (SELECT coalesce(boost_of_id, id) FROM posts WHERE id = $1) FOR SHARE",
        post_id,
    )
    return int(value) if value else None


async def insert_quote(tx: WriteTx, post: Post, quote: Quote) -> None:
    """Stores that a new post quotes another one, and counts it if everybody may see the new post."""
    await tx.execute(
        f"""
        WITH quoting AS (
            INSERT INTO quotes (post_id, account_id, quoted_id, quoted_account_id) VALUES ($1, $2, $3, $4) RETURNING quoted_id
        )
        {insert_deltas_sql(
            f"SELECT quoted_id, {Counter.POST_QUOTES:d}, 1 FROM quoting WHERE $5::smallint <= {Visibility.UNLISTED:d}")}
        """,
        post.id, post.author.id, quote.post_id, quote.account_id, int(post.visibility),
    )


async def update_quote_policy(tx: WriteTx, post_id: int, policy: QuotePolicy) -> bool:
    """Returns whether the policy changed. The caller has locked the post."""
    return bool(await tx.execute(
        "UPDATE posts SET quote_policy = $2, version = version + 1 WHERE id = $1 AND quote_policy <> $2", post_id, int(policy)
    ))


async def find_quoting(tx: WriteTx, post_id: int, quoting_id: int) -> bool:
    """Whether `quoting_id` quotes the post, or did before the quote was revoked."""
    return bool(await tx.fetchval("SELECT true FROM quotes WHERE post_id = $2 AND quoted_id = $1", post_id, quoting_id))


async def list_standing_between(tx: WriteTx, one_id: int, other_id: int, most: int) -> list[int]:
    """Posts of one account that quote the other one, in both directions, and whose quotes are not revoked."""
    rows = await tx.fetch(
        "SELECT post_id FROM quotes WHERE (account_id, quoted_account_id) IN (($1, $2), ($2, $1)) AND revoked_at IS NULL"
        " ORDER BY post_id LIMIT $3",
        one_id, other_id, most,
    )
    return [row["post_id"] for row in rows]


async def revoke_quotes(tx: WriteTx, post_ids: Sequence[int], now: datetime) -> list[tuple[int, int]]:
    """Revokes the quotes in these posts; returns (post, its author) of those that were not revoked. The caller has locked the posts."""
    rows = await tx.fetch(
        """
        WITH revoked AS (
            UPDATE quotes SET revoked_at = $2 WHERE post_id = ANY ($1::bigint[]) AND revoked_at IS NULL RETURNING post_id
        )
        UPDATE posts SET version = version + 1 FROM revoked WHERE posts.id = revoked.post_id RETURNING posts.id, posts.account_id
        """,
        list(post_ids), now,
    )
    return [(row["id"], row["account_id"]) for row in rows]
