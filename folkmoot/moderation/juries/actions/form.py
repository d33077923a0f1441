"""Forms juries for open cases, or leaves the cases to moderators and says why."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.queries import lock_free_cases
from folkmoot.moderation.journal.actions import record_steps
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions.bench import seat
from folkmoot.moderation.juries.actions.pool import Pool
from folkmoot.moderation.juries.model import Jury, Reason, State
from folkmoot.moderation.juries.policy import find_reason
from folkmoot.moderation.jury.model import FIRST_SEATS, FIRST_SEATS_IF_AGREED
from folkmoot.moderation.jury.positions import Positions


class Formed(Enum):
    SITTING = "a jury was drawn"
    PASSED = "moderators decide"
    WAITS = "the jurors who could be asked have enough to do today"
    SKIPPED = "somebody else has the case, or it is closed"


async def form_jury(tx: WriteTx, pool: Pool, case_id: int, now: datetime) -> Formed:
    """Draws the first jurors of a case that has no jury.

    Writes jury.drawn or jury.passed to the journal. A second call changes nothing.
    """
    if not await lock_free_cases(tx, [case_id]) or await queries.find_jury(tx, case_id):
        return Formed.SKIPPED
    docket = await queries.find_docket(tx, case_id)
    if docket is None:
        return Formed.SKIPPED
    reason = find_reason(docket, now)
    if reason:
        await pass_cases(tx, [case_id], reason, now)
        return Formed.PASSED
    wanted = FIRST_SEATS_IF_AGREED if docket.is_agreed else FIRST_SEATS
    drawn = await pool.draw(tx, docket, (), wanted, now)
    if drawn.is_busy:
        return Formed.WAITS
    if drawn.missing:
        await pass_cases(tx, [case_id], Reason.FEW_FOR_CASE, now)
        return Formed.PASSED
    places = {} if docket.place is None else {docket.account_id: docket.place}
    await queries.insert_jury(tx, Jury(
        case_id=case_id, state=State.SITTING, side=Positions(places).side(docket.account_id), is_agreed=docket.is_agreed, wanted=wanted,
        formed_at=now,
    ))
    await seat(tx, pool, docket, (), drawn, now)
    return Formed.SITTING


async def pass_cases(tx: WriteTx, case_ids: Sequence[int], reason: Reason, now: datetime) -> None:
    """Leaves cases without a jury to moderators. Writes jury.passed to the journal."""
    passed = await queries.insert_passed(tx, case_ids, reason, now)
    await record_steps(tx, Step.JURY_PASSED, [(case_id, {"reason": reason}) for case_id in passed])
