"""All SQL of relations. Lists are paged by the id of the relation's own row, newest first."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.counters import Counter, insert_deltas_sql
from folkmoot.network.relations.model import FollowOptions, Relation

_COUNT_FOLLOWS = insert_deltas_sql(f"""
    SELECT t.subject_id, t.counter, ($2 * count(*))::int
    FROM (SELECT account_id, target_id FROM follows WHERE account_id = $1
          UNION SELECT follower_id, account_id FROM followers WHERE account_id = $1) AS f
    JOIN accounts AS a ON a.id = f.account_id JOIN accounts AS ta ON ta.id = f.target_id
    CROSS JOIN LATERAL (VALUES (f.account_id, {Counter.ACCOUNT_FOLLOWING:d}), (f.target_id, {Counter.ACCOUNT_FOLLOWERS:d}))
        AS t (subject_id, counter)
    WHERE a.effect < {AccountEffect.SUSPENDED:d} AND ta.effect < {AccountEffect.SUSPENDED:d}
    GROUP BY 1, 2
""")
_PAIR_LOCKS = 7022  # seed of the keys of advisory locks

# $1: the viewer, $2: the other accounts. Every join uses a primary key.
_RELATIONS = """
    SELECT a.id AS target_id, f.account_id IS NOT NULL AS follows, coalesce(f.shows_boosts, r.shows_boosts, false) AS shows_boosts,
        coalesce(f.notifies, r.notifies, false) AS notifies, coalesce(f.languages, r.languages) AS languages,
        back.account_id IS NOT NULL AS is_followed_by,
        r.account_id IS NOT NULL AS has_requested, asked.account_id IS NOT NULL AS is_requested_by,
        m.account_id IS NOT NULL AS mutes, coalesce(m.hides_notifications, false) AS hides_notifications,
        m.expires_at AS mute_ends_at,
        b.account_id IS NOT NULL AS blocks, bb.account_id IS NOT NULL AS is_blocked_by, coalesce(n.text, '') AS note
    FROM accounts AS a
    LEFT JOIN follows AS f ON f.account_id = $1 AND f.target_id = a.id
    LEFT JOIN follows AS back ON back.account_id = a.id AND back.target_id = $1
    LEFT JOIN follow_requests AS r ON r.account_id = a.id AND r.requester_id = $1
    LEFT JOIN follow_requests AS asked ON asked.account_id = $1 AND asked.requester_id = a.id
    LEFT JOIN mutes AS m ON m.account_id = $1 AND m.target_id = a.id AND (m.expires_at IS NULL OR m.expires_at > now())
    LEFT JOIN blocks AS b ON b.account_id = $1 AND b.target_id = a.id
    LEFT JOIN blocks AS bb ON bb.account_id = a.id AND bb.target_id = $1
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


async def count_follows(tx: WriteTx, account_id: int, sign: int) -> None:
    """Counts an account's follows and followers with `sign`; only follows between accounts that are not suspended."""
    await tx.execute(_COUNT_FOLLOWS, account_id, sign)


async def get_relation(conn: ReadConn, viewer_id: int, target_id: int) -> Relation:
    """A relation; an empty one when there is no such account."""
    found = await list_relations(conn, viewer_id, [target_id])
    return found[0] if found else Relation(target_id=target_id)


def _pair_key(one: str, other: str) -> str:
    """SQL: the key of the advisory lock of two accounts, in either order."""
    return f"hashtextextended(least({one}, {other}) || ':' || greatest({one}, {other}), {_PAIR_LOCKS})"


async def lock_pair(tx: WriteTx, one_id: int, other_id: int) -> None:
    """Makes all actions between two accounts run one after the other, in both directions (decision 0045)."""
    await tx.execute(f"SELECT pg_advisory_xact_lock({_pair_key('$1::bigint', '$2::bigint')})", one_id, other_id)


async def lock_pairs_shared(tx: WriteTx, one_id: int, other_ids: Sequence[int]) -> None:
    """Waits for actions between an account and these others, and delays new ones until the transaction ends. Shared locks
    do not wait for each other; they are taken in the order of their keys."""
    await tx.execute(
        f"""
        SELECT pg_advisory_xact_lock_shared(key) FROM (
            SELECT DISTINCT {_pair_key("$1::bigint", "other_id")} AS key FROM unnest($2::bigint[]) AS other_id ORDER BY key
        ) AS pairs
        """,
        one_id, list(other_ids),
    )


def unblocked_sql(account: str, viewer: str) -> str:
    """SQL: whether neither of `account`, a table alias, and `viewer` blocks the other. A viewer that is NULL is nobody."""
    return (
        f"NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = {account}.id AND blocks.target_id = {viewer})"
        f" AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = {viewer} AND blocks.target_id = {account}.id)"
    )


