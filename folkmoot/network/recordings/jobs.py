"""The job that encodes a recording and makes an upload of it. One recording at a time in the whole network, so that a small machine
stays responsive."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import Invalid, Unavailable, WritesPaused
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.base.queue.model import Job
from folkmoot.network.media import queries as media
from folkmoot.network.media.actions import remove_orphans
from folkmoot.network.media.model import Purpose, Reencoded, Upload
from folkmoot.network.recordings import queries
from folkmoot.network.recordings.actions import POSTER, poster_from
from folkmoot.network.recordings.encoding.encode import encode
from folkmoot.network.recordings.model import (
    ENCODE_JOB,
    LONGEST_RUN,
    MOST_TRIES,
    NEXT_LOOK,
    SOURCE,
    TAKEN_FOR,
    Encode,
    Encoded,
    Failure,
    Recording,
    Refused,
)

_log = logging.getLogger(__name__)


class Encoder:
    """Encodes recordings whose files are in a store."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self.job = Job(ENCODE_JOB, Encode, self.encode, limit=LONGEST_RUN)

    async def encode(self, database: Database, wanted: Encode) -> None:
        """Encodes a recording, then those that wait, the oldest first. Looks again later while another worker encodes one."""
        ends_at = clock.monotonic() + LONGEST_RUN.total_seconds() / 3
        async with database.write() as tx:
            recording = await queries.lock_recording(tx, wanted.recording_id)
            if recording is None or recording.failure:
                return
            if not await _take(tx, recording):
                tx.enqueue(ENCODE_JOB, wanted, NEXT_LOOK)
                return
        while recording:
            await self._encode(database, recording)
            if clock.monotonic() > ends_at:  # the others have jobs of their own
                return
            async with database.write() as tx:
                recording = await queries.lock_oldest_waiting(tx)
                if recording and not await _take(tx, recording):
                    return

    async def _encode(self, database: Database, recording: Recording) -> None:
        """A refusal is stored for the owner."""
        try:
            if recording.tries >= MOST_TRIES:
                raise Refused(Failure.COSTLY, f"its encoding was interrupted {recording.tries} times")
            with TemporaryDirectory(prefix="folkmoot-recording-") as folder:
                async with _turn(database, recording.id):
                    await self._finish(database, recording, await self._encoded(recording, Path(folder)))
        except Refused as refused:
            _log.warning("recording %d is refused, %s", recording.id, refused)
            async with database.write() as tx:
                await queries.update_failure(tx, recording.id, refused.why)

    async def _encoded(self, recording: Recording, folder: Path) -> Encoded:
        source = folder / "source"
        if not await self._store.copy_to(FileName(recording.source_sha256, SOURCE), source):
            raise Refused(Failure.LOST)
        return await encode(source)

    async def _finish(self, database: Database, before: Recording, encoded: Encoded) -> None:
        """Turns the recording into an upload with the same id, and removes the uploaded file."""
        poster = await _poster(encoded) if encoded.picture and before.poster_sha256 is None else None
        original = FileName(await asyncio.to_thread(_hash, encoded.file), encoded.extension)
        size = encoded.file.stat().st_size
        made = FileName(hashlib.sha256(poster[1]).digest(), POSTER) if poster else None
        try:
            async with database.write() as tx:
                recording = await queries.lock_recording(tx, before.id)
                if recording is None:  # its owner removed it meanwhile
                    return
                chosen = recording.poster_sha256
                preview = chosen or (made.sha256 if made else original.sha256)
                for name in sorted(filter(None, (original, made if not chosen else None))):
                    await media.add_file(tx, name, size if name == original else len(poster[1]) if poster else 0)
                if preview == original.sha256:  # a sound without a picture: the file is its own preview
                    await media.add_file(tx, original, size)
                await self._store.add(original, encoded.file)
                if poster and made and not chosen:
                    await self._store.write(made, poster[1])
                upload = _upload(recording, encoded, poster[0] if poster else None)
                await queries.delete_recording(tx, recording.id)
                await media.insert_upload(tx, upload, original.sha256, preview, recording.source_sha256)
                for sha256, extension in await media.release_files(tx, [recording.source_sha256]):
                    await self._store.remove(FileName(sha256, extension))
        except BaseException:
            await asyncio.shield(remove_orphans(database, self._store, [name for name in (original, made) if name]))
            raise


async def _take(tx: WriteTx, recording: Recording) -> bool:
    now = clock.now()
    return await queries.take_turn(tx, recording.id, now + TAKEN_FOR, now)


async def _poster(encoded: Encoded) -> tuple[Reencoded, bytes]:
    assert encoded.picture
    try:
        return await poster_from(encoded.picture)
    except Invalid as error:
        raise Refused(Failure.DAMAGED, f"its picture: {error}") from None


def _upload(recording: Recording, encoded: Encoded, made: Reencoded | None) -> Upload:
    has_own = recording.poster_sha256 is not None
    width, height = (made.preview_width, made.preview_height) if made and not has_own else (recording.poster_width, recording.poster_height)
    return Upload(
        id=recording.id, key=clock.token(16), account_id=recording.account_id, post_id=None, purpose=Purpose.ATTACHMENT,
        kind=encoded.kind, mime=encoded.mime, description=recording.description, focus_x=recording.focus_x, focus_y=recording.focus_y,
        blurhash=made.blurhash if made and not has_own else recording.blurhash, width=encoded.width, height=encoded.height,
        preview_width=width, preview_height=height, seconds=encoded.seconds, frame_rate=encoded.frame_rate, bitrate=encoded.bitrate,
        created_at=clock.now(),
    )


def _hash(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


@contextlib.asynccontextmanager
async def _turn(database: Database, recording_id: int) -> AsyncIterator[None]:
    """Keeps the turn while the block runs. If the database is away for longer, the recording may be encoded twice: no harm."""
    async def keep() -> None:
        while True:
            await asyncio.sleep(TAKEN_FOR.total_seconds() / 3)
            with contextlib.suppress(Unavailable, WritesPaused):
                async with database.write() as tx:
                    await queries.keep_turn(tx, recording_id, clock.now() + TAKEN_FOR)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
