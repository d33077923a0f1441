"""Uploading recordings, describing them, giving them another picture, removing them. `jobs.py` encodes them."""

import asyncio
import hashlib

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.policy import require_can_write
from folkmoot.network.media import queries as media
from folkmoot.network.media import sandbox
from folkmoot.network.media.actions import MOST_UNATTACHED, checked_description, remove_orphans, within
from folkmoot.network.media.model import PictureKind, Purpose, Reencoded, Upload
from folkmoot.network.recordings import queries
from folkmoot.network.recordings.encoding.containers import container_of, is_audio
from folkmoot.network.recordings.encoding.programs import is_installed
from folkmoot.network.recordings.model import ENCODE_JOB, KEPT_FOR, MOST_WAITING, SOURCE, Encode, Failure, Recording

POSTER = "jpg"  # extension of all posters
_AT_ONCE = 100
_FAILURES = {
    Failure.DAMAGED: FieldError("file", "invalid", "This recording is damaged or incomplete, so we cannot play it."),
    Failure.NOTHING: FieldError(
        "file", "invalid", "This is not video or audio that we can read. We take MP4, MOV, WebM, MP3, M4A, Ogg, FLAC and WAV."
    ),
    Failure.PIXELS: FieldError("file", "invalid", "The picture of this video is too large. We take up to 3840 × 2160 pixels."),
    Failure.FRAME_RATE: FieldError("file", "invalid", "This video has too many frames. We take up to 120 in a second."),
    Failure.LONG: FieldError("file", "invalid", "This recording is too long. We take 20 minutes of video, or 3 hours of audio."),
    Failure.COSTLY: FieldError("file", "invalid", "This recording takes too much work. Make it shorter or smaller."),
    Failure.LOST: FieldError("file", "invalid", "We have lost this upload, and we are sorry. Please choose it again."),
}


def is_recording(content: bytes) -> bool:
    """Whether an upload looks like video or audio, not like a picture."""
    return container_of(content[:64]) is not None


def refusal_of(recording: Recording) -> FieldError | None:
    """Why a recording cannot be used; None while it waits."""
    return _FAILURES[recording.failure] if recording.failure else None


