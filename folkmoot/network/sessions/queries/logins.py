"""SQL of log-ins and of the codes in mailed links: `logins`, `one_time_codes`."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import columns
from folkmoot.network.sessions.model import (
    CHANGE_EMAIL_LASTS,
    CONFIRM_LASTS,
    KEEP_EMAIL_LASTS,
    RESET_LASTS,
    STAY_LASTS,
    Login,
    Preferences,
    Role,
    WaitingSignUp,
)

_LASTS = {
    "reset_password": RESET_LASTS, "confirm_email": CONFIRM_LASTS, "change_email": CHANGE_EMAIL_LASTS, "keep_email": KEEP_EMAIL_LASTS,
    "keep_account": STAY_LASTS,
}
# A code that is valid for longer than $3 comes from a clock that was set back since.
_IS_VALID = "expires_at > now() AND expires_at <= now() + $3::interval"
_LOGIN = (
    "l.account_id, l.email, l.password_hash, l.role, l.language, l.confirmed_at, l.approved_at, l.disabled_at,"
    " l.settings, l.created_at"
)
# Joins the account `a` of a log-in `l`; then the columns of both that `login_from` and `account_from` read.
JOIN_ACCOUNT = "JOIN accounts AS a ON a.id = l.account_id LEFT JOIN account_counts AS ac ON ac.account_id = a.id"
VIEWER_COLUMNS = (
    f"{columns(prefix='a_')}, l.account_id AS login_account_id, l.email, l.password_hash, l.role, l.language,"
    " l.confirmed_at, l.approved_at, l.disabled_at, l.settings, l.created_at AS login_created_at,"
    " coalesce((SELECT version FROM filter_sets WHERE account_id = l.account_id), 0) AS filters_version"
)
# `Login.obstacle` is empty and the account is not suspended, for a log-in `l` and its account `a`.
IS_ADMITTED = (
    "l.disabled_at IS NULL AND l.confirmed_at IS NOT NULL AND l.approved_at IS NOT NULL"
    f" AND a.effect < {AccountEffect.SUSPENDED:d}"
)


_WAITING_COLUMNS = (
    "SELECT l.account_id, a.username, l.email, l.language, l.reason, l.created_at, l.confirmed_at IS NOT NULL AS is_confirmed"
    " FROM logins AS l JOIN accounts AS a ON a.id = l.account_id"
)
_WAITING = f"{_WAITING_COLUMNS} WHERE l.approved_at IS NULL AND l.confirmed_at IS NOT NULL"


def login_from(row: Row, prefix: str = "") -> Login:
    return Login(
        account_id=row[f"{prefix}account_id"], email=row["email"], password_hash=row["password_hash"], role=Role(row["role"]),
        language=row["language"], confirmed_at=row["confirmed_at"], approved_at=row["approved_at"],
        disabled_at=row["disabled_at"], preferences=msgspec.json.decode(row["settings"], type=Preferences),
        created_at=row["login_created_at"] if prefix else row["created_at"],
    )


async def find_login_by_email(conn: ReadConn, email_key: str) -> Login | None:
    row = await conn.fetchrow(f"SELECT {_LOGIN} FROM logins AS l WHERE l.email_key = $1", email_key)
    return login_from(row) if row else None


async def find_login_by_name(conn: ReadConn, username: str) -> Login | None:
    row = await conn.fetchrow(
        f"SELECT {_LOGIN} FROM logins AS l JOIN accounts AS a ON a.id = l.account_id WHERE a.username_key = $1 AND a.domain = ''",
        username.lower(),
    )
    return login_from(row) if row else None


async def get_login(conn: ReadConn, account_id: int) -> Login:
    row = await conn.fetchrow(f"SELECT {_LOGIN} FROM logins AS l WHERE l.account_id = $1", account_id)
    if row is None:
        raise NotFound
    return login_from(row)


async def find_login(conn: ReadConn, account_id: int) -> Login | None:
    """None for accounts without a log-in: of other networks, and feeds."""
    row = await conn.fetchrow(f"SELECT {_LOGIN} FROM logins AS l WHERE l.account_id = $1", account_id)
    return login_from(row) if row else None


async def list_logins(conn: ReadConn, account_ids: Sequence[int]) -> list[Login]:
    rows = await conn.fetch(f"SELECT {_LOGIN} FROM logins AS l WHERE l.account_id = ANY ($1::bigint[])", list(account_ids))
    return [login_from(row) for row in rows]


async def lock_login(tx: WriteTx, account_id: int) -> bool:
    """Keeps a log-in from being deleted until the transaction ends, so that its removal sees the mails written here. Returns
    False if there is none any more."""
    return bool(await tx.fetchval("SELECT true FROM logins WHERE account_id = $1 FOR KEY SHARE", account_id))


async def is_operator(conn: ReadConn, account_id: int) -> bool:
    """Whether an account runs this network, as its profile says."""
    return bool(await conn.fetchval(
        "SELECT EXISTS (SELECT FROM logins WHERE account_id = $1 AND role = $2)", account_id, Role.OPERATOR
    ))


async def insert_login(tx: WriteTx, login: Login, email_key: str, reason: str, invitation_id: int | None) -> bool:
    """Returns False when another log-in has this address."""
    return bool(await tx.fetchval(
        """
        INSERT INTO logins (account_id, email, email_key, password_hash, role, language, confirmed_at, approved_at, reason,
                            invitation_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (email_key) DO NOTHING RETURNING true
        """,
        login.account_id, login.email, email_key, login.password_hash, login.role, login.language, login.confirmed_at,
        login.approved_at, reason, invitation_id, login.created_at,
    ))


async def update_password(tx: WriteTx, account_id: int, password_hash: str) -> None:
    await tx.execute("UPDATE logins SET password_hash = $2 WHERE account_id = $1", account_id, password_hash)


async def update_role(tx: WriteTx, account_id: int, role: Role) -> None:
    await tx.execute("UPDATE logins SET role = $2 WHERE account_id = $1", account_id, role)


async def update_email(tx: WriteTx, account_id: int, email: str, email_key: str) -> bool:
    """Returns False when another log-in has this address."""
    return bool(await tx.execute(
        "UPDATE logins SET email = $2, email_key = $3 WHERE account_id = $1"
        " AND NOT EXISTS (SELECT FROM logins AS other WHERE other.email_key = $3 AND other.account_id <> $1)",
        account_id, email, email_key,
    ))


async def update_confirmed(tx: WriteTx, account_id: int, email: str) -> bool:
    return bool(await tx.execute(
        "UPDATE logins SET confirmed_at = coalesce(confirmed_at, now()) WHERE account_id = $1 AND email = $2", account_id, email
    ))


async def update_preferences(tx: WriteTx, account_id: int, preferences: Preferences, language: str) -> None:
    await tx.execute(
        "UPDATE logins SET settings = $2, language = $3 WHERE account_id = $1",
        account_id, msgspec.json.encode(preferences).decode(), language,
    )


async def insert_one_time_code(tx: WriteTx, code_hash: bytes, kind: str, account_id: int, email: str, seconds: float) -> None:
    """Replaces the earlier codes of this kind."""
    await delete_one_time_codes(tx, account_id, kind)
    await insert_another_code(tx, code_hash, kind, account_id, email, seconds)


async def insert_another_code(tx: WriteTx, code_hash: bytes, kind: str, account_id: int, email: str, seconds: float) -> None:
    """Earlier codes stay valid."""
    await tx.execute(
        "INSERT INTO one_time_codes (code_hash, kind, account_id, email, expires_at)"
        " VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))",
        code_hash, kind, account_id, email, seconds,
    )


async def take_one_time_code(tx: WriteTx, code_hash: bytes, kind: str) -> tuple[int, str] | None:
    """Deletes a code; returns (account id, e-mail) if it was valid."""
    row = await tx.fetchrow(
        f"DELETE FROM one_time_codes WHERE code_hash = $1 AND kind = $2 RETURNING account_id, email, {_IS_VALID} AS is_valid",
        code_hash, kind, _LASTS[kind],
    )
    return (row["account_id"], row["email"]) if row and row["is_valid"] else None


async def delete_one_time_codes(tx: WriteTx, account_id: int, kind: str) -> None:
    await tx.execute("DELETE FROM one_time_codes WHERE account_id = $1 AND kind = $2", account_id, kind)


async def find_owner_of_code(conn: ReadConn, code_hash: bytes, kind: str) -> tuple[str, str] | None:
    """(username, e-mail) of the account that a valid code belongs to."""
    row = await conn.fetchrow(
        f"SELECT a.username, c.email FROM one_time_codes AS c JOIN accounts AS a ON a.id = c.account_id"
        f" WHERE c.code_hash = $1 AND c.kind = $2 AND {_IS_VALID}",
        code_hash, kind, _LASTS[kind],
    )
    return (row["username"], row["email"]) if row else None


async def lock_operators(tx: WriteTx) -> list[int]:
    """The operators who can act: not leaving, not disabled. Locked, so that the last two cannot leave at the same moment."""
    rows = await tx.fetch(
        f"SELECT l.account_id FROM logins AS l JOIN accounts AS a ON a.id = l.account_id WHERE l.role = '{Role.OPERATOR}'"
        " AND l.disabled_at IS NULL AND a.kept_effect IS NULL ORDER BY l.account_id FOR UPDATE OF l",
    )
    return [row["account_id"] for row in rows]


async def list_operators(conn: ReadConn) -> list[Login]:
    return await list_staff(conn, [Role.OPERATOR])


async def list_staff(conn: ReadConn, roles: Sequence[Role]) -> list[Login]:
    """Members with one of these roles who can log in."""
    rows = await conn.fetch(
        f"SELECT {_LOGIN} FROM logins AS l JOIN accounts AS a ON a.id = l.account_id"
        f" WHERE l.role = ANY ($1::text[]) AND {IS_ADMITTED} ORDER BY l.account_id",
        [str(role) for role in roles],
    )
    return [login_from(row) for row in rows]


async def count_members_with(conn: ReadConn, roles: list[Role]) -> int:
    """How many members with one of these roles can log in."""
    return int(await conn.fetchval(
        f"SELECT count(*) FROM logins AS l JOIN accounts AS a ON a.id = l.account_id WHERE l.role = ANY ($1::text[]) AND {IS_ADMITTED}",
        [str(role) for role in roles],
    ))


async def list_waiting(conn: ReadConn, most: int = 100) -> list[WaitingSignUp]:
    """Sign-ups that wait for approval and have confirmed their address, the oldest first. Uses the index logins_waiting."""
    rows = await conn.fetch(f"{_WAITING} ORDER BY l.created_at LIMIT $1", most)
    return [WaitingSignUp(**dict(row)) for row in rows]


async def count_waiting(conn: ReadConn) -> int:
    return int(await conn.fetchval(f"SELECT count(*) FROM ({_WAITING}) AS waiting"))


async def get_waiting(tx: WriteTx, account_id: int) -> WaitingSignUp:
    """A sign-up that is not approved or not confirmed yet, locked. Raises NotFound."""
    row = await tx.fetchrow(
        f"{_WAITING_COLUMNS} WHERE (l.approved_at IS NULL OR l.confirmed_at IS NULL) AND l.account_id = $1 FOR UPDATE OF l", account_id
    )
    if row is None:
        raise NotFound
    return WaitingSignUp(**dict(row))


async def update_approved(tx: WriteTx, account_id: int, at: datetime) -> bool:
    return bool(await tx.execute("UPDATE logins SET approved_at = $2 WHERE account_id = $1 AND approved_at IS NULL", account_id, at))


async def update_announced(tx: WriteTx) -> int:
    """Marks the waiting sign-ups as announced; returns the number of new ones."""
    return await tx.execute(
        "UPDATE logins SET announced_at = now() WHERE approved_at IS NULL AND confirmed_at IS NOT NULL AND announced_at IS NULL"
    )


async def delete_login(tx: WriteTx, account_id: int) -> set[str]:
    """Deletes the log-in with its sessions, tokens, codes and invitations. Returns the addresses that mails may be sent to."""
    rows = await tx.fetch(
        "SELECT email FROM logins WHERE account_id = $1 UNION SELECT email FROM one_time_codes WHERE account_id = $1", account_id
    )
    await delete_ways_in(tx, account_id)
    await tx.execute("DELETE FROM one_time_codes WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM invitations WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM logins WHERE account_id = $1", account_id)
    return {row["email"] for row in rows}


async def delete_ways_in(tx: WriteTx, account_id: int) -> None:
    """Ends all sessions, tokens and codes of apps."""
    await tx.execute("DELETE FROM sessions WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM tokens WHERE account_id = $1", account_id)
    await tx.execute("DELETE FROM authorization_codes WHERE account_id = $1", account_id)


async def count_network(conn: ReadConn) -> tuple[int, int, int]:
    """(members, members seen within 30 days, posts), for the public description of the network. Scans the small tables."""
    row = await conn.fetchrow(
        "SELECT count(*) AS members, count(*) FILTER (WHERE l.seen_at > now() - interval '30 days') AS active,"
        " (SELECT coalesce(sum(ac.posts), 0)::bigint FROM account_counts AS ac JOIN accounts AS a ON a.id = ac.account_id"
        "  WHERE a.domain = '') AS posts FROM logins AS l"
    )
    assert row is not None
    return row["members"], row["active"], row["posts"]
