"""Working on cases together: notes of moderators for each other, and handing a case over to somebody."""

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Invalid
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.cases import queries
from folkmoot.moderation.cases.actions import release_case
from folkmoot.moderation.cases.model import LONGEST_NOTE, Case, Note, State
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import list_staff


async def add_note(tx: WriteTx, moderator: Viewer, case_id: int, text: str) -> Note | None:
    """Adds a note that all who may decide the case see; None for an empty text and for a repeated one.

    Moderators. Writes case.noted to the journal, without the text. Raises Concerned, Invalid.
    """
    require_moderator(moderator)
    text = clean(text)
    if count_characters(text) > LONGEST_NOTE:
        raise Invalid(FieldError("note", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_NOTE}))
    case = await queries.lock_case(tx, case_id)
    if await queries.is_concerned(tx, moderator.id, case_id):
        raise Concerned
    notes = await queries.list_notes(tx, case_id)
    if not text or (notes and (notes[-1].author_id, notes[-1].text) == (moderator.id, text)):
        return None
    note = Note(
        id=ids.make_id(ids.shard_of(case.account_id)), case_id=case_id, author_id=moderator.id, text=text, written_at=clock.now()
    )
    await queries.insert_note(tx, note)
    await record_step(tx, Step.CASE_NOTED, case_id=case_id, actor_id=moderator.id, note=note.id)
    return note


async def assign_case(tx: WriteTx, moderator: Viewer, case_id: int, to_id: int | None) -> None:
    """Asks one moderator to decide a case, or (None) everybody again. The moderator's own seat is released.

    For a day, or until 80 percent of the time are over, others do not get the case from the queue; opening it stays allowed.
    Moderators. Writes case.assigned to the journal. Raises Concerned; Conflict for a closed case or while somebody else
    holds it; Invalid for somebody who may not decide it.
    """
    require_moderator(moderator)
    case = await queries.lock_case(tx, case_id)
    if await queries.is_concerned(tx, moderator.id, case_id):
        raise Concerned
    if case.state is not State.OPEN:
        raise Conflict("This case has been decided already, so nothing is left to do. Thank you for looking at it.")
    now = clock.now()
    if case.is_held(now) and case.seat_of(moderator.id, now) is None:
        raise Conflict("Somebody else is deciding this case.")
    if to_id is not None and to_id not in {one.id for one in await list_possible_deciders(tx, case)}:
        raise Invalid(FieldError("to", "inclusion", "This person cannot decide this case. Please choose somebody else."))

    await release_case(tx, moderator, case_id)
    await queries.update_assigned(tx, case_id, to_id, now if to_id else None)
    await record_step(tx, Step.CASE_ASSIGNED, case_id=case_id, actor_id=moderator.id, to=to_id)


async def list_possible_deciders(conn: ReadConn, case: Case) -> list[Account]:
    """The moderators who may decide a case and do not leave its topic to others, by name; if all of them leave it, all. Why somebody
    is missing is not said."""
    staff = [login.account_id for login in await list_staff(conn, [Role.MODERATOR, Role.OPERATOR])]
    concerned, avoiding = await queries.list_concerned(conn, staff, case.id), await queries.list_avoiding(conn, staff, case.clause)
    accounts = await list_accounts(conn, [id_ for id_ in staff if id_ not in concerned])
    able = sorted((one for one in accounts.values() if one.effect < AccountEffect.FROZEN), key=lambda account: account.username)
    return [one for one in able if one.id not in avoiding] or able
