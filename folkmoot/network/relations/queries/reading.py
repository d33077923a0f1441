"""Reads relations. Lists are paged by the id of the relation's own row, newest first."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.relations.model import Relation

# $1: the viewer, $2: the other accounts. Every join uses a primary key.
_RELATIONS = """
    SELECT a.id AS target_id, f.account_id IS NOT NULL AS follows, coalesce(f.shows_boosts, r.shows_boosts, false) AS shows_boosts,
        coalesce(f.notifies, r.notifies, false) AS notifies, coalesce(f.languages, r.languages) AS languages,
        back.account_id IS NOT NULL AS is_followed_by,
        r.account_id IS NOT NULL AS has_requested, asked.account_id IS NOT NULL AS is_requested_by,
        m.account_id IS NOT NULL AS mutes, coalesce(m.hides_notifications, false) AS hides_notifications,
        m.expires_at AS mute_ends_at,
        b.account_id IS NOT NULL AS blocks, bb.account_id IS NOT NULL AS is_blocked_by,
        db.account_id IS NOT NULL AS blocks_domain, e.account_id IS NOT NULL AS endorses, coalesce(n.text, '') AS note
    FROM accounts AS a
    LEFT JOIN follows AS f ON f.account_id = $1 AND f.target_id = a.id
    LEFT JOIN follows AS back ON back.account_id = a.id AND back.target_id = $1
    LEFT JOIN follow_requests AS r ON r.account_id = a.id AND r.requester_id = $1
    LEFT JOIN follow_requests AS asked ON asked.account_id = $1 AND asked.requester_id = a.id
    LEFT JOIN mutes AS m ON m.account_id = $1 AND m.target_id = a.id AND (m.expires_at IS NULL OR m.expires_at > now())
    LEFT JOIN blocks AS b ON b.account_id = $1 AND b.target_id = a.id
    LEFT JOIN blocks AS bb ON bb.account_id = a.id AND bb.target_id = $1
    LEFT JOIN domain_blocks AS db ON db.account_id = $1 AND db.domain = a.domain
    LEFT JOIN endorsements AS e ON e.account_id = $1 AND e.target_id = a.id
    LEFT JOIN account_notes AS n ON n.account_id = $1 AND n.target_id = a.id
    WHERE a.id = ANY ($2::bigint[])
"""


async def list_relations(conn: ReadConn, viewer_id: int, target_ids: Sequence[int]) -> list[Relation]:
    """The viewer's relations to these accounts, in one statement; accounts that do not exist are left out."""
    rows = await conn.fetch(_RELATIONS, viewer_id, list(target_ids))
    return [
        Relation(**{**dict(row), "languages": tuple(row["languages"]) if row["languages"] else None})
        for row in rows
    ]


async def get_relation(conn: ReadConn, viewer_id: int, target_id: int) -> Relation:
    """A relation; an empty one when there is no such account."""
    found = await list_relations(conn, viewer_id, [target_id])
    return found[0] if found else Relation(target_id=target_id)


async def list_followed_among(conn: ReadConn, account_id: int, target_ids: Sequence[int]) -> set[int]:
    """Which of these accounts an account follows. Uses the primary key."""
    rows = await conn.fetch(
        "SELECT target_id FROM follows WHERE account_id = $1 AND target_id = ANY ($2::bigint[])", account_id, list(target_ids)
    )
    return {row["target_id"] for row in rows}


async def list_blocking(conn: ReadConn, account_id: int, others: Sequence[int]) -> set[int]:
    """Which of these others block an account. Uses the primary key."""
    rows = await conn.fetch(
        "SELECT account_id FROM blocks WHERE target_id = $1 AND account_id = ANY ($2::bigint[])", account_id, list(others)
    )
    return {row["account_id"] for row in rows}


def unblocked_sql(account: str, viewer: str) -> str:
    """SQL: whether neither of `account`, a table alias, and `viewer` blocks the other. A viewer that is NULL is nobody."""
    return (
        f"NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = {account}.id AND blocks.target_id = {viewer})"
        f" AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = {viewer} AND blocks.target_id = {account}.id)"
    )


async def is_domain_blocked(conn: ReadConn, account_id: int, domain: str) -> bool:
    return bool(await conn.fetchval(f"SELECT {domain_blocked_sql('$1', '$2::text')}", account_id, domain))


