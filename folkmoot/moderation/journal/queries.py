"""All SQL of the journal. Nothing here changes what an entry says; the database would refuse it too."""

from collections.abc import Sequence
from datetime import date, datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.journal.model import FIRST_HASH, Entry, Head

_ENTRY = "id, at, kind, case_id, actor_id, facts, position, hash"


async def insert_entry(tx: WriteTx, kind: str, at: datetime, case_id: int | None, actor_id: int | None, facts: str) -> None:
    await tx.execute(
        "INSERT INTO journal (kind, at, case_id, actor_id, facts) VALUES ($1, $2, $3, $4, $5)", kind, at, case_id, actor_id, facts
    )


async def list_case_entries(conn: ReadConn, case_id: int, limit: int = 200) -> list[Entry]:
    """What happened in a case, oldest first. Leans on journal_case."""
    rows = await conn.fetch(f"SELECT {_ENTRY} FROM journal WHERE case_id = $1 ORDER BY id LIMIT $2", case_id, limit)
    return [Entry(**dict(row)) for row in rows]


async def get_end(tx: WriteTx) -> tuple[int, bytes]:
    """(position, hash) of the last sealed entry. Whoever asks seals: a lock keeps everybody else from it."""
    await tx.execute("SELECT pg_advisory_xact_lock(7020, 3)")
    row = await tx.fetchrow("SELECT position, hash FROM journal WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1")
    return (row["position"], row["hash"]) if row else (0, FIRST_HASH)


async def find_hash(conn: ReadConn, position: int) -> bytes | None:
    value = await conn.fetchval("SELECT hash FROM journal WHERE position = $1", position)
    return bytes(value) if value else None


async def list_unsealed(tx: WriteTx, limit: int) -> list[Entry]:
    rows = await tx.fetch(f"SELECT {_ENTRY} FROM journal WHERE position IS NULL ORDER BY id LIMIT $1", limit)
    return [Entry(**dict(row)) for row in rows]


async def update_sealed(tx: WriteTx, ids: Sequence[int], positions: Sequence[int], hashes: Sequence[bytes]) -> None:
    await tx.execute(
        "UPDATE journal SET position = t.position, hash = t.hash"
        " FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS t (id, position, hash) WHERE journal.id = t.id",
        list(ids), list(positions), list(hashes),
    )


async def upsert_head(tx: WriteTx, day: date, head: Head) -> None:
    await tx.execute(
        "INSERT INTO journal_heads (day, position, hash, signature) VALUES ($1, $2, $3, $4) ON CONFLICT (day) DO UPDATE"
        " SET position = excluded.position, hash = excluded.hash, signature = excluded.signature",
        day, head.position, head.hash, head.signature,
    )


async def list_heads(conn: ReadConn) -> list[Head]:
    rows = await conn.fetch("SELECT position, hash, signature FROM journal_heads ORDER BY position")
    return [Head(**dict(row)) for row in rows]


async def list_sealed(conn: ReadConn, after: int, limit: int) -> list[Entry]:
    """The chain from behind a position on."""
    rows = await conn.fetch(
        f"SELECT {_ENTRY} FROM journal WHERE position > $1 ORDER BY position LIMIT $2", after, limit
    )
    return [Entry(**dict(row)) for row in rows]


async def count_unsealed(conn: ReadConn) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM journal WHERE position IS NULL"))
