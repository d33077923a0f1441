"""Uploading, describing and removing pictures. The uploaded bytes are never stored, only their re-encoding and their hash."""

import asyncio
import hashlib
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import FieldError, Invalid, Plural, Unavailable, WritesPaused
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.base.text import clean, count_characters
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.media import queries, sandbox
from folkmoot.network.media.model import PictureKind, Purpose, Reencoded, Upload

LONGEST_DESCRIPTION = 1500
MOST_UNATTACHED = 100
_ORPHANS_AT_ONCE = 500


async def upload_picture(
    database: Database, store: FileStore, owner: Account, content: bytes, *, purpose: Purpose = Purpose.ATTACHMENT,
    description: str = "", focus: tuple[float, float] = (0.0, 0.0), most_bytes: int | None = None,
) -> Upload:
    """Re-encodes a picture in the sandbox and stores the result. Raises Invalid, Forbidden for a frozen account."""
    require_can_write(owner)
    if most_bytes is not None and len(content) > most_bytes:
        raise Invalid(FieldError("file", "too_large", "This picture is larger than %(limit)d MB.", {"limit": most_bytes // 2**20}))
    description = checked_description(description)
    if not content:
        raise Invalid(FieldError("file", "blank", "Please choose a picture."))
    header, original, preview = await sandbox.run(content, purpose)
    now = clock.now()
    upload = Upload(
        id=ids.make_id(ids.shard_of(owner.id), now), key=clock.token(16), account_id=owner.id, post_id=None, purpose=purpose,
        kind=header.kind, mime=header.mime, description=description, focus_x=within(focus[0]), focus_y=within(focus[1]),
        blurhash=header.blurhash, width=header.width, height=header.height, preview_width=header.preview_width,
        preview_height=header.preview_height, created_at=now,
    )
    hashes = [hashlib.sha256(part).digest() for part in (original, preview)]
    try:
        await _store(database, store, upload, header, dict(zip(hashes, (original, preview), strict=True)), hashes, content)
    except BaseException:  # the transaction removed the rows; the files must be removed too
        await asyncio.shield(remove_orphans(database, store, [FileName(sha256, header.extension) for sha256 in hashes]))
        raise
    return upload


async def _store(
    database: Database, store: FileStore, upload: Upload, header: Reencoded, parts: dict[bytes, bytes], hashes: list[bytes],
    content: bytes,
) -> None:
    async with database.write(is_repeatable=True) as tx:  # a second run leaves an upload that is cleared after a day
        if upload.purpose == Purpose.ATTACHMENT and await queries.count_unattached(tx, upload.account_id) >= MOST_UNATTACHED:
            raise Invalid(FieldError("file", "too_many", "You have many pictures that no post uses. Publish or remove some first."))
        for sha256 in sorted(hashes):  # in one order, against deadlocks
            part = parts[sha256]
            name = FileName(sha256, header.extension)
            await queries.add_file(tx, name, len(part))
            await store.write(name, part)
        original, preview = hashes
        await queries.insert_upload(tx, upload, original, preview, hashlib.sha256(content).digest())


class CardPicture(NamedTuple):
    """The picture of a linked page, encoded again and small, and the bytes that were fetched."""

    header: Reencoded
    small: bytes
    fetched: bytes


async def reencode_for_card(content: bytes) -> CardPicture:
    """Re-encodes the picture of a linked page in the sandbox. Raises Invalid."""
    header, _, small = await sandbox.run(content, Purpose.CARD)
    return CardPicture(header, small, content)


async def store_card_picture(tx: WriteTx, store: FileStore, picture: CardPicture, description: str) -> int:
    """Stores the picture of a linked page; returns its id. If the transaction fails, `clear_orphans` removes the file."""
    header, now = picture.header, clock.now()
    sha256 = hashlib.sha256(picture.small).digest()
    upload = Upload(
        id=ids.make_id(0, now), key=clock.token(16), account_id=None, post_id=None, purpose=Purpose.CARD, kind=PictureKind.IMAGE,
        mime=header.mime, description=description, focus_x=0.0, focus_y=0.0, blurhash=header.blurhash, width=header.preview_width,
        height=header.preview_height, preview_width=header.preview_width, preview_height=header.preview_height, created_at=now,
    )
    name = FileName(sha256, header.extension)
    for _ in ("original", "preview"):  # the same file is both
        await queries.add_file(tx, name, len(picture.small))
    await store.write(name, picture.small)
    await queries.insert_upload(tx, upload, sha256, sha256, hashlib.sha256(picture.fetched).digest())
    return upload.id


async def remove_card_picture(tx: WriteTx, store: FileStore, media_id: int) -> None:
    """Removes the picture of a linked page that no card shows any more."""
    await _remove(tx, store, media_id)


async def describe_picture(
    tx: WriteTx, owner: Account, media_id: int, *, description: str | None = None, focus: tuple[float, float] | None = None
) -> Upload:
    """Changes alt text or focus; None leaves them. Raises NotFound, Invalid, Forbidden for a frozen account."""
    require_can_write(owner)
    upload = await queries.get_own_upload(tx, owner.id, media_id)
    focus_x, focus_y = map(within, focus) if focus else (upload.focus_x, upload.focus_y)
    text = checked_description(description) if description is not None else upload.description
    await queries.update_upload(tx, media_id, text, focus_x, focus_y)
    return msgspec.structs.replace(upload, description=text, focus_x=focus_x, focus_y=focus_y)


async def remove_picture(tx: WriteTx, store: FileStore, owner: Account, media_id: int) -> None:
    """Removes an upload that no post uses. Raises NotFound, Invalid for one that a post or a scheduled post uses."""
    upload = await queries.get_own_upload(tx, owner.id, media_id)
    if upload.post_id is not None or await queries.is_reserved(tx, media_id):
        raise Invalid(FieldError("media", "in_use", "This picture is part of a post."))
    await _remove(tx, store, media_id)


async def clear_abandoned(database: Database, store: FileStore) -> None:
    """Removes pictures that no post uses: those of deleted posts at once, unused uploads after a day."""
    while True:
        async with database.write() as tx:
            abandoned = await queries.list_abandoned(tx, 100)
            for media_id in abandoned:
                await _remove(tx, store, media_id)
        if len(abandoned) < 100:
            return


async def remove_some_of(tx: WriteTx, store: FileStore, account_id: int, most: int) -> bool:
    """Removes pictures of an account that leaves, after its posts, also held ones, except those that a legal hold keeps. Returns False
    when none are left."""
    await queries.leave_outliving(tx, account_id)
    media_ids = await queries.list_uploads_of(tx, account_id, most)
    await queries.release_held(tx, media_ids)
    for media_id in media_ids:
        await _remove(tx, store, media_id)
    return bool(media_ids)


async def clear_replaced(database: Database, store: FileStore, account_id: int) -> None:
    """Removes avatars and headers that were replaced. If that is not possible now, a later change removes them."""
    with suppress(WritesPaused, Unavailable):
        async with database.write(waits=False, is_repeatable=True) as tx:
            for media_id in await queries.list_replaced(tx, account_id):
                await _remove(tx, store, media_id)


async def clear_orphans(database: Database, store: FileStore) -> None:
    """Removes files without a row, left by a process that was killed between file and commit. A timed job."""
    files: list[FileName] = []
    async for name in store.list_older_than(clock.now() - timedelta(hours=1)):
        files.append(name)
        if len(files) == _ORPHANS_AT_ONCE:
            await _remove_unknown(database, store, files)
            files = []
    await _remove_unknown(database, store, files)


async def _remove_unknown(database: Database, store: FileStore, files: list[FileName]) -> None:
    async with database.read() as conn:
        known = await queries.list_known_files(conn, [name.sha256 for name in files])
    await remove_orphans(database, store, [name for name in files if name.sha256 not in known])


async def remove_orphans(database: Database, store: FileStore, files: list[FileName]) -> None:
    """Removes files without a row. A concurrent upload of the same content waits for our row, then writes the file again."""
    for name in files:
        async with database.write(is_repeatable=True) as tx:
            if await queries.claim_file(tx, name.sha256, name.extension):
                await store.remove(name)
                await queries.release_file(tx, name.sha256)


async def _remove(tx: WriteTx, store: FileStore, media_id: int) -> None:
    """Removes the files before the commit, while their rows are locked: an upload of the same content waits, then writes again."""
    for sha256, extension in await queries.delete_upload(tx, media_id):
        await store.remove(FileName(sha256, extension))


def checked_description(description: str) -> str:
    """The clean text. Raises Invalid for one that is too long."""
    text = clean(description)
    if count_characters(text) > LONGEST_DESCRIPTION:
        raise Invalid(FieldError(
            "description", "too_long",
            Plural("A description has at most %(limit)d character.", "A description has at most %(limit)d characters.", "limit"),
            {"limit": LONGEST_DESCRIPTION},
        ))
    return text


def within(value: float) -> float:
    """A coordinate of a focus, between -1 and 1."""
    return max(-1.0, min(1.0, value)) if value == value else 0.0  # NaN is unequal to itself
