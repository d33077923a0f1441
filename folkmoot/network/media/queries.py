"""All SQL of pictures."""

from collections.abc import Sequence

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.media.model import Purpose, Reencoded, StoredFile, Upload

_HIDDEN = 2  # as posts have it, which stand above pictures
_UPLOAD = (
    "id, key, account_id, post_id, purpose, kind, mime, description, focus_x, focus_y, blurhash, width, height,"
    " preview_width, preview_height, created_at"
)


def _upload_from(row: Row) -> Upload:
    return Upload(**{**dict(row), "purpose": Purpose(row["purpose"])})


async def get_own_upload(conn: ReadConn, owner_id: int, media_id: int) -> Upload:
    """Raises NotFound for what is not there or not one's own."""
    row = await conn.fetchrow(f"SELECT {_UPLOAD} FROM media WHERE id = $1 AND account_id = $2", media_id, owner_id)
    if row is None:
        raise NotFound
    return _upload_from(row)


async def count_unattached(conn: ReadConn, owner_id: int) -> int:
    return int(await conn.fetchval(
        "SELECT count(*) FROM media WHERE account_id = $1 AND post_id IS NULL AND purpose = 'attachment'", owner_id
    ))


async def insert_upload(tx: WriteTx, upload: Upload, original: bytes, preview: bytes) -> None:
    await tx.execute(
        f"INSERT INTO media ({_UPLOAD}, original_sha256, preview_sha256)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        upload.id, upload.key, upload.account_id, upload.post_id, upload.purpose, upload.kind, upload.mime, upload.description,
        upload.focus_x, upload.focus_y, upload.blurhash, upload.width, upload.height, upload.preview_width,
        upload.preview_height, upload.created_at, original, preview,
    )


async def lock_attachable(tx: WriteTx, owner_id: int, media_ids: Sequence[int], post_id: int | None) -> list[Upload]:
    """The uploads of the owner that no post has yet, or only this one, in the order of `media_ids`; nobody else takes them
    until the transaction ends."""
    rows = await tx.fetch(
        f"SELECT {_UPLOAD} FROM media WHERE id = ANY ($1::bigint[]) AND account_id = $2 AND (post_id IS NULL OR post_id = $3)"
        f" AND purpose = '{Purpose.ATTACHMENT}' ORDER BY id FOR UPDATE",
        list(media_ids), owner_id, post_id,
    )
    found = {row["id"]: _upload_from(row) for row in rows}
    return [found[id_] for id_ in media_ids if id_ in found]


async def attach_pictures(tx: WriteTx, post_id: int, media_ids: Sequence[int]) -> None:
    """Makes these the pictures of a post, in this order. They were locked by `lock_attachable`."""
    await tx.execute(
        "UPDATE media SET post_id = $1, position = array_position($2::bigint[], id) WHERE id = ANY ($2::bigint[])",
        post_id, list(media_ids),
    )


async def detach_pictures(tx: WriteTx, post_id: int, kept: Sequence[int]) -> None:
    """Lets go of a post's pictures that are not `kept`. They can be attached again until they are cleared."""
    await tx.execute("UPDATE media SET post_id = NULL WHERE post_id = $1 AND id <> ALL ($2::bigint[])", post_id, list(kept))


async def release_pictures(tx: WriteTx, post_id: int) -> None:
    """Lets go of a post's pictures and keeps them for a day, to be attached again."""
    await tx.execute("UPDATE media SET post_id = NULL, created_at = now() WHERE post_id = $1", post_id)


