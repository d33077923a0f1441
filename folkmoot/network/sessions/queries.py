"""All SQL of log-ins, sessions, apps, codes and tokens."""

from collections.abc import Sequence

import msgspec

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.queries import account_from, columns
from folkmoot.network.sessions.model import (
    App,
    Invitation,
    Login,
    Preferences,
    Role,
    Session,
    TokenHolder,
    Viewer,
)

_LOGIN = (
    "l.account_id, l.email, l.password_hash, l.role, l.language, l.confirmed_at, l.approved_at, l.disabled_at,"
    " l.settings, l.created_at"
)
_APP = "id, client_id, name, website, redirect_uris, scopes, created_at"
_WHOSE = "JOIN accounts AS a ON a.id = l.account_id LEFT JOIN account_counts AS ac ON ac.account_id = a.id"


def _login_from(row: Row, prefix: str = "") -> Login:
    return Login(
        account_id=row[f"{prefix}account_id"], email=row["email"], password_hash=row["password_hash"], role=Role(row["role"]),
        language=row["language"], confirmed_at=row["confirmed_at"], approved_at=row["approved_at"],
        disabled_at=row["disabled_at"], preferences=msgspec.json.decode(row["settings"], type=Preferences),
        created_at=row["login_created_at"] if prefix else row["created_at"],
    )


_VIEWER = (
    f"{columns(prefix='a_')}, l.account_id AS login_account_id, l.email, l.password_hash, l.role, l.language,"
    " l.confirmed_at, l.approved_at, l.disabled_at, l.settings, l.created_at AS login_created_at"
)


async def find_login_by_email(conn: ReadConn, email_key: str) -> Login | None:
    row = await conn.fetchrow(f"SELECT {_LOGIN} FROM logins AS l WHERE l.email_key = $1", email_key)
    return _login_from(row) if row else None


async def find_login_by_name(conn: ReadConn, username: str) -> Login | None:
    row = await conn.fetchrow(
        f"SELECT {_LOGIN} FROM logins AS l JOIN accounts AS a ON a.id = l.account_id WHERE a.username_key = $1 AND a.domain = ''",
        username.lower(),
    )
    return _login_from(row) if row else None


async def get_login(conn: ReadConn, account_id: int) -> Login:
    row = await conn.fetchrow(f"SELECT {_LOGIN} FROM logins AS l WHERE l.account_id = $1", account_id)
    if row is None:
        raise NotFound
    return _login_from(row)


async def find_login(conn: ReadConn, account_id: int) -> Login | None:
    """None for accounts that nobody logs in to: of other networks, and feeds."""
    row = await conn.fetchrow(f"SELECT {_LOGIN} FROM logins AS l WHERE l.account_id = $1", account_id)
    return _login_from(row) if row else None


async def insert_login(tx: WriteTx, login: Login, email_key: str, reason: str, invitation_id: int | None) -> bool:
    """False when somebody has this e-mail address already."""
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
    """False when somebody else has this address."""
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


async def insert_session(tx: WriteTx, token_hash: bytes, session: Session, account_id: int) -> None:
    await tx.execute(
        "INSERT INTO sessions (token_hash, id, account_id, agent, address, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
        token_hash, session.id, account_id, session.agent, session.address, session.created_at,
    )


async def find_session_viewer(conn: ReadConn, token_hash: bytes) -> Viewer | None:
    row = await conn.fetchrow(
        f"SELECT {_VIEWER}, s.id AS session_id FROM sessions AS s JOIN logins AS l ON l.account_id = s.account_id {_WHOSE}"
        " WHERE s.token_hash = $1",
        token_hash,
    )
    if row is None:
        return None
    return Viewer(account=account_from(row, "a_"), login=_login_from(row, "login_"), session_id=row["session_id"])


async def update_seen(tx: WriteTx, token_hash: bytes, account_id: int) -> None:
    """Notes a visit, to the day: what decides whether a home is kept warm."""
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


