"""SQL of published months and of the notes of the operator. Neither is ever changed; a trigger of the database refuses it, except to
withdraw the words of a note."""

from datetime import date, datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.transparency.monthly import Note, Published

_NOTE = "id, month, language, text, written_at, withdrawn_at"


async def insert_month(tx: WriteTx, published: Published) -> bool:
    """False if the month is published already."""
    return bool(await tx.fetchval(
        "INSERT INTO transparency_months (month, content, sha256, published_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING RETURNING true",
        published.month, published.content, published.sha256, published.published_at,
    ))


async def list_months(conn: ReadConn) -> list[Published]:
    """All published months, oldest first."""
    rows = await conn.fetch("SELECT month, content, sha256, published_at FROM transparency_months ORDER BY month")
    return [Published(**dict(row)) for row in rows]


async def find_month(conn: ReadConn, month: date) -> Published | None:
    row = await conn.fetchrow("SELECT month, content, sha256, published_at FROM transparency_months WHERE month = $1", month)
    return Published(**dict(row)) if row else None


async def insert_note(tx: WriteTx, note: Note) -> None:
    await tx.execute(
        "INSERT INTO transparency_notes (id, month, language, text, written_at) VALUES ($1, $2, $3, $4, $5)",
        note.id, note.month, note.language, note.text, note.written_at,
    )


async def blank_note(tx: WriteTx, note_id: int, now: datetime) -> Note | None:
    """Withdraws the words of a note; None if there is no note with words."""
    row = await tx.fetchrow(
        f"UPDATE transparency_notes SET text = NULL, withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL RETURNING {_NOTE}",
        note_id, now,
    )
    return Note(**dict(row)) if row else None


async def list_notes(conn: ReadConn) -> list[Note]:
    """All notes, oldest first."""
    return [Note(**dict(row)) for row in await conn.fetch(f"SELECT {_NOTE} FROM transparency_notes ORDER BY id")]
