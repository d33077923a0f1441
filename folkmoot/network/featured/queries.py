"""All SQL of featured hashtags."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.featured.model import Featured
from folkmoot.network.posts.model import PostEffect, Visibility

_NEWEST = 10_000  # posts of an account that are counted


async def list_featured(conn: ReadConn, account_id: int) -> list[Featured]:
    """The hashtags of a profile, the one with the most posts first. Reads the account's newest posts, by posts_account."""
    rows = await conn.fetch(
        f"""
        SELECT f.id, f.key, f.name, count(p.id) AS posts, max(p.created_at) AS last_post_at
        FROM featured_hashtags AS f LEFT JOIN (
            SELECT id, created_at, hashtags FROM posts
            WHERE account_id = $1 AND boost_of_id IS NULL AND visibility <= {Visibility.UNLISTED:d} AND effect < {PostEffect.HIDDEN:d}
            ORDER BY id DESC LIMIT {_NEWEST}
        ) AS p ON p.hashtags @> ARRAY[f.key]
        WHERE f.account_id = $1 GROUP BY f.id, f.key, f.name ORDER BY count(p.id) DESC, f.name
        """,
        account_id,
    )
    return [Featured(**dict(row)) for row in rows]


async def find_featured(conn: ReadConn, account_id: int | None, keys: Sequence[str]) -> set[str]:
    """Which of these hashtags are on the profile."""
    if account_id is None or not keys:
        return set()
    rows = await conn.fetch("SELECT key FROM featured_hashtags WHERE account_id = $1 AND key = ANY ($2::text[])", account_id, list(keys))
    return {row["key"] for row in rows}


async def is_featured(conn: ReadConn, account_id: int, key: str) -> bool:
    return bool(await conn.fetchval("SELECT true FROM featured_hashtags WHERE account_id = $1 AND key = $2", account_id, key))


async def lock_owner(tx: WriteTx, account_id: int) -> None:
    """Makes changes of one member's hashtags wait for each other, so that they cannot pass the maximum together."""
    await tx.fetchval("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id)


async def count_featured(conn: ReadConn, account_id: int) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM featured_hashtags WHERE account_id = $1", account_id))


async def insert_featured(tx: WriteTx, account_id: int, featured: Featured) -> None:
    await tx.execute(
        "INSERT INTO featured_hashtags (account_id, key, id, name) VALUES ($1, $2, $3, $4)",
        account_id, featured.key, featured.id, featured.name,
    )


async def delete_featured(tx: WriteTx, account_id: int, *, id_: int | None = None, key: str | None = None) -> bool:
    """Deletes by id or by key; returns whether there was one."""
    return bool(await tx.execute(
        "DELETE FROM featured_hashtags WHERE account_id = $1 AND (id = $2 OR key = $3)", account_id, id_, key
    ))
