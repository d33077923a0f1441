"""SQL of notes, and of who was asked to decide a case."""

from datetime import datetime

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.moderation.cases.model import Note


async def insert_note(tx: WriteTx, note: Note) -> None:
    await tx.execute(
        "INSERT INTO case_notes (id, case_id, author_id, text, written_at) VALUES ($1, $2, $3, $4, $5)",
        note.id, note.case_id, note.author_id, note.text, note.written_at,
    )


async def list_notes(conn: ReadConn, case_id: int, limit: int = 100) -> list[Note]:
    """The notes of a case, oldest first. Index: case_notes_case."""
    rows = await conn.fetch(
        "SELECT id, case_id, author_id, text, written_at FROM case_notes WHERE case_id = $1 ORDER BY id LIMIT $2", case_id, limit
    )
    return [Note(**dict(row)) for row in rows]


async def blank_notes(tx: WriteTx, account_id: int) -> None:
    """Blanks the notes about an account and its posts, and those that it wrote. Index: cases_account."""
    await tx.execute(
        "UPDATE case_notes SET text = '' WHERE text <> ''"
        " AND (author_id = $1 OR case_id IN (SELECT id FROM cases WHERE account_id = $1))",
        account_id,
    )


async def update_assigned(tx: WriteTx, case_id: int, to_id: int | None, at: datetime | None) -> None:
    await tx.execute("UPDATE cases SET assigned_to_id = $2, assigned_at = $3 WHERE id = $1", case_id, to_id, at)
