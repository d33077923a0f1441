"""The SQL that maintains homes: UNLOGGED tables that can be rebuilt from follows and posts, written through `CacheTx`.

A home is built when its `floor_id` is set. Above the floor it holds every post that the home rule requires, and perhaps
some more; below the floor it may have gaps. Every statement may run twice, concurrently with the others and in any
order: each one sees the follows and posts of its own snapshot, and corrects what differs.
"""

from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base.db import CacheTx, ReadConn, WriteTx
from folkmoot.network.posts.model import Visibility
from folkmoot.network.timelines.model import KEPT_ENTRIES, REBUILT_ENTRIES
from folkmoot.network.timelines.rules import stores_sql

_INSERT = "INSERT INTO home_entries (account_id, post_id, author_id)"
# $1: the post, $2: its author.
_PUSH = f"""
    {_INSERT} SELECT fo.follower_id, p.id, p.account_id
    FROM posts AS p JOIN followers AS fo ON fo.account_id = p.account_id JOIN homes AS h ON h.account_id = fo.follower_id
    WHERE p.id = $1 AND fo.account_id = $2 AND {stores_sql("p", "fo.follower_id")}
"""

# $1: posts, $2: their authors. Sub-selects, because the planner would look into the arrays, and plan anew for each batch.
_SEVERAL = "unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS w (post_id, author_id)"


async def insert_entries(cache: CacheTx, posts: Sequence[tuple[int, int]], most: int) -> list[int]:
    """Stores posts, each with its author, in the homes of their followers, in one statement. Not those of an author whose followers
    pull them, nor of one with more than `most` followers: returns the latter."""
    rows = await cache.fetch(
        f"""
        WITH new AS MATERIALIZED (
            SELECT w.post_id, w.author_id, coalesce(c.followers, 0) > $3::int AS is_large
            FROM {_SEVERAL} LEFT JOIN account_counts AS c ON c.account_id = w.author_id
            WHERE NOT EXISTS (SELECT FROM pulled_authors AS pa WHERE pa.account_id = w.author_id)
        ), stored AS (
            {_INSERT} SELECT fo.follower_id, p.id, p.account_id
            FROM new JOIN posts AS p ON p.id = new.post_id AND p.account_id = new.author_id
                JOIN followers AS fo ON fo.account_id = new.author_id JOIN homes AS h ON h.account_id = fo.follower_id
            WHERE NOT new.is_large AND {stores_sql("p", "fo.follower_id")} ON CONFLICT DO NOTHING
        )
        SELECT post_id FROM new WHERE is_large
        """,
        [post_id for post_id, _ in posts], [author_id for _, author_id in posts], most,
    )
    return [row["post_id"] for row in rows]


async def insert_some_entries(cache: CacheTx, post_id: int, author_id: int, after: int, limit: int) -> int | None:
    """The same for the next `limit` followers after the id `after`. Returns the last follower's id, None at the end."""
    last = await cache.fetchval(
        f"""
        WITH slice AS (
            SELECT follower_id FROM followers WHERE account_id = $2 AND follower_id > $3 ORDER BY follower_id LIMIT $4
        ), stored AS (
            {_PUSH} AND fo.follower_id IN (SELECT follower_id FROM slice) ON CONFLICT DO NOTHING
        )
        SELECT max(follower_id) FROM slice
        """,
        post_id, author_id, after, limit,
    )
    return int(last) if last else None


async def insert_direct_entries(cache: CacheTx, post_id: int, author_id: int) -> None:
    """Stores a direct post in the homes of mentioned followers of its author. Uses the index mentions_post."""
    await cache.execute(
        f"{_PUSH} AND p.visibility = {Visibility.DIRECT:d}"
        " AND fo.follower_id IN (SELECT account_id FROM mentions WHERE post_id = $1) ON CONFLICT DO NOTHING",
        post_id, author_id,
    )


async def delete_entries_of_post(cache: CacheTx, post_id: int, author_id: int) -> None:
    """Removes a post from the homes of its author's followers."""
    await cache.execute(
        "DELETE FROM home_entries AS e USING followers AS fo"
        " WHERE fo.account_id = $2 AND e.account_id = fo.follower_id AND e.post_id = $1",
        post_id, author_id,
    )


async def delete_entries_of_deleted(cache: CacheTx, posts: Sequence[tuple[int, int]]) -> None:
    """Removes those of the posts, each with its author, that do not exist any more from the homes of their followers."""
    await cache.execute(
        f"""
        WITH gone AS MATERIALIZED (
            SELECT w.post_id, w.author_id FROM {_SEVERAL} WHERE NOT EXISTS (SELECT FROM posts WHERE posts.id = w.post_id)
        )
        DELETE FROM home_entries AS e USING gone, followers AS fo
        WHERE fo.account_id = gone.author_id AND e.account_id = fo.follower_id AND e.post_id = gone.post_id
        """,
        [post_id for post_id, _ in posts], [author_id for _, author_id in posts],
    )


