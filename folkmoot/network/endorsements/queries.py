"""All SQL of endorsements."""

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.relations.queries import domain_blocked_sql, unblocked_sql


async def list_endorsed(conn: ReadConn, account_id: int, viewer_id: int | None, page: Page) -> list[tuple[int, Account]]:
    """(row id, account) of the accounts that an account recommends, the latest first: without suspended ones, and without those that
    block the viewer or that the viewer blocks."""
    rows = await conn.fetch(
        f"""
        SELECT e.id AS row_id, {columns()} FROM endorsements AS e
        JOIN accounts AS a ON a.id = e.target_id LEFT JOIN account_counts AS ac ON ac.account_id = a.id
        WHERE e.account_id = $1 AND e.id < $3 AND e.id > $4 AND a.effect < {AccountEffect.SUSPENDED:d}
          AND {unblocked_sql("a", "$2::bigint")} AND NOT {domain_blocked_sql("$2::bigint", "a.domain")}
        ORDER BY e.id {page.order} LIMIT $5
        """,
        account_id, viewer_id, page.below, page.above, page.limit,
    )
    return page.newest_first([(row["row_id"], account_from(row)) for row in rows])


async def lock_owner(tx: WriteTx, account_id: int) -> None:
    """Makes endorsements by one member wait for each other, so that they cannot pass the maximum together."""
    await tx.fetchval("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id)


async def count_endorsed(conn: ReadConn, account_id: int) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM endorsements WHERE account_id = $1", account_id))


async def insert_endorsement(tx: WriteTx, account_id: int, target_id: int) -> None:
    """Inserts an endorsement of an account that is followed; one that exists stays."""
    await tx.execute(
        "INSERT INTO endorsements (account_id, target_id, id) SELECT account_id, target_id, $3 FROM follows"
        " WHERE account_id = $1 AND target_id = $2 ON CONFLICT (account_id, target_id) DO NOTHING",
        account_id, target_id, ids.make_id(ids.shard_of(account_id)),
    )


async def delete_endorsement(tx: WriteTx, account_id: int, target_id: int) -> None:
    await tx.execute("DELETE FROM endorsements WHERE account_id = $1 AND target_id = $2", account_id, target_id)
