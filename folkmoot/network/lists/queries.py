"""All SQL of lists. Every statement names the owner, so that nobody reaches the list of another member."""

from collections.abc import Sequence

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.lists.model import List, Replies


def _list_from(row: Row) -> List:
    return List(id=row["id"], title=row["title"], replies=Replies(row["replies"]))


async def list_lists(conn: ReadConn, owner_id: int) -> list[List]:
    """The member's lists by their titles."""
    rows = await conn.fetch("SELECT id, title, replies FROM lists WHERE account_id = $1 ORDER BY title, id", owner_id)
    return [_list_from(row) for row in rows]


async def list_lists_with(conn: ReadConn, owner_id: int, target_id: int) -> list[List]:
    """The member's lists that contain an account. Uses the index list_members_follow."""
    rows = await conn.fetch(
        "SELECT l.id, l.title, l.replies FROM list_members AS m JOIN lists AS l ON l.id = m.list_id"
        " WHERE m.account_id = $1 AND m.target_id = $2 ORDER BY l.title, l.id",
        owner_id, target_id,
    )
    return [_list_from(row) for row in rows]


async def get_list(conn: ReadConn, owner_id: int, list_id: int) -> List:
    row = await conn.fetchrow("SELECT id, title, replies FROM lists WHERE id = $1 AND account_id = $2", list_id, owner_id)
    if row is None:
        raise NotFound
    return _list_from(row)


async def lock_owner(tx: WriteTx, owner_id: int) -> None:
    """Makes changes of one member's lists wait for each other, so that they cannot pass a maximum together."""
    await tx.fetchval("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", owner_id)


async def count_lists(conn: ReadConn, owner_id: int) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM lists WHERE account_id = $1", owner_id))


async def insert_list(tx: WriteTx, owner_id: int, list_: List) -> None:
    await tx.execute(
        "INSERT INTO lists (id, account_id, title, replies) VALUES ($1, $2, $3, $4)", list_.id, owner_id, list_.title, list_.replies
    )


async def update_list(tx: WriteTx, owner_id: int, list_: List) -> None:
    await tx.execute(
        "UPDATE lists SET title = $3, replies = $4 WHERE id = $1 AND account_id = $2", list_.id, owner_id, list_.title, list_.replies
    )


async def delete_list(tx: WriteTx, owner_id: int, list_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM lists WHERE id = $1 AND account_id = $2", list_id, owner_id))


async def list_members(conn: ReadConn, owner_id: int, list_id: int, page: Page | None) -> list[tuple[int, Account]]:
    """(row id, account) of the members of a list, the newest first; all of them without a page."""
    page = page or Page(limit=2**31 - 1)
    rows = await conn.fetch(
        f"""
        SELECT m.id AS row_id, {columns()} FROM list_members AS m
        JOIN accounts AS a ON a.id = m.target_id LEFT JOIN account_counts AS ac ON ac.account_id = a.id
        WHERE m.list_id = $1 AND m.account_id = $2 AND m.id < $3 AND m.id > $4 AND a.effect < {AccountEffect.SUSPENDED:d}
        ORDER BY m.id {page.order} LIMIT $5
        """,
        list_id, owner_id, page.below, page.above, page.limit,
    )
    return page.newest_first([(row["row_id"], account_from(row)) for row in rows])


async def count_members(conn: ReadConn, list_id: int) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM list_members WHERE list_id = $1", list_id))


async def count_followed(conn: ReadConn, owner_id: int, target_ids: Sequence[int]) -> int:
    """How many of these accounts the member follows."""
    return int(await conn.fetchval(
        "SELECT count(*) FROM follows WHERE account_id = $1 AND target_id = ANY ($2::bigint[])", owner_id, list(target_ids)
    ))


async def insert_members(tx: WriteTx, owner_id: int, list_id: int, target_ids: Sequence[int]) -> None:
    """Adds accounts that the member follows; those in the list stay as they are."""
    await tx.execute(
        """
        INSERT INTO list_members (list_id, account_id, target_id, id)
        SELECT $1, f.account_id, f.target_id, new.id FROM unnest($3::bigint[], $4::bigint[]) AS new (target_id, id)
        JOIN follows AS f ON f.account_id = $2 AND f.target_id = new.target_id
        ON CONFLICT (list_id, target_id) DO NOTHING
        """,
        list_id, owner_id, list(target_ids), [ids.make_id(ids.shard_of(owner_id)) for _ in target_ids],
    )


async def delete_members(tx: WriteTx, owner_id: int, list_id: int, target_ids: Sequence[int]) -> None:
    await tx.execute(
        "DELETE FROM list_members WHERE list_id = $1 AND account_id = $2 AND target_id = ANY ($3::bigint[])",
        list_id, owner_id, list(target_ids),
    )
