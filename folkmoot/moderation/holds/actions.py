"""Places legal holds and ends them. `verdicts/two_people.py` proposes them; `evidence` and `appeals` ask what is held."""

from datetime import datetime

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.holds import queries
from folkmoot.moderation.holds.model import LIFECYCLE, Ground, Hold, State
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.proposals.actions import checked_reason
from folkmoot.network.sessions.model import Viewer

_MOST_EXPIRED = 100  # in one transaction


async def place_hold(
    tx: WriteTx, case: Case, ground: Ground, *, until: datetime, reason: str = "", proposal_id: int | None = None, by_id: int | None = None
) -> Hold:
    """Keeps what a case is about. The callers see to the two people. Writes hold.placed to the journal."""
    now = clock.now()
    hold = Hold(
        id=ids.make_id(ids.shard_of(case.account_id), now), case_id=case.id, ground=ground, reason=reason, state=LIFECYCLE.first,
        placed_at=now, until=until, proposal_id=proposal_id,
    )
    await queries.insert_hold(tx, hold)
    await record_step(tx, Step.HOLD_PLACED, case_id=case.id, actor_id=by_id, hold=hold.id, ground=ground, proposal=proposal_id,
                      until=until.isoformat(timespec="seconds"))
    return hold


async def release_hold(tx: WriteTx, moderator: Viewer, hold_id: int, reason: str) -> Hold:
    """Ends a hold before its time. One person is enough, because keeping less needs no second one.

    Moderators. Writes hold.ended to the journal. Raises NotFound, Invalid without a reason, Conflict for a hold that has ended.
    """
    require_moderator(moderator)
    hold = await queries.lock_hold(tx, hold_id)
    text = checked_reason(reason)
    if hold.state is not State.IN_FORCE:
        raise Conflict("This hold has ended already.")
    await _end(tx, hold, State.RELEASED, moderator.id, text)
    return await queries.get_hold(tx, hold_id)


async def expire_holds(tx: WriteTx) -> list[Hold]:
    """Ends holds whose time is over, at most a hundred. Writes hold.ended to the journal."""
    found = await queries.lock_expired(tx, clock.now(), _MOST_EXPIRED)
    for hold in found:
        await _end(tx, hold, State.EXPIRED, None, "")
    return found


async def _end(tx: WriteTx, hold: Hold, state: State, by_id: int | None, reason: str) -> None:
    await queries.update_ended(tx, hold.id, LIFECYCLE.step(hold.state, state), clock.now(), by_id, reason)
    await record_step(tx, Step.HOLD_ENDED, case_id=hold.case_id, actor_id=by_id, hold=hold.id, state=state)
