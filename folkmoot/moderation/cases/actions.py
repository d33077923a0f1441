"""Actions on cases: open, confirm, estimate, claim, release, decide, reopen, withdraw; move and note deadlines."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, NotFound
from folkmoot.moderation.cases import queries
from folkmoot.moderation.cases.model import (
    APPEAL_LASTS,
    LEASE,
    LIFECYCLE,
    SEAT_LIFECYCLE,
    Case,
    CaseDeadlineNeared,
    CaseWithdrawn,
    Seat,
    SeatKind,
    SeatState,
    State,
    Subject,
    reach_of,
)
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.journal.actions import record_step, record_steps
from folkmoot.moderation.journal.model import Step
from folkmoot.network.sessions.model import Viewer


async def open_case(
    tx: WriteTx, subject: Subject, subject_id: int, account_id: int, clause: Clause, *, appealed_verdict_id: int | None = None,
    barred_ids: tuple[int, ...] = (), is_confirmed: bool = True,
) -> Case:
    """Returns the open case of a subject, and creates it if there is none. Concurrent callers get the same case.

    `is_confirmed` False: for an unverified notice. Any other cause confirms the case, and it stays confirmed. Raises NotFound
    for a subject that was deleted and is not kept: nobody could decide about it. Writes case.opened or case.confirmed to the
    journal.
    """
    found = await _find_open(tx, subject, subject_id, appealed_verdict_id)  # locked before its subject, as in a decision
    if not await queries.can_be_decided(tx, subject, subject_id):
        raise NotFound
    if found:
        return await _confirm(tx, found) if is_confirmed else found
    now, time = clock.now(), timedelta(hours=clause.hours)
    case = Case(
        id=ids.make_id(ids.shard_of(account_id), now), subject=subject, subject_id=subject_id, account_id=account_id,
        state=LIFECYCLE.first, clause=clause.key, severity=clause.severity, probability=0.0, harm=0.0,
        appealed_verdict_id=appealed_verdict_id, barred_ids=barred_ids, opened_at=now,
        due_at=now + (min(time, APPEAL_LASTS) if appealed_verdict_id else time),
        closed_at=None, is_confirmed=is_confirmed,
    )
    if not await queries.insert_case(tx, case):
        found = await _find_open(tx, subject, subject_id, appealed_verdict_id)
        if found is None:
            raise Conflict(log_text="a case was opened and closed in the same moment")
        return await _confirm(tx, found) if is_confirmed else found
    await record_step(tx, Step.CASE_OPENED, case_id=case.id, subject=subject, subject_id=subject_id, clause=clause.key,
                      appealed_verdict=appealed_verdict_id, confirmed=None if is_confirmed else False)
    return case


async def estimate_case(
    tx: WriteTx, case: Case, clause: Clause, probability: float, barred_ids: tuple[int, ...] = ()
) -> Case:
    """Stores the current suspicion. The gravest clause named so far stays suspected; a deadline never moves to a later time."""
    followers, boosts = await queries.get_reach(tx, case.subject, case.subject_id, case.account_id)
    suspected = clause if clause.severity >= case.severity else clause_of(case.clause)
    estimated = msgspec.structs.replace(
        case, clause=suspected.key, severity=suspected.severity, probability=probability,
        harm=suspected.severity * probability * reach_of(followers, boosts),
        barred_ids=tuple(dict.fromkeys([*case.barred_ids, *barred_ids])),
        due_at=min(case.due_at, case.opened_at + timedelta(hours=suspected.hours)),
    )
    await queries.update_estimate(tx, estimated)
    return estimated


async def bring_deadline_forward(tx: WriteTx, case: Case, due_at: datetime, *, is_demanded: bool, is_ordered: bool = False) -> Case:
    """Moves the deadline of an open case to an earlier time, such as that of a removal order; a later time changes nothing.
    `is_demanded`: a verified contact demands it, which puts the case into the lane of demands, whatever its deadline was; `is_ordered`:
    this contact is an authority.

    Writes case.deadline_moved to the journal.
    """
    if is_demanded:
        await queries.update_demanded(tx, case.id, is_ordered=is_ordered)
    if await queries.update_due_at(tx, case.id, due_at):
        await record_step(tx, Step.CASE_DEADLINE_MOVED, case_id=case.id, due_at=due_at.isoformat(timespec="seconds"))
    return await queries.get_case(tx, case.id)


async def claim_case(tx: WriteTx, moderator: Viewer, case_id: int, lease: timedelta = LEASE) -> Case:
    """Takes the moderator's seat of an open case for ten minutes, or renews the lease of its holder. A shorter `lease` shortens none.

    Moderators. Writes case.claimed to the journal when the holder changes. Raises Concerned for a barred moderator,
    Conflict while another moderator holds the seat or when the case is not open.
    """
    require_moderator(moderator)
    case = await queries.lock_case(tx, case_id)
    if await queries.is_concerned(tx, moderator.id, case_id):
        raise Concerned
    if case.state is not State.OPEN:
        raise Conflict("This case has been decided already, so nothing is left to do. Thank you for looking at it.")
    now = clock.now()
    own = case.seat_of(moderator.id, now)
    if own is None and case.is_held(now):
        raise Conflict("Somebody else is deciding this case.")

    until = max(now + lease, own.leased_until) if own else now + lease
    await queries.upsert_seat(tx, case_id, Seat(SeatKind.MODERATOR, 1, moderator.id, _next_held(case.moderator_seat), until))
    if own is None:
        await record_step(tx, Step.CASE_CLAIMED, case_id=case_id, actor_id=moderator.id)
    return await queries.get_case(tx, case_id)


async def release_case(tx: WriteTx, moderator: Viewer, case_id: int) -> None:
    """Releases the moderator's own seat; does nothing without one. Writes case.released to the journal."""
    require_moderator(moderator)
    case = await queries.lock_case(tx, case_id)
    seat = case.seat_of(moderator.id, clock.now())
    if seat:
        await _step_seat(tx, case, seat, SeatState.FREE)
        await record_step(tx, Step.CASE_RELEASED, case_id=case_id, actor_id=moderator.id)


