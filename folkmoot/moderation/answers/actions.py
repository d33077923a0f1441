"""Answers notices when their cases are decided, and again when an appeal has changed a decision (DSA Art. 16(5))."""

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.moderation.answers.model import ANCHOR_JOB, AnchorAnswer
from folkmoot.moderation.appeals.queries import list_objecting_notices, take_untold_objections
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices.actions.reading import mail_sender
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import LIFECYCLE, Notice, NoticeAnswered, Outcome, State
from folkmoot.moderation.notices.queries import get_notice, list_notices_of_case, list_outcomes, lock_notice, update_notice, update_told
from folkmoot.moderation.verdicts.queries import get_first_case_id

WITHDRAWN = "withdrawn"  # the action of an answer about something that its author has deleted


async def answer_notices(tx: WriteTx, intake: Intake, case_id: int) -> int:
    """Answers each notice whose cases are all over; returns how many were told something new. A second call does nothing.

    `case_id`: a case that was decided or withdrawn, or the case of an appeal. Writes notice.answered to the journal for each
    decision, mails the sender, emits notice.answered, and enqueues the job that makes the evidence provable.
    """
    first_case_id = await get_first_case_id(tx, case_id)
    objecting = await list_objecting_notices(tx, case_id)
    told = 0
    for found in await list_notices_of_case(tx, first_case_id):
        told += await answer_notice(tx, intake, found.id, is_objecting=found.id in objecting)
    return told


async def answer_notice(tx: WriteTx, intake: Intake, notice_id: int, *, is_objecting: bool = False) -> int:
    """Answers one notice, if its cases are all over. A second call does nothing."""
    notice = await lock_notice(tx, notice_id)
    outcomes = await list_outcomes(tx, notice.id)
    if not outcomes or not all(outcome.is_over for outcome in outcomes):
        return 0
    return await _answer(tx, intake, notice, outcomes, is_objecting=is_objecting)


async def answer_objections(tx: WriteTx, intake: Intake, case_id: int) -> None:
    """Mails the senders of notices whose appeals in this case are closed. A second call does nothing."""
    for notice_id in await take_untold_objections(tx, case_id, clock.now()):
        mail_sender(tx, intake, await get_notice(tx, notice_id), "notice_objection")


async def _answer(tx: WriteTx, intake: Intake, notice: Notice, outcomes: list[Outcome], *, is_objecting: bool) -> int:
    """`is_objecting`: the sender has appealed, and gets one mail about that, from `answer_objections`."""
    news = [
        outcome for outcome in outcomes
        if await update_told(tx, notice.id, outcome.case_id, outcome.verdict_id) or (
            notice.state is not State.ANSWERED and outcome.verdict_id is None)
    ]
    if not news:
        return 0
    for outcome in news:
        await record_step(tx, Step.NOTICE_ANSWERED, case_id=outcome.case_id, notice=str(notice.id), number=notice.number,
                          verdict=str(outcome.verdict_id) if outcome.verdict_id else None, action=outcome.action or WITHDRAWN,
                          clause=outcome.clause)
    is_first = notice.state is not State.ANSWERED
    if is_first:
        notice = msgspec.structs.replace(notice, state=LIFECYCLE.step(notice.state, State.ANSWERED), answered_at=clock.now())
        await update_notice(tx, notice)
    if not is_objecting:
        mail_sender(tx, intake, notice, "notice_answer" if is_first else "notice_changed")
    tx.tell(NoticeAnswered(notice_id=notice.id, number=notice.number))
    tx.enqueue(ANCHOR_JOB, AnchorAnswer(notice.id))
    return 1
