"""The SQL that keeps homes: UNLOGGED tables that can be rebuilt from follows and posts, written through `CacheTx`.

A home is built when its `floor_id` is set. Above the floor it holds every post that the home rule wants, and perhaps
some that it does not want now; below it nothing is promised. Every statement may run twice, at the same time as the
others and in any order: each one sees the follows and posts of its own moment, and puts right what it finds.
"""

from collections.abc import Sequence
from datetime import timedelta

from folkmoot.base.db import CacheTx, ReadConn, WriteTx
from folkmoot.network.posts.model import Visibility
from folkmoot.network.timelines.model import KEPT_ENTRIES, REBUILT_ENTRIES
from folkmoot.network.timelines.rules import kept_sql

_INSERT = "INSERT INTO home_entries (account_id, post_id, author_id)"
# $1 the post, $2 its author.
_PUSH = f"""
    {_INSERT} SELECT fo.follower_id, p.id, p.account_id
    FROM posts AS p JOIN followers AS fo ON fo.account_id = p.account_id JOIN homes AS h ON h.account_id = fo.follower_id
    WHERE p.id = $1 AND fo.account_id = $2 AND {kept_sql("p", "fo.follower_id")}
"""


async def get_reach(conn: ReadConn, author_id: int) -> tuple[int, bool]:
    """How many followers a post of the author may reach, and whether they pull it instead."""
    row = await conn.fetchrow(
        "SELECT coalesce((SELECT followers FROM account_counts WHERE account_id = $1), 0) AS followers,"
        " EXISTS (SELECT FROM pulled_authors WHERE account_id = $1) AS is_pulled",
        author_id,
    )
    assert row is not None
    return row["followers"], row["is_pulled"]


async def insert_entries(cache: CacheTx, post_id: int, author_id: int) -> None:
    """Stores a post in the homes of its author's followers, in one statement."""
    await cache.execute(f"{_PUSH} ON CONFLICT DO NOTHING", post_id, author_id)


async def insert_some_entries(cache: CacheTx, post_id: int, author_id: int, after: int, limit: int) -> int | None:
    """The same for the next `limit` followers after the id `after`. Returns the last one's id; None when there is none."""
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
    """Stores a direct post in the homes of those whom it mentions and who follow its author. Leans on mentions_post."""
    await cache.execute(
        f"{_PUSH} AND p.visibility = {Visibility.DIRECT:d}"
        " AND fo.follower_id IN (SELECT account_id FROM mentions WHERE post_id = $1) ON CONFLICT DO NOTHING",
        post_id, author_id,
    )


async def delete_entries_of_post(cache: CacheTx, post_id: int, author_id: int, *, only_if_gone: bool = False) -> None:
    """Takes a post out of the homes of its author's followers. With `only_if_gone`: unless the post is there."""
    await cache.execute(
        "DELETE FROM home_entries AS e USING followers AS fo"
        " WHERE fo.account_id = $2 AND e.account_id = fo.follower_id AND e.post_id = $1"
        " AND NOT ($3 AND EXISTS (SELECT FROM posts WHERE id = $1))",
        post_id, author_id, only_if_gone,
    )


async def delete_entries_of_unfollowed(cache: CacheTx, account_id: int, author_id: int) -> bool:
    """Takes an author's posts out of a home, unless the author is followed. Whether the author is followed now."""
    await cache.execute(
        "DELETE FROM home_entries WHERE account_id = $1 AND author_id = $2"
        " AND NOT EXISTS (SELECT FROM follows WHERE account_id = $1 AND target_id = $2)",
        account_id, author_id,
    )
    # A statement of its own: a follow that began meanwhile may have stored what has just been deleted.
    return bool(await cache.fetchval("SELECT EXISTS (SELECT FROM follows WHERE account_id = $1 AND target_id = $2)", account_id, author_id))


async def insert_home(cache: CacheTx, account_id: int) -> None:
    """From now on what is pushed is stored in this home, though it is not built yet."""
    await cache.execute("INSERT INTO homes (account_id) VALUES ($1) ON CONFLICT DO NOTHING", account_id)


async def fill_home(cache: CacheTx, account_id: int) -> bool:
    """Stores what a home wants and does not hold, above its floor; builds it where it is not built. Without a home, nothing.

    The floor rises to what is left out. False when the home was changed meanwhile: then what this has read may be old, and
    it has to run again. Leans on posts_account.
    """
    return bool(await cache.execute(
        f"""
        WITH home AS (SELECT account_id, floor_id, xmin AS row_version FROM homes WHERE account_id = $1),
        wanted AS MATERIALIZED (
            SELECT recent.id, recent.account_id FROM home
            JOIN follows AS f ON f.account_id = home.account_id AND NOT f.is_pulled
            CROSS JOIN LATERAL (
                SELECT p.id, p.account_id FROM posts AS p
                WHERE p.account_id = f.target_id AND p.id > coalesce(home.floor_id, 0) AND {kept_sql("p", "home.account_id")}
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
    """These homes may have gaps: their readers pull until they are built again."""
    await tx.execute("UPDATE homes SET built_at = NULL, floor_id = NULL WHERE account_id = ANY ($1::bigint[])", list(account_ids))


async def delete_idle_homes(cache: CacheTx, idle: timedelta) -> None:
    """Drops the homes of people who have not come for so long, and of accounts that are gone."""
    await cache.execute(
        """
        WITH gone AS (
            DELETE FROM homes WHERE NOT EXISTS (
                SELECT FROM logins WHERE logins.account_id = homes.account_id AND logins.seen_at >= now() - $1::interval)
            RETURNING homes.account_id
        )
        DELETE FROM home_entries USING gone WHERE home_entries.account_id = gone.account_id
        """,
        idle,
    )


async def delete_far_entries(cache: CacheTx) -> None:
    """Keeps the newest entries of each home; its floor rises to what is dropped."""
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
