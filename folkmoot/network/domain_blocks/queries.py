"""All SQL of domain blocks. `relations/queries/reading.py` has the predicate that other nouns use."""

from collections.abc import Sequence

from folkmoot.base import ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.paging import Page
from folkmoot.network.domain_blocks.model import Connections


async def list_domains(conn: ReadConn, account_id: int, page: Page) -> list[tuple[int, str]]:
    """(row id, domain), the latest blocked first."""
    rows = await conn.fetch(
        f"SELECT id, domain FROM domain_blocks WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id {page.order} LIMIT $4",
        account_id, page.below, page.above, page.limit,
    )
    return page.newest_first([(row["id"], row["domain"]) for row in rows])


async def lock_owner(tx: WriteTx, account_id: int) -> None:
    """Makes blocks of one member wait for each other, so that they cannot pass the maximum together, and for follows by and of the
    member, which take the same row."""
    await tx.fetchval("SELECT id FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id)


async def count_domains(conn: ReadConn, account_id: int) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM domain_blocks WHERE account_id = $1", account_id))


async def insert_domains(tx: WriteTx, account_id: int, domains: Sequence[str]) -> list[str]:
    """Returns those that were not blocked before."""
    rows = await tx.fetch(
        "INSERT INTO domain_blocks (account_id, domain, id) SELECT $1, * FROM unnest($2::text[], $3::bigint[])"
        " ON CONFLICT (account_id, domain) DO NOTHING RETURNING domain",
        account_id, list(domains), [ids.make_id(ids.shard_of(account_id)) for _ in domains],
    )
    return [row["domain"] for row in rows]


async def delete_domain(tx: WriteTx, account_id: int, domain: str) -> None:
    await tx.execute("DELETE FROM domain_blocks WHERE account_id = $1 AND domain = $2", account_id, domain)


async def count_connections(conn: ReadConn, account_id: int, domain: str) -> Connections:
    """Uses the primary keys of follows and followers."""
    row = await conn.fetchrow(
        "SELECT (SELECT count(*) FROM follows AS f JOIN accounts AS a ON a.id = f.target_id"
        "        WHERE f.account_id = $1 AND a.domain = $2) AS following,"
        "       (SELECT count(*) FROM followers AS f JOIN accounts AS a ON a.id = f.follower_id"
        "        WHERE f.account_id = $1 AND a.domain = $2) AS followers",
        account_id, domain,
    )
    assert row is not None
    return Connections(**dict(row))


async def list_connected_unscoped(conn: ReadConn, account_id: int, domain: str, most: int) -> list[int]:
    """Accounts of a domain that a member follows, is followed by or has a request of or to, as long as the domain is blocked."""
    rows = await conn.fetch(
        """
        SELECT a.id FROM (
            SELECT target_id AS id FROM follows WHERE account_id = $1 UNION SELECT follower_id FROM followers WHERE account_id = $1
            UNION SELECT requester_id FROM follow_requests WHERE account_id = $1
            UNION SELECT account_id FROM follow_requests WHERE requester_id = $1
        ) AS other JOIN accounts AS a ON a.id = other.id
        WHERE a.domain = $2 AND EXISTS (SELECT FROM domain_blocks WHERE account_id = $1 AND domain = $2)
        ORDER BY a.id LIMIT $3
        """,
        account_id, domain, most,
    )
    return [row["id"] for row in rows]
