"""Lodging an appeal, and closing it with what was found."""

import itertools

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from folkmoot.base.text import clean
from folkmoot.moderation.appeals import queries
from folkmoot.moderation.appeals.model import LIFECYCLE, LONGEST_REASON, Appeal, Side, State
from folkmoot.moderation.appeals.policy import can_appeal
from folkmoot.moderation.cases.actions import open_case, weigh_case
from folkmoot.moderation.cases.queries import get_case, keep_subject
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.journal.actions import note
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.verdicts.model import Action, Verdict
from folkmoot.moderation.verdicts.queries import get_first_case_id, get_verdict, list_on_appeal, list_people
from folkmoot.network.accounts.model import Account
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind

_EVEN = 0.5  # how likely a second look finds a breach: that is what it is for


async def lodge_appeal(tx: WriteTx, appellant: Account, verdict_id: int, reason: str = "") -> Appeal:
    """Asks for a second look at a verdict, by somebody else than who reached it.

    The author of what was restricted, also while suspended, or somebody who reported it; once each. All appeals
    against a verdict are heard in one case. Writes appeal.lodged to the journal. Raises NotFound for somebody else's
    matter, Forbidden when it cannot be appealed (any more), Invalid.
    """
    reason = clean(reason)
    if len(reason) > LONGEST_REASON:
        raise Invalid(FieldError("reason", "too_long", "This text has at most %(limit)d characters.", {"limit": LONGEST_REASON}))
    verdict = await get_verdict(tx, verdict_id)
    first = await get_case(tx, verdict.case_id)
    side = Side.AUTHOR if first.account_id == appellant.id else Side.REPORTER
    if side is Side.REPORTER and not await queries.has_reported(tx, appellant.id, await get_first_case_id(tx, first.id)):
        raise NotFound
    if not can_appeal(side, verdict, clock.now()):
        raise Forbidden("This decision cannot be appealed against any more.")
    if not await keep_subject(tx, first.subject, first.subject_id):
        raise Forbidden("What this was about is gone. There is nothing left to decide.")

    clause = current().clause(verdict.clause)
    decided = [await list_people(tx, one) for one in (verdict, *await list_on_appeal(tx, verdict.id))]
    barred = tuple(dict.fromkeys([*first.barred_ids, appellant.id, *itertools.chain(*decided)]))
    case = await open_case(
        tx, first.subject, first.subject_id, first.account_id, clause, appealed_verdict_id=verdict.id, barred_ids=barred
    )
    await weigh_case(tx, case, clause, _EVEN, barred)
    appeal = Appeal(
        id=ids.make_id(ids.shard_of(appellant.id)), verdict_id=verdict.id, case_id=case.id, appellant_id=appellant.id, side=side,
        reason=reason, state=LIFECYCLE.first, lodged_at=clock.now(),
    )
    if not await queries.insert_appeal(tx, appeal):
        raise Conflict("You have appealed against this already.")
    await note(tx, Step.APPEAL_LODGED, case_id=case.id, actor_id=appellant.id, appeal=appeal.id, against=verdict.id, side=side)
    return appeal


async def close_appeals(tx: WriteTx, case_id: int, second: Verdict | None) -> None:
    """Closes what was heard in a case with its verdict, or (None) because its subject is gone, and tells the appellants.

    Writes appeal.closed to the journal. A second time does nothing.
    """
    for appeal in await queries.list_appeals_of_case(tx, case_id):
        if appeal.state is not State.LODGED:
            continue
        found = _found(await get_verdict(tx, appeal.verdict_id), second)
        await queries.update_state(tx, appeal.id, LIFECYCLE.step(appeal.state, found), clock.now())
        await note(tx, Step.APPEAL_CLOSED, case_id=case_id, appeal=appeal.id, found=found)
        await tell_from_network(tx, appeal.appellant_id, Kind.APPEAL, appeal.id)


def _found(first: Verdict, second: Verdict | None) -> State:
    if second is None:
        return State.WITHDRAWN
    if first.says_the_same(second):
        return State.UPHELD
    return State.OVERTURNED if Action.KEEP in (first.action, second.action) else State.CHANGED