def domain_blocked_sql(viewer: str, domain: str) -> str:
    """SQL: whether the viewer blocks a domain. This network, '', cannot be blocked, so its posts cost one comparison."""
    return f"({domain} <> '' AND EXISTS (SELECT FROM domain_blocks AS db WHERE db.account_id = {viewer} AND db.domain = {domain}))"


# Of each list: its table, the column of its owner, the column of the listed account.
_LISTS = {
    "following": ("follows", "account_id", "target_id"),
    "followers": ("followers", "account_id", "follower_id"),
    "requests": ("follow_requests", "account_id", "requester_id"),
    "mutes": ("mutes", "account_id", "target_id"),
    "blocks": ("blocks", "account_id", "target_id"),
}


async def list_related(
    conn: ReadConn, name: str, owner_id: int, viewer_id: int | None, page: Page, *, with_suspended: bool = False
) -> list[tuple[int, Account]]:
    """(row id, account) of a list of the owner: following, followers, requests, mutes or blocks.

    Suspended accounts are left out, unless the owner wants to see with whom relations can be ended. Of following and followers,
    which others read too, so are accounts that block the viewer or that the viewer blocks.
    """
    table, owner, listed = _LISTS[name]
    is_private = name not in ("following", "followers")
    unexpired = "AND (r.expires_at IS NULL OR r.expires_at > now())" if table == "mutes" else ""
    rows = await conn.fetch(
        f"""
        SELECT r.id AS row_id, {columns()} FROM {table} AS r
        JOIN accounts AS a ON a.id = r.{listed} LEFT JOIN account_counts AS ac ON ac.account_id = a.id
        WHERE r.{owner} = $1 AND r.id < $3 AND r.id > $4 AND ({with_suspended} OR a.effect < {AccountEffect.SUSPENDED:d}) {unexpired}
          AND ({is_private} OR {unblocked_sql("a", "$2::bigint")})
        ORDER BY r.id {page.order} LIMIT $5
        """,
        owner_id, viewer_id, page.below, page.above, page.limit,
    )
    return page.newest_first([(row["row_id"], account_from(row)) for row in rows])


async def list_shared_followers(
    conn: ReadConn, viewer_id: int, target_ids: Sequence[int], *, most: int = 40
) -> dict[int, list[Account]]:
    """For each target: its followers whom the viewer follows. Accounts that hide their lists are left out."""
    rows = await conn.fetch(
        f"""
        SELECT shared.target_id, {columns()} FROM accounts AS target
        CROSS JOIN LATERAL (
            SELECT fo.account_id AS target_id, fo.follower_id, fo.id FROM followers AS fo
            JOIN follows AS f ON f.account_id = $1 AND f.target_id = fo.follower_id
            WHERE fo.account_id = target.id ORDER BY fo.id DESC LIMIT $3) AS shared
        JOIN accounts AS a ON a.id = shared.follower_id LEFT JOIN account_counts AS ac ON ac.account_id = a.id
        WHERE target.id = ANY ($2::bigint[]) AND NOT target.hides_collections
          AND NOT a.hides_collections AND a.effect < {AccountEffect.SUSPENDED:d}
        ORDER BY shared.id DESC
        """,
        viewer_id, list(target_ids), most,
    )
    found: dict[int, list[Account]] = {id_: [] for id_ in target_ids}
    for row in rows:
        found[row["target_id"]].append(account_from(row))
    return found


async def count_requests(conn: ReadConn, account_id: int) -> int:
    """The number of open follow requests to an account, at most 100."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM (SELECT FROM follow_requests WHERE account_id = $1 LIMIT 100) AS waiting", account_id
    ))


async def list_requesters_unscoped(conn: ReadConn, account_id: int, after: int, most: int) -> list[tuple[int, int]]:
    """(row id, requester) of follow requests to an account, oldest first, without suspended requesters."""
    rows = await conn.fetch(
        "SELECT r.id, r.requester_id FROM follow_requests AS r JOIN accounts AS a ON a.id = r.requester_id"
        f" WHERE r.account_id = $1 AND r.id > $2 AND a.effect < {AccountEffect.SUSPENDED:d} ORDER BY r.id LIMIT $3",
        account_id, after, most,
    )
    return [(row["id"], row["requester_id"]) for row in rows]