async def insert_one_time_code(tx: WriteTx, code_hash: bytes, kind: str, account_id: int, email: str, seconds: float) -> None:
    await tx.execute("DELETE FROM one_time_codes WHERE account_id = $1 AND kind = $2", account_id, kind)
    await tx.execute(
        "INSERT INTO one_time_codes (code_hash, kind, account_id, email, expires_at)"
        " VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))",
        code_hash, kind, account_id, email, seconds,
    )


async def take_one_time_code(tx: WriteTx, code_hash: bytes, kind: str) -> tuple[int, str] | None:
    """(account id, e-mail) of a code that is valid; it is gone then, whoever asks next."""
    row = await tx.fetchrow(
        "DELETE FROM one_time_codes WHERE code_hash = $1 AND kind = $2 RETURNING account_id, email, expires_at > now() AS is_valid",
        code_hash, kind,
    )
    return (row["account_id"], row["email"]) if row and row["is_valid"] else None


async def has_one_time_code(conn: ReadConn, code_hash: bytes, kind: str) -> bool:
    return bool(await conn.fetchval(
        "SELECT true FROM one_time_codes WHERE code_hash = $1 AND kind = $2 AND expires_at > now()", code_hash, kind
    ))


async def insert_app(tx: WriteTx, app: App, secret_hash: bytes) -> None:
    await tx.execute(
        "INSERT INTO apps (id, client_id, client_secret_hash, name, website, redirect_uris, scopes, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        app.id, app.client_id, secret_hash, app.name, app.website, list(app.redirect_uris), app.scopes, app.created_at,
    )


async def find_app(conn: ReadConn, client_id: str, secret_hash: bytes | None = None) -> App | None:
    """The app; with `secret_hash` only if it is the right one."""
    row = await conn.fetchrow(
        f"SELECT {_APP} FROM apps WHERE client_id = $1 AND ($2::bytea IS NULL OR client_secret_hash = $2)", client_id, secret_hash
    )
    return _app_from(row) if row else None


async def get_app(conn: ReadConn, app_id: int) -> App:
    row = await conn.fetchrow(f"SELECT {_APP} FROM apps WHERE id = $1", app_id)
    if row is None:
        raise NotFound
    return _app_from(row)


def _app_from(row: Row) -> App:
    return App(**{**dict(row), "redirect_uris": tuple(row["redirect_uris"])})


async def insert_authorization_code(
    tx: WriteTx, code_hash: bytes, app_id: int, account_id: int, redirect_uri: str, scopes: str, challenge: str, seconds: float
) -> None:
    await tx.execute(
        "INSERT INTO authorization_codes (code_hash, app_id, account_id, redirect_uri, scopes, challenge, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))",
        code_hash, app_id, account_id, redirect_uri, scopes, challenge, seconds,
    )


async def take_authorization_code(tx: WriteTx, code_hash: bytes, app_id: int) -> Row | None:
    """The code's row, if it is this app's; it is gone then, so that two exchanges never both succeed."""
    return await tx.fetchrow(
        "DELETE FROM authorization_codes WHERE code_hash = $1 AND app_id = $2"
        " RETURNING account_id, redirect_uri, scopes, challenge, expires_at > now() AS is_valid",
        code_hash, app_id,
    )


async def insert_token(
    tx: WriteTx, token_hash: bytes, token_id: int, app_id: int, account_id: int | None, scopes: str
) -> None:
    await tx.execute(
        "INSERT INTO tokens (token_hash, id, app_id, account_id, scopes, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, now(), now())",
        token_hash, token_id, app_id, account_id, scopes,
    )


