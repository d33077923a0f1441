"""All SQL of exports. What a member has is read in pages in the order of a key, so that an archive of any size needs little memory."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from folkmoot.base.db import Database, ReadConn, Row, WriteTx
from folkmoot.base.file_store import FileName
from folkmoot.network.exports.model import BETWEEN, Export, OwnFile, State

_PAGE = 500
_EXPORT = f"id, account_id, state, asked_at, asked_at + interval '{BETWEEN.days} days' AS next_at, expires_at, sha256, bytes"

# Each list: (key, columns). $1: the account, $2: the key after which the page begins, $3: its length.
_LISTS = {
    "following": """
        SELECT f.id AS key, a.username, a.domain, f.shows_boosts, f.notifies, f.languages
        FROM follows AS f JOIN accounts AS a ON a.id = f.target_id WHERE f.account_id = $1 AND f.id > $2 ORDER BY f.id LIMIT $3""",
    "followers": """
        SELECT f.id AS key, a.username, a.domain FROM followers AS f JOIN accounts AS a ON a.id = f.follower_id
        WHERE f.account_id = $1 AND f.id > $2 ORDER BY f.id LIMIT $3""",
    "muted": """
        SELECT m.id AS key, a.username, a.domain, m.hides_notifications FROM mutes AS m JOIN accounts AS a ON a.id = m.target_id
        WHERE m.account_id = $1 AND m.id > $2 AND (m.expires_at IS NULL OR m.expires_at > now()) ORDER BY m.id LIMIT $3""",
    "blocked": """
        SELECT b.id AS key, a.username, a.domain FROM blocks AS b JOIN accounts AS a ON a.id = b.target_id
        WHERE b.account_id = $1 AND b.id > $2 ORDER BY b.id LIMIT $3""",
    "blocked_domains": "SELECT id AS key, domain FROM domain_blocks WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    "bookmarks": """
        SELECT b.id AS key, p.id AS post_id, p.uri, a.username, a.domain FROM bookmarks AS b JOIN posts AS p ON p.id = b.post_id
        JOIN accounts AS a ON a.id = p.account_id WHERE b.account_id = $1 AND b.id > $2 ORDER BY b.id LIMIT $3""",
    "lists": """
        SELECT m.id AS key, l.title, a.username, a.domain FROM list_members AS m JOIN lists AS l ON l.id = m.list_id
        JOIN accounts AS a ON a.id = m.target_id WHERE m.account_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3""",
    "hashtags": "SELECT id AS key, name FROM followed_hashtags WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    "favourites": """
        SELECT f.id AS key, p.id AS post_id, p.uri, a.username, a.domain FROM favourites AS f JOIN posts AS p ON p.id = f.post_id
        JOIN accounts AS a ON a.id = p.account_id WHERE f.account_id = $1 AND f.id > $2 ORDER BY f.id LIMIT $3""",
    "notes": """
        SELECT a.id AS key, a.username, a.domain, n.text FROM account_notes AS n JOIN accounts AS a ON a.id = n.target_id
        WHERE n.account_id = $1 AND a.id > $2 ORDER BY a.id LIMIT $3""",
    "posts": "SELECT id AS key FROM posts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3",
    "pictures": """
        SELECT m.id AS key, m.key AS url_key, m.mime, m.original_sha256, f.extension
        FROM media AS m JOIN media_files AS f ON f.sha256 = m.original_sha256
        WHERE m.account_id = $1 AND m.id > $2 ORDER BY m.id LIMIT $3""",
}


async def pages(database: Database, name: str, account_id: int) -> AsyncIterator[list[Row]]:
    """The pages of one list of an account, oldest first. Each is a transaction of its own."""
    after = 0
    while True:
        async with database.read() as conn:
            rows = list(await conn.fetch(_LISTS[name], account_id, after, _PAGE))
        if rows:
            yield rows
            after = rows[-1]["key"]
        if len(rows) < _PAGE:
            return


def file_from(row: Row) -> OwnFile:
    return OwnFile(row["key"], row["mime"], FileName(row["original_sha256"], row["extension"]))


def _export_from(row: Row) -> Export:
    values: dict[str, Any] = dict(row)
    return Export(**{**values, "state": State(values["state"])})


async def find_newest(conn: ReadConn, account_id: int) -> Export | None:
    """The newest export of an account. Uses the index exports_account."""
    row = await conn.fetchrow(f"SELECT {_EXPORT} FROM exports WHERE account_id = $1 ORDER BY id DESC LIMIT 1", account_id)
    return _export_from(row) if row else None


async def find_export(conn: ReadConn, account_id: int, export_id: int) -> Export | None:
    """An export of the account that has not expired."""
    row = await conn.fetchrow(
        f"SELECT {_EXPORT} FROM exports WHERE account_id = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > now())",
        account_id, export_id,
    )
    return _export_from(row) if row else None


async def find_wanted(conn: ReadConn, export_id: int) -> Export | None:
    """An export that is not written yet."""
    row = await conn.fetchrow(f"SELECT {_EXPORT} FROM exports WHERE id = $1 AND state = '{State.WANTED}'", export_id)
    return _export_from(row) if row else None


async def lock_owner(tx: WriteTx, account_id: int) -> None:
    """Makes requests of one member run one after the other."""
    await tx.execute("SELECT FROM logins WHERE account_id = $1 FOR NO KEY UPDATE", account_id)


async def insert_export(tx: WriteTx, export_id: int, account_id: int, state: State) -> None:
    await tx.execute("INSERT INTO exports (id, account_id, state, asked_at) VALUES ($1, $2, $3, now())", export_id, account_id, state)


async def update_ready(tx: WriteTx, export: Export, state: State, file: FileName, size: int, kept: timedelta) -> bool:
    """Returns False if the export is written already, or its account deleted."""
    return bool(await tx.execute(
        "UPDATE exports SET state = $3, ready_at = now(), expires_at = now() + $6::interval, sha256 = $4, bytes = $5"
        " WHERE id = $1 AND state = $2",
        export.id, export.state, state, file.sha256, size, kept,
    ))


async def list_ready_unscoped(conn: ReadConn) -> list[Export]:
    """Exports whose file can be fetched. Uses the index exports_expiry."""
    return [_export_from(row) for row in await conn.fetch(f"SELECT {_EXPORT} FROM exports WHERE expires_at > now()")]


async def update_wanted(tx: WriteTx, export: Export, state: State) -> bool:
    """Returns False if the export has changed meanwhile."""
    return bool(await tx.execute(
        "UPDATE exports SET state = $3, ready_at = NULL, expires_at = NULL, sha256 = NULL, bytes = NULL WHERE id = $1 AND state = $2"
        " AND sha256 = $4",
        export.id, export.state, state, export.sha256,
    ))


async def delete_exports_of(tx: WriteTx, account_id: int, *, but: int | None = None) -> list[FileName]:
    """Deletes the exports of an account, except one. Returns their files."""
    rows = await tx.fetch("DELETE FROM exports WHERE account_id = $1 AND id IS DISTINCT FROM $2 RETURNING sha256", account_id, but)
    return [FileName(row["sha256"], "zip") for row in rows if row["sha256"]]


async def delete_expired(tx: WriteTx) -> list[FileName]:
    """Deletes exports whose file has expired. Returns their files. Uses the index exports_expiry."""
    rows = await tx.fetch("DELETE FROM exports WHERE expires_at < now() RETURNING sha256")
    return [FileName(row["sha256"], "zip") for row in rows if row["sha256"]]


async def has_file(conn: ReadConn, file: FileName) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM exports WHERE sha256 = $1)", file.sha256))
