"""All SQL of pictures."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.base.file_store import FileName
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.media.model import TYPES_BY_EXTENSION, PictureKind, Purpose, StoredFile, Upload

_HIDDEN = 2  # PostEffect.HIDDEN, which this layer may not import
_UPLOAD = (
    "id, key, account_id, post_id, purpose, kind, mime, description, focus_x, focus_y, blurhash, width, height,"
    " preview_width, preview_height, seconds, frame_rate, bitrate, created_at"
)
_IS_THERE = "created_at > '-infinity'"  # false for pictures of deleted posts, and others that are removed from view
_IS_HELD = "coalesce(held_until > now(), false)"


def _upload_from(row: Row) -> Upload:
    return Upload(**{**dict(row), "purpose": Purpose(row["purpose"]), "kind": PictureKind(row["kind"])})


async def get_own_upload(conn: ReadConn, owner_id: int, media_id: int) -> Upload:
    """Raises NotFound unless the upload exists and belongs to the owner."""
    row = await conn.fetchrow(f"SELECT {_UPLOAD} FROM media WHERE id = $1 AND account_id = $2 AND {_IS_THERE}", media_id, owner_id)
    if row is None:
        raise NotFound
    return _upload_from(row)


async def count_unattached(conn: ReadConn, owner_id: int | None) -> int:
    return int(await conn.fetchval(
        "SELECT count(*) FROM media WHERE account_id = $1 AND post_id IS NULL AND scheduled_id IS NULL AND purpose = 'attachment'"
        f" AND {_IS_THERE}",
        owner_id,
    ))


async def list_own_uploads(conn: ReadConn, owner_id: int, media_ids: Sequence[int]) -> dict[int, Upload]:
    """Those of these uploads that exist and belong to the owner, by id."""
    rows = await conn.fetch(
        f"SELECT {_UPLOAD} FROM media WHERE id = ANY ($1::bigint[]) AND account_id = $2 AND {_IS_THERE}", list(media_ids), owner_id
    )
    return {row["id"]: _upload_from(row) for row in rows}


async def insert_upload(tx: WriteTx, upload: Upload, original: bytes, preview: bytes, uploaded: bytes) -> None:
    """With the hashes of the stored files and of the uploaded bytes, by which lists of others recognise a file."""
    await tx.execute(
        f"INSERT INTO media ({_UPLOAD}, original_sha256, preview_sha256, uploaded_sha256)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
        upload.id, upload.key, upload.account_id, upload.post_id, upload.purpose, upload.kind, upload.mime, upload.description,
        upload.focus_x, upload.focus_y, upload.blurhash, upload.width, upload.height, upload.preview_width,
        upload.preview_height, upload.seconds, upload.frame_rate, upload.bitrate, upload.created_at, original, preview, uploaded,
    )


async def lock_attachable(tx: WriteTx, owner_id: int, media_ids: Sequence[int], post_id: int | None) -> list[Upload]:
    """The owner's uploads that belong to no post or to this one and are not reserved, in the order of `media_ids`; locked until
    the transaction ends, so that no other post takes them."""
    rows = await tx.fetch(
        f"SELECT {_UPLOAD} FROM media WHERE id = ANY ($1::bigint[]) AND account_id = $2 AND (post_id IS NULL OR post_id = $3)"
        f" AND scheduled_id IS NULL AND purpose = '{Purpose.ATTACHMENT}' AND {_IS_THERE} ORDER BY id FOR UPDATE",
        list(media_ids), owner_id, post_id,
    )
    found = {row["id"]: _upload_from(row) for row in rows}
    return [found[id_] for id_ in media_ids if id_ in found]


async def attach_pictures(tx: WriteTx, post_id: int, media_ids: Sequence[int]) -> None:
    """Attaches pictures to a post, in this order. `lock_attachable` has locked them."""
    await tx.execute(
        "UPDATE media SET post_id = $1, position = array_position($2::bigint[], id) WHERE id = ANY ($2::bigint[])",
        post_id, list(media_ids),
    )


async def detach_pictures(tx: WriteTx, post_id: int, kept: Sequence[int]) -> None:
    """Detaches the pictures of a post that are not `kept`. They can be attached again until they are cleared."""
    await tx.execute("UPDATE media SET post_id = NULL WHERE post_id = $1 AND id <> ALL ($2::bigint[])", post_id, list(kept))


async def reserve_pictures(tx: WriteTx, scheduled_id: int, media_ids: Sequence[int]) -> None:
    """Reserves pictures for a scheduled post: they are not cleared, and no other post takes them. `lock_attachable` has locked them."""
    await tx.execute("UPDATE media SET scheduled_id = $1 WHERE id = ANY ($2::bigint[])", scheduled_id, list(media_ids))


async def release_reserved(tx: WriteTx, scheduled_id: int, media_ids: Sequence[int]) -> None:
    """Ends the reservation of pictures, and keeps them for a day, to be attached."""
    await tx.execute(
        f"UPDATE media SET scheduled_id = NULL, created_at = now() WHERE id = ANY ($2::bigint[]) AND scheduled_id = $1 AND {_IS_THERE}",
        scheduled_id, list(media_ids),
    )


async def is_reserved(conn: ReadConn, media_id: int) -> bool:
    return bool(await conn.fetchval("SELECT scheduled_id IS NOT NULL FROM media WHERE id = $1", media_id))


async def release_pictures(tx: WriteTx, post_id: int) -> None:
    """Detaches a post's pictures and keeps them for a day, to be attached again."""
    await tx.execute("UPDATE media SET post_id = NULL, created_at = now() WHERE post_id = $1", post_id)


