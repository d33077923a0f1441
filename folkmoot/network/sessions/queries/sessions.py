"""SQL of browser sessions: `sessions`."""

from collections.abc import Collection

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.network.accounts.queries import account_from
from folkmoot.network.sessions.model import Session, Viewer
from folkmoot.network.sessions.queries.logins import IS_ADMITTED, JOIN_ACCOUNT, VIEWER_COLUMNS, login_from


async def insert_session(tx: WriteTx, token_hash: bytes, session: Session, account_id: int) -> None:
    await tx.execute(
        "INSERT INTO sessions (token_hash, id, account_id, agent, address, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
        token_hash, session.id, account_id, session.agent, session.address, session.created_at,
    )


async def find_session_viewer(conn: ReadConn, token_hash: bytes) -> Viewer | None:
    row = await conn.fetchrow(
        f"SELECT {VIEWER_COLUMNS}, s.id AS session_id FROM sessions AS s JOIN logins AS l ON l.account_id = s.account_id {JOIN_ACCOUNT}"
        " WHERE s.token_hash = $1",
        token_hash,
    )
    if row is None:
        return None
    return Viewer(
        account=account_from(row, "a_"), login=login_from(row, "login_"), session_id=row["session_id"],
        filters_version=row["filters_version"],
    )


async def list_open_sessions_unscoped(conn: ReadConn, session_ids: Collection[int]) -> set[int]:
    """Those of the sessions that are still valid. Uses the unique index on `id`."""
    rows = await conn.fetch(
        f"SELECT s.id FROM sessions AS s JOIN logins AS l ON l.account_id = s.account_id {JOIN_ACCOUNT}"
        f" WHERE s.id = ANY($1) AND {IS_ADMITTED}",
        session_ids,
    )
    return {row[0] for row in rows}


async def update_seen(tx: WriteTx, token_hash: bytes, account_id: int) -> None:
    """Stores a visit. The date decides whether the member's home stays warm."""
    await tx.execute("UPDATE sessions SET seen_at = now() WHERE token_hash = $1", token_hash)
    await tx.execute("UPDATE tokens SET seen_at = now() WHERE token_hash = $1", token_hash)
    await tx.execute("UPDATE logins SET seen_at = now() WHERE account_id = $1", account_id)


async def list_sessions(conn: ReadConn, account_id: int) -> list[Session]:
    rows = await conn.fetch(
        "SELECT id, agent, address, created_at, seen_at FROM sessions WHERE account_id = $1 ORDER BY id DESC LIMIT 100", account_id
    )
    return [Session(**dict(row)) for row in rows]


async def delete_sessions(tx: WriteTx, account_id: int, *, only: int | None = None, but: int | None = None) -> int:
    """Ends sessions: all of them, only one, or all but one."""
    return await tx.execute(
        "DELETE FROM sessions WHERE account_id = $1 AND ($2::bigint IS NULL OR id = $2) AND ($3::bigint IS NULL OR id <> $3)",
        account_id, only, but,
    )


async def delete_expired(tx: WriteTx, session_seconds: float) -> None:
    """Deletes expired codes and sessions."""
    await tx.execute("DELETE FROM one_time_codes WHERE expires_at < now()")
    await tx.execute("DELETE FROM authorization_codes WHERE expires_at < now()")
    await tx.execute("DELETE FROM sessions WHERE seen_at < now() - make_interval(secs => $1)", session_seconds)


async def is_session_open_unscoped(conn: ReadConn, account_id: int, session_id: int) -> bool:
    """Whether a session is still valid. Uses the unique index on `id`."""
    return bool(await conn.fetchval(
        f"SELECT true FROM sessions AS s JOIN logins AS l ON l.account_id = s.account_id {JOIN_ACCOUNT}"
        f" WHERE s.id = $1 AND s.account_id = $2 AND {IS_ADMITTED}",
        session_id, account_id,
    ))