async def abandon_pictures(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """Lets go of the pictures of posts that are removed; the next clearing removes them."""
    await tx.execute("UPDATE media SET post_id = NULL, created_at = '-infinity' WHERE post_id = ANY ($1::bigint[])", list(post_ids))


async def add_file(tx: WriteTx, sha256: bytes, header: Reencoded, size: int) -> None:
    """Counts a reference to a file, and locks its row until the transaction ends: nobody removes it meanwhile."""
    await tx.execute(
        "INSERT INTO media_files (sha256, extension, bytes, reference_count) VALUES ($1, $2, $3, 1)"
        " ON CONFLICT (sha256) DO UPDATE SET reference_count = media_files.reference_count + 1",
        sha256, header.extension, size,
    )


async def list_known_files(conn: ReadConn, hashes: Sequence[bytes]) -> set[bytes]:
    rows = await conn.fetch("SELECT sha256 FROM media_files WHERE sha256 = ANY ($1::bytea[])", list(hashes))
    return {row["sha256"] for row in rows}


async def claim_file(tx: WriteTx, sha256: bytes, extension: str) -> bool:
    """Holds the place of a file that no row knows; False when one does. Waits for who is just storing it."""
    return bool(await tx.execute(
        "INSERT INTO media_files (sha256, extension, bytes, reference_count) VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING",
        sha256, extension,
    ))


async def release_file(tx: WriteTx, sha256: bytes) -> None:
    await tx.execute("DELETE FROM media_files WHERE sha256 = $1 AND reference_count = 0", sha256)


async def update_upload(tx: WriteTx, media_id: int, description: str, focus_x: float, focus_y: float) -> None:
    """Changes alt text and focus. The version of the post that shows the picture is for the caller to raise."""
    await tx.execute(
        "UPDATE media SET description = $2, focus_x = $3, focus_y = $4 WHERE id = $1", media_id, description, focus_x, focus_y
    )


async def find_file(conn: ReadConn, key: str, is_preview: bool) -> StoredFile | None:
    """What serving a picture needs, in one statement."""
    row = await conn.fetchrow(
        f"""
        SELECT f.sha256, f.extension, m.mime, m.purpose, p.visibility AS post_visibility,
            a.effect >= {AccountEffect.SUSPENDED:d} OR coalesce(p.effect >= {_HIDDEN}, false) AS is_withdrawn
        FROM media AS m JOIN media_files AS f ON f.sha256 = m.{"preview" if is_preview else "original"}_sha256
        JOIN accounts AS a ON a.id = m.account_id LEFT JOIN posts AS p ON p.id = m.post_id
        WHERE m.key = $1
        """,
        key,
    )
    return StoredFile(**{**dict(row), "purpose": Purpose(row["purpose"])}) if row else None


async def delete_upload(tx: WriteTx, media_id: int) -> list[tuple[bytes, str]]:
    """Removes an upload that no post has taken meanwhile; returns the files (hash, extension) that nothing refers to any
    more, their rows gone."""
    row = await tx.fetchrow("DELETE FROM media WHERE id = $1 AND post_id IS NULL RETURNING original_sha256, preview_sha256", media_id)
    if row is None:
        return []
    rows = await tx.fetch(
        """
        UPDATE media_files AS f SET reference_count = f.reference_count - t.times
        FROM (SELECT sha256, count(*) AS times FROM unnest($1::bytea[]) AS sha256 GROUP BY sha256) AS t
        WHERE f.sha256 = t.sha256 RETURNING f.sha256, f.extension, f.reference_count
        """,
        [row["original_sha256"], row["preview_sha256"]],
    )
    unused = [(row["sha256"], row["extension"]) for row in rows if row["reference_count"] == 0]
    await tx.execute("DELETE FROM media_files WHERE sha256 = ANY ($1::bytea[])", [sha256 for sha256, _ in unused])
    return unused


async def list_abandoned(tx: WriteTx, limit: int) -> list[int]:
    """Uploads that no post took within a day, or whose post is gone. Leans on media_unattached."""
    rows = await tx.fetch(
        "SELECT id FROM media WHERE post_id IS NULL AND purpose = 'attachment' AND created_at < now() - interval '1 day'"
        " LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
    )
    return [row["id"] for row in rows]


async def list_replaced(tx: WriteTx, account_id: int) -> list[int]:
    """Avatars and headers that the account does not show any more."""
    rows = await tx.fetch(
        "SELECT m.id FROM media AS m JOIN accounts AS a ON a.id = m.account_id WHERE m.account_id = $1"
        " AND m.purpose IN ('avatar', 'header') AND m.key IS DISTINCT FROM a.avatar_key AND m.key IS DISTINCT FROM a.header_key",
        account_id,
    )
    return [row["id"] for row in rows]


async def count_media_bytes(conn: ReadConn) -> int:
    """How much the files of all media take together."""
    return int(await conn.fetchval("SELECT coalesce(sum(bytes), 0)::bigint FROM media_files"))
