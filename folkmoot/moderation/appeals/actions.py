"""Lodges an appeal, and closes it with its outcome."""

from collections.abc import Sequence

import msgspec

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Forbidden, Invalid, NotFound
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.appeals import queries
from folkmoot.moderation.appeals.model import LIFECYCLE, LONGEST_REASON, Appeal, AppealClosed, Side, State
from folkmoot.moderation.appeals.policy import can_appeal, can_object
from folkmoot.moderation.cases.actions import estimate_case, open_case
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries import can_be_decided, find_appeal_case, get_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.evidence.actions import copy_for_appeal
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices.actions import list_sender_ids
from folkmoot.moderation.notices.model import Notice
from folkmoot.moderation.notices.queries import list_outcomes
from folkmoot.moderation.verdicts.model import Action, Verdict
from folkmoot.moderation.verdicts.queries import get_first_case_id, get_verdict, list_verdicts_on_appeal, lock_verdict
from folkmoot.network.accounts.model import Account
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind

_PROBABILITY = 0.5  # of a breach: an appeal has to find out


async def lodge_appeal(tx: WriteTx, appellant: Account, verdict_id: int, reason: str = "") -> Appeal:
    """Appeals against a verdict; others than its deciders hear the appeal, a jury or a moderator.

    For the author of the restricted subject, also while suspended, and for its reporters; once each. All appeals against a
    verdict are heard in one case. Writes appeal.lodged to the journal. Raises NotFound for accounts that are not concerned,
    Forbidden when an appeal is not or no longer possible, Invalid, Conflict for a second appeal.
    """
    reason = _checked(reason)
    verdict = await get_verdict(tx, verdict_id)
    first = await get_case(tx, verdict.case_id)
    side = Side.AUTHOR if first.account_id == appellant.id else Side.REPORTER
    if side is Side.REPORTER and not await queries.has_reported(tx, appellant.id, await get_first_case_id(tx, first.id)):
        raise NotFound
    appeal = Appeal(
        id=ids.make_id(ids.shard_of(appellant.id)), verdict_id=verdict.id, case_id=0, appellant_id=appellant.id, side=side,
        reason=reason, state=LIFECYCLE.first, lodged_at=clock.now(),
    )
    return await _lodge(tx, appeal, verdict, first, (appellant.id,))


async def lodge_objection(tx: WriteTx, notice: Notice, verdict_id: int, reason: str = "") -> Appeal:
    """Appeals against a verdict for the sender of a notice, who needs no account (DSA Art. 20(1)); heard like every appeal.

    For whoever has the receipt of the notice, once the address is confirmed. Writes appeal.lodged to the journal. Raises NotFound
    for a verdict about something else, Forbidden when an appeal is not or no longer possible, Invalid, Conflict for a second one.
    """
    reason = _checked(reason)
    if not can_object(notice):
        raise Forbidden("Please confirm your address first. The link is in the mail that we sent you.")
    if verdict_id not in {outcome.verdict_id for outcome in await list_outcomes(tx, notice.id)}:
        raise NotFound
    verdict = await get_verdict(tx, verdict_id)
    appeal = Appeal(
        id=ids.make_id(ids.draw_shard()), verdict_id=verdict.id, case_id=0, appellant_id=None, side=Side.NOTIFIER, reason=reason,
        state=LIFECYCLE.first, lodged_at=clock.now(), notice_id=notice.id,
    )
    return await _lodge(tx, appeal, verdict, await get_case(tx, verdict.case_id), await list_sender_ids(tx, notice))


async def _lodge(tx: WriteTx, appeal: Appeal, verdict: Verdict, first: Case, appellant_ids: Sequence[int]) -> Appeal:
    """Stores an appeal in the case in which all appeals against the verdict are heard. `appellant_ids`: who may not decide it."""
    await find_appeal_case(tx, verdict.id)  # locked before the verdict and its subject, as in a decision
    verdict = await lock_verdict(tx, verdict.id)  # the team may reverse it at this moment
    if not can_appeal(appeal.side, verdict, clock.now()):
        raise Forbidden("This decision can no longer be appealed.")
    if not await can_be_decided(tx, first.subject, first.subject_id):
        raise Forbidden("What this was about is gone. There is nothing left to decide.")

    clause = clause_of(verdict.clause)
    decided = [one.decider.account_id for one in (verdict, *await list_verdicts_on_appeal(tx, verdict.id))]
    barred = tuple(dict.fromkeys([*first.barred_ids, *appellant_ids, *filter(None, decided)]))
    case = await open_case(
        tx, first.subject, first.subject_id, first.account_id, clause, appealed_verdict_id=verdict.id, barred_ids=barred
    )
    await estimate_case(tx, case, clause, _PROBABILITY, barred)
    await copy_for_appeal(tx, first, case)
    appeal = msgspec.structs.replace(appeal, case_id=case.id)
    if not await queries.insert_appeal(tx, appeal):
        raise Conflict("You have already appealed against this.")
    await record_step(tx, Step.APPEAL_LODGED, case_id=case.id, actor_id=appeal.appellant_id, appeal=appeal.id, against=verdict.id,
                      side=appeal.side)
    return appeal


async def close_appeals(tx: WriteTx, case_id: int, second: Verdict | None) -> None:
    """Closes the appeals of a case with its verdict, or (None) because its subject was deleted, and notifies the appellants who
    have an account.

    Writes appeal.closed to the journal and emits it. A second call does nothing.
    """
    for appeal in await queries.list_appeals_of_case(tx, case_id):
        if appeal.state is not State.LODGED:
            continue
        found = _outcome(await get_verdict(tx, appeal.verdict_id), second)
        await queries.update_state(tx, appeal.id, LIFECYCLE.step(appeal.state, found), clock.now())
        await record_step(tx, Step.APPEAL_CLOSED, case_id=case_id, appeal=appeal.id, found=found)
        if appeal.appellant_id is not None:
            await tell_from_network(tx, appeal.appellant_id, Kind.APPEAL, appeal.id)
        tx.tell(AppealClosed(appeal_id=appeal.id, case_id=case_id))


def _checked(reason: str) -> str:
    reason = clean(reason)
    if count_characters(reason) > LONGEST_REASON:
        raise Invalid(FieldError("reason", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_REASON}))
    return reason


def _outcome(first: Verdict, second: Verdict | None) -> State:
    if second is None:
        return State.WITHDRAWN
    if first.is_confirmed_by(second):
        return State.UPHELD
    return State.OVERTURNED if Action.KEEP in (first.action, second.action) else State.CHANGED