async def find_token_holder(conn: ReadConn, token_hash: bytes) -> TokenHolder | None:
    row = await conn.fetchrow(
        f"SELECT t.id AS token_id, t.app_id, t.scopes AS token_scopes, apps.name AS app_name, apps.website AS app_website, {_VIEWER}"
        f" FROM tokens AS t JOIN apps ON apps.id = t.app_id LEFT JOIN (logins AS l {_WHOSE}) ON l.account_id = t.account_id"
        " WHERE t.token_hash = $1",
        token_hash,
    )
    if row is None:
        return None
    scopes = frozenset(row["token_scopes"].split())
    viewer = None
    if row["login_account_id"]:
        viewer = Viewer(
            account=account_from(row, "a_"), login=_login_from(row, "login_"), token_id=row["token_id"],
            app_id=row["app_id"], scopes=scopes,
        )
    return TokenHolder(
        token_id=row["token_id"], app_id=row["app_id"], app_name=row["app_name"], app_website=row["app_website"],
        scopes=scopes, viewer=viewer,
    )


async def list_tokens(conn: ReadConn, account_id: int) -> Sequence[Row]:
    """Tokens with the names of their apps, newest first."""
    return await conn.fetch(
        "SELECT t.id, apps.name, apps.website, t.scopes, t.created_at, t.seen_at FROM tokens AS t"
        " JOIN apps ON apps.id = t.app_id WHERE t.account_id = $1 ORDER BY t.id DESC LIMIT 100",
        account_id,
    )


async def delete_tokens(tx: WriteTx, account_id: int, *, only: int | None = None) -> int:
    return await tx.execute(
        "DELETE FROM tokens WHERE account_id = $1 AND ($2::bigint IS NULL OR id = $2)", account_id, only
    )


async def delete_token_of_app(tx: WriteTx, token_hash: bytes, app_id: int) -> int | None:
    """Revokes a token that is this app's; returns whose it was."""
    row = await tx.fetchrow("DELETE FROM tokens WHERE token_hash = $1 AND app_id = $2 RETURNING account_id", token_hash, app_id)
    return row["account_id"] if row else None


async def insert_invitation(tx: WriteTx, invitation: Invitation) -> None:
    await tx.execute(
        "INSERT INTO invitations (id, code, account_id, max_uses, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, now())",
        invitation.id, invitation.code, invitation.account_id, invitation.max_uses, invitation.expires_at,
    )


async def use_invitation(tx: WriteTx, code: str) -> int | None:
    """Counts a use; None when the code is unknown, old or used up."""
    value = await tx.fetchval(
        "UPDATE invitations SET uses = uses + 1 WHERE code = $1 AND uses < max_uses AND expires_at > now() RETURNING id", code
    )
    return int(value) if value else None


async def list_invitations(conn: ReadConn, account_id: int) -> list[Invitation]:
    rows = await conn.fetch(
        "SELECT id, code, account_id, max_uses, uses, expires_at FROM invitations WHERE account_id = $1 ORDER BY id DESC LIMIT 100",
        account_id,
    )
    return [Invitation(**dict(row)) for row in rows]


async def delete_invitation(tx: WriteTx, account_id: int, invitation_id: int) -> int:
    return await tx.execute("DELETE FROM invitations WHERE account_id = $1 AND id = $2", account_id, invitation_id)


async def delete_expired(tx: WriteTx, session_seconds: float) -> None:
    """What nobody can use any more."""
    await tx.execute("DELETE FROM one_time_codes WHERE expires_at < now()")
    await tx.execute("DELETE FROM authorization_codes WHERE expires_at < now()")
    await tx.execute("DELETE FROM sessions WHERE seen_at < now() - make_interval(secs => $1)", session_seconds)


async def count_network(conn: ReadConn) -> tuple[int, int, int]:
    """(members, members seen within 30 days, posts): what the network says of itself. Walks the small tables."""
    row = await conn.fetchrow(
        "SELECT count(*) AS members, count(*) FILTER (WHERE l.seen_at > now() - interval '30 days') AS active,"
        " (SELECT coalesce(sum(ac.posts), 0)::bigint FROM account_counts AS ac JOIN accounts AS a ON a.id = ac.account_id"
        "  WHERE a.domain = '') AS posts FROM logins AS l"
    )
    assert row is not None
    return row["members"], row["active"], row["posts"]
