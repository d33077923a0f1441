"""All SQL of recordings."""

from datetime import datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.network.recordings.model import Failure, Recording

_RECORDING = (
    "id, account_id, source_sha256, description, focus_x, focus_y, poster_sha256, poster_width, poster_height, blurhash, is_audio, tries,"
    " failure, created_at"
)


def _recording_from(row: Row) -> Recording:
    return Recording(**{**dict(row), "failure": Failure(row["failure"]) if row["failure"] else None})


async def insert_recording(tx: WriteTx, recording: Recording) -> None:
    await tx.execute(
        f"INSERT INTO recordings ({_RECORDING}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        recording.id, recording.account_id, recording.source_sha256, recording.description, recording.focus_x, recording.focus_y,
        recording.poster_sha256, recording.poster_width, recording.poster_height, recording.blurhash, recording.is_audio, recording.tries,
        recording.failure, recording.created_at,
    )


async def get_own_recording(conn: ReadConn, owner_id: int, recording_id: int) -> Recording:
    """Raises NotFound for one that does not exist, is encoded already or is somebody else's."""
    row = await conn.fetchrow(f"SELECT {_RECORDING} FROM recordings WHERE id = $1 AND account_id = $2", recording_id, owner_id)
    if row is None:
        raise NotFound
    return _recording_from(row)


async def lock_own_recording(tx: WriteTx, owner_id: int, recording_id: int) -> Recording | None:
    """Locked, so that it is not finished meanwhile; None if it does not exist any more."""
    row = await tx.fetchrow(
        f"SELECT {_RECORDING} FROM recordings WHERE id = $1 AND account_id = $2 FOR UPDATE", recording_id, owner_id
    )
    return _recording_from(row) if row else None


async def lock_recording(tx: WriteTx, recording_id: int) -> Recording | None:
    row = await tx.fetchrow(f"SELECT {_RECORDING} FROM recordings WHERE id = $1 FOR UPDATE", recording_id)
    return _recording_from(row) if row else None


async def lock_oldest_waiting(tx: WriteTx) -> Recording | None:
    """The one that has waited longest and that nobody encodes. Uses the index recordings_created."""
    row = await tx.fetchrow(
        f"SELECT {_RECORDING} FROM recordings WHERE failure IS NULL AND coalesce(taken_until < now(), true) ORDER BY created_at LIMIT 1"
        " FOR UPDATE SKIP LOCKED"
    )
    return _recording_from(row) if row else None


async def count_waiting(conn: ReadConn, owner_id: int) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM recordings WHERE account_id = $1 AND failure IS NULL", owner_id))


async def list_waiting_among(conn: ReadConn, owner_id: int, ids: list[int]) -> list[int]:
    """Those of these ids that are recordings of the owner, waiting or refused."""
    rows = await conn.fetch("SELECT id FROM recordings WHERE id = ANY ($1::bigint[]) AND account_id = $2", ids, owner_id)
    return [row["id"] for row in rows]


async def take_turn(tx: WriteTx, recording_id: int, until: datetime, now: datetime) -> bool:
    """Takes the turn to encode; False while any recording of the network is being encoded. A worker that was killed loses its turn
    after some seconds. The lock keeps two workers from taking it at once."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtext('recordings'))")
    return bool(await tx.fetchval(
        "UPDATE recordings SET taken_until = $2, tries = tries + 1 WHERE id = $1"
        " AND NOT EXISTS (SELECT FROM recordings WHERE taken_until > $3) RETURNING true",
        recording_id, until, now,
    ))


async def keep_turn(tx: WriteTx, recording_id: int, until: datetime | None) -> None:
    """Keeps the turn until then; None ends it."""
    await tx.execute("UPDATE recordings SET taken_until = $2 WHERE id = $1", recording_id, until)


async def update_failure(tx: WriteTx, recording_id: int, failure: Failure) -> None:
    await tx.execute("UPDATE recordings SET failure = $2, taken_until = NULL WHERE id = $1", recording_id, failure)


async def update_recording(tx: WriteTx, recording: Recording) -> None:
    """Changes description, focus and poster."""
    await tx.execute(
        "UPDATE recordings SET description = $2, focus_x = $3, focus_y = $4, poster_sha256 = $5, poster_width = $6, poster_height = $7,"
        " blurhash = $8 WHERE id = $1",
        recording.id, recording.description, recording.focus_x, recording.focus_y, recording.poster_sha256, recording.poster_width,
        recording.poster_height, recording.blurhash,
    )


async def delete_recording(tx: WriteTx, recording_id: int) -> None:
    await tx.execute("DELETE FROM recordings WHERE id = $1", recording_id)


async def list_recordings_of(tx: WriteTx, account_id: int, most: int) -> list[Recording]:
    """Recordings of an account, locked. Uses the index recordings_account."""
    rows = await tx.fetch(f"SELECT {_RECORDING} FROM recordings WHERE account_id = $1 ORDER BY id LIMIT $2 FOR UPDATE", account_id, most)
    return [_recording_from(row) for row in rows]


async def list_abandoned(tx: WriteTx, before: datetime, most: int) -> list[Recording]:
    """Recordings from before then that nobody encodes now, locked. Uses the index recordings_created."""
    rows = await tx.fetch(
        f"SELECT {_RECORDING} FROM recordings WHERE created_at < $1 AND coalesce(taken_until < now(), true)"
        " ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED",
        before, most,
    )
    return [_recording_from(row) for row in rows]