async def abandon_pictures(tx: WriteTx, post_ids: Sequence[int]) -> None:
    """Detaches the pictures of posts that are removed; `clear_abandoned` removes them."""
    await tx.execute("UPDATE media SET post_id = NULL, created_at = '-infinity' WHERE post_id = ANY ($1::bigint[])", list(post_ids))


async def hold_pictures_until(tx: WriteTx, media_ids: Sequence[int], until: datetime | None) -> None:
    """Keeps the files of pictures until then, or (None) until `release_held`, even if they are removed from view before."""
    if media_ids:
        await tx.execute(
            "UPDATE media SET held_until = greatest(held_until, coalesce($2::timestamptz, 'infinity')) WHERE id = ANY ($1::bigint[])",
            list(media_ids), until,
        )


async def mark_pictures_outliving(tx: WriteTx, outliving: Sequence[int], others: Sequence[int]) -> None:
    """Which of the held pictures stay even if their account is deleted. The ids of both are disjoint."""
    await tx.execute(
        "UPDATE media SET outlives_account = id = ANY ($1::bigint[]) WHERE id = ANY ($1::bigint[] || $2::bigint[])"
        " AND outlives_account <> (id = ANY ($1::bigint[]))",
        list(outliving), list(others),
    )


async def leave_outliving(tx: WriteTx, account_id: int) -> None:
    """Detaches the pictures that stay from an account that is being deleted. They are removed when their hold ends."""
    await tx.execute(
        f"UPDATE media SET account_id = NULL, created_at = '-infinity', purpose = '{Purpose.ATTACHMENT}'"
        " WHERE account_id = $1 AND post_id IS NULL AND outlives_account",
        account_id,
    )


async def release_held(tx: WriteTx, media_ids: Sequence[int]) -> None:
    """Ends the hold of pictures. Those that were removed from view are deleted by the next cleaning."""
    await tx.execute("UPDATE media SET held_until = NULL, outlives_account = false WHERE id = ANY ($1::bigint[])", list(media_ids))


