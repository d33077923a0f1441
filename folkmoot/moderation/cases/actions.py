"""What happens to a case before it is decided: opened, joined, claimed, released, withdrawn."""

from datetime import timedelta

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, Forbidden, NotFound
from folkmoot.moderation.cases import queries
from folkmoot.moderation.cases.model import (
    LEASE,
    LIFECYCLE,
    Case,
    CaseWithdrawn,
    State,
    Subject,
    reach_of,
)
from folkmoot.moderation.cases.policy import can_decide, require_moderator
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.journal.actions import note
from folkmoot.moderation.journal.model import Step
from folkmoot.network.sessions.model import Viewer


async def open_case(
    tx: WriteTx, subject: Subject, subject_id: int, account_id: int, clause: Clause, *, appealed_verdict_id: int | None = None,
    barred_ids: tuple[int, ...] = (),
) -> Case:
    """The open case of a subject, made if there is none. Two who open one at once get the same. Raises NotFound for a
    post that is gone: nobody could ever decide about it."""
    if not await queries.keep_subject(tx, subject, subject_id):
        raise NotFound
    found = await _find(tx, subject, subject_id, appealed_verdict_id)
    if found:
        return found
    now = clock.now()
    case = Case(
        id=ids.make_id(ids.shard_of(account_id), now), subject=subject, subject_id=subject_id, account_id=account_id, state=State.OPEN,
        clause=clause.key, severity=clause.severity, probability=0.0, harm=0.0, appealed_verdict_id=appealed_verdict_id,
        barred_ids=barred_ids, holder_id=None, held_until=None, opened_at=now, due_at=now + timedelta(hours=clause.hours), closed_at=None,
    )
    if not await queries.insert_case(tx, case):
        found = await _find(tx, subject, subject_id, appealed_verdict_id)
        if found is None:
            raise Conflict(log_text="a case was opened and closed in the same moment")
        return found
    await note(tx, Step.CASE_OPENED, case_id=case.id, subject=subject, subject_id=subject_id, clause=clause.key,
               appealed_verdict=appealed_verdict_id)
    return case


async def weigh_case(
    tx: WriteTx, case: Case, clause: Clause, probability: float, barred_ids: tuple[int, ...] = ()
) -> Case:
    """Notes what is suspected now. The gravest clause that anybody named stays suspected; a deadline only comes nearer."""
    followers, boosts = await queries.get_reach(tx, case.subject, case.subject_id, case.account_id)
    suspected = clause if clause.severity >= case.severity else current().clause(case.clause)
    weighed = msgspec.structs.replace(
        case, clause=suspected.key, severity=suspected.severity, probability=probability,
        harm=suspected.severity * probability * reach_of(followers, boosts),
        barred_ids=tuple(dict.fromkeys([*case.barred_ids, *barred_ids])),
        due_at=min(case.due_at, case.opened_at + timedelta(hours=suspected.hours)),
    )
    await queries.update_estimate(tx, weighed)
    return weighed


async def claim_case(tx: WriteTx, moderator: Viewer, case_id: int) -> Case:
    """Claims an open case for ten minutes, or renews one's claim.

    Moderators. Writes case.claimed to the journal when the case changes hands. Raises Forbidden for one who may not
    decide it, Conflict while somebody else holds it or when it is not open.
    """
    require_moderator(moderator)
    before = await queries.get_case(tx, case_id)
    if not can_decide(moderator.id, before):
        raise Forbidden("You are part of this matter. Somebody else will decide it.")
    now = clock.now()
    if not await queries.claim_case(tx, case_id, moderator.id, now, now + LEASE):
        if before.state is State.OPEN:
            raise Conflict("Somebody else is deciding this case.")
        raise Conflict("This case has been decided.")
    if not before.is_held_by(moderator.id, now):
        await note(tx, Step.CASE_CLAIMED, case_id=case_id, actor_id=moderator.id)
    return await queries.get_case(tx, case_id)


async def release_case(tx: WriteTx, moderator: Viewer, case_id: int) -> None:
    """Gives a claim back. Without one, nothing changes."""
    require_moderator(moderator)
    if await queries.release_case(tx, case_id, moderator.id):
        await note(tx, Step.CASE_RELEASED, case_id=case_id, actor_id=moderator.id)


async def close_case(tx: WriteTx, case: Case, state: State) -> None:
    """Takes a step of the lifecycle. Raises Conflict for one that is not allowed."""
    after = LIFECYCLE.step(case.state, state)
    await queries.update_state(tx, case.id, after, None if after is State.OPEN else clock.now())


async def withdraw_cases(tx: WriteTx, post_id: int) -> None:
    """Closes what is open about a post that its author deleted. Tells case.withdrawn."""
    for case in await queries.list_open_cases_of_post(tx, post_id):
        await close_case(tx, case, State.WITHDRAWN)
        await note(tx, Step.CASE_WITHDRAWN, case_id=case.id)
        tx.tell(CaseWithdrawn(case_id=case.id))


async def _find(tx: WriteTx, subject: Subject, subject_id: int, appealed_verdict_id: int | None) -> Case | None:
    if appealed_verdict_id:
        return await queries.find_appeal_case(tx, appealed_verdict_id)
    return await queries.find_open_case(tx, subject, subject_id)