async def upload_recording(
    database: Database, store: FileStore, owner: Account, content: bytes, *, description: str = "",
    focus: tuple[float, float] = (0.0, 0.0), poster: bytes | None = None, most_bytes: int,
) -> Recording:
    """Stores an upload, to be encoded by a job. `poster`: a picture to show before it plays. Raises Invalid, also on a host that cannot
    encode; Forbidden for a frozen account."""
    require_can_write(owner)
    if not is_installed():
        raise Invalid(FieldError("file", "invalid", "This network takes no video and no audio."), log_text="ffmpeg is not installed")
    if len(content) > most_bytes:
        limit = {"limit": most_bytes // 2**20}
        raise Invalid(FieldError("file", "too_large", "This recording is larger than %(limit)d MB.", limit))
    now, text = clock.now(), checked_description(description)
    recording = Recording(
        id=ids.make_id(ids.shard_of(owner.id), now), account_id=owner.id, source_sha256=hashlib.sha256(content).digest(),
        description=text, focus_x=within(focus[0]), focus_y=within(focus[1]), is_audio=is_audio(content[:64]),
        created_at=now,
    )
    parts = {FileName(recording.source_sha256, SOURCE): content}
    if poster:
        header, picture = await poster_from(poster)
        recording = _with_poster(recording, header, picture)
        parts[_poster_name(picture)] = picture
    try:
        await _store(database, store, recording, parts)
    except BaseException:  # the transaction removed the rows; the files must be removed too
        await asyncio.shield(remove_orphans(database, store, list(parts)))
        raise
    return recording


async def _store(database: Database, store: FileStore, recording: Recording, parts: dict[FileName, bytes]) -> None:
    async with database.write(is_repeatable=True) as tx:  # a second run leaves a recording that is cleared after a day
        waiting = await queries.count_waiting(tx, recording.account_id)
        if waiting >= MOST_WAITING or waiting + await media.count_unattached(tx, recording.account_id) >= MOST_UNATTACHED:
            raise Invalid(FieldError(
                "file", "too_many", "You have many recordings that no post uses. Wait a little, or remove some first."
            ))
        for name in sorted(parts):  # in one order, against deadlocks
            await media.add_file(tx, name, len(parts[name]))
            await store.write(name, parts[name])
        await queries.insert_recording(tx, recording)
        tx.enqueue(ENCODE_JOB, Encode(recording.id))


async def change_recording(
    database: Database, store: FileStore, owner: Account, media_id: int, *, description: str | None = None,
    focus: tuple[float, float] | None = None, poster: bytes | None = None,
) -> Recording:
    """Changes what is said about a recording that is not encoded yet. Raises NotFound, Invalid; Forbidden for a frozen account."""
    require_can_write(owner)
    made = await poster_from(poster) if poster else None
    async with database.write(is_repeatable=True) as tx:
        recording = await queries.lock_own_recording(tx, owner.id, media_id)
        if recording is None:
            raise NotFound
        focus_x, focus_y = map(within, focus) if focus else (recording.focus_x, recording.focus_y)
        text = recording.description if description is None else checked_description(description)
        changed = msgspec.structs.replace(recording, description=text, focus_x=focus_x, focus_y=focus_y)
        if made:
            changed = _with_poster(changed, *made)
            await _add(tx, store, made[1])
        await queries.update_recording(tx, changed)
        if made and recording.poster_sha256:
            await _remove_files(tx, store, [recording.poster_sha256])
    return changed


async def describe_recording(
    tx: WriteTx, owner: Account, media_id: int, *, description: str, focus: tuple[float, float]
) -> bool:
    """Describes a recording that is not encoded yet; False if there is none. Raises Invalid; Forbidden for a frozen account."""
    require_can_write(owner)
    recording = await queries.lock_own_recording(tx, owner.id, media_id)
    if recording:
        text, focus_x, focus_y = checked_description(description), within(focus[0]), within(focus[1])
        await queries.update_recording(tx, msgspec.structs.replace(recording, description=text, focus_x=focus_x, focus_y=focus_y))
    return recording is not None


def upload_of(recording: Recording) -> Upload:
    """What forms show of a recording while it is prepared: without a key, and so without addresses."""
    return Upload(
        id=recording.id, key="", account_id=recording.account_id, post_id=None, purpose=Purpose.ATTACHMENT,
        kind=PictureKind.AUDIO if recording.is_audio else PictureKind.VIDEO, mime="", description=recording.description,
        focus_x=recording.focus_x, focus_y=recording.focus_y, blurhash="", width=0, height=0, preview_width=0, preview_height=0,
        seconds=0.0, created_at=recording.created_at,
    )


async def change_poster(database: Database, store: FileStore, owner: Account, media_id: int, poster: bytes) -> Upload:
    """Gives an encoded recording that no post shows yet another picture; a picture stays as it is. Raises NotFound, Invalid."""
    require_can_write(owner)
    header, picture = await poster_from(poster)
    async with database.write(is_repeatable=True) as tx:
        upload = await media.get_own_upload(tx, owner.id, media_id)
        if upload.post_id is not None:
            raise NotFound
        if upload.seconds is None:
            return upload
        upload = msgspec.structs.replace(
            upload, preview_width=header.preview_width, preview_height=header.preview_height, blurhash=header.blurhash
        )
        await _add(tx, store, picture)
        for sha256, extension in await media.replace_preview(tx, upload, hashlib.sha256(picture).digest()):
            await store.remove(FileName(sha256, extension))
    return upload


async def poster_from(picture: bytes) -> tuple[Reencoded, bytes]:
    """A picture as it is stored to stand for a recording. Raises Invalid."""
    header, _, small = await sandbox.run(picture, Purpose.POSTER)
    return header, small


def _with_poster(recording: Recording, header: Reencoded, picture: bytes) -> Recording:
    return msgspec.structs.replace(
        recording, poster_sha256=hashlib.sha256(picture).digest(), poster_width=header.preview_width, poster_height=header.preview_height,
        blurhash=header.blurhash,
    )


def _poster_name(picture: bytes) -> FileName:
    return FileName(hashlib.sha256(picture).digest(), POSTER)


async def _add(tx: WriteTx, store: FileStore, picture: bytes) -> None:
    name = _poster_name(picture)
    await media.add_file(tx, name, len(picture))
    await store.write(name, picture)


async def _remove_files(tx: WriteTx, store: FileStore, hashes: list[bytes]) -> None:
    for sha256, extension in await media.release_files(tx, hashes):
        await store.remove(FileName(sha256, extension))


async def remove_recording(tx: WriteTx, store: FileStore, owner: Account, media_id: int) -> bool:
    """Removes a recording that is not encoded yet; False if there is none."""
    recording = await queries.lock_own_recording(tx, owner.id, media_id)
    if recording:
        await _remove(tx, store, recording)
    return recording is not None


async def _remove(tx: WriteTx, store: FileStore, recording: Recording) -> None:
    await queries.delete_recording(tx, recording.id)
    await _remove_files(tx, store, [sha256 for sha256 in (recording.source_sha256, recording.poster_sha256) if sha256])


async def remove_recordings_of(tx: WriteTx, store: FileStore, account_id: int, most: int) -> bool:
    """Removes recordings of an account that leaves. Returns False when none are left."""
    found = await queries.list_recordings_of(tx, account_id, most)
    for recording in found:
        await _remove(tx, store, recording)
    return bool(found)


async def clear_recordings(database: Database, store: FileStore) -> None:
    """Removes recordings that were refused, or that no worker has encoded within a day. A timed job."""
    while True:
        async with database.write() as tx:
            abandoned = await queries.list_abandoned(tx, clock.now() - KEPT_FOR, _AT_ONCE)
            for recording in abandoned:
                await _remove(tx, store, recording)
        if len(abandoned) < _AT_ONCE:
            return