async def list_ids_by_key(conn: ReadConn, keys: Sequence[str]) -> list[int]:
    rows = await conn.fetch("SELECT id FROM media WHERE key = ANY ($1::text[])", list(keys))
    return [row["id"] for row in rows]


async def add_file(tx: WriteTx, name: FileName, size: int) -> None:
    """Counts a reference to a file, and locks its row against removal until the transaction ends."""
    await tx.execute(
        "INSERT INTO media_files (sha256, extension, bytes, reference_count) VALUES ($1, $2, $3, 1)"
        " ON CONFLICT (sha256) DO UPDATE SET reference_count = media_files.reference_count + 1",
        name.sha256, name.extension, size,
    )


async def list_known_files(conn: ReadConn, hashes: Sequence[bytes]) -> set[bytes]:
    rows = await conn.fetch("SELECT sha256 FROM media_files WHERE sha256 = ANY ($1::bytea[])", list(hashes))
    return {row["sha256"] for row in rows}


async def list_newest_files(conn: ReadConn, limit: int) -> list[FileName]:
    """The files of the newest pictures. Uses the primary key of media."""
    rows = await conn.fetch(
        "SELECT f.sha256, f.extension FROM (SELECT original_sha256 FROM media ORDER BY id DESC LIMIT $1) AS m"
        " JOIN media_files AS f ON f.sha256 = m.original_sha256",
        limit,
    )
    return [FileName(row["sha256"], row["extension"]) for row in rows]


async def claim_file(tx: WriteTx, sha256: bytes, extension: str) -> bool:
    """Inserts a row for a file that has none, as a lock; returns False when it has one. Waits for a concurrent upload."""
    return bool(await tx.execute(
        "INSERT INTO media_files (sha256, extension, bytes, reference_count) VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING",
        sha256, extension,
    ))


async def release_file(tx: WriteTx, sha256: bytes) -> None:
    await tx.execute("DELETE FROM media_files WHERE sha256 = $1 AND reference_count = 0", sha256)


async def update_upload(tx: WriteTx, media_id: int, description: str, focus_x: float, focus_y: float) -> None:
    """Changes alt text and focus. The caller raises the version of the post that shows the picture."""
    await tx.execute(
        "UPDATE media SET description = $2, focus_x = $3, focus_y = $4 WHERE id = $1", media_id, description, focus_x, focus_y
    )


async def replace_preview(tx: WriteTx, upload: Upload, preview: bytes) -> list[tuple[bytes, str]]:
    """Stores another preview of a video or sound, whose file was added. Returns the files that nothing refers to any more."""
    before = await tx.fetchval("SELECT preview_sha256 FROM media WHERE id = $1", upload.id)
    await tx.execute(
        "UPDATE media SET preview_sha256 = $2, preview_width = $3, preview_height = $4, blurhash = $5 WHERE id = $1",
        upload.id, preview, upload.preview_width, upload.preview_height, upload.blurhash,
    )
    return await release_files(tx, [before])


async def find_file(conn: ReadConn, key: str, is_preview: bool) -> StoredFile | None:
    """What is needed to serve a picture, in one statement. That of a card is withdrawn unless a post shows it. Uses cards_picture."""
    row = await conn.fetchrow(
        f"""
        SELECT f.sha256, f.extension, m.purpose, p.visibility AS post_visibility,
            CASE WHEN m.purpose = '{Purpose.CARD}' THEN NOT EXISTS (
                SELECT FROM cards AS c JOIN post_cards AS pc ON pc.card_id = c.id JOIN posts AS cp ON cp.id = pc.post_id
                JOIN accounts AS ca ON ca.id = cp.account_id
                WHERE c.picture_id = m.id AND cp.effect < {_HIDDEN} AND ca.effect < {AccountEffect.SUSPENDED:d})
            ELSE a.id IS NULL OR a.effect >= {AccountEffect.SUSPENDED:d} OR coalesce(p.effect >= {_HIDDEN}, false)
                OR m.created_at = '-infinity' END AS is_withdrawn
        FROM media AS m JOIN media_files AS f ON f.sha256 = m.{"preview" if is_preview else "original"}_sha256
        LEFT JOIN accounts AS a ON a.id = m.account_id LEFT JOIN posts AS p ON p.id = m.post_id
        WHERE m.key = $1
        """,
        key,
    )
    return StoredFile(
        **{**dict(row), "purpose": Purpose(row["purpose"]), "mime": TYPES_BY_EXTENSION[row["extension"]]}
    ) if row else None


