"""Storing posts. The most frequent write of a network: one statement for the post and all its rows."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, Forbidden, NotFound
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.counters import Counter, insert_deltas_sql
from folkmoot.network.posts.model import Post, PostDraft, Visibility

_KEY_LOCKS = 7020  # seed of the keys of advisory locks
_TRIES = 8

# Every part inserts a set that may be empty, so that a plain post costs little more. The author's row is locked, so that
# a concurrent restriction either refuses the post or counts it. Hashtags are inserted in one order, against deadlocks
# between posts with the same new hashtags.
_INSERT = f"""
    WITH author AS (
        SELECT effect FROM accounts WHERE id = $2 FOR SHARE
    ), post AS (
        INSERT INTO posts (id, account_id, visibility, reply_to_id, reply_to_account_id, conversation_id, text, html, cover,
            is_sensitive, language, mentions, hashtags, media_count, poll_id, app_id, search, created_at, quote_policy)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, array_to_tsvector($17), $18, $24
        FROM author WHERE effect < {AccountEffect.FROZEN:d}
        ON CONFLICT (id) DO NOTHING RETURNING id
    ), mentioned AS (
        INSERT INTO mentions (account_id, post_id) SELECT account_id, post.id FROM post, unnest($19::bigint[]) AS account_id
    ), known AS (
        INSERT INTO hashtags (key, name)
        SELECT t.key, t.name FROM post, unnest($13::text[], $20::text[]) AS t (key, name) ORDER BY t.key
        ON CONFLICT DO NOTHING
    ), tagged AS (
        INSERT INTO post_hashtags (key, post_id) SELECT key, post.id FROM post, unnest($13::text[]) AS key
    ), counted AS (
        {insert_deltas_sql("SELECT t.subject, t.counter, 1 FROM post, unnest($21::bigint[], $22::smallint[]) AS t (subject, counter)")}
    ), remembered AS (
        INSERT INTO idempotency_keys (account_id, key, post_id, created_at)
        SELECT $2, $23, post.id, now() FROM post WHERE $23::text IS NOT NULL
        ON CONFLICT (account_id, key) DO UPDATE SET post_id = excluded.post_id, created_at = excluded.created_at
    )
    SELECT (SELECT id FROM post) AS id, (SELECT effect FROM author) AS author_effect"""


async def insert_post(tx: WriteTx, post: Post, draft: PostDraft, asked_sql: str) -> tuple[Post, bool]:
    """Stores a post; tries other ids while its own is taken. Returns it with the answer to `asked_sql`, an SQL expression about
    other tables. Raises NotFound or Forbidden when its author was deleted or frozen."""
    counted, answer = [], False
    if post.visibility <= Visibility.UNLISTED:
        counted = [(post.author.id, Counter.ACCOUNT_POSTS)] + ([(post.reply_to_id, Counter.POST_REPLIES)] if post.reply_to_id else [])

    async def insert(id_: int) -> bool:
        nonlocal answer
        row = await tx.fetchrow(
            f"{_INSERT}, {asked_sql} AS answer", id_, post.author.id, post.visibility, post.reply_to_id, post.reply_to_account_id,
            post.conversation_id if post.reply_to_id else id_, post.text, post.html, post.cover, post.is_sensitive, post.language,
            msgspec.json.encode(post.mentions).decode(), list(post.hashtags), len(post.pictures), post.poll.id if post.poll else None,
            draft.app_id, post.search_words, post.created_at, [mention.account_id for mention in post.mentions], post.hashtag_names,
            [subject for subject, _ in counted], [int(counter) for _, counter in counted], draft.idempotency_key,
            int(post.quote_policy),
        )
        if row is None or row["author_effect"] is None:
            raise NotFound(log_text="the author was deleted")
        if row["author_effect"] >= AccountEffect.FROZEN:
            raise Forbidden(log_text="the author was just restricted")
        answer = row["answer"]
        return row["id"] is not None

    id_ = await _with_free_id(post.id, post.created_at, insert)
    return msgspec.structs.replace(post, id=id_, conversation_id=post.conversation_id if post.reply_to_id else id_), answer


async def insert_boost(tx: WriteTx, viewer_id: int, origin: Post, visibility: Visibility, at: datetime) -> int:
    """Stores a boost under a new id. The caller has called `lock_shown` and found no boost."""
    async def insert(id_: int) -> bool:
        return bool(await tx.execute(
            """
            INSERT INTO posts (id, account_id, visibility, boost_of_id, boost_of_account_id, conversation_id, language, created_at)
            VALUES ($1, $2, $3, $4, $5, $1, $6, $7) ON CONFLICT (id) DO NOTHING
            """,
            id_, viewer_id, visibility, origin.id, origin.author.id, origin.language, at,
        ))

    return await _with_free_id(ids.make_id(ids.shard_of(viewer_id), at), at, insert)


async def _with_free_id(first: int, at: datetime, insert: Callable[[int], Awaitable[bool]]) -> int:
    """Tries ids with the same time until one is free."""
    id_ = first
    for _ in range(_TRIES):
        if await insert(id_):
            return id_
        id_ = ids.make_id(ids.shard_of(first), at)
    raise Conflict(log_text="no free id within the millisecond")


async def find_earlier(tx: WriteTx, account_id: int, key: str) -> int | None:
    """The post created with this idempotency key within the last hour. Locks the key: concurrent requests wait here."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", f"{account_id}:{key}", _KEY_LOCKS)
    value = await tx.fetchval(
        "SELECT post_id FROM idempotency_keys WHERE account_id = $1 AND key = $2 AND created_at > now() - interval '1 hour'",
        account_id, key,
    )
    return int(value) if value else None


