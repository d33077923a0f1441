"""Makes and changes hash lists, and raises the signals of what they match."""

import re
from collections.abc import Sequence

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid, NotFound
from folkmoot.base.text import clean
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import ExaminedText
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.hash_lists import queries
from folkmoot.moderation.hash_lists.matching import finding_of
from folkmoot.moderation.hash_lists.model import MAX_NOTE, MIN_QUALITY, Effect, Entry, HashList, Kind, Match, is_list_name, text_key
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.network.sessions.model import Viewer

REMOVED_HERE = "removed-here"  # the list to which moderators add from their cases
CLEARED_HERE = "cleared-here"  # hashes of removed posts that are deleted for good; a copy gets a case
_AT_ONCE = 1000
SCAN_JOB = "hash_lists.scan"


async def create_list(tx: WriteTx, name: str, effect: Effect, about: str = "") -> HashList:
    """Makes an empty list. Operators. Writes hash_list.changed to the journal. Raises Invalid, Conflict for a name in use."""
    if not is_list_name(name):
        raise Invalid(FieldError("name", "invalid", "A name has up to 40 small letters, digits and hyphens."))
    made = HashList(name=name, effect=effect, about=clean(about)[:MAX_NOTE], created_at=clock.now())
    if not await queries.insert_list(tx, made):
        raise Conflict("There is a list of this name.")
    await record_step(tx, Step.HASH_LIST_CHANGED, case_id=None, list=name, made=effect)
    return made


async def delete_list(tx: WriteTx, name: str) -> None:
    """Deletes a list with its entries. Operators. Writes hash_list.changed to the journal. Raises NotFound."""
    if not await queries.delete_list(tx, name):
        raise NotFound
    await record_step(tx, Step.HASH_LIST_CHANGED, case_id=None, list=name, deleted=True)


async def add_entries(tx: WriteTx, entries: Sequence[Entry], *, case_id: int | None = None) -> int:
    """Adds entries to one existing list; returns how many were new. Writes hash_list.changed to the journal, with numbers only."""
    if not entries:
        return 0
    listed = await queries.lock_list(tx, entries[0].list)
    added = 0
    for start in range(0, len(entries), _AT_ONCE):
        added += await queries.insert_entries(tx, entries[start : start + _AT_ONCE])
    if added:
        await record_step(tx, Step.HASH_LIST_CHANGED, case_id=case_id, actor_id=entries[0].added_by_id, list=listed.name, added=added)
    return added


async def remove_entry(tx: WriteTx, name: str, kind: Kind, value: str, *, moderator: Viewer | None = None) -> None:
    """Removes one entry. Moderators, or operators on the command line. Writes hash_list.changed to the journal. Raises NotFound."""
    if moderator:
        require_moderator(moderator)
    await queries.lock_list(tx, name)
    if not await queries.delete_entry(tx, name, kind, value):
        raise NotFound
    await record_step(tx, Step.HASH_LIST_CHANGED, case_id=None, actor_id=moderator.id if moderator else None, list=name, removed=1)


async def recognise_post(tx: WriteTx, moderator: Viewer, case: Case, clause: str) -> int:
    """Adds the text and the pictures of a removed post to the list `removed-here`, which is made if needed, so that copies are
    recognised; returns how many entries were new. Earlier posts are searched by a job.

    Moderators. Raises Invalid if nothing of the post can be recognised: its text is too short, and it has no picture.
    """
    require_moderator(moderator)
    now = clock.now()
    text = next(iter(await list_post_texts_unscoped(tx, [case.subject_id])), None) if case.subject is Subject.POST else None
    if text is None:
        raise Invalid(FieldError("case", "blank", "There is nothing here by which a copy could be recognised."))
    found = await _hashes_of(tx, text)
    if not found:
        raise Invalid(FieldError("case", "blank", "There is nothing here by which a copy could be recognised."))
    await queries.insert_list(tx, HashList(name=REMOVED_HERE, effect=Effect.HOLD, about="", created_at=now))
    entries = [
        Entry(list=REMOVED_HERE, kind=kind, value=value, clause=clause, added_by_id=moderator.id, added_at=now) for kind, value in found
    ]
    return await add_entries(tx, entries, case_id=case.id)


async def remember_cleared(tx: WriteTx, case_id: int, post_id: int, clause: str) -> None:
    """Adds the hashes of a post that is deleted for good to the list `cleared-here`, so that people are told of copies. Its effect is
    `signal`: no person has chosen these entries."""
    text = next(iter(await list_post_texts_unscoped(tx, [post_id])), None)
    found = await _hashes_of(tx, text) if text else []
    if found:
        now = clock.now()
        await queries.insert_list(tx, HashList(name=CLEARED_HERE, effect=Effect.SIGNAL, about="", created_at=now))
        entries = [Entry(list=CLEARED_HERE, kind=kind, value=value, clause=clause, added_at=now) for kind, value in found]
        await add_entries(tx, entries, case_id=case_id)


async def _hashes_of(tx: WriteTx, text: ExaminedText) -> list[tuple[Kind, str]]:
    """By what a copy of a post is recognised: its text if it is long enough, its files, and its pictures."""
    found: list[tuple[Kind, str]] = [(Kind.TEXT, key) for key in [text_key(text.body)] if key]
    pictures = (await queries.list_files_unscoped(tx, [text.subject_id])).get(text.subject_id, [])
    found += [(Kind.FILE, value) for hashes, _ in pictures for value in hashes]
    known = await queries.list_picture_hashes(tx, [file.sha256 for _, file in pictures])
    found += [(Kind.PICTURE, f"{value:064x}") for value, quality in known.values() if quality >= MIN_QUALITY]
    return list(dict.fromkeys(found))


async def raise_matches(tx: WriteTx, text: ExaminedText, matches: Sequence[Match]) -> Case | None:
    """Raises one signal for each list that knows something about a post or profile. Returns the case if a match holds the post."""
    held = None
    for match in matches:
        case = await raise_signal(tx, text, finding_of(match, text.subject), clause_of(match.entry.clause))
        if case and match.is_holding and text.subject is Subject.POST:
            held = case
    return held


def known_clause(written: str) -> str:
    """The key of a clause in force that was written as its key or its number. Raises Invalid."""
    clause = current().find(written) or (current().numbered(int(written)) if re.fullmatch(r"\d{1,2}", written) else None)
    if clause is None:
        raise Invalid(FieldError("clause", "inclusion", "There is no such rule."))
    return clause.key
