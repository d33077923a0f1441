"""SQL of apps, their codes and their tokens: `apps`, `authorization_codes`, `tokens`."""

from collections.abc import Collection, Sequence

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.queries import account_from
from folkmoot.network.sessions.model import CODE_LASTS, App, AuthorizationCode, TokenHolder, TokenOwner, Viewer
from folkmoot.network.sessions.queries.logins import IS_ADMITTED, JOIN_ACCOUNT, VIEWER_COLUMNS, login_from

_APP = "id, client_id, name, website, redirect_uris, scopes, created_at"


async def insert_app(tx: WriteTx, app: App, secret_hash: bytes) -> None:
    await tx.execute(
        "INSERT INTO apps (id, client_id, client_secret_hash, name, website, redirect_uris, scopes, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        app.id, app.client_id, secret_hash, app.name, app.website, list(app.redirect_uris), app.scopes, app.created_at,
    )


async def find_app(conn: ReadConn, client_id: str, secret_hash: bytes | None = None) -> App | None:
    """The app; None if `secret_hash` is given and not the app's."""
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


async def take_authorization_code(tx: WriteTx, code_hash: bytes, app_id: int) -> AuthorizationCode | None:
    """Deletes and returns a code of this app, so that two exchanges never both succeed.

    A code that expires later than any new one comes from a clock that was set back since; it is not valid.
    """
    row = await tx.fetchrow(
        f"""
        DELETE FROM authorization_codes AS c WHERE c.code_hash = $1 AND c.app_id = $2
        RETURNING c.account_id, c.redirect_uri, c.scopes, c.challenge,
            c.expires_at > now() AND c.expires_at <= now() + $3::interval AND EXISTS (
            SELECT FROM logins AS l {JOIN_ACCOUNT} WHERE l.account_id = c.account_id AND {IS_ADMITTED}) AS is_valid
        """,
        code_hash, app_id, CODE_LASTS,
    )
    return AuthorizationCode(**dict(row)) if row else None


async def has_authorization_code(conn: ReadConn, code_hash: bytes, app_id: int, account_id: int) -> bool:
    return bool(await conn.fetchval(
        "SELECT true FROM authorization_codes WHERE code_hash = $1 AND app_id = $2 AND account_id = $3", code_hash, app_id, account_id
    ))


async def delete_authorization_codes(tx: WriteTx, account_id: int) -> None:
    await tx.execute("DELETE FROM authorization_codes WHERE account_id = $1", account_id)


async def insert_token(
    tx: WriteTx, token_hash: bytes, token_id: int, app_id: int, account_id: int | None, scopes: str, code_hash: bytes | None
) -> None:
    await tx.execute(
        "INSERT INTO tokens (token_hash, id, app_id, account_id, scopes, code_hash, created_at, seen_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, now(), now())",
        token_hash, token_id, app_id, account_id, scopes, code_hash,
    )


async def find_token_holder(conn: ReadConn, token_hash: bytes) -> TokenHolder | None:
    row = await conn.fetchrow(
        f"SELECT t.id AS token_id, t.app_id, t.scopes AS token_scopes, apps.name AS app_name, apps.website AS app_website, {VIEWER_COLUMNS}"
        f" FROM tokens AS t JOIN apps ON apps.id = t.app_id LEFT JOIN (logins AS l {JOIN_ACCOUNT}) ON l.account_id = t.account_id"
        " WHERE t.token_hash = $1",
        token_hash,
    )
    if row is None:
        return None
    scopes = frozenset(row["token_scopes"].split())
    viewer = None
    if row["login_account_id"]:
        viewer = Viewer(
            account=account_from(row, "a_"), login=login_from(row, "login_"), token_id=row["token_id"],
            app_id=row["app_id"], scopes=scopes, filters_version=row["filters_version"],
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


async def delete_token_of_app(tx: WriteTx, token_hash: bytes, app_id: int) -> TokenOwner | None:
    """Deletes a token of this app; returns None if it is not this app's."""
    row = await tx.fetchrow("DELETE FROM tokens WHERE token_hash = $1 AND app_id = $2 RETURNING account_id", token_hash, app_id)
    return TokenOwner(row["account_id"]) if row else None


async def delete_token_of_code(tx: WriteTx, code_hash: bytes, app_id: int) -> TokenOwner | None:
    """Deletes the token that this app got for a code. Uses the unique index on `code_hash`."""
    row = await tx.fetchrow("DELETE FROM tokens WHERE code_hash = $1 AND app_id = $2 RETURNING account_id", code_hash, app_id)
    return TokenOwner(row["account_id"]) if row else None


async def has_token(conn: ReadConn, token_hash: bytes) -> bool:
    return bool(await conn.fetchval("SELECT true FROM tokens WHERE token_hash = $1", token_hash))


async def is_token_open_unscoped(conn: ReadConn, token_id: int) -> bool:
    """Whether a token is still valid for its account, or for its app if it is an app's own. Uses the unique index on `id`."""
    return bool(await conn.fetchval(
        f"SELECT true FROM tokens AS t LEFT JOIN (logins AS l {JOIN_ACCOUNT}) ON l.account_id = t.account_id"
        f" WHERE t.id = $1 AND (t.account_id IS NULL OR {IS_ADMITTED})",
        token_id,
    ))


async def list_open_tokens_unscoped(conn: ReadConn, token_ids: Collection[int]) -> set[int]:
    """Those of the tokens that are still valid. Uses the unique index on `id`."""
    rows = await conn.fetch(
        f"SELECT t.id FROM tokens AS t LEFT JOIN (logins AS l {JOIN_ACCOUNT}) ON l.account_id = t.account_id"
        f" WHERE t.id = ANY($1) AND (t.account_id IS NULL OR {IS_ADMITTED})",
        token_ids,
    )
    return {row[0] for row in rows}
