"""All SQL of suggestions. One statement, whose work is bounded whatever the number of follows."""

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.visibility import limited_sql
from folkmoot.network.relations.queries import domain_blocked_sql, unblocked_sql
from folkmoot.network.suggestions.model import Source, Suggestion

_NEWEST = 150  # follows of the viewer, and of each account that the viewer follows, that are read
_NEWEST_POSTS = 1000  # public ones, whose authors are suggested to whoever follows nobody yet

# SQL: whether the account `a` may be suggested to the viewer ($1): it wants to be found and the viewer knows it in no way yet.
_IS_FITTING = f"""
    a.id <> $1 AND a.is_discoverable AND a.effect < {AccountEffect.SUSPENDED:d} AND NOT {limited_sql("a")}
    AND (a.domain <> '' OR EXISTS (SELECT FROM logins AS l WHERE l.account_id = a.id AND l.confirmed_at IS NOT NULL
        AND l.approved_at IS NOT NULL AND l.disabled_at IS NULL))
    AND NOT EXISTS (SELECT FROM follows WHERE account_id = $1 AND target_id = a.id)
    AND NOT EXISTS (SELECT FROM follow_requests WHERE account_id = a.id AND requester_id = $1)
    AND NOT EXISTS (SELECT FROM dismissed_suggestions WHERE account_id = $1 AND target_id = a.id)
    AND NOT EXISTS (SELECT FROM mutes WHERE account_id = $1 AND target_id = a.id AND (expires_at IS NULL OR expires_at > now()))
    AND {unblocked_sql("a", "$1")} AND NOT {domain_blocked_sql("$1", "a.domain")}
"""
_SUGGESTED = f"""
    WITH shared AS (
        SELECT theirs.target_id AS id, count(*)::int AS followed_by
        FROM (SELECT target_id FROM follows WHERE account_id = $1 ORDER BY id DESC LIMIT {_NEWEST}) AS own
        JOIN accounts AS friend ON friend.id = own.target_id AND NOT friend.hides_collections
            AND friend.effect < {AccountEffect.SUSPENDED:d}
        CROSS JOIN LATERAL (SELECT target_id FROM follows WHERE account_id = friend.id ORDER BY id DESC LIMIT {_NEWEST}) AS theirs
        GROUP BY 1
    ), active AS (
        SELECT DISTINCT account_id AS id FROM (
            SELECT account_id FROM posts WHERE visibility = {Visibility.PUBLIC:d} AND boost_of_id IS NULL AND reply_to_id IS NULL
            ORDER BY id DESC LIMIT {_NEWEST_POSTS}) AS newest
        JOIN account_counts AS counts USING (account_id) WHERE counts.followers > 0
    )
    SELECT coalesce(shared.followed_by, 0) AS followed_by, active.id IS NOT NULL AS is_active, {columns()}
    FROM shared FULL JOIN active USING (id) JOIN accounts AS a ON a.id = coalesce(shared.id, active.id)
    LEFT JOIN account_counts AS ac ON ac.account_id = a.id
    WHERE {_IS_FITTING}
    ORDER BY shared.followed_by DESC NULLS LAST, ac.followers DESC NULLS LAST, a.id DESC LIMIT $2
"""


async def list_suggestions(conn: ReadConn, viewer_id: int, limit: int) -> list[Suggestion]:
    """Accounts that the viewer could follow: first those that most of the followed accounts follow, then those that write and have the
    most followers. Accounts that do not show whom they follow are not read. Uses the primary keys of follows and the index posts_public."""
    rows = await conn.fetch(_SUGGESTED, viewer_id, limit)
    return [
        Suggestion(
            account=account_from(row), followed_by=row["followed_by"],
            sources=(*[Source.FOLLOWED] * bool(row["followed_by"]), *[Source.POPULAR] * bool(row["is_active"])),
        )
        for row in rows
    ]


async def insert_dismissed(tx: WriteTx, account_id: int, target_id: int) -> None:
    """Does nothing if there is no such account."""
    await tx.execute(
        "INSERT INTO dismissed_suggestions (account_id, target_id) SELECT $1, id FROM accounts WHERE id = $2 ON CONFLICT DO NOTHING",
        account_id, target_id,
    )
