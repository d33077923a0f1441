"""What keeps home timelines warm: pushing, merging, removing, rebuilding, trimming. All of it through `CacheTx`.

A home is a cache: every function here may run twice, or be lost with a crash, and the next rebuild puts it right.
"""

from datetime import timedelta

from folkmoot.base import clock, ids
from folkmoot.base.db import CacheTx
from folkmoot.network.posts.model import PostCreated, Visibility
from folkmoot.network.timelines.model import KEPT_DAYS, KEPT_ENTRIES, PUSH_BATCH, REBUILT_ENTRIES
from folkmoot.network.timelines.queries import HOME_REPLY_RULE

# Whose home wants this post: $1 the post, $2 its author, $3 who wrote the words, $4 the boosted post, $5 an id of
# twelve hours ago.
_WANTED = f"""
    FROM followers AS fo
    JOIN homes AS h ON h.account_id = fo.follower_id
    JOIN follows AS f ON f.account_id = fo.follower_id AND f.target_id = fo.account_id
    JOIN posts AS p ON p.id = $1
    WHERE fo.account_id = $2
      AND ($4::bigint IS NULL OR f.shows_boosts AND NOT EXISTS (
           SELECT FROM home_entries AS had WHERE had.account_id = fo.follower_id AND had.post_id = $4 AND $4 > $5))
      AND (f.languages IS NULL OR p.language IS NULL OR p.language = ANY (f.languages))
      AND (p.visibility < {Visibility.DIRECT:d} OR EXISTS (
           SELECT FROM mentions WHERE mentions.account_id = fo.follower_id AND mentions.post_id = p.id))
      AND {HOME_REPLY_RULE.format(post="p", reader="fo.follower_id")}
      AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = fo.follower_id AND mutes.target_id IN ($2, $3)
                      AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
      AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = fo.follower_id AND blocks.target_id IN ($2, $3))
      AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $3 AND blocks.target_id = fo.follower_id)
"""
_INSERT = "INSERT INTO home_entries (account_id, post_id, author_id, origin_id)"
_PUSH = f"{_INSERT} SELECT fo.follower_id, $1, $2, $3 {_WANTED} ON CONFLICT DO NOTHING"
_PUSH_SOME = f"""
    WITH slice AS (
        SELECT follower_id FROM followers WHERE account_id = $2 AND follower_id > $6 ORDER BY follower_id LIMIT $7
    ), pushed AS (
        {_INSERT} SELECT fo.follower_id, $1, $2, $3 {_WANTED} AND fo.follower_id IN (SELECT follower_id FROM slice)
        ON CONFLICT DO NOTHING
    )
    SELECT max(follower_id) FROM slice
"""
_FRESH = timedelta(hours=12)


async def push_post(cache: CacheTx, post: PostCreated, *, in_batches: bool) -> None:
    """Puts a new post, or boost, into the homes of those who follow its author and keep a warm home.

    A boost of what came into the same home within twelve hours is left out.
    """
    fresh = ids.make_id(0, clock.now() - _FRESH)
    args = (post.post_id, post.account_id, post.origin_id, post.boost_of_id, fresh)
    if not in_batches:
        await cache.execute(_PUSH, *args)
        return
    last: int | None = 0
    while last is not None:
        last = await cache.fetchval(_PUSH_SOME, *args, last, PUSH_BATCH)


async def merge_author(cache: CacheTx, account_id: int, author_id: int) -> None:
    """After a follow: the author's newest posts come into the home, where it is warm."""
    await cache.execute(
        f"""
        {_INSERT}
        SELECT h.account_id, recent.id, $2, coalesce(recent.boost_of_account_id, $2)
        FROM homes AS h JOIN follows AS f ON f.account_id = h.account_id AND f.target_id = $2
        CROSS JOIN LATERAL (
            SELECT p.id, p.boost_of_account_id FROM posts AS p
            WHERE p.account_id = $2 AND p.visibility < {Visibility.DIRECT:d} AND (p.boost_of_id IS NULL OR f.shows_boosts)
              AND {HOME_REPLY_RULE.format(post="p", reader="$1")}
            ORDER BY p.id DESC LIMIT 40) AS recent
        WHERE h.account_id = $1 AND NOT f.is_pulled
        ON CONFLICT DO NOTHING
        """,
        account_id, author_id,
    )


