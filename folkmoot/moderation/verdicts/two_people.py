"""Decisions that no person takes alone: to repeat a verdict about more than fifty posts, to delete an account, and to hold what a case
is about.

One moderator proposes, another answers within a day (`proposals`). Until then the account is suspended, as the verdict says, and what
is to be held is kept.
"""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Invalid
from folkmoot.moderation.cases.queries import get_case, lock_case
from folkmoot.moderation.clauses.published import find_clause
from folkmoot.moderation.evidence.actions import keep_held, mark_outliving
from folkmoot.moderation.holds.actions import expire_holds, place_hold, release_hold
from folkmoot.moderation.holds.model import MOST_DAYS, Ground, Hold
from folkmoot.moderation.proposals.actions import close_proposal, expire_proposals, propose
from folkmoot.moderation.proposals.model import Kind, Proposal, State
from folkmoot.moderation.proposals.queries import get_proposal
from folkmoot.moderation.restrictions.actions import impose_restriction
from folkmoot.moderation.restrictions.model import Kind as Measure
from folkmoot.moderation.restrictions.queries import list_of_verdict
from folkmoot.moderation.statements.actions import tell_statement
from folkmoot.moderation.verdicts import queries
from folkmoot.moderation.verdicts.model import Repeat, Verdict
from folkmoot.network.sessions.model import Viewer

REPEAT = "verdicts.repeat"  # job


async def propose_deletion(tx: WriteTx, moderator: Viewer, verdict_id: int, reason: str) -> Proposal:
    """Proposes that the account which a verdict has suspended is deleted. It stays suspended and can be restored until the verdict can
    no longer be appealed; the time to appeal begins anew with the agreement.

    Moderators. Raises NotFound, Invalid, Concerned, Conflict when the verdict does not stand, suspends nobody, or was appealed against.
    """
    verdict = await queries.lock_verdict(tx, verdict_id)
    await _require_suspending(tx, verdict)
    case = await get_case(tx, verdict.case_id)
    return await propose(tx, moderator, Kind.DELETE_ACCOUNT, case, verdict_id=verdict.id, reason=reason)


async def propose_hold(tx: WriteTx, moderator: Viewer, case_id: int, reason: str, days: int) -> Proposal:
    """Proposes a hold on what a case is about. Copies are taken at once, and kept while somebody may still agree.

    Moderators. Raises NotFound, Invalid, Concerned, Conflict.
    """
    case = await lock_case(tx, case_id)
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(FieldError("days", "inclusion", "Please choose between 1 and %(limit)d days.", {"limit": MOST_DAYS}))
    until = clock.now() + timedelta(days=days)
    made = await propose(tx, moderator, Kind.HOLD, case, reason=reason, until=until)
    await keep_held(tx, case)
    return made


async def answer_proposal(tx: WriteTx, moderator: Viewer, proposal_id: int, *, agrees: bool) -> Proposal:
    """Agrees to what another moderator has proposed, which then takes effect, or refuses it. See `close_proposal` for errors."""
    if agrees:  # locked in the order of a decision: the verdict first
        await _require_possible(tx, await get_proposal(tx, proposal_id))
    closed = await close_proposal(tx, moderator, proposal_id, agrees=agrees)
    if closed.state is State.AGREED:
        await _apply(tx, moderator, closed)
    elif closed.kind is Kind.HOLD:
        await mark_outliving(tx, await get_case(tx, closed.case_id))
    return closed


async def end_hold(tx: WriteTx, moderator: Viewer, hold_id: int, reason: str) -> Hold:
    """Releases a hold: see `release_hold`. What nothing else keeps is deleted by the next cleaning."""
    ended = await release_hold(tx, moderator, hold_id, reason)
    await mark_outliving(tx, await get_case(tx, ended.case_id))
    return ended


async def expire(tx: WriteTx) -> int:
    """Ends proposals and holds whose time is over. Returns how many."""
    proposals, holds = await expire_proposals(tx), await expire_holds(tx)
    case_ids = [one.case_id for one in proposals if one.kind is Kind.HOLD] + [one.case_id for one in holds]
    for case_id in dict.fromkeys(case_ids):
        await mark_outliving(tx, await get_case(tx, case_id))
    return len(proposals) + len(holds)


async def _require_possible(tx: WriteTx, proposal: Proposal) -> None:
    if proposal.verdict_id is None:
        return
    verdict = await queries.lock_verdict(tx, proposal.verdict_id)
    if proposal.kind is Kind.DELETE_ACCOUNT:
        await _require_suspending(tx, verdict)
    else:
        _require_standing(verdict)


async def _apply(tx: WriteTx, moderator: Viewer, agreed: Proposal) -> None:
    if agreed.kind is Kind.REPEAT and agreed.verdict_id:
        tx.enqueue(REPEAT, Repeat(agreed.verdict_id))
    elif agreed.kind is Kind.DELETE_ACCOUNT and agreed.verdict_id:
        await _delete_account(tx, await queries.get_verdict(tx, agreed.verdict_id), agreed)
    elif agreed.kind is Kind.HOLD and agreed.until:
        case = await lock_case(tx, agreed.case_id)
        await place_hold(tx, case, Ground.PEOPLE, until=agreed.until, reason=agreed.reason, proposal_id=agreed.id, by_id=moderator.id)
        await mark_outliving(tx, case)


async def _delete_account(tx: WriteTx, verdict: Verdict, agreed: Proposal) -> None:
    """Imposes the deletion. The member is notified at once or, while the verdict can still be undone, together with it. `appeals`
    deletes the account when nobody can appeal any more."""
    case = await lock_case(tx, verdict.case_id)
    clause = find_clause(verdict.clause, verdict.policy)
    statement = await impose_restriction(tx, case, Measure.DELETE, clause, verdict_id=verdict.id, explanation=agreed.reason)
    if verdict.settled_at:
        await queries.update_settled(tx, verdict.id, clock.now())
        await tell_statement(tx, statement)


async def _require_suspending(tx: WriteTx, verdict: Verdict) -> None:
    _require_standing(verdict)
    kinds = {one.kind for one in await list_of_verdict(tx, verdict.id) if one.lifted_at is None}
    if Measure.DELETE in kinds:
        raise Conflict("Somebody else has answered this already.")
    if Measure.SUSPEND not in kinds:
        raise Conflict("This decision has not suspended the account.")
    if await queries.was_appealed(tx, verdict.id):
        raise Conflict("Somebody has appealed against this decision. Only a new one can delete the account.")


def _require_standing(verdict: Verdict) -> None:
    if verdict.undone_at or verdict.overturned_by_id:
        raise Conflict("This decision does not stand any more.")