async def delete_upload(tx: WriteTx, media_id: int) -> list[tuple[bytes, str]]:
    """Deletes an upload unless a post has attached it meanwhile, and the rows of files without further references. Returns
    these files (hash, extension). A held one is only removed from view; it is deleted when the hold has ended."""
    row = await tx.fetchrow(
        f"DELETE FROM media WHERE id = $1 AND post_id IS NULL AND NOT {_IS_HELD} RETURNING original_sha256, preview_sha256", media_id
    )
    if row is None:
        await tx.execute(
            f"UPDATE media SET created_at = '-infinity', purpose = '{Purpose.ATTACHMENT}' WHERE id = $1 AND post_id IS NULL AND {_IS_HELD}",
            media_id,
        )
        return []
    return await release_files(tx, [row["original_sha256"], row["preview_sha256"]])


async def release_files(tx: WriteTx, hashes: Sequence[bytes]) -> list[tuple[bytes, str]]:
    """Ends one reference to a file for each hash, and deletes the rows of those without further ones. Returns these files."""
    rows = await tx.fetch(
        """
        UPDATE media_files AS f SET reference_count = f.reference_count - t.times
        FROM (SELECT sha256, count(*) AS times FROM unnest($1::bytea[]) AS sha256 GROUP BY sha256) AS t
        WHERE f.sha256 = t.sha256 RETURNING f.sha256, f.extension, f.reference_count
        """,
        list(hashes),
    )
    unused = [(row["sha256"], row["extension"]) for row in rows if row["reference_count"] == 0]
    await tx.execute("DELETE FROM media_files WHERE sha256 = ANY ($1::bytea[])", [sha256 for sha256, _ in unused])
    return unused


async def list_abandoned(tx: WriteTx, limit: int) -> list[int]:
    """Uploads that no post attached within a day, or whose post is deleted, and that are neither held nor reserved. Uses the
    index media_unattached."""
    rows = await tx.fetch(
        "SELECT id FROM media WHERE post_id IS NULL AND purpose = 'attachment' AND created_at < now() - interval '1 day'"
        " AND scheduled_id IS NULL"
        f" AND NOT {_IS_HELD} LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
    )
    return [row["id"] for row in rows]


async def list_replaced(tx: WriteTx, account_id: int) -> list[int]:
    """Avatars and headers that the account no longer shows."""
    rows = await tx.fetch(
        "SELECT m.id FROM media AS m JOIN accounts AS a ON a.id = m.account_id WHERE m.account_id = $1"
        " AND m.purpose IN ('avatar', 'header') AND m.key IS DISTINCT FROM a.avatar_key AND m.key IS DISTINCT FROM a.header_key",
        account_id,
    )
    return [row["id"] for row in rows]


async def count_media_bytes(conn: ReadConn) -> int:
    """The total size of the files of all media."""
    return int(await conn.fetchval("SELECT coalesce(sum(bytes), 0)::bigint FROM media_files"))


async def list_uploads_of(tx: WriteTx, account_id: int, most: int) -> list[int]:
    """Pictures of an account that no post shows, avatars and headers too; locked. Uses the index media_account."""
    rows = await tx.fetch(
        "SELECT id FROM media WHERE account_id = $1 AND post_id IS NULL ORDER BY id LIMIT $2 FOR UPDATE", account_id, most
    )
    return [row["id"] for row in rows]