async def remove_author(cache: CacheTx, account_id: int, author_id: int, *, words_too: bool) -> None:
    """After an unfollow: what the author wrote or boosted leaves the home; `words_too` (mute, block): what others
    boosted of the author as well."""
    await cache.execute(
        "DELETE FROM home_entries WHERE account_id = $1 AND (author_id = $2 OR $3 AND origin_id = $2)",
        account_id, author_id, words_too,
    )


async def remove_post(cache: CacheTx, post_id: int, author_id: int) -> None:
    """After a deletion: the empty place leaves the homes, so that no page comes out short."""
    await cache.execute(
        "DELETE FROM home_entries USING followers AS fo"
        " WHERE fo.account_id = $2 AND home_entries.account_id = fo.follower_id AND home_entries.post_id = $1",
        post_id, author_id,
    )


async def rebuild_home(cache: CacheTx, account_id: int) -> None:
    """Builds a home from follows and posts. Posts that are pushed meanwhile find its `homes` row and are not lost."""
    await cache.execute("INSERT INTO homes (account_id) VALUES ($1) ON CONFLICT DO NOTHING", account_id)
    await cache.execute(
        f"""
        {_INSERT}
        SELECT $1, recent.id, recent.account_id, coalesce(recent.boost_of_account_id, recent.account_id)
        FROM follows AS f CROSS JOIN LATERAL (
            SELECT p.id, p.account_id, p.boost_of_account_id FROM posts AS p
            WHERE p.account_id = f.target_id
              AND (p.boost_of_id IS NULL OR f.shows_boosts)
              AND (f.languages IS NULL OR p.language IS NULL OR p.language = ANY (f.languages))
              AND (p.visibility < {Visibility.DIRECT:d} OR EXISTS (
                   SELECT FROM mentions WHERE mentions.account_id = $1 AND mentions.post_id = p.id))
              AND {HOME_REPLY_RULE.format(post="p", reader="$1")}
            ORDER BY p.id DESC LIMIT {REBUILT_ENTRIES}) AS recent
        WHERE f.account_id = $1 AND NOT f.is_pulled
          AND NOT EXISTS (SELECT FROM mutes WHERE mutes.account_id = $1
                          AND mutes.target_id IN (recent.account_id, recent.boost_of_account_id)
                          AND (mutes.expires_at IS NULL OR mutes.expires_at > now()))
          AND NOT EXISTS (SELECT FROM blocks WHERE blocks.account_id = $1
                          AND blocks.target_id IN (recent.account_id, recent.boost_of_account_id))
        ORDER BY recent.id DESC LIMIT {REBUILT_ENTRIES}
        ON CONFLICT DO NOTHING
        """,
        account_id,
    )
    await cache.execute("UPDATE homes SET built_at = now() WHERE account_id = $1", account_id)


async def trim_homes(cache: CacheTx) -> None:
    """Drops the homes of people who have not come for 14 days, and the far ends of the others."""
    await cache.execute(
        """
        WITH idle AS (
            DELETE FROM homes USING logins
            WHERE logins.account_id = homes.account_id AND logins.seen_at < now() - $1::interval
            RETURNING homes.account_id
        )
        DELETE FROM home_entries USING idle WHERE home_entries.account_id = idle.account_id
        """,
        timedelta(days=KEPT_DAYS),
    )
    await cache.execute(
        f"""
        DELETE FROM home_entries USING homes,
            LATERAL (SELECT post_id FROM home_entries AS kept WHERE kept.account_id = homes.account_id
                     ORDER BY post_id DESC OFFSET {KEPT_ENTRIES} LIMIT 1) AS far
        WHERE home_entries.account_id = homes.account_id AND home_entries.post_id <= far.post_id
        """
    )
