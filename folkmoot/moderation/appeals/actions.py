"""Lodges an appeal, and closes it with its outcome."""

import itertools

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Forbidden, Invalid, NotFound
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.appeals import queries
from folkmoot.moderation.appeals.model import LIFECYCLE, LONGEST_REASON, Appeal, Side, State
from folkmoot.moderation.appeals.policy import can_appeal
from folkmoot.moderation.cases.actions import estimate_case, open_case
from folkmoot.moderation.cases.queries import can_be_decided, find_appeal_case, get_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.evidence.actions import copy_for_appeal
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.verdicts.model import Action, Verdict
from folkmoot.moderation.verdicts.queries import get_first_case_id, get_verdict, list_verdict_deciders, list_verdicts_on_appeal
from folkmoot.network.accounts.model import Account
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind

_PROBABILITY = 0.5  # of a breach: an appeal has to find out


async def lodge_appeal(tx: WriteTx, appellant: Account, verdict_id: int, reason: str = "") -> Appeal:
    """Appeals against a verdict; other moderators than its deciders hear the appeal.

    For the author of the restricted subject, also while suspended, and for its reporters; once each. All appeals against a
    verdict are heard in one case. Writes appeal.lodged to the journal. Raises NotFound for accounts that are not concerned,
    Forbidden when an appeal is not or no longer possible, Invalid, Conflict for a second appeal.
    """
    reason = clean(reason)
    if count_characters(reason) > LONGEST_REASON:
        raise Invalid(FieldError("reason", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_REASON}))
    verdict = await get_verdict(tx, verdict_id)
    first = await get_case(tx, verdict.case_id)
    side = Side.AUTHOR if first.account_id == appellant.id else Side.REPORTER
    if side is Side.REPORTER and not await queries.has_reported(tx, appellant.id, await get_first_case_id(tx, first.id)):
        raise NotFound
    if not can_appeal(side, verdict, clock.now()):
        raise Forbidden("This decision can no longer be appealed.")
    await find_appeal_case(tx, verdict.id)  # locked before its subject, as in a decision
    if not await can_be_decided(tx, first.subject, first.subject_id):
        raise Forbidden("What this was about is gone. There is nothing left to decide.")

    clause = clause_of(verdict.clause)
    decided = [await list_verdict_deciders(tx, one) for one in (verdict, *await list_verdicts_on_appeal(tx, verdict.id))]
    barred = tuple(dict.fromkeys([*first.barred_ids, appellant.id, *itertools.chain(*decided)]))
    case = await open_case(
        tx, first.subject, first.subject_id, first.account_id, clause, appealed_verdict_id=verdict.id, barred_ids=barred
    )
    await estimate_case(tx, case, clause, _PROBABILITY, barred)
    await copy_for_appeal(tx, first, case)
    appeal = Appeal(
        id=ids.make_id(ids.shard_of(appellant.id)), verdict_id=verdict.id, case_id=case.id, appellant_id=appellant.id, side=side,
        reason=reason, state=LIFECYCLE.first, lodged_at=clock.now(),
    )
    if not await queries.insert_appeal(tx, appeal):
        raise Conflict("You have already appealed against this.")
    await record_step(tx, Step.APPEAL_LODGED, case_id=case.id, actor_id=appellant.id, appeal=appeal.id, against=verdict.id, side=side)
    return appeal


async def close_appeals(tx: WriteTx, case_id: int, second: Verdict | None) -> None:
    """Closes the appeals of a case with its verdict, or (None) because its subject was deleted, and notifies the appellants.

    Writes appeal.closed to the journal. A second call does nothing.
    """
    for appeal in await queries.list_appeals_of_case(tx, case_id):
        if appeal.state is not State.LODGED:
            continue
        found = _outcome(await get_verdict(tx, appeal.verdict_id), second)
        await queries.update_state(tx, appeal.id, LIFECYCLE.step(appeal.state, found), clock.now())
        await record_step(tx, Step.APPEAL_CLOSED, case_id=case_id, appeal=appeal.id, found=found)
        await tell_from_network(tx, appeal.appellant_id, Kind.APPEAL, appeal.id)


def _outcome(first: Verdict, second: Verdict | None) -> State:
    if second is None:
        return State.WITHDRAWN
    if first.is_confirmed_by(second):
        return State.UPHELD
    return State.OVERTURNED if Action.KEEP in (first.action, second.action) else State.CHANGED
