"""Publishes the figures of months that are over, and the words of the operator about them."""

import hashlib
from datetime import date

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid, NotFound, Plural
from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.transparency import queries
from folkmoot.moderation.transparency.monthly import LONGEST_NOTE, Figures, Note, Published, month_of, name_of
from folkmoot.moderation.transparency.table import as_json

_TOO_LONG = Plural("The text is longer than %(limit)d character.", "The text is longer than %(limit)d characters.", "limit")


async def publish_month(tx: WriteTx, figures: Figures) -> bool:
    """Stores the figures of a month that is over as they stay from now on; False if that was done before.

    The system. Writes transparency.month_published to the journal, with the SHA-256 of what everybody gets.
    """
    content = as_json(figures)
    published = Published(month=figures.first, content=content, sha256=hashlib.sha256(content).digest(), published_at=clock.now())
    if not await queries.insert_month(tx, published):
        return False
    await record_step(tx, Step.MONTH_PUBLISHED, case_id=None, month=figures.month, sha256=published.sha256.hex())
    return True


async def write_note(tx: WriteTx, month: date, language: str, text: str) -> Note:
    """Publishes words of the operator about a month, beside its figures.

    Operators, on the command line. Writes transparency.note_written to the journal, with the SHA-256 of the words. Raises Invalid for
    words that are empty or too long, for an unknown language and for a month that has not begun.
    """
    now, text = clock.now(), text.strip()
    if not text:
        raise Invalid(FieldError("text", "blank", "There is no text."))
    if len(text) > LONGEST_NOTE:
        raise Invalid(FieldError("text", "too_long", _TOO_LONG, {"limit": LONGEST_NOTE}))
    if language not in LANGUAGES:
        raise Invalid(FieldError("language", "unknown", "This language is not known here."))
    if month > month_of(now):
        raise Invalid(FieldError("month", "future", "This month has not begun."))
    note = Note(id=ids.make_id(0, now), month=month, language=language, text=text, written_at=now)
    await queries.insert_note(tx, note)
    await record_step(
        tx, Step.NOTE_WRITTEN, case_id=None, note=note.id, month=name_of(month), sha256=hashlib.sha256(text.encode()).hexdigest()
    )
    return note


async def withdraw_note(tx: WriteTx, note_id: int) -> Note:
    """Removes the words of a note; that there was one stays visible. Operators, if its words must not stay public.

    Writes transparency.note_withdrawn to the journal. Raises NotFound for an unknown or withdrawn note.
    """
    note = await queries.blank_note(tx, note_id, clock.now())
    if note is None:
        raise NotFound
    await record_step(tx, Step.NOTE_WITHDRAWN, case_id=None, note=note.id, month=name_of(note.month))
    return note
