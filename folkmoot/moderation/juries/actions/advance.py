"""Advances a jury: replaces lost seats, asks again after a change of the words, counts when all have answered, and decides.

One transaction, which holds the locks of the case, the jury and the post. Whoever comes second finds nothing left to do.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.model import State as CaseState
from folkmoot.moderation.cases.queries import lock_case
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.evidence.model import Version
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions.bench import Bench, end, pass_on, seat
from folkmoot.moderation.juries.actions.decide import count_answers
from folkmoot.moderation.juries.actions.pool import Pool
from folkmoot.moderation.juries.model import (
    MOST_DRAWN,
    MOST_RESTARTS,
    SEAT_LIFECYCLE,
    Docket,
    Jury,
    Reason,
    Seat,
    SeatState,
    State,
)
from folkmoot.moderation.juries.policy import invited_until
from folkmoot.moderation.restrictions.queries import lock_post


async def advance_jury(tx: WriteTx, bench: Bench, case_id: int, pool: Pool | None = None) -> None:
    """Does what a sitting jury needs now. `pool`: the jurors who can be called, if they have been read.

    Writes jury.restarted, jury.counted, jury.drawn and jury.passed to the journal, and what a verdict writes.
    """
    now = clock.now()
    case = await lock_case(tx, case_id)
    jury = await queries.lock_jury(tx, case_id)
    if jury is None or jury.state is not State.SITTING:
        return
    docket = await queries.find_docket(tx, case_id)
    if docket is None or case.state is not CaseState.OPEN:
        await end(tx, jury, State.CLOSED, now)
        return
    await lock_post(tx, case.subject_id)
    subject = await read_subject(tx, case)
    if subject.is_deleted or subject.newest is None:
        await pass_on(tx, jury, Reason.DELETED, now)
        return
    seats = await _release_lost(tx, await queries.list_seats(tx, case_id), now)
    jury, seats = await _ask_again(tx, jury, seats, docket, subject.newest, now)
    if jury.restarts > MOST_RESTARTS:
        await pass_on(tx, jury, Reason.EDITED, now)
        return
    jury = await _count_complete(tx, bench, jury, case, docket, seats, subject.newest, now)
    if jury.state is State.SITTING:
        await _fill(tx, bench, pool, jury, docket, seats, now)


async def close_jury(tx: WriteTx, case_id: int) -> None:
    """Ends the jury of a case that was decided or withdrawn. A second call changes nothing."""
    jury = await queries.lock_jury(tx, case_id)
    if jury and jury.state is State.SITTING:
        await end(tx, jury, State.CLOSED, clock.now())


async def _release_lost(tx: WriteTx, seats: Sequence[Seat], now: datetime) -> list[Seat]:
    """Takes seats from whoever did not answer in time, knows somebody in the case by now, or cannot be called any more; also answers
    of jurors who were excluded."""
    waiting = [one for one in seats if one.is_outstanding and one.until > now]
    ids = [one.account_id for one in waiting]
    able = await queries.list_able_of(tx, ids, now) if ids else set()
    tied = await queries.list_tied(tx, seats[0].case_id, ids, now) if ids else set()
    excluded = await queries.list_excluded(tx, [one.account_id for one in seats if one.state is SeatState.ANSWERED])
    kept = []
    for one in seats:
        lost = None
        if one.is_outstanding and one.until <= now:
            lost = SeatState.EXPIRED
        elif (one.is_outstanding and (one.account_id not in able or one.account_id in tied)) or one.account_id in excluded:
            lost = SeatState.VOID
        kept.append(await _step(tx, one, lost) if lost else one)
    return kept


async def _ask_again(
    tx: WriteTx, jury: Jury, seats: Sequence[Seat], docket: Docket, version: Version, now: datetime
) -> tuple[Jury, list[Seat]]:
    """After a change of the words: offers its seat again to everybody who has answered about other words, as an item of this day."""
    stale = {one.id for one in seats if one.state is SeatState.ANSWERED and one.version != version.key}
    if not stale:
        return jury, list(seats)
    until = invited_until(docket, now)
    renewed = [
        await _step(
            tx, one, SeatState.OFFERED, drawn_at=now, until=until, answer=None, clause="", severity=None, sureness=None, answered_at=None
        ) if one.id in stale else one
        for one in seats
    ]
    jury = msgspec.structs.replace(jury, restarts=jury.restarts + 1)
    await queries.update_jury(tx, jury)
    await record_step(tx, Step.JURY_RESTARTED, case_id=jury.case_id, restarts=jury.restarts)
    return jury, renewed


async def _count_complete(
    tx: WriteTx, bench: Bench, jury: Jury, case: Case, docket: Docket, seats: Sequence[Seat], version: Version, now: datetime
) -> Jury:
    """Counts if nobody is to be waited for, and passes on what is late, except what is hidden until somebody decides (decision 0125)."""
    answered = [one for one in seats if one.state is SeatState.ANSWERED]
    if len(answered) >= jury.wanted and not any(one.is_outstanding for one in seats):
        jury = await count_answers(tx, bench, jury, case, docket, answered, version)
    if jury.state is State.SITTING and docket.is_late and not docket.is_held:
        return await pass_on(tx, jury, Reason.LATE, now)
    return jury


async def _fill(
    tx: WriteTx, bench: Bench, pool: Pool | None, jury: Jury, docket: Docket, seats: Sequence[Seat], now: datetime
) -> None:
    """Draws jurors for the seats that are missing. While all have enough to do, they stay empty; a later call fills them."""
    missing = jury.wanted - sum(one.is_outstanding or one.state is SeatState.ANSWERED for one in seats)
    if missing <= 0:
        return
    if len(seats) + missing > MOST_DRAWN:
        await pass_on(tx, jury, Reason.UNANSWERED, now)
        return
    pool = pool or await Pool.read(tx, bench.halves, now)
    drawn = await pool.draw(tx, docket, seats, missing, now)
    if drawn.missing and not drawn.is_busy:
        await pass_on(tx, jury, Reason.FEW_FOR_CASE, now)
        return
    await seat(tx, pool, docket, seats, drawn, now)


async def _step(tx: WriteTx, one: Seat, state: SeatState, **changes: object) -> Seat:
    changed = msgspec.structs.replace(one, state=SEAT_LIFECYCLE.step(one.state, state), **changes)
    await queries.update_seat(tx, changed)
    return changed
