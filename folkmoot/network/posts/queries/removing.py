"""Locking posts for their removal or restriction, and removing them."""

from collections.abc import Sequence

from folkmoot.base.db import Database, Row, WriteTx
from folkmoot.network.posts.events import PostDeleted
from folkmoot.network.posts.model import PostEffect

_FACTS = """
    SELECT p.id, p.account_id, p.visibility, p.boost_of_id, p.boost_of_account_id, p.reply_to_id, p.reply_to_account_id,
        p.conversation_id, p.domain, p.uri,
        ARRAY(SELECT account_id FROM mentions WHERE mentions.post_id = p.id ORDER BY 1) AS mentioned_ids,
        ARRAY(SELECT id FROM media WHERE media.post_id = p.id ORDER BY position) AS media_ids
    FROM posts AS p WHERE p.id = ANY ($1::bigint[]) OR p.boost_of_id = ANY ($1::bigint[]) ORDER BY p.id FOR UPDATE OF p
"""


async def lock_posts(tx: WriteTx, post_ids: Sequence[int]) -> list[int]:
    """Locks posts against every other action until the transaction ends; returns the ids of those that exist."""
    rows = await tx.fetch("SELECT id FROM posts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE", list(post_ids))
    return [row["id"] for row in rows]


async def list_facts(tx: WriteTx, post_ids: Sequence[int]) -> list[PostDeleted]:
    """What subscribers need about these posts and their boosts after deletion. Locks the boosts; the caller locked the posts."""
    return [_deleted(row) for row in await tx.fetch(_FACTS, list(post_ids))]


def _deleted(row: Row) -> PostDeleted:
    return PostDeleted(
        post_id=row["id"], account_id=row["account_id"], visibility=row["visibility"],
        origin_id=row["boost_of_account_id"] or row["account_id"], boost_of_id=row["boost_of_id"], reply_to_id=row["reply_to_id"],
        reply_to_account_id=row["reply_to_account_id"], conversation_id=row["conversation_id"],
        mentioned_ids=tuple(row["mentioned_ids"]), media_ids=tuple(row["media_ids"]), domain=row["domain"], uri=row["uri"],
    )


async def delete_posts(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """Deletes posts with their boosts and dependent rows. Their replies stay, without a parent, and posts that quote them, without
    the quoted post. The mutes of a conversation are deleted with its last post."""
    await tx.execute(
        """
        WITH deleted AS (
            DELETE FROM posts WHERE id = ANY ($1::bigint[]) OR boost_of_id = ANY ($1::bigint[])
        ), ended AS (
            DELETE FROM muted_conversations AS m USING posts AS p
            WHERE p.id = ANY ($1::bigint[]) AND m.conversation_id = p.conversation_id AND NOT EXISTS (
                SELECT FROM posts WHERE posts.conversation_id = p.conversation_id AND posts.id <> ALL ($1::bigint[]))
        ), orphaned AS (
            UPDATE posts SET reply_to_id = NULL, version = version + 1 WHERE reply_to_id = ANY ($1::bigint[]) AND id <> ALL ($1::bigint[])
        ), quoting AS ( -- each post before its quote, as a deletion of that post locks them
            UPDATE posts SET version = version + 1 FROM quotes AS q
            WHERE q.quoted_id = ANY ($1::bigint[]) AND posts.id = q.post_id AND posts.id <> ALL ($1::bigint[]) RETURNING posts.id
        ), unquoted AS (
            UPDATE quotes SET quoted_id = NULL, quoted_account_id = NULL FROM quoting WHERE quotes.post_id = quoting.id
        )
        DELETE FROM idempotency_keys WHERE post_id = ANY ($1::bigint[])
        """,
        list(post_ids),
    )


async def get_effect(tx: WriteTx, post_id: int) -> PostEffect | None:
    value = await tx.fetchval("SELECT effect FROM posts WHERE id = $1", post_id)
    return None if value is None else PostEffect(value)


async def update_effect(tx: WriteTx, post_id: int, effect: PostEffect, label: str | None, *, is_limited: bool) -> Row | None:
    """Stores an effect; returns (account_id, visibility) of the post if anything changed."""
    return await tx.fetchrow(
        "UPDATE posts SET effect = $2, label = $3, is_limited = $4, version = version + 1"
        " WHERE id = $1 AND (effect <> $2 OR label IS DISTINCT FROM $3 OR is_limited <> $4) RETURNING account_id, visibility",
        post_id, effect, label, is_limited,
    )


async def list_shown(tx: WriteTx, post_ids: Sequence[int]) -> list[int]:
    """Those of these posts that are not hidden or removed."""
    rows = await tx.fetch(f"SELECT id FROM posts WHERE id = ANY ($1::bigint[]) AND effect < {PostEffect.HIDDEN:d}", list(post_ids))
    return [row["id"] for row in rows]


async def update_hidden(tx: WriteTx, post_ids: Sequence[int]) -> Sequence[Row]:
    """Hides posts; returns (id, account_id, visibility) of each."""
    return await tx.fetch(
        f"UPDATE posts SET effect = {PostEffect.HIDDEN:d}, label = NULL, version = version + 1 WHERE id = ANY ($1::bigint[])"
        " RETURNING id, account_id, visibility",
        list(post_ids),
    )


async def list_newest(tx: WriteTx, account_id: int, most: int) -> Sequence[Row]:
    """(id, visibility) of an account's newest posts. Uses the index posts_account."""
    return await tx.fetch("SELECT id, visibility FROM posts WHERE account_id = $1 ORDER BY id DESC LIMIT $2", account_id, most)


async def forget_keys(database: Database) -> None:
    """Deletes expired idempotency keys. A timed job."""
    async with database.write() as tx:
        await tx.execute("DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'")


async def forget_hashtags(database: Database) -> None:
    """Deletes the names of hashtags that no post uses any more, because they are words of deleted posts. A timed job.

    A concurrent new post with such a hashtag can lose its name; search does not suggest it until the next post with it.
    """
    async with database.write() as tx:
        await tx.execute(
            "DELETE FROM hashtags AS h WHERE created_at < now() - interval '1 hour'"
            " AND NOT EXISTS (SELECT FROM post_hashtags AS ph WHERE ph.key = h.key)"
        )
