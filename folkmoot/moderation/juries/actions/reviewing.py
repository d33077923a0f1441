"""What a juror does: gets the next item, answers it, or leaves it to somebody else.

No action writes an event, a log line or an entry of the journal that names a juror. An answer is stored and nothing else: a job counts
when all are there, so neither the time of an answer nor its statements tell what the others said.
"""

from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.cases.queries import get_case
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.model import (
    COUNTED_WITHIN,
    LEASE,
    LONGEST_LEASE,
    SEAT_LIFECYCLE,
    Advance,
    AlreadyDecided,
    AnySeat,
    Item,
    LeaseEnded,
    NoLongerYours,
    QuestionKind,
    Review,
    Seat,
    SeatState,
    State,
    TextChanged,
)
from folkmoot.moderation.jury.model import Answer
from folkmoot.network.sessions.model import Viewer

ADVANCE = "juries.advance"
Place = TypeVar("Place", bound=AnySeat)


async def next_item(tx: WriteTx, juror: Viewer, now: datetime) -> Item | None:
    """The item that a juror has opened or, if there is none, the most urgent one that they are offered, which is opened; None if nothing
    waits for them. Reading an opened item again renews its lease, up to LONGEST_LEASE.

    Jurors in good standing; None for everybody else. Invitations to cases in which the juror knows somebody by now are passed over, and
    their seats are filled again in a moment.
    """
    if not await queries.is_able(tx, juror.id, now):
        return None
    for offered in await queries.list_own_outstanding(tx, juror.id, now):
        if await queries.list_tied(tx, offered.case_id, [juror.id], now):
            _advance_soon(tx, offered.case_id)
            continue
        jury = await queries.lock_jury(tx, offered.case_id)
        seat = await queries.get_own_seat(tx, juror.id, offered.id)
        if jury is None or jury.state is not State.SITTING or not seat.is_outstanding or seat.until <= now:
            continue
        case = await get_case(tx, seat.case_id)
        subject = await read_subject(tx, case)
        if case.state is CaseState.OPEN and subject.newest and not subject.is_deleted:
            opened = opened_seat(seat, subject.newest.key, now)
            await queries.update_seat(tx, opened)
            return Item(id=seat.id, kind=QuestionKind.CASE, case=case, version=subject.newest, until=opened.until)
    return None


async def answer_item(tx: WriteTx, juror: Viewer, item_id: int, review: Review) -> None:
    """Stores the answer to an opened item. The same answer again changes nothing.

    Jurors in good standing, about their own items. Enqueues the count when nobody else is to be waited for. Raises NotFound; Invalid for
    an unknown rule; LeaseEnded, AlreadyDecided, TextChanged and NoLongerYours, all of which are Conflict; Conflict for
    another answer than the one given before; Forbidden for who is no juror any more.
    """
    case_id = (await queries.get_own_seat(tx, juror.id, item_id)).case_id
    jury = await queries.lock_jury(tx, case_id)
    seat = await queries.get_own_seat(tx, juror.id, item_id)
    if review.finding.clause and not current().find(review.finding.clause):
        raise Invalid(FieldError("clause", "inclusion", "There is no such rule."))
    now = clock.now()
    answered = answered_seat(seat, review, now)
    if seat.state is SeatState.ANSWERED:
        if msgspec.structs.replace(answered, answered_at=seat.answered_at) != seat:
            raise Conflict("You have answered this one already.")
        return
    case = await get_case(tx, case_id)
    if jury is None or jury.state is not State.SITTING or case.state is not CaseState.OPEN:
        raise AlreadyDecided
    if seat.state is not SeatState.OPENED or seat.until <= now:
        raise LeaseEnded
    if not await queries.is_able(tx, juror.id, now):
        raise Forbidden
    if await queries.list_tied(tx, case_id, [juror.id], now):
        raise NoLongerYours
    await _require_same_text(tx, case, seat, review)

    SEAT_LIFECYCLE.step(seat.state, SeatState.ANSWERED)
    await queries.update_seat(tx, answered)
    if not await queries.count_outstanding(tx, case_id):
        _advance_soon(tx, case_id)


async def skip_item(tx: WriteTx, juror: Viewer, item_id: int) -> None:
    """Leaves an item to somebody else, who is drawn in a moment. A second call changes nothing.

    Jurors, about their own items. Raises NotFound, Conflict for an item that they have answered.
    """
    case_id = (await queries.get_own_seat(tx, juror.id, item_id)).case_id
    await queries.lock_jury(tx, case_id)
    seat = await queries.get_own_seat(tx, juror.id, item_id)
    if seat.state is SeatState.ANSWERED:
        raise Conflict("You have answered this one already.")
    if not seat.is_outstanding:
        return
    await queries.update_seat(tx, msgspec.structs.replace(seat, state=SEAT_LIFECYCLE.step(seat.state, SeatState.DECLINED)))
    _advance_soon(tx, case_id)


def _advance_soon(tx: WriteTx, case_id: int) -> None:
    tx.enqueue(ADVANCE, Advance(case_id), delay=timedelta(seconds=clock.draw(COUNTED_WITHIN)))


def opened_seat(seat: Place, version: str, now: datetime) -> Place:
    """The lease of an item that is opened, or read again; the invitation does not count any more."""
    state = SEAT_LIFECYCLE.step(seat.state, SeatState.OPENED)
    if seat.state is not SeatState.OPENED or seat.opened_at is None:
        return msgspec.structs.replace(seat, state=state, opened_at=now, version=version, until=now + LEASE)
    return msgspec.structs.replace(seat, version=version, until=max(seat.until, min(now + LEASE, seat.opened_at + LONGEST_LEASE)))


def answered_seat(seat: Place, review: Review, now: datetime) -> Place:
    is_breach = review.answer is Answer.BREACH
    return msgspec.structs.replace(
        seat, state=SeatState.ANSWERED, version=review.seen_key, answer=review.answer, clause=review.finding.clause or "",
        severity=review.severity if is_breach else None, sureness=review.finding.sureness, answered_at=now,
    )


async def _require_same_text(conn: ReadConn, case: Case, seat: Seat, review: Review) -> None:
    """Raises TextChanged; AlreadyDecided if the post is gone."""
    subject = await read_subject(conn, case)
    if subject.newest is None or subject.is_deleted:
        raise AlreadyDecided
    if not subject.newest.key == seat.version == review.seen_key:
        raise TextChanged
