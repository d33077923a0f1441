"""Lets jurors label the daily sample: draws two for each post, a third and a fourth if they disagree, and stores the label.

It happens where juries sit. What no juror can be drawn for, and what is not labelled within three days, is left to moderators.
"""

from datetime import datetime

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.juries.actions.pool import Pool
from folkmoot.moderation.juries.model import SEAT_LIFECYCLE, SeatState
from folkmoot.moderation.juries.queries import list_able_of, list_excluded, list_tied_to_post
from folkmoot.moderation.measurement.actions.label import label_by_jury
from folkmoot.moderation.reviewing.gold import make_item_id
from folkmoot.moderation.reviewing.model import AGREED, INVITED_FOR, SampleSeat, label_of
from folkmoot.moderation.reviewing.queries import sample

_NEWEST = 50  # cases whose rules are suspected in turn


async def advance_item(tx: WriteTx, item_id: int, pool: Pool | None, now: datetime) -> bool:
    """Labels an item whose jurors agree; otherwise fills its seats, if `pool` is given. Returns whether it is labelled.

    Writes sample.reviewed to the journal, without jurors; a breach also raises a signal.
    """
    item = await sample.lock_item(tx, item_id)
    post = await sample.find_sampled(tx, item_id, await _draw_suspected(tx)) if item else None
    if item is None or post is None:
        await sample.void_outstanding(tx, item_id)
        return False
    seats = await _release_lost(tx, await sample.list_seats(tx, item_id), post.post_id, now)
    answers = [one.said for one in seats if one.state is SeatState.ANSWERED]
    is_enough, clauses = label_of(answers)
    if is_enough:
        await label_by_jury(tx, item, clauses, answers=len(answers))
        await sample.void_outstanding(tx, item_id)
        return True
    missing = max(AGREED, len(answers) + 1) - len(answers) - sum(one.is_outstanding for one in seats)
    if pool and missing > 0:
        seated = {one.account_id: one.is_outstanding or one.state is SeatState.ANSWERED for one in seats}
        drawn = await pool.draw_for_sample(tx, post, seated, missing, now)
        await sample.insert_seats(tx, [
            SampleSeat(
                id=make_item_id(), item_id=item_id, account_id=account_id, state=SeatState.OFFERED, suspected=post.suspected, drawn_at=now,
                until=now + INVITED_FOR,
            ) for account_id in drawn
        ])
    return False


async def _draw_suspected(tx: WriteTx) -> str:
    """A rule as the newest cases have it, so that the rules that a juror is shown first are those of cases."""
    found = await sample.list_newest_clauses(tx, _NEWEST)
    known = [key for key in found if current().find(key)] or [clause.key for clause in current().clauses]
    return known[clock.draw(len(known))]


async def _release_lost(tx: WriteTx, seats: list[SampleSeat], post_id: int, now: datetime) -> list[SampleSeat]:
    """Takes seats from whoever did not answer in time, knows somebody by now, or cannot be called any more; also answers of jurors who
    were excluded."""
    waiting = [one.account_id for one in seats if one.is_outstanding]
    able = await list_able_of(tx, waiting, now)
    tied = await list_tied_to_post(tx, post_id, waiting, now)
    excluded = await list_excluded(tx, [one.account_id for one in seats if one.state is SeatState.ANSWERED])
    kept = []
    for one in seats:
        lost = None
        if one.is_outstanding and one.until <= now:
            lost = SeatState.EXPIRED
        elif (one.is_outstanding and (one.account_id not in able or one.account_id in tied)) or one.account_id in excluded:
            lost = SeatState.VOID
        if lost:
            one = msgspec.structs.replace(one, state=SEAT_LIFECYCLE.step(one.state, lost))
            await sample.update_seat(tx, one)
        kept.append(one)
    return kept