async def mark_decided(tx: WriteTx, case: Case, *seats: Seat) -> None:
    """Marks the case and these seats as decided. Raises Conflict for a case that is not open."""
    await queries.update_state(tx, case.id, LIFECYCLE.step(case.state, State.DECIDED), clock.now())
    for seat in seats:
        await _step_seat(tx, case, seat, SeatState.DECIDED)


async def reopen_case(tx: WriteTx, case: Case) -> None:
    """Opens a case again after its verdict was undone. Raises Conflict for a case that is not decided."""
    await queries.update_state(tx, case.id, LIFECYCLE.step(case.state, State.OPEN), None)
    for seat in case.seats:
        if seat.state is SeatState.DECIDED:
            await _step_seat(tx, case, seat, SeatState.FREE)


async def withdraw_cases(tx: WriteTx, cases: Sequence[Case]) -> None:
    """Closes open cases, whose rows are locked, because there is nothing left to decide. Emits case.withdrawn, and writes it to
    the journal."""
    for case in cases:
        await queries.update_state(tx, case.id, LIFECYCLE.step(case.state, State.WITHDRAWN), clock.now())
        await record_step(tx, Step.CASE_WITHDRAWN, case_id=case.id)
        tx.tell(CaseWithdrawn(case_id=case.id, subject=case.subject, subject_id=case.subject_id, account_id=case.account_id))


async def note_deadlines(tx: WriteTx) -> int:
    """Notes open cases that have used 50, 80 or 100 percent of their time; returns the number of notes.

    Each share is noted once, because the noted share only grows: a clock that is set back repeats no note, and one that jumps
    ahead causes early notes but skips none. Emits case.deadline_neared, and writes it to the journal.
    """
    taken = await queries.take_deadlines(tx, clock.now())
    await record_steps(tx, Step.CASE_DEADLINE_NEARED, [(case_id, {"share": int(share)}) for case_id, share, _ in taken])
    tx.tell(*(CaseDeadlineNeared(case_id=case_id, share=share, due_at=due_at) for case_id, share, due_at in taken))
    return len(taken)


async def _confirm(tx: WriteTx, case: Case) -> Case:
    if case.is_confirmed:
        return case
    await queries.update_confirmed(tx, case.id)
    await record_step(tx, Step.CASE_CONFIRMED, case_id=case.id)
    return msgspec.structs.replace(case, is_confirmed=True)


async def _step_seat(tx: WriteTx, case: Case, seat: Seat, state: SeatState) -> None:
    await queries.upsert_seat(tx, case.id, msgspec.structs.replace(seat, state=SEAT_LIFECYCLE.step(seat.state, state)))


def _next_held(before: Seat | None) -> SeatState:
    """The state of a seat that is claimed or renewed. A lease that is renewed or has expired is freed first."""
    state = before.state if before else SEAT_LIFECYCLE.first
    if state is SeatState.HELD:
        state = SEAT_LIFECYCLE.step(state, SeatState.FREE)
    return SEAT_LIFECYCLE.step(state, SeatState.HELD)


async def _find_open(tx: WriteTx, subject: Subject, subject_id: int, appealed_verdict_id: int | None) -> Case | None:
    if appealed_verdict_id:
        return await queries.find_appeal_case(tx, appealed_verdict_id)
    return await queries.find_open_case(tx, subject, subject_id)