async def remember_key(tx: WriteTx, account_id: int, key: str, post_id: int) -> None:
    """Makes `find_earlier` find a post that was created without its key."""
    await tx.execute(
        "INSERT INTO idempotency_keys (account_id, key, post_id, created_at) VALUES ($1, $2, $3, now())"
        " ON CONFLICT (account_id, key) DO UPDATE SET post_id = excluded.post_id, created_at = excluded.created_at",
        account_id, key, post_id,
    )


async def lock_parent(tx: WriteTx, post_id: int) -> int | None:
    """Locks the answered post against deletion; returns its author's id, None when it is deleted."""
    value = await tx.fetchval(
        "SELECT s.account_id FROM posts AS s WHERE s.id = (SELECT coalesce(boost_of_id, id) FROM posts WHERE id = $1) FOR KEY SHARE",
        post_id,
    )
    return int(value) if value else None


async def lock_own_post(tx: WriteTx, account_id: int, post_id: int) -> bool:
    """Locks a post of the account for a change: every other action on it waits. Returns False when there is none."""
    return bool(await tx.fetchval("SELECT true FROM posts WHERE id = $1 AND account_id = $2 FOR UPDATE", post_id, account_id))


async def update_post(tx: WriteTx, post: Post) -> None:
    """Stores a new version of a post. Mentions are never removed: an account once mentioned may still see the post."""
    await tx.execute(
        """
        UPDATE posts SET text = $2, html = $3, cover = $4, is_sensitive = $5, language = $6, mentions = $7, hashtags = $8,
            media_count = $9, poll_id = $10, search = array_to_tsvector($11), version = $12, edited_at = $13, quote_policy = $14
        WHERE id = $1
        """,
        post.id, post.text, post.html, post.cover, post.is_sensitive, post.language, msgspec.json.encode(post.mentions).decode(),
        list(post.hashtags), len(post.pictures), post.poll.id if post.poll else None, post.search_words, post.version, post.edited_at,
        int(post.quote_policy),
    )
    await tx.execute(
        "INSERT INTO mentions (account_id, post_id, added_at) SELECT unnest($1::bigint[]), $2, $3 ON CONFLICT DO NOTHING",
        [mention.account_id for mention in post.mentions], post.id, post.edited_at,
    )
    await _replace_hashtags(tx, post)


async def lock_next_posts(tx: WriteTx, after: int, most: int) -> list[int]:
    """Locks and lists the posts with the next ids, without boosts."""
    rows = await tx.fetch(
        "SELECT id FROM posts WHERE id > $1 AND boost_of_id IS NULL ORDER BY id LIMIT $2 FOR NO KEY UPDATE", after, most
    )
    return [row["id"] for row in rows]


async def update_words(tx: WriteTx, post: Post) -> None:
    """Stores the words for search and the hashtags of a post, if they changed. Its version stays: nobody sees a difference."""
    if await tx.execute(
        "UPDATE posts SET search = array_to_tsvector($2), hashtags = $3"
        " WHERE id = $1 AND (search IS DISTINCT FROM array_to_tsvector($2) OR hashtags <> $3)",
        post.id, post.search_words, list(post.hashtags),
    ):
        await _replace_hashtags(tx, post)


async def _replace_hashtags(tx: WriteTx, post: Post) -> None:
    await tx.execute("DELETE FROM post_hashtags WHERE post_id = $1", post.id)
    await tx.execute(
        "INSERT INTO hashtags (key, name) SELECT key, name FROM unnest($1::text[], $2::text[]) AS t (key, name) ORDER BY key"
        " ON CONFLICT DO NOTHING",
        list(post.hashtags), post.hashtag_names,
    )
    await tx.execute("INSERT INTO post_hashtags (key, post_id) SELECT unnest($1::text[]), $2", list(post.hashtags), post.id)


async def raise_version(tx: WriteTx, post_id: int) -> None:
    await tx.execute("UPDATE posts SET version = version + 1 WHERE id = $1", post_id)


async def raise_versions(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """The same for many posts. They are locked in the order of their ids, against deadlocks."""
    await tx.execute(
        "WITH locked AS (SELECT id FROM posts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE)"
        " UPDATE posts SET version = posts.version + 1 FROM locked WHERE posts.id = locked.id",
        list(post_ids),
    )


async def raise_versions_by_creator(tx: WriteTx, account_id: int) -> None:
    """The same for posts whose card names an account as the author of the page. Indexes: cards_creator, post_cards_card."""
    rows = await tx.fetch(
        "SELECT pc.post_id FROM cards AS c JOIN post_cards AS pc ON pc.card_id = c.id WHERE c.creator_id = $1", account_id
    )
    if rows:
        await raise_versions(tx, [row["post_id"] for row in rows])


async def list_mentioned(tx: WriteTx, post_id: int) -> tuple[int, ...]:
    """All accounts that were ever mentioned in a post."""
    rows = await tx.fetch("SELECT account_id FROM mentions WHERE post_id = $1 ORDER BY 1", post_id)
    return tuple(row["account_id"] for row in rows)
