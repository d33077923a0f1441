"""All SQL of followed hashtags."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.followed_tags.model import FollowedTag


async def list_followed_tags(conn: ReadConn, account_id: int, page: Page) -> list[FollowedTag]:
    """The hashtags that a member follows, the latest followed first. Uses the index followed_hashtags_order."""
    rows = await conn.fetch(
        f"SELECT id, key, name FROM followed_hashtags WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id {page.order} LIMIT $4",
        account_id, page.below, page.above, page.limit,
    )
    return page.newest_first([FollowedTag(**dict(row)) for row in rows])


async def find_followed(conn: ReadConn, account_id: int | None, keys: Sequence[str]) -> set[str]:
    """Which of these hashtags the member follows."""
    if account_id is None or not keys:
        return set()
    rows = await conn.fetch("SELECT key FROM followed_hashtags WHERE account_id = $1 AND key = ANY ($2::text[])", account_id, list(keys))
    return {row["key"] for row in rows}


async def lock_owner(tx: WriteTx, account_id: int) -> None:
    """Makes changes of one member's hashtags wait for each other, so that they cannot pass the maximum together."""
    await tx.fetchval("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id)


async def count_followed_tags(conn: ReadConn, account_id: int) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM followed_hashtags WHERE account_id = $1", account_id))


async def insert_followed(tx: WriteTx, account_id: int, followed: FollowedTag) -> None:
    await tx.execute(
        "INSERT INTO followed_hashtags (account_id, key, id, name) VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, key) DO NOTHING",
        account_id, followed.key, followed.id, followed.name,
    )


async def delete_followed(tx: WriteTx, account_id: int, key: str) -> None:
    await tx.execute("DELETE FROM followed_hashtags WHERE account_id = $1 AND key = $2", account_id, key)