# Of each list: its table, the column of its owner, the column of the listed account.
_LISTS = {
    "following": ("follows", "account_id", "target_id"),
    "followers": ("followers", "account_id", "follower_id"),
    "requests": ("follow_requests", "account_id", "requester_id"),
    "mutes": ("mutes", "account_id", "target_id"),
    "blocks": ("blocks", "account_id", "target_id"),
}


async def list_related(conn: ReadConn, name: str, owner_id: int, viewer_id: int | None, page: Page) -> list[tuple[int, Account]]:
    """(row id, account) of a list of the owner: following, followers, requests, mutes or blocks.

    Suspended accounts are left out. Of following and followers, which others read too, so are accounts that block the viewer
    or that the viewer blocks.
    """
    table, owner, listed = _LISTS[name]
    is_private = name not in ("following", "followers")
    unexpired = "AND (r.expires_at IS NULL OR r.expires_at > now())" if table == "mutes" else ""
    rows = await conn.fetch(
        f"""
        SELECT r.id AS row_id, {columns()} FROM {table} AS r
        JOIN accounts AS a ON a.id = r.{listed} LEFT JOIN account_counts AS ac ON ac.account_id = a.id
        WHERE r.{owner} = $1 AND r.id < $3 AND r.id > $4 AND a.effect < {AccountEffect.SUSPENDED:d} {unexpired}
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


async def insert_follow(tx: WriteTx, account_id: int, target_id: int, row_id: int, options: FollowOptions) -> bool:
    """Stores both directions. Returns False when the follow exists; it stays as it is."""
    return bool(await tx.fetchval(
        """
        WITH made AS (
            INSERT INTO follows (account_id, target_id, id, shows_boosts, notifies, languages, is_pulled)
            VALUES ($1, $2, $3, $4, $5, $6, EXISTS (SELECT FROM pulled_authors WHERE account_id = $2)) ON CONFLICT DO NOTHING RETURNING true
        ), other_side AS (
            INSERT INTO followers (account_id, follower_id, id) SELECT $2, $1, $3 FROM made ON CONFLICT DO NOTHING
        )
        SELECT true FROM made
        """,
        account_id, target_id, row_id, *_columns_of(options),
    ))


async def update_follow(tx: WriteTx, account_id: int, target_id: int, options: FollowOptions) -> None:
    await tx.execute(
        "UPDATE follows SET shows_boosts = $3, notifies = $4, languages = $5 WHERE account_id = $1 AND target_id = $2",
        account_id, target_id, *_columns_of(options),
    )


async def delete_follow(tx: WriteTx, account_id: int, target_id: int) -> bool:
    """Deletes both directions, and stores when the follow ended; returns whether there was one."""
    await tx.execute("DELETE FROM followers WHERE account_id = $1 AND follower_id = $2", target_id, account_id)
    return bool(await tx.execute(
        """
        WITH deleted AS (DELETE FROM follows WHERE account_id = $1 AND target_id = $2 RETURNING account_id, target_id)
        INSERT INTO ended_follows (account_id, target_id, ended_at) SELECT account_id, target_id, $3 FROM deleted
        ON CONFLICT (account_id, target_id) DO UPDATE SET ended_at = excluded.ended_at
        """,
        account_id, target_id, clock.now(),
    ))


async def delete_ended_follows(tx: WriteTx, before: datetime) -> None:
    await tx.execute("DELETE FROM ended_follows WHERE ended_at < $1", before)


async def upsert_request(tx: WriteTx, account_id: int, requester_id: int, row_id: int, options: FollowOptions) -> bool:
    """Inserts a request, or changes the options of an existing one. Returns True when it is new."""
    return bool(await tx.fetchval(
        "INSERT INTO follow_requests (account_id, requester_id, id, shows_boosts, notifies, languages) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (account_id, requester_id) DO UPDATE SET shows_boosts = $4, notifies = $5, languages = $6 RETURNING xmax = 0",
        account_id, requester_id, row_id, *_columns_of(options),
    ))


async def delete_request(tx: WriteTx, account_id: int, requester_id: int) -> FollowOptions | None:
    """Deletes a request; returns its options, None when there was none."""
    row = await tx.fetchrow(
        "DELETE FROM follow_requests WHERE account_id = $1 AND requester_id = $2 RETURNING shows_boosts, notifies, languages",
        account_id, requester_id,
    )
    if row is None:
        return None
    languages = tuple(row["languages"]) if row["languages"] else None
    return FollowOptions(shows_boosts=row["shows_boosts"], notifies=row["notifies"], languages=languages)


def _columns_of(options: FollowOptions) -> tuple[bool, bool, list[str] | None]:
    return options.shows_boosts, options.notifies, list(options.languages) if options.languages else None


async def upsert_mute(
    tx: WriteTx, account_id: int, target_id: int, row_id: int, *, hides_notifications: bool, seconds: int
) -> None:
    """`seconds`: the duration; 0 means without end."""
    await tx.execute(
        """
        INSERT INTO mutes (account_id, target_id, id, hides_notifications, expires_at)
        VALUES ($1, $2, $3, $4, CASE WHEN $5 > 0 THEN now() + make_interval(secs => $5) END)
        ON CONFLICT (account_id, target_id)
            DO UPDATE SET hides_notifications = excluded.hides_notifications, expires_at = excluded.expires_at
        """,
        account_id, target_id, row_id, hides_notifications, seconds,
    )


async def delete_mute(tx: WriteTx, account_id: int, target_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM mutes WHERE account_id = $1 AND target_id = $2", account_id, target_id))


async def insert_block(tx: WriteTx, account_id: int, target_id: int, row_id: int) -> bool:
    return bool(await tx.execute(
        "INSERT INTO blocks (account_id, target_id, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", account_id, target_id, row_id
    ))


async def delete_block(tx: WriteTx, account_id: int, target_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM blocks WHERE account_id = $1 AND target_id = $2", account_id, target_id))


async def upsert_note(tx: WriteTx, account_id: int, target_id: int, text: str) -> None:
    """Stores a private note; an empty text deletes it."""
    if not text:
        await tx.execute("DELETE FROM account_notes WHERE account_id = $1 AND target_id = $2", account_id, target_id)
        return
    await tx.execute(
        "INSERT INTO account_notes (account_id, target_id, text) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id, target_id) DO UPDATE SET text = excluded.text",
        account_id, target_id, text,
    )


async def insert_pulled_authors(tx: WriteTx, most_followers: int) -> None:
    """Marks authors with more followers than this as pulled, and every follow of them too."""
    await tx.execute(
        "INSERT INTO pulled_authors SELECT account_id FROM account_counts WHERE followers > $1 ON CONFLICT DO NOTHING", most_followers
    )
    await tx.execute(
        """
        UPDATE follows SET is_pulled = true FROM pulled_authors AS author JOIN followers AS fo USING (account_id)
        WHERE follows.account_id = fo.follower_id AND follows.target_id = fo.account_id AND NOT follows.is_pulled
        """
    )


async def delete_pulled_authors(tx: WriteTx, followers: int) -> list[int]:
    """Returns authors with at most this many followers to push. Returns their followers, whose homes now have gaps."""
    rows = await tx.fetch(
        """
        WITH deleted AS (
            DELETE FROM pulled_authors AS author USING account_counts AS c
            WHERE c.account_id = author.account_id AND c.followers <= $1 RETURNING author.account_id
        )
        UPDATE follows SET is_pulled = false FROM deleted JOIN followers AS fo USING (account_id)
        WHERE follows.account_id = fo.follower_id AND follows.target_id = fo.account_id AND follows.is_pulled
        RETURNING follows.account_id
        """,
        followers,
    )
    return [row["account_id"] for row in rows]


async def delete_some_follows(tx: WriteTx, account_id: int, most: int) -> list[tuple[int, int]]:
    """Deletes follows by and of an account that leaves. Returns (follower, target) of each, none when none are left. Uses the
    primary keys of both tables."""
    rows = await tx.fetch(
        """
        WITH batch AS (
            (SELECT account_id AS follower_id, target_id FROM follows WHERE account_id = $1 LIMIT $2)
            UNION (SELECT follower_id, account_id FROM followers WHERE account_id = $1 LIMIT $2)
        ), gone AS (
            DELETE FROM followers USING batch WHERE followers.account_id = batch.target_id AND followers.follower_id = batch.follower_id
        )
        DELETE FROM follows USING batch WHERE follows.account_id = batch.follower_id AND follows.target_id = batch.target_id
        RETURNING follows.account_id, follows.target_id
        """,
        account_id, most,
    )
    return [(row["account_id"], row["target_id"]) for row in rows]


async def delete_other_relations(tx: WriteTx, account_id: int) -> None:
    """Deletes requests, mutes, blocks and notes by and about an account that leaves."""
    await tx.execute("DELETE FROM follow_requests WHERE account_id = $1 OR requester_id = $1", account_id)
    await tx.execute("DELETE FROM mutes WHERE account_id = $1 OR target_id = $1", account_id)
    await tx.execute("DELETE FROM blocks WHERE account_id = $1 OR target_id = $1", account_id)
    await tx.execute("DELETE FROM account_notes WHERE account_id = $1 OR target_id = $1", account_id)
