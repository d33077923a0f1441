"""All SQL of barriers."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.network.barriers.model import (
    HISTORY,
    Address,
    EmailBlock,
    EmailDomainBlock,
    Network,
    NetworkBlock,
    Severity,
    SignUpBarriers,
)

_NETWORK = "id, network, severity, comment, created_at, expires_at"


async def find_for_sign_up(
    conn: ReadConn, domains: Sequence[str], email_hash: bytes, address: Address | None, now: datetime
) -> SignUpBarriers:
    """`domains`: the host of the e-mail address, and those above it. The networks are few."""
    row = await conn.fetchrow(
        """
        SELECT (SELECT id FROM email_domain_blocks WHERE domain = ANY ($1::text[]) ORDER BY length(domain) DESC LIMIT 1) AS domain_block_id,
            EXISTS (SELECT FROM email_blocks WHERE email_hash = $2) AS is_email_barred,
            ARRAY(SELECT severity FROM network_blocks WHERE network >>= $3::inet AND (expires_at IS NULL OR expires_at > $4)) AS severities
        """,
        list(domains), email_hash, address, now,
    )
    assert row is not None
    severity = next((one for one in reversed(Severity) if one in row["severities"]), None)
    return SignUpBarriers(domain_block_id=row["domain_block_id"], is_email_barred=row["is_email_barred"], severity=severity)


async def list_shut_out(conn: ReadConn) -> list[NetworkBlock]:
    """The networks whose requests are not answered, also expired ones."""
    rows = await conn.fetch(f"SELECT {_NETWORK} FROM network_blocks WHERE severity = $1", Severity.ACCESS)
    return [_network_from(row) for row in rows]


async def add_refusal(tx: WriteTx, block_id: int, day: date) -> None:
    """Counts a refused sign-up; does nothing for a block that was removed meanwhile."""
    await tx.execute(
        "INSERT INTO email_domain_refusals AS r (block_id, day, attempts) SELECT id, $2, 1 FROM email_domain_blocks WHERE id = $1"
        " ON CONFLICT (block_id, day) DO UPDATE SET attempts = r.attempts + 1",
        block_id, day,
    )


async def insert_email_domain(tx: WriteTx, block: EmailDomainBlock) -> bool:
    """Returns False when the domain is blocked already."""
    return bool(await tx.execute(
        "INSERT INTO email_domain_blocks (id, domain, created_at) VALUES ($1, $2, $3) ON CONFLICT (domain) DO NOTHING",
        block.id, block.domain, block.created_at,
    ))


async def list_email_domains(conn: ReadConn, page: Page, today: date) -> list[EmailDomainBlock]:
    rows = await conn.fetch(
        f"SELECT id, domain, created_at FROM email_domain_blocks WHERE id < $1 AND id > $2 ORDER BY id {page.order} LIMIT $3",
        page.below, page.above, page.limit,
    )
    return await _with_refusals(conn, page.newest_first(rows), today)


async def get_email_domain(conn: ReadConn, block_id: int, today: date) -> EmailDomainBlock:
    rows = await conn.fetch("SELECT id, domain, created_at FROM email_domain_blocks WHERE id = $1", block_id)
    if not rows:
        raise NotFound
    return (await _with_refusals(conn, rows, today))[0]


async def delete_email_domain(tx: WriteTx, block_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM email_domain_blocks WHERE id = $1", block_id))


async def _with_refusals(conn: ReadConn, rows: Sequence[Row], today: date) -> list[EmailDomainBlock]:
    counted = await conn.fetch(
        "SELECT block_id, day, attempts FROM email_domain_refusals WHERE block_id = ANY ($1::bigint[]) AND day > $2",
        [row["id"] for row in rows], today - timedelta(days=HISTORY),
    )
    times = {(row["block_id"], row["day"]): row["attempts"] for row in counted}
    days = [today - timedelta(days=back) for back in range(HISTORY)]
    return [EmailDomainBlock(**dict(row), refused=[(day, times.get((row["id"], day), 0)) for day in days]) for row in rows]


async def insert_email(tx: WriteTx, block: EmailBlock) -> bool:
    """Returns False when the address is blocked already."""
    return bool(await tx.execute(
        "INSERT INTO email_blocks (id, email_hash, created_at) VALUES ($1, $2, $3) ON CONFLICT (email_hash) DO NOTHING",
        block.id, block.email_hash, block.created_at,
    ))


async def list_emails(conn: ReadConn, page: Page) -> list[EmailBlock]:
    rows = await conn.fetch(
        f"SELECT id, email_hash, created_at FROM email_blocks WHERE id < $1 AND id > $2 ORDER BY id {page.order} LIMIT $3",
        page.below, page.above, page.limit,
    )
    return [EmailBlock(**dict(row)) for row in page.newest_first(rows)]


async def get_email(conn: ReadConn, block_id: int) -> EmailBlock:
    row = await conn.fetchrow("SELECT id, email_hash, created_at FROM email_blocks WHERE id = $1", block_id)
    if row is None:
        raise NotFound
    return EmailBlock(**dict(row))


async def find_email(conn: ReadConn, email_hash: bytes) -> EmailBlock | None:
    row = await conn.fetchrow("SELECT id, email_hash, created_at FROM email_blocks WHERE email_hash = $1", email_hash)
    return EmailBlock(**dict(row)) if row else None


async def delete_email(tx: WriteTx, block_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM email_blocks WHERE id = $1", block_id))


async def insert_network(tx: WriteTx, block: NetworkBlock) -> bool:
    """Returns False when there is a block of exactly this network."""
    return bool(await tx.execute(
        f"INSERT INTO network_blocks ({_NETWORK}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (network) DO NOTHING",
        block.id, block.network, block.severity, block.comment, block.created_at, block.expires_at,
    ))


async def update_network(tx: WriteTx, block: NetworkBlock) -> bool:
    """Returns False when another block has exactly this network."""
    return bool(await tx.execute(
        "UPDATE network_blocks SET network = $2, severity = $3, comment = $4, expires_at = $5 WHERE id = $1"
        " AND NOT EXISTS (SELECT FROM network_blocks AS other WHERE other.network = $2 AND other.id <> $1)",
        block.id, block.network, block.severity, block.comment, block.expires_at,
    ))


async def list_networks(conn: ReadConn, page: Page) -> list[NetworkBlock]:
    rows = await conn.fetch(
        f"SELECT {_NETWORK} FROM network_blocks WHERE id < $1 AND id > $2 ORDER BY id {page.order} LIMIT $3",
        page.below, page.above, page.limit,
    )
    return [_network_from(row) for row in page.newest_first(rows)]


async def get_network(conn: ReadConn, block_id: int) -> NetworkBlock:
    row = await conn.fetchrow(f"SELECT {_NETWORK} FROM network_blocks WHERE id = $1", block_id)
    if row is None:
        raise NotFound
    return _network_from(row)


async def delete_network(tx: WriteTx, block_id: int) -> bool:
    return bool(await tx.execute("DELETE FROM network_blocks WHERE id = $1", block_id))


def _network_from(row: Row) -> NetworkBlock:
    network: Network = row["network"]
    return NetworkBlock(**{**dict(row), "network": network, "severity": Severity(row["severity"])})