async def delete_entries_of_unfollowed(cache: CacheTx, account_id: int, author_id: int) -> bool:
    """Removes an author's posts from a home, unless the author is followed. Returns whether the author is followed now."""
    await cache.execute(
        "DELETE FROM home_entries WHERE account_id = $1 AND author_id = $2"
        " AND NOT EXISTS (SELECT FROM follows WHERE account_id = $1 AND target_id = $2)",
        account_id, author_id,
    )
    # A separate statement: a concurrent follow may have stored what was just deleted.
    return bool(await cache.fetchval("SELECT EXISTS (SELECT FROM follows WHERE account_id = $1 AND target_id = $2)", account_id, author_id))


async def insert_home(cache: CacheTx, account_id: int) -> None:
    """Inserts a home that is not built yet: from now on pushed posts are stored in it."""
    await cache.execute("INSERT INTO homes (account_id) VALUES ($1) ON CONFLICT DO NOTHING", account_id)


async def fill_home(cache: CacheTx, account_id: int) -> bool:
    """Stores the missing posts of a home above its floor, and marks the home as built. Does nothing without a home.

    The floor rises to the newest post left out. Returns False when the home was changed meanwhile: then the rows read
    here may be outdated, and the caller repeats it. Uses the index posts_account.
    """
    return bool(await cache.execute(
        f"""
        WITH home AS (SELECT account_id, floor_id, xmin AS row_version FROM homes WHERE account_id = $1),
        wanted AS MATERIALIZED (
            SELECT recent.id, recent.account_id FROM home
            JOIN follows AS f ON f.account_id = home.account_id AND NOT f.is_pulled
            CROSS JOIN LATERAL (
                SELECT p.id, p.account_id FROM posts AS p
                WHERE p.account_id = f.target_id AND p.id > coalesce(home.floor_id, 0) AND {stores_sql("p", "home.account_id")}
                ORDER BY p.id DESC LIMIT {REBUILT_ENTRIES}) AS recent
            ORDER BY recent.id DESC LIMIT {REBUILT_ENTRIES}
        ), stored AS (
            {_INSERT} SELECT $1, id, account_id FROM wanted ON CONFLICT DO NOTHING
        )
        UPDATE homes SET built_at = now(), floor_id = greatest(
            coalesce(homes.floor_id, 0), (SELECT min(id) - 1 FROM wanted HAVING count(*) = {REBUILT_ENTRIES}))
        FROM home WHERE homes.account_id = home.account_id AND homes.xmin = home.row_version
        """,
        account_id,
    ))


async def has_home(conn: ReadConn, account_id: int) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM homes WHERE account_id = $1)", account_id))


async def mark_unbuilt(tx: WriteTx, account_ids: Sequence[int]) -> None:
    """Marks homes that may have gaps as not built: they are pulled until they are built again."""
    await tx.execute("UPDATE homes SET built_at = NULL, floor_id = NULL WHERE account_id = ANY ($1::bigint[])", list(account_ids))


async def delete_idle_homes(cache: CacheTx, idle: timedelta) -> None:
    """Deletes the homes of members without a visit for `idle`, and of deleted accounts."""
    await cache.execute(
        """
        WITH deleted AS (
            DELETE FROM homes WHERE NOT EXISTS (
                SELECT FROM logins WHERE logins.account_id = homes.account_id AND logins.seen_at >= now() - $1::interval)
            RETURNING homes.account_id
        )
        DELETE FROM home_entries USING deleted WHERE home_entries.account_id = deleted.account_id
        """,
        idle,
    )


async def delete_far_entries(cache: CacheTx) -> None:
    """Deletes all but the newest entries of each home; its floor rises to the newest deleted entry."""
    await cache.execute(
        f"""
        WITH far AS (
            SELECT homes.account_id, last.post_id FROM homes, LATERAL (
                SELECT post_id FROM home_entries AS e WHERE e.account_id = homes.account_id
                ORDER BY post_id DESC OFFSET {KEPT_ENTRIES} LIMIT 1) AS last
        ), raised AS (
            UPDATE homes SET floor_id = greatest(floor_id, far.post_id) FROM far
            WHERE homes.account_id = far.account_id AND floor_id IS NOT NULL
        )
        DELETE FROM home_entries AS e USING far WHERE e.account_id = far.account_id AND e.post_id <= far.post_id
        """
    )


async def delete_home(cache: CacheTx, account_id: int) -> None:
    """Deletes the home of a deleted account."""
    await cache.execute("DELETE FROM homes WHERE account_id = $1", account_id)
    await cache.execute("DELETE FROM home_entries WHERE account_id = $1", account_id)
