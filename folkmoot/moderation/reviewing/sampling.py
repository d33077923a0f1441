"""Posts of the daily sample as items of a juror: opening, answering and leaving them, as `juries.actions.reviewing` does in cases.

Each step takes the statements of a case, with the same errors in the same order. An answer is stored and nothing else: a job labels the
post once its jurors agree (`labelling.py`).
"""

from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.juries.actions.reviewing import answered_seat, opened_seat
from folkmoot.moderation.juries.model import (
    COUNTED_WITHIN,
    SEAT_LIFECYCLE,
    AlreadyDecided,
    LeaseEnded,
    NoLongerYours,
    Review,
    SeatState,
    TextChanged,
)
from folkmoot.moderation.juries.queries import is_able, list_tied_to_post
from folkmoot.moderation.reviewing.model import LabelSample
from folkmoot.moderation.reviewing.queries import sample
from folkmoot.moderation.reviewing.reading import read_sampled
from folkmoot.network.sessions.model import Viewer

LABEL = "reviewing.label_sample"


async def next_sampled(tx: WriteTx, juror: Viewer, now: datetime) -> bool:
    """Opens a post of the sample that a juror is offered, or renews the lease of the open one; False if there is none.

    Jurors in good standing; False for everybody else. Posts of somebody whom the juror knows by now are passed over.
    """
    if not await is_able(tx, juror.id, now):
        return False
    for offered in await sample.list_outstanding(tx, juror.id, now):
        post_id = await sample.find_post_id(tx, offered.item_id)
        is_tied = bool(await list_tied_to_post(tx, post_id, [juror.id], now))
        item = await sample.lock_item(tx, offered.item_id)
        seat = await sample.get_seat(tx, juror.id, offered.id)
        if item is None or not seat.is_outstanding or seat.until <= now:
            continue
        _, version = await read_sampled(tx, post_id)
        if is_tied or version is None:
            await sample.update_seat(tx, msgspec.structs.replace(seat, state=SEAT_LIFECYCLE.step(seat.state, SeatState.VOID)))
            continue
        await sample.update_seat(tx, opened_seat(seat, version.key, now))
        return True
    return False


async def answer_sampled(tx: WriteTx, juror: Viewer, seat_id: int, review: Review) -> None:
    """Stores the answer to an open item. The same answer again changes nothing. Raises what `juries.answer_item` raises."""
    item_id = (await sample.get_seat(tx, juror.id, seat_id)).item_id
    item = await sample.lock_item(tx, item_id)
    seat = await sample.get_seat(tx, juror.id, seat_id)
    if review.finding.clause and not current().find(review.finding.clause):
        raise Invalid(FieldError("clause", "inclusion", "There is no such rule."))
    now = clock.now()
    answered = answered_seat(seat, review, now)
    if seat.state is SeatState.ANSWERED:
        if msgspec.structs.replace(answered, answered_at=seat.answered_at) != seat:
            raise Conflict("You have answered this one already.")
        return
    post_id = await sample.find_post_id(tx, item_id)
    if item is None:
        raise AlreadyDecided
    if seat.state is not SeatState.OPENED or seat.until <= now:
        raise LeaseEnded
    if not await is_able(tx, juror.id, now):
        raise Forbidden
    if await list_tied_to_post(tx, post_id, [juror.id], now):
        raise NoLongerYours
    _, version = await read_sampled(tx, post_id)
    if version is None:
        raise AlreadyDecided
    if not version.key == seat.version == review.seen_key:
        raise TextChanged

    SEAT_LIFECYCLE.step(seat.state, SeatState.ANSWERED)
    await sample.update_seat(tx, answered)
    if not await sample.count_outstanding(tx, item_id):
        _label_soon(tx, item_id)


async def skip_sampled(tx: WriteTx, juror: Viewer, seat_id: int) -> None:
    """Leaves an item to somebody else, who is drawn in a moment. A second call changes nothing. Raises Conflict for an answered item."""
    item_id = (await sample.get_seat(tx, juror.id, seat_id)).item_id
    await sample.lock_item(tx, item_id)
    seat = await sample.get_seat(tx, juror.id, seat_id)
    if seat.state is SeatState.ANSWERED:
        raise Conflict("You have answered this one already.")
    if not seat.is_outstanding:
        return
    await sample.update_seat(tx, msgspec.structs.replace(seat, state=SEAT_LIFECYCLE.step(seat.state, SeatState.DECLINED)))
    _label_soon(tx, item_id)


def _label_soon(tx: WriteTx, item_id: int) -> None:
    tx.enqueue(LABEL, LabelSample(item_id), delay=timedelta(seconds=clock.draw(COUNTED_WITHIN)))
