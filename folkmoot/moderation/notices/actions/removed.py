"""Notices about posts that were removed before: they join the case of the removal and are answered at once, because there is nothing
left to decide. What an authority wants removed is kept (decision 0100)."""

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.actions import withdraw_cases
from folkmoot.moderation.cases.model import Case, State, Subject
from folkmoot.moderation.cases.queries import lock_case, protect_subject
from folkmoot.moderation.evidence.actions import keep_held
from folkmoot.moderation.holds.actions import place_hold
from folkmoot.moderation.holds.model import PRESERVED_AFTER_ORDER, Ground
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices import queries
from folkmoot.moderation.notices.model import Notice, NoticeDecidedBefore, Urgency


async def join_removed(tx: WriteTx, notice: Notice, post_id: int, before_id: int | None) -> bool:
    """Joins a reliable notice to the case under which its post was removed; False if none was, or the notice has been decided.
    `before_id`: the case that it joined while nobody had verified its sender.

    Writes notice.joined to the journal, and hold.placed for a removal order; emits notice.decided_before.
    """
    case = await _lock_removal(tx, post_id)
    if case is None:
        return False
    if before_id == case.id:  # verified after the decision
        await _preserve(tx, notice, case)
        return True
    if before_id:
        before = await lock_case(tx, before_id)
        if before.state is not State.OPEN:
            return False
        await queries.update_notice_case(tx, notice.id, before.id, case.id)
        if not await queries.is_pointed_out(tx, before.id):
            await withdraw_cases(tx, [before])
    else:
        await queries.insert_notice_case(tx, notice.id, case.id)
    await record_step(tx, Step.NOTICE_JOINED, case_id=case.id, notice=notice.id, number=notice.number, urgency=notice.urgency,
                      reliable=True, decided_before=True)
    await _preserve(tx, notice, case)
    tx.tell(NoticeDecidedBefore(notice_id=notice.id, number=notice.number))
    return True


async def _lock_removal(tx: WriteTx, post_id: int) -> Case | None:
    """The case of a removal that is in force, locked before the restriction as in a decision; meanwhile the post is not cleared."""
    case_id = await queries.find_removal_case(tx, post_id)
    if case_id is None:
        return None
    case = await lock_case(tx, case_id)
    return case if await queries.lock_removal(tx, post_id) else None


async def _preserve(tx: WriteTx, notice: Notice, case: Case) -> None:
    """Keeps what an authority ordered to remove for six months from the order (Regulation 2021/784 Art. 6(1)), if it was not cleared for
    good before."""
    if notice.urgency is Urgency.ORDER and await protect_subject(tx, Subject.POST, case.subject_id):
        await place_hold(tx, case, Ground.REMOVAL_ORDER, until=clock.now() + PRESERVED_AFTER_ORDER)
        await keep_held(tx, case)
